"""Real seas: windows of photos in which no box lies, for rendered animals to stand in."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.errors import PhotoError, TableError
from whalepipe.photos import read_photo
from whalepipe.tables import BoxLabel, read_table
from whalepipe.training.boxes import Example, labelled

Pixels = NDArray[np.uint8]
READ = 2.5  # widths of a window that a photo's long side is brought to at most, so that a window shows enough of it
BLURRED = 2.0  # pixels (sigma): a softer window is out of focus, and so would be an animal in it
SCALES = (1.5, 1.0, 0.75)  # how wide a piece of that photo becomes a window, in widths of the window


class Seas:
    """Photos whose boxes are all known, and the box-free windows in them."""

    def __init__(self, tables: Sequence[tuple[Path, Path]], without: Sequence[str] = ()) -> None:
        """Tables of boxes, each with the folder of its photos; `without` as in `labelled`.

        A photo that its table does not name is not used: nobody said where in it there are animals.
        Raises TableError for a wrong table, and where no photo is left.
        """
        self._examples = [e for table, photos in tables for e in labelled(table, photos, _parts(table), without)]
        self._bare: set[int] = set()  # numbers of photos that are known to have no window
        if not self._examples:
            raise TableError("no photo is left to take seas from: see --without and the tables")

    def window(self, rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
        """A window (height, width, 3) uint8 RGB of `size` (width, height) of a photo drawn by chance.

        Raises TableError where a photo cannot be read, and where none has room beside its boxes.
        """
        for number in rng.permutation(len(self._examples)):
            scales = rng.permutation(SCALES)
            if number in self._bare:
                continue
            found = _window(self._examples[number], rng, size, scales)
            if found is not None:
                return found
            self._bare.add(int(number))
        raise TableError("no photo has a window of sea beside its boxes: rendered animals cannot stand there")


def _parts(table: Path) -> list[str]:
    """Whatever the boxes show, trained or not, is no sea."""
    return sorted({row.part for row in read_table(table, BoxLabel, aliases=True)})


def _window(
    example: Example, rng: np.random.Generator, size: tuple[int, int], scales: NDArray[np.float64]
) -> Pixels | None:
    from whalepipe.render.paste import look_of, tiles

    try:
        photo = read_photo(example.path)
    except PhotoError as error:
        raise TableError(f"{example.path}: {error}") from error
    shrunk = min(1.0, READ * size[0] / max(photo.shape[:2]))
    photo = _resized(photo, (round(photo.shape[1] * shrunk), round(photo.shape[0] * shrunk)))
    for scale in scales:
        width, height = (round(scale * side) for side in size)
        places = tiles(photo, example.boxes[:, 1:] * shrunk, (width, height))
        for left, top in rng.permutation(places):
            window = _resized(photo[top : top + height, left : left + width], size)
            if look_of(window).soft <= BLURRED:
                return window
    return None


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    shrinks = size[0] < pixels.shape[1]
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
