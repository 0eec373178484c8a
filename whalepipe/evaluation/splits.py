"""A gallery and queries out of one stock of crops, nearly the same photos and encounters kept on one side."""

from collections.abc import Sequence
from enum import StrEnum

from whalepipe.errors import TableError
from whalepipe.evaluation.stock import Stock, named
from whalepipe.progress import Progress, silent
from whalepipe.training.alike import chance, difference_hash, sights


class Split(StrEnum):
    """Who is asked for: encounters of known animals, new animals beside them, or animals never to be trained on."""

    closed = "closed"
    open = "open"
    disjoint = "disjoint"


def split(stock: Stock, kind: Split, held_out: float, seed: int, progress: Progress = silent) -> tuple[Stock, Stock]:
    """The gallery and the queries.

    closed: of each individual that was met twice and more a share of its encounters (one at least, never all) is asked
    for. open: so too, and a share of the individuals is asked for with all photos and absent from the gallery.
    disjoint: only that share of the individuals, split as in closed; train on the others. Crops of nobody known are on
    neither side. Raises TableError where either side is empty, PhotoError naming a file that cannot be read.
    """
    rows = [row for row in stock.rows if named(row)]
    stock = stock.chosen(named)
    names = [row.individual.strip() for row in rows]
    hashes = [difference_hash(stock.pixels(i)) for i in progress("alike", range(len(rows)))]
    met = sights(names, [row.encounter for row in rows], hashes)
    apart = {name for name in set(names) if chance(seed, "individual", name) < held_out}
    if kind == Split.disjoint:
        away = _asked(names, met, apart, held_out, seed)
        return _sides(stock, [i for i, n in enumerate(names) if n in apart and i not in away], away)
    new = {i for i, name in enumerate(names) if kind == Split.open and name in apart}
    asked = new | _asked(names, met, set(names) - {names[i] for i in new}, held_out, seed)
    return _sides(stock, [i for i in range(len(names)) if i not in asked], asked)


def _asked(names: Sequence[str], met: Sequence[int], whom: set[str], held_out: float, seed: int) -> set[int]:
    """The rows of these individuals' encounters that are asked for."""
    encounters: dict[str, set[int]] = {}
    for name, number in zip(names, met, strict=True):
        encounters.setdefault(name, set()).add(number)
    away = set()
    for name in whom:
        drawn = sorted(encounters[name], key=lambda number: chance(seed, "encounter", f"{name}/{number}"))
        count = min(max(1, round(held_out * len(drawn))), len(drawn) - 1)
        away |= {(name, number) for number in drawn[:count]}
    return {i for i, seen in enumerate(zip(names, met, strict=True)) if seen in away}


def _sides(stock: Stock, gallery: Sequence[int], queries: set[int]) -> tuple[Stock, Stock]:
    if not gallery or not queries:
        raise TableError(
            f"{stock.source}: cannot be split into a gallery and queries; of {len(stock.rows)} named crops "
            f"{len(gallery)} would be known and {len(queries)} asked for. Give another --held-out or --split"
        )
    return stock.placed(gallery), stock.placed(sorted(queries))
