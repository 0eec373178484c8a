"""Each crop's likeliest fellow and likeliest crop of another individual: exact, in blocks, in bounded memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 2048  # rows and columns of the table of all cosines that are in memory
FEW = 0.3  # share of the crops, at most, that are compared anew; where more changed, all are
GONE = -2  # the place of a crop that is no longer there

Vectors = NDArray[np.float32]
Places = NDArray[np.intp]
Each = Callable[[Sequence[Places]], Iterable[Places]]


@dataclass(frozen=True)
class Best:
    """For each of n crops the highest cosine and the place of the crop that has it; -inf and -1 where there is none."""

    cosine: Vectors
    at: Places

    @classmethod
    def none(cls, count: int, above: float = -np.inf) -> "Best":
        """Nothing found yet, and nothing wanted that is not `above`."""
        return cls(np.full(count, above, np.float32), np.full(count, -1))

    def take(self, rows: Places, columns: Places, cosines: Vectors) -> None:
        """Keep what is better than before in (rows, columns); of equal ones the first stays."""
        highest = cosines.max(axis=1)
        better = np.flatnonzero(highest > self.cosine[rows])
        if better.size:
            self.cosine[rows[better]] = highest[better]
            self.at[rows[better]] = columns[cosines[better].argmax(axis=1)]


@dataclass(frozen=True)
class Shelf:
    """n crops: `rows` (n,) of the unit vectors (any number, dimension), those of one individual side by side.

    `owners` (n,) are the individuals' numbers, sorted; `numbers` (n,) the crops' own. The vectors are never copied as
    a whole.
    """

    vectors: Vectors
    rows: Places
    owners: Places
    numbers: Places

    def cosines(self, rows: Places, columns: Places) -> Vectors:
        """Of crops with crops."""
        return np.asarray(self.vectors[self.rows[rows]] @ self.vectors[self.rows[columns]].T)

    def cosines_apart(self, rows: Places, columns: Places) -> Vectors:
        """The same, -inf of two crops of one individual."""
        cosines, mine, theirs = self.cosines(rows, columns), self.owners[rows], self.owners[columns]
        if mine[-1] >= theirs[0] and theirs[-1] >= mine[0]:
            cosines[mine[:, None] == theirs] = -np.inf
        return cosines


def fellows(shelf: Shelf, sides: Places) -> Best:
    """The likeliest crop of the same individual; `sides` (n,) are -1, 1, or 0: either.

    Crops of two sides are not compared.
    """
    count = len(shelf.owners)
    found = Best.none(count)
    starts = np.flatnonzero(np.diff(shelf.owners, prepend=-1))
    for places in np.split(np.arange(count), starts[1:]):
        for rows in _blocks(places):
            for columns in _blocks(places):
                cosines = shelf.cosines(rows, columns)
                cosines[np.multiply.outer(sides[rows], sides[columns]) < 0] = -np.inf
                if rows[0] == columns[0]:
                    np.fill_diagonal(cosines, -np.inf)
                found.take(rows, columns, cosines)
    return found


class Memory:
    """What was the likeliest crop of another individual, so that after a change only what it concerns is compared."""

    def __init__(self) -> None:
        nobody = np.zeros(0, dtype=np.intp)
        self._shelf = Shelf(np.zeros((0, 1), np.float32), nobody, nobody, nobody)
        self._found = Best.none(0)

    def others(self, shelf: Shelf, above: float, each: Each) -> Best:
        """The likeliest crop of another individual, none whose cosine is not `above`, which is the same every time."""
        found, fresh = self._known(shelf, above)
        if len(fresh) > FEW * len(shelf.owners):
            found = _all(shelf, above, each)
        else:
            everybody = _blocks(np.arange(len(shelf.owners)))
            for rows in each(_blocks(fresh)):
                for columns in everybody:
                    cosines = shelf.cosines_apart(rows, columns)
                    found.take(rows, columns, cosines)
                    found.take(columns, rows, cosines.T)
        self._found = found
        self._shelf = Shelf(np.zeros((0, 1), np.float32), shelf.rows, shelf.owners, shelf.numbers)
        return Best(np.where(found.at < 0, np.float32(-np.inf), found.cosine), found.at)

    def _known(self, shelf: Shelf, above: float) -> tuple[Best, Places]:
        """What still holds, and the places of the crops for which nothing does."""
        before, found = self._shelf, Best.none(len(shelf.owners), above)
        here = {number: place for place, number in enumerate(shelf.numbers.tolist())}
        owners = {owner for owner, *_ in _households(before) & _households(shelf)}  # with the crops that they had
        known = np.zeros(len(shelf.owners), dtype=np.bool_)
        for place, (number, owner) in enumerate(zip(before.numbers.tolist(), before.owners.tolist(), strict=True)):
            at = int(self._found.at[place])
            likeliest = here.get(int(before.numbers[at]), GONE) if at >= 0 else -1
            if owner in owners and likeliest != GONE:
                now = here[number]
                found.cosine[now], found.at[now], known[now] = self._found.cosine[place], likeliest, True
        return found, np.flatnonzero(~known)


def _households(shelf: Shelf) -> set[tuple[int, ...]]:
    """The number of each individual and those of its crops."""
    if not len(shelf.owners):
        return set()
    starts = np.flatnonzero(np.diff(shelf.owners, prepend=-1))
    some = np.split(shelf.numbers, starts[1:])
    return {(owner, *numbers.tolist()) for owner, numbers in zip(shelf.owners[starts].tolist(), some, strict=True)}


def _all(shelf: Shelf, above: float, each: Each) -> Best:
    """Each pair of crops is compared once: a block of cosines serves its rows and its columns."""
    found = Best.none(len(shelf.owners), above)
    blocks = _blocks(np.arange(len(shelf.owners)))
    for rows in each(blocks):
        for columns in blocks[rows[0] // AT_ONCE :]:
            cosines = shelf.cosines_apart(rows, columns)
            found.take(rows, columns, cosines)
            if rows[0] != columns[0]:
                found.take(columns, rows, cosines.T)
    return found


def _blocks(places: Places) -> list[Places]:
    return [places[begin : begin + AT_ONCE] for begin in range(0, len(places), AT_ONCE)]
