"""A photo while it is worked on: read once, decoded once in full size, its crops known without reading them back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whalepipe.jpeg import Canvas
from whalepipe.listed import File, Source
from whalepipe.photos import read_photo

Picture = NDArray[np.uint8]


def read_file(found: File) -> bytes | None:
    """What a photo's file holds; None where it is no photo, too large or cannot be read. Raises PhotoError."""
    return None if found.note else found.read()


class Opened:
    """One photo's file and what was made of it so far. Pictures are (height, width, 3) uint8 RGB, not to be changed."""

    def __init__(
        self, found: File, max_megapixels: float, data: bytes | None = None, canvas: Canvas | None = None
    ) -> None:
        """`data` is what the file held when it was listed; without it is read when first needed."""
        self.found, self._most, self._data, self._canvas = found, max_megapixels, data, canvas
        self._full: Picture | None = None
        self.written: dict[str, bytes] = {}  # its crops, by file name
        self.crops: dict[str, Picture] = {}

    def pixels(self, max_side: int | None = None) -> Picture:
        """The upright photo, as `read_photo` has it. Raises PhotoError, also where it changed since listing."""
        if max_side is not None:
            return read_photo(self.source, max_side, self._most)
        if self._full is None:
            self._full = read_photo(self.source, None, self._most, self._canvas)
        return self._full

    @property
    def source(self) -> Source:
        """What the file held when it was listed, or the file itself where it is too large. Raises PhotoError."""
        if self._data is None:
            self._data = read_file(self.found)
        self.found.check()
        return self.found.source if self._data is None else self._data


class Desk(threading.local):
    """The photo that a thread works on, and the memory that it decodes into."""

    def __init__(self) -> None:
        self._canvas = Canvas()
        self._opened: Opened | None = None

    @contextmanager
    def opened(self, found: File, max_megapixels: float, data: bytes | None) -> Iterator[None]:
        """Within, this photo lies open."""
        self._opened = Opened(found, max_megapixels, data, self._canvas)
        try:
            yield
        finally:
            self._opened = None

    def photo(self, found: File, max_megapixels: float) -> Opened:
        """This photo: the open one, or opened for the moment."""
        held = self._opened
        return held if held and held.found is found else Opened(found, max_megapixels)

    def keep(self, name: str, data: bytes) -> None:
        """Remember what was written as a crop of the open photo."""
        if self._opened:
            self._opened.written[name] = data

    def crop(self, name: str, folder: Path) -> Picture:
        """The pixels of a crop whose file lies in `folder`. Raises PhotoError."""
        if self._opened is None:
            return read_photo(folder / name)
        if name not in self._opened.crops:
            self._opened.crops[name] = read_photo(self._opened.written.get(name) or folder / name)
        return self._opened.crops[name]
