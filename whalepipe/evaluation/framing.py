"""Crops as the pipeline would have them, with the animal's box in each: ready ones, and boxes that people graded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.boxes import Corners, window
from whalepipe.config import CropConfig
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation.degrade import Framed
from whalepipe.photos import inside, read_photo
from whalepipe.tables import Detection, GradeLabel, fits, read_table

MARGIN = CropConfig().margin


def ready(pixels: npt.NDArray[np.uint8]) -> Framed:
    """A ready crop: the box and, around it, the margin that the pipeline leaves."""
    height, width = pixels.shape[:2]
    x, y = (side * MARGIN / (1 + 2 * MARGIN) for side in (width, height))
    return Framed(pixels, (x, y, width - x, height - y))


def graded(table: Path, photos: Path, without: Sequence[str] = ()) -> Iterator[tuple[GradeLabel, Framed]]:
    """The crops that people graded. `without` holds glob patterns of encounters, photos and halves to leave out.

    Raises TableError, PhotoError naming the file.
    """
    rows = [r for r in read_table(table, GradeLabel, aliases=True) if not fits(without, r.encounter, r.photo, r.half)]
    for row in rows:
        try:
            yield row, _cut(read_photo(inside(photos, row.photo)), row)
        except PhotoError as error:
            raise PhotoError(f"{photos / row.photo}: {error}") from error


def _cut(photo: npt.NDArray[np.uint8], row: GradeLabel) -> Framed:
    """A box of a photo with the margin that the pipeline leaves; without a box the photo is a ready crop."""
    if row.says_empty:
        return ready(photo)
    if row.fault():
        raise TableError(f"{row.photo}: {row.fault()}")
    return framed(photo, Detection(row.photo, "", 0, row.part, *row.corners, 1.0))


def framed(photo: npt.NDArray[np.uint8], box: Corners) -> Framed:
    """A box of a photo, (height, width, 3) uint8 RGB, with the margin that the pipeline leaves."""
    left, top, right, bottom = window(box, MARGIN, photo.shape[1], photo.shape[0])
    pixels = np.ascontiguousarray(photo[top:bottom, left:right])
    return Framed(pixels, (box.xmin - left, box.ymin - top, box.xmax - left, box.ymax - top))
