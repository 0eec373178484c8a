"""The catalogue's embeddings, and search among them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.search.exact import Shelf, arranged
from whalepipe.catalog.search.found import Found, Nearest, Rest, Searched, Shot
from whalepipe.models.details import Details

__all__ = ["Found", "Gallery", "Nearest", "Rest", "Shot"]


@dataclass(frozen=True)
class Gallery:
    """Crops of known individuals and their unit vectors, (number of shots, dimension) float32, row for row."""

    shots: Sequence[Shot] = ()
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), dtype=np.float32))
    revision: str = ""  # changes whenever the catalogue does
    details: Callable[[int], Details] | None = None  # of a row; None where no crop can be looked at closely
    shelve: Callable[[str], Searched] | None = None  # makes what searches a part, in the place of `vectors`
    _shelves: dict[str, Searched] = field(default_factory=dict, init=False, repr=False, compare=False)  # by part

    def individuals(self, part: str) -> list[str]:
        """The individuals of which the gallery has a crop of this part."""
        return sorted({s.individual for s in self.shots if s.part == part})

    def views(self) -> dict[tuple[str, str], set[str]]:
        """The views that the gallery holds of each individual's part, by individual and part."""
        return self._views

    @cached_property
    def _views(self) -> dict[tuple[str, str], set[str]]:
        held: dict[tuple[str, str], set[str]] = {}
        for shot in self.shots:
            held.setdefault((shot.individual, shot.part), set()).add(shot.view)
        return held

    def nearest(self, part: str, queries: NDArray[np.float32], crops: int = 1) -> list[list[Nearest]]:
        """For each query, (n, dimension), the best crop of every individual of this part, best first.

        Exact search over all crops of an individual, not over its mean; `crops` of them are listed. Scores are rounded
        before they are compared, so that ties fall the same way on every machine; equal ones are ordered by name.
        """
        return [list(self.search(part, query, crops, len(self.shots)).nearest) for query in queries]

    def search(
        self, part: str, query: NDArray[np.float32], crops: int, most: int, less: Collection[str] = frozenset()
    ) -> Found:
        """As `nearest` for one query, (dimension,), of which no more than `most` individuals need be listed.

        Those of `less`, which count less, take no other's place.
        """
        if part not in self._shelves:
            self._shelves[part] = (self.shelve or self._shelved)(part)
        return self._shelves[part].search(query, crops, most, less)

    def _shelved(self, part: str) -> Shelf:
        order = arranged(self.shots, part)
        return Shelf(self.shots, order, self.vectors[order.rows])
