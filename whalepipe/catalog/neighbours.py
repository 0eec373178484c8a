"""Each crop's likeliest fellow and likeliest crop of another individual: exact, in blocks, in bounded memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 2048  # rows and columns of the table of all cosines that are in memory

Vectors = NDArray[np.float32]
Places = NDArray[np.intp]
Each = Callable[[Sequence[slice]], Iterable[slice]]


@dataclass(frozen=True)
class Best:
    """For each of n crops the highest cosine and the place of the crop that has it; -inf and -1 where there is none."""

    cosine: Vectors
    at: Places

    @classmethod
    def none(cls, count: int) -> "Best":
        """Nothing found yet."""
        return cls(np.full(count, -np.inf, np.float32), np.full(count, -1))

    def take(self, rows: slice, columns: slice, cosines: Vectors) -> None:
        """Keep what is better than before in (rows, columns); of equal ones the first stays."""
        highest = cosines.max(axis=1)
        better = np.flatnonzero(highest > self.cosine[rows])
        if better.size:
            self.cosine[rows][better] = highest[better]
            self.at[rows][better] = columns.start + cosines[better].argmax(axis=1)


@dataclass(frozen=True)
class Shelf:
    """n crops: `rows` (n,) of the unit vectors (any number, dimension), those of one individual side by side.

    `owners` (n,) are the individuals' numbers, sorted. The vectors are never copied as a whole.
    """

    vectors: Vectors
    rows: Places
    owners: Places

    def cosines(self, rows: slice, columns: slice) -> Vectors:
        """Of crops with crops."""
        return np.asarray(self.vectors[self.rows[rows]] @ self.vectors[self.rows[columns]].T)


def fellows(shelf: Shelf, sides: Places) -> Best:
    """The likeliest crop of the same individual; `sides` (n,) are -1, 1, or 0: either.

    Crops of two sides are not compared.
    """
    count = len(shelf.owners)
    found = Best.none(count)
    starts: list[int] = np.flatnonzero(np.diff(shelf.owners, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        for rows in _blocks(start, end):
            for columns in _blocks(start, end):
                cosines = shelf.cosines(rows, columns)
                cosines[np.multiply.outer(sides[rows], sides[columns]) < 0] = -np.inf
                if rows == columns:
                    np.fill_diagonal(cosines, -np.inf)
                found.take(rows, columns, cosines)
    return found


def others(shelf: Shelf, above: float, each: Each) -> Best:
    """The likeliest crop of another individual, none whose cosine is not `above`.

    Each pair of crops is compared once: a block of cosines serves its rows and its columns.
    """
    owners = shelf.owners
    count = len(owners)
    found = Best.none(count)
    found.cosine[:] = above
    ends = np.searchsorted(owners, owners, side="right")
    blocks = _blocks(0, count)
    for rows in each(blocks):
        for columns in blocks[rows.start // AT_ONCE :]:
            cosines = shelf.cosines(rows, columns)
            _leave_out_fellows(cosines, rows, columns, owners, ends)
            found.take(rows, columns, cosines)
            if rows != columns:
                found.take(columns, rows, cosines.T)
    found.cosine[found.at < 0] = -np.inf
    return found


def _leave_out_fellows(cosines: Vectors, rows: slice, columns: slice, owners: Places, ends: Places) -> None:
    """Of the rows whose individuals reach into the columns, which are not before them."""
    for row in range(rows.start, rows.stop):
        if ends[row] > columns.start:
            begin = np.searchsorted(owners, owners[row], side="left")
            cosines[row - rows.start, max(begin - columns.start, 0) : ends[row] - columns.start] = -np.inf


def _blocks(start: int, end: int) -> list[slice]:
    return [slice(begin, min(begin + AT_ONCE, end)) for begin in range(start, end, AT_ONCE)]
