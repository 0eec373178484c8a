"""What is searched, and what a search tells."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shot:
    """A crop of a known individual."""

    crop: str
    individual: str
    part: str
    encounter: str = ""
    view: str = "unknown"


@dataclass(frozen=True, slots=True)
class Nearest:
    """The best crop of one individual for one query."""

    shot: Shot
    score: float  # cosine, -1 to 1: the highest of the individual's crops
    rows: tuple[int, ...] = ()  # of the gallery: the individual's crops, nearest first, as many as were asked for


@dataclass(frozen=True)
class Rest:
    """The individuals that a search does not list, or, where they are very many, some that stand for all of them."""

    individuals: Sequence[str]
    scores: NDArray[np.float64]  # cosine of each one's best crop, as exact as those of the listed
    each: float  # how many of the unlisted one of these stands for


@dataclass(frozen=True)
class Found:
    """What a search found for one query."""

    nearest: Sequence[Nearest]  # best first; equal ones in the order of their names
    rest: Rest | None = None  # None: every individual is listed


class Searched(Protocol):
    """The crops of one part, to be searched."""

    def search(self, query: NDArray[np.float32], crops: int, most: int, less: Collection[str] = frozenset()) -> Found:
        """The individuals that look most like the query, a unit vector (dimension,), with `crops` crops of each.

        `most` of them are listed at least, or all there are, not counting those of `less`, of which those are listed
        that look more like it. All crops of a listed individual are compared, exactly.
        """
        ...
