"""The catalogue's embeddings, and exact search among them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whalepipe.models.details import Details


@dataclass(frozen=True)
class Shot:
    """A crop of a known individual."""

    crop: str
    individual: str
    part: str
    encounter: str = ""
    view: str = "unknown"


@dataclass(frozen=True)
class Nearest:
    """The best crop of one individual for one query."""

    shot: Shot
    score: float  # cosine, -1 to 1: the highest of the individual's crops
    rows: tuple[int, ...] = ()  # of the gallery: the individual's crops, nearest first, as many as were asked for


@dataclass(frozen=True)
class _Shelf:
    """The gallery's shots of one part, those of one individual side by side."""

    rows: Sequence[int]  # of the gallery
    starts: Sequence[int]  # of each individual, and the end
    vectors: NDArray[np.float64]


@dataclass(frozen=True)
class Gallery:
    """Crops of known individuals and their unit vectors, (number of shots, dimension) float32, row for row."""

    shots: Sequence[Shot] = ()
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), dtype=np.float32))
    revision: str = ""  # changes whenever the catalogue does
    details: Callable[[int], Details] | None = None  # of a row; None where no crop can be looked at closely
    _shelves: dict[str, _Shelf] = field(default_factory=dict, init=False, repr=False, compare=False)  # by part

    def individuals(self, part: str) -> list[str]:
        """The individuals of which the gallery has a crop of this part."""
        return sorted({s.individual for s in self.shots if s.part == part})

    def views(self) -> dict[tuple[str, str], set[str]]:
        """The views that the gallery holds of each individual's part, by individual and part."""
        held: dict[tuple[str, str], set[str]] = {}
        for shot in self.shots:
            held.setdefault((shot.individual, shot.part), set()).add(shot.view)
        return held

    def nearest(self, part: str, queries: NDArray[np.float32], crops: int = 1) -> list[list[Nearest]]:
        """For each query, (n, dimension), the best crop of every individual of this part, best first.

        Exact search over all crops of an individual, not over its mean; `crops` of them are listed. Scores are rounded
        before they are compared, so that ties fall the same way on every machine; equal ones are ordered by name.
        """
        if part not in self._shelves:
            self._shelves[part] = self._arranged(part)
        shelf = self._shelves[part]
        if not shelf.rows:
            return [[] for _ in queries]
        return [self._rank(shelf, np.round(shelf.vectors @ query.astype(np.float64), 4), crops) for query in queries]

    def _arranged(self, part: str) -> _Shelf:
        rows = sorted(
            (i for i, s in enumerate(self.shots) if s.part == part),
            key=lambda i: (self.shots[i].individual, self.shots[i].crop),
        )
        names = [self.shots[i].individual for i in rows]
        starts = [k for k in range(len(rows)) if k == 0 or names[k] != names[k - 1]]
        return _Shelf(rows, [*starts, len(rows)], self.vectors[rows].astype(np.float64))

    def _rank(self, shelf: _Shelf, cosines: NDArray[np.float64], crops: int) -> list[Nearest]:
        found = []
        for start, end in zip(shelf.starts, shelf.starts[1:], strict=False):
            order = start + np.argsort(-cosines[start:end], kind="stable")[:crops]
            rows = tuple(shelf.rows[int(k)] for k in order)
            found.append(Nearest(self.shots[rows[0]], float(cosines[order[0]]), rows))
        return sorted(found, key=lambda n: (-n.score, n.shot.individual))
