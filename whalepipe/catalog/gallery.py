"""The catalogue's embeddings, and exact search among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
    score: float  # cosine, -1 to 1


@dataclass(frozen=True)
class Gallery:
    """Crops of known individuals and their unit vectors, (number of shots, dimension) float32, row for row."""

    shots: Sequence[Shot] = ()
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), dtype=np.float32))
    revision: str = ""  # changes whenever the catalogue does

    def individuals(self, part: str) -> list[str]:
        """The individuals of which the gallery has a crop of this part."""
        return sorted({s.individual for s in self.shots if s.part == part})

    def views(self) -> dict[tuple[str, str], set[str]]:
        """The views that the gallery holds of each individual's part, by individual and part."""
        held: dict[tuple[str, str], set[str]] = {}
        for shot in self.shots:
            held.setdefault((shot.individual, shot.part), set()).add(shot.view)
        return held

    def nearest(self, part: str, queries: NDArray[np.float32]) -> list[list[Nearest]]:
        """For each query, (n, dimension), the best crop of every individual of this part, best first.

        Exact search over all crops of an individual, not over its mean. Scores are rounded before they are compared,
        so that ties fall the same way on every machine; equal ones are ordered by name.
        """
        rows = sorted(
            (i for i, s in enumerate(self.shots) if s.part == part),
            key=lambda i: (self.shots[i].individual, self.shots[i].crop),
        )
        if not rows:
            return [[] for _ in queries]
        vectors = self.vectors[rows].astype(np.float64)
        names = [self.shots[i].individual for i in rows]
        starts = [k for k in range(len(rows)) if k == 0 or names[k] != names[k - 1]]
        return [self._rank(rows, starts, vectors @ query.astype(np.float64)) for query in queries]

    def _rank(self, rows: list[int], starts: list[int], cosines: NDArray[np.float64]) -> list[Nearest]:
        cosines = np.round(cosines, 4)
        ends = [*starts[1:], len(rows)]
        best = [start + int(np.argmax(cosines[start:end])) for start, end in zip(starts, ends, strict=True)]
        ranked = sorted(best, key=lambda k: (-cosines[k], self.shots[rows[k]].individual))
        return [Nearest(self.shots[rows[k]], float(cosines[k])) for k in ranked]
