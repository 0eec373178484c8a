"""Labelled crops to evaluate on, wherever they lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.catalog.names import NO_NAMES
from whalepipe.errors import PhotoError
from whalepipe.models.embedder import Embedder
from whalepipe.photos import inside, read_photo
from whalepipe.progress import Progress
from whalepipe.tables import CropLabel, fits, read_table

Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]
# Labels that say who it is not: a query so labelled is new to every gallery. Other non-names say nothing.
NEW_NAMES = frozenset({"other", "new", "new_whale", "new_individual"})


@dataclass(frozen=True)
class Stock:
    """Crops of one part with their labels."""

    source: str  # what a message calls it
    folder: Path
    rows: Sequence[CropLabel]
    reader: Callable[[Path, CropLabel], Pixels]

    def pixels(self, place: int) -> Pixels:
        """(height, width, 3) uint8 RGB of the row at that place. Raises PhotoError naming the file."""
        try:
            return self.reader(self.folder, self.rows[place])
        except PhotoError as error:
            raise PhotoError(f"{self.folder / self.rows[place].crop}: {error}") from error

    def chosen(self, wanted: Callable[[CropLabel], bool]) -> "Stock":
        """Those rows that are wanted."""
        return replace(self, rows=[row for row in self.rows if wanted(row)])

    def placed(self, places: Sequence[int]) -> "Stock":
        """The rows at these places."""
        return replace(self, rows=[self.rows[place] for place in places])

    def vectors(self, model: Embedder, progress: Progress) -> Vectors:
        """Unit vectors, (rows, dimension) float32. Raises PhotoError naming the file."""
        return np.stack([model(self.pixels(place)) for place in progress("embed", range(len(self.rows)))])


def from_folder(folder: Path, labels: Path, part: str, without: Sequence[str] = ()) -> Stock:
    """The crops of a folder that a CSV of `CropLabel`s names as of this part, or of none. Raises TableError.

    `without` holds glob patterns of encounters and crops that are left out.
    """
    rows = read_table(labels, CropLabel, aliases=True)
    return Stock(str(labels), folder, _wanted(rows, part, without), _read)


def _read(folder: Path, row: CropLabel) -> Pixels:
    return read_photo(inside(folder, row.crop))


def _wanted(rows: Sequence[CropLabel], part: str, without: Sequence[str]) -> list[CropLabel]:
    return [r for r in rows if r.part in ("", part) and not fits(without, r.encounter, r.crop)]


def named(row: CropLabel) -> bool:
    """Whether a label says who it is."""
    return row.individual.strip().lower() not in NO_NAMES


def has_truth(row: CropLabel) -> bool:
    """Whether a label says who it is, or who it is not."""
    return named(row) or row.individual.strip().lower() in NEW_NAMES
