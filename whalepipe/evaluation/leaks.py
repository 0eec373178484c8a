"""Whether a split is fair: nearly the same photo of an animal on both sides makes naming it no feat."""

from collections.abc import Sequence

from whalepipe.errors import TableError
from whalepipe.evaluation.stock import Stock, named
from whalepipe.progress import Progress, silent
from whalepipe.training.alike import difference_hash, pairs_alike

# Bits of 64 in which the difference hashes of two files of one photo differ at most: of 400 copies of right whales'
# heads, encoded anew, made half as large, blurred or darkened, 97 to 100 of 100 do, and of their 19,498 pairs of
# different photos of one whale none.
BITS = 4
SHOWN = 3  # leaks that a message names

Leak = tuple[int, int]  # places of a query and of a gallery crop


def leaks(known: Stock, asked: Stock, progress: Progress = silent) -> list[Leak]:
    """The queries and gallery crops of one individual that are of one encounter, or nearly the same picture.

    Raises PhotoError naming the file.
    """
    names = {r.individual.strip() for r in known.rows} & {r.individual.strip() for r in asked.rows if named(r)}
    sides = [[i for i, r in enumerate(stock.rows) if r.individual.strip() in names] for stock in (known, asked)]
    met: dict[tuple[str, str], int] = {}
    for i in sides[0]:
        met.setdefault((known.rows[i].individual.strip(), known.rows[i].encounter), i)
    by_encounter = [
        (i, met[row.individual.strip(), row.encounter])
        for i in sides[1]
        if (row := asked.rows[i]).encounter and (row.individual.strip(), row.encounter) in met
    ]
    return sorted({*by_encounter, *_alike(known, asked, sides, progress)})


def _alike(known: Stock, asked: Stock, sides: Sequence[Sequence[int]], progress: Progress) -> list[Leak]:
    every = [(stock, i) for stock, side in zip((known, asked), sides, strict=True) for i in side]
    if not every:
        return []
    hashes = [difference_hash(stock.pixels(i)) for stock, i in progress("leaks", every)]
    held, wanted = hashes[: len(sides[0])], hashes[len(sides[0]) :]
    pairs = ((sides[1][i], sides[0][j]) for i, j in pairs_alike(wanted, held, BITS))
    return [(q, g) for q, g in pairs if asked.rows[q].individual.strip() == known.rows[g].individual.strip()]


def refuse(known: Stock, asked: Stock, found: Sequence[Leak]) -> TableError:
    """What to say of a split with leaks."""
    some = ", ".join(f"{asked.rows[q].crop} and {known.rows[g].crop}" for q, g in found[:SHOWN])
    return TableError(
        f"{asked.source}: {len({q for q, _ in found})} queries are nearly the same photo as one of that animal in "
        f"{known.source}, or of the same encounter ({some}{', ...' if len(found) > SHOWN else ''}); figures would "
        "flatter. Split by encounter, or score all the same with --allow-leaks"
    )
