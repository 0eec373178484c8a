"""Search with an index: which individuals look most like a query is read off it, all else is exact.

All crops of the individuals that are listed are compared as they are without an index. The others are not, but a
probability is a share of all, theirs too: so some of them, drawn by their names, are compared exactly as well and stand
for the rest. Where the catalogue has no more than can be drawn, they are all of them, and probabilities are exact.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.search import eight
from whalepipe.catalog.search.exact import Order, arranged, best, cosines, ranked
from whalepipe.catalog.search.found import Found, Rest, Shot
from whalepipe.catalog.search.kept import Index

VERSION = 1
LISTED = 64  # individuals at least: their crops are all compared
FIRST = 1024  # crops that the index is asked for; more where they are of fewer individuals
DRAWN = 32_768  # crops of individuals that stand for the others

Places = NDArray[np.int64]
Fetch = Callable[[Places], NDArray[np.float32]]  # the vectors of rows of the gallery


class Indexed:
    """The crops of one part, their vectors where they are kept and an index of them at hand."""

    def __init__(self, shots: Sequence[Shot], part: str, fetch: Fetch, index: Callable[[Places], Index]) -> None:
        """`index` opens that of the crops in these rows of the gallery, in this order."""
        self._shots, self._fetch = shots, fetch
        self._order = order = arranged(shots, part)
        self._names = [shots[row].individual for row in order.rows[order.starts[:-1]].tolist()]
        by_row = np.argsort(order.rows)
        self._index = index(order.rows[by_row])
        owners = order.owners[by_row]
        self._whose = np.where(self._index.places < 0, -1, owners[self._index.places])  # of each row of the index

    def search(self, query: NDArray[np.float32], crops: int, most: int, less: Collection[str] = frozenset()) -> Found:
        """See Searched.search."""
        listed = self._likely(query, max(most, LISTED), less)
        rest = self._rest(query, listed)
        if rest is None:
            listed = np.arange(len(self._names))
        order = self._order.of(listed)
        return Found(ranked(self._shots, order, cosines(self._fetch(order.rows), query), crops), rest)

    def _likely(self, query: NDArray[np.float32], most: int, less: Collection[str]) -> Places:
        """The individuals of the crops that the index has nearest, in the order of their names."""
        full = np.array([name not in less for name in self._names]) if less else np.ones(len(self._names), bool)
        rare = full.sum() <= most  # then all of them are listed, wherever they are, and the nearest of the others
        wanted, asked = full != rare, FIRST
        if wanted.sum() <= most:
            return np.arange(len(full))
        while True:
            met = self._met(query, asked)
            mine = np.flatnonzero(wanted[met])[:most]
            if len(mine) == most or asked >= len(self._whose):
                head = met[: mine[-1] + 1]  # with others that come before the last of them
                others = head[~wanted[head]][:most]
                return np.unique(np.concatenate([met[mine], others, np.flatnonzero(full & rare)]))
            asked *= 4

    def _met(self, query: NDArray[np.float32], asked: int) -> Places:
        """The individuals of so many crops, the nearest first, equal ones in the order of their names."""
        rows, scores = eight.scan(self._index.segments, query, asked)
        whose = self._whose[rows]
        whose, scores = whose[whose >= 0], scores[whose >= 0]
        whose = whose[np.lexsort((whose, -scores))]
        names, first = np.unique(whose, return_index=True)
        return np.asarray(names[np.argsort(first)])

    @cached_property
    def _drawn(self) -> tuple[Places, Order, NDArray[np.float32]]:
        """The individuals that stand for others, in the order of their names, with all of their crops."""
        lots = np.argsort([hashlib.sha256(name.encode()).hexdigest() for name in self._names])
        counts = np.cumsum(np.diff(self._order.starts)[lots])
        chosen = np.sort(lots[: max(1, int(np.searchsorted(counts, DRAWN, side="right")))])
        order = self._order.of(chosen)
        return chosen, order, self._fetch(order.rows)

    def _rest(self, query: NDArray[np.float32], listed: Places) -> Rest | None:
        """What stands for those who are not listed; None where nothing does."""
        chosen, order, vectors = self._drawn
        beyond = np.isin(chosen, listed, invert=True)
        if not beyond.any():
            return None
        scores = best(cosines(vectors, query), order)[beyond]
        names = [self._names[k] for k in chosen[beyond]]
        return Rest(names, scores, (len(self._names) - len(listed)) / len(names))
