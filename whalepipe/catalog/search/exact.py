"""Exact search: every crop of a part is compared."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.search.found import Found, Nearest, Shot

Cosines = NDArray[np.float64]
Places = NDArray[np.int64]
BLOCK = 256  # crops whose numbers are widened at a time: so few stay in the processor's cache
DECIMALS = 4


@dataclass(frozen=True)
class Order:
    """Crops, those of one individual side by side, individuals and the crops of each in the order of their names."""

    rows: Places  # (crops,): where each stands in the gallery
    starts: Places  # (individuals + 1,): where in `rows` the crops of each individual begin, and the end

    @property
    def owners(self) -> Places:
        """(crops,): the number of each crop's individual."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def of(self, individuals: Places) -> "Order":
        """The crops of some individuals alone, by their numbers."""
        counts = np.diff(self.starts)[individuals]
        ends = np.cumsum(counts)
        inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        places = np.repeat(self.starts[individuals], counts) + inside
        return Order(self.rows[places], np.concatenate([[0], ends]).astype(np.int64))


def arranged(shots: Sequence[Shot], part: str) -> Order:
    """The crops of one part in their order."""
    rows = [i for i, s in enumerate(shots) if s.part == part]
    rows.sort(key=lambda i: (shots[i].individual, shots[i].crop))
    names = [shots[i].individual for i in rows]
    starts = [k for k in range(len(rows)) if k == 0 or names[k] != names[k - 1]]
    return Order(np.array(rows, np.int64), np.array([*starts, len(rows)], np.int64))


def cosines(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> Cosines:
    """(crops,) of unit vectors (crops, dimension) with one (dimension,).

    Rounded before they are compared, so that ties fall the same way on every machine.
    """
    wide = query.astype(np.float64)
    begins = range(0, len(vectors), BLOCK)
    found = [vectors[begin : begin + BLOCK].astype(np.float64) @ wide for begin in begins]
    return np.asarray(np.round(np.concatenate(found), DECIMALS), np.float64) if found else np.zeros(0)


def best(scores: Cosines, order: Order) -> Cosines:
    """(individuals,): the highest score of each one's crops."""
    return np.asarray(np.maximum.reduceat(scores, order.starts[:-1])) if len(scores) else scores


def ranked(shots: Sequence[Shot], order: Order, scores: Cosines, crops: int) -> list[Nearest]:
    """Every individual of the order, the best first, equal ones in the order of their names."""
    top = best(scores, order)
    rows = order.rows[np.lexsort((-scores, order.owners))].tolist()  # stable: equal crops stay in their order
    starts = order.starts.tolist()
    found = []
    for k in np.argsort(-top, kind="stable").tolist():
        nearest = tuple(rows[starts[k] : min(starts[k] + crops, starts[k + 1])])
        found.append(Nearest(shots[nearest[0]], float(top[k]), nearest))
    return found


class Shelf:
    """The crops of one part with all their vectors in memory."""

    def __init__(self, shots: Sequence[Shot], order: Order, vectors: NDArray[np.float32]) -> None:
        """`vectors`, (crops, dimension), are in that order."""
        self._shots, self._order, self._vectors = shots, order, vectors

    def search(
        self,
        query: NDArray[np.float32],
        crops: int,
        most: int,  # noqa: ARG002
        less: Collection[str] = frozenset(),  # noqa: ARG002
    ) -> Found:
        """See Searched.search: all of them are listed."""
        return Found(ranked(self._shots, self._order, cosines(self._vectors, query), crops))
