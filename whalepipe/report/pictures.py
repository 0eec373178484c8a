"""The page's small pictures: how large they may be for the page to go by mail, and where they lie."""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whalepipe.errors import PhotoError
from whalepipe.explain.table import FOLDER as EXPLAINED
from whalepipe.files import storing, write_aside
from whalepipe.photos import decode, fitted, read_photo

if TYPE_CHECKING:
    from whalepipe.catalog.store import Catalog

SIDES = (400, 320, 240, 160)  # pixels, the longer side; the first that the page has room for
BESIDE = SIDES[1]  # of those that lie beside it
WEBP_QUALITY = 75
AIM = 22_000_000  # bytes that the pictures inside a page may take by estimate, as text
LIMIT = 28_000_000  # bytes of a page: one that grows larger gets its pictures beside it
SAMPLE = 40  # pictures measured for the estimate
AHEAD = 32  # pictures begun before the page comes to them, a few kB each
TEXT_PER_BYTE = 4 / 3  # of base64
FOLDER = "report-pictures"
WIDER = 3  # than a crop an explanation is shown: it holds four pairs of them


@dataclass(frozen=True)
class Source:
    """A picture: a crop of this run, or, where `individual` is given, one of the catalogue's, or an explanation."""

    crop: str
    individual: str = ""
    explains: bool = False  # a picture of `whalepipe explain`, by its own name


@dataclass(frozen=True)
class Encoded:
    """A small picture as the bytes of a WebP."""

    data: bytes
    width: int
    height: int


Encode = Callable[[Source], Encoded | None]  # None where there is no picture


@dataclass(frozen=True)
class Shown:
    """A picture as the page has it. `link` is empty where the page holds it already, as the element `name`."""

    name: str
    link: str
    width: int
    height: int


class Album(Protocol):
    """Where the page gets its pictures."""

    def __call__(self, source: Source, /) -> Shown | None:
        """None where there is no picture to show."""
        ...


@dataclass(frozen=True)
class Originals:
    """The pictures at their full size."""

    crops: Path  # folder
    catalog: "Catalog | None"

    def small(self, source: Source, side: int) -> NDArray[np.uint8] | None:
        """(height, width, 3) uint8 RGB, the longer side at most `side` pixels; None where there is none."""
        try:
            if source.explains:
                return shrunk(read_photo(self.crops.parent / EXPLAINED / source.crop), WIDER * side)
            if not source.individual:
                return shrunk(read_photo(self.crops / source.crop, 2 * side), side)
            data = self.catalog.picture(source.individual, source.crop) if self.catalog else b""
            return shrunk(decode(data), side) if data else None
        except PhotoError:
            return None

    def encoded(self, side: int, source: Source) -> Encoded | None:
        """The same as the page has it."""
        picture = self.small(source, side)
        return None if picture is None else Encoded(webp(picture), picture.shape[1], picture.shape[0])

    def side(self, sources: Sequence[Source], pool: Executor) -> int | None:
        """The largest of SIDES at which all pictures have room in one page, by a sample; None where none has."""
        sample = sources[:: max(1, len(sources) // SAMPLE)]
        largest = [p for p in pool.map(lambda source: self.small(source, SIDES[0]), sample) if p is not None]
        for side in SIDES:
            total = sum(pool.map(lambda picture, side=side: len(webp(shrunk(picture, side))), largest))
            if total / max(1, len(largest)) * len(sources) * TEXT_PER_BYTE <= AIM:
                return side
        return None


class Ahead:
    """Makes the pictures of a page in several threads, a few before the page comes to them."""

    def __init__(self, encode: Encode, sources: Sequence[Source], pool: Executor) -> None:
        """`sources`: what the page shows, about in its order."""
        self._encode, self._pool = encode, pool
        self._coming, self._asked = iter(sources), set[Source]()
        self._begun: dict[Source, Future[Encoded | None]] = {}

    def __call__(self, source: Source) -> Encoded | None:
        """The picture, which is then forgotten; None where there is none."""
        self._asked.add(source)
        while len(self._begun) < AHEAD and (following := next(self._coming, None)) is not None:
            if following not in self._asked:
                self._begun[following] = self._pool.submit(self._encode, following)
        begun = self._begun.pop(source, None)
        return begun.result() if begun else self._encode(source)


@dataclass
class Inside:
    """Pictures in the page itself, each once: a catalogue's picture stands beside many crops."""

    encode: Encode
    shown: dict[Source, Shown | None] = field(default_factory=dict)

    def __call__(self, source: Source) -> Shown | None:
        """The picture with its data the first time, and a reference to it from then on."""
        if source in self.shown:
            return self.shown[source]
        picture = self.encode(source)
        if picture is None:
            self.shown[source] = None
            return None
        shown = self.shown[source] = Shown(f"p{len(self.shown)}", "", picture.width, picture.height)
        return replace(shown, link=inline(picture.data))


@dataclass
class Beside:
    """Pictures in a folder beside the page, each named after its bytes."""

    encode: Encode
    folder: Path
    shown: dict[Source, Shown | None] = field(default_factory=dict)

    def __call__(self, source: Source) -> Shown | None:
        """The picture, written at the first time. Raises StorageError."""
        if source not in self.shown:
            picture = self.encode(source)
            self.shown[source] = None if picture is None else self._kept(picture)
        return self.shown[source]

    def _kept(self, picture: Encoded) -> Shown:
        name = hashlib.sha256(picture.data).hexdigest()[:24] + ".webp"
        if not (self.folder / name).exists():
            write_aside(self.folder / name, picture.data)
        return Shown(name, f"{self.folder.name}/{name}", picture.width, picture.height)

    def names(self) -> set[str]:
        """Files that the page shows."""
        return {s.name for s in self.shown.values() if s}


def forget(folder: Path, keep: set[str]) -> None:
    """Remove the pictures of earlier pages. Raises StorageError."""
    with storing(folder):
        for path in _pictures(folder):
            if path.name not in keep:
                path.unlink(missing_ok=True)
        if folder.is_dir() and not keep and not any(folder.iterdir()):
            folder.rmdir()


def count(folder: Path) -> int:
    """How many pictures lie beside the page."""
    return sum(1 for _ in _pictures(folder))


def _pictures(folder: Path) -> Iterator[Path]:
    return (p for p in folder.glob("*.webp") if len(p.stem) == 24)


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture (height, width, 3) with its longer side at most `side` pixels."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    return np.asarray(cv2.resize(pixels, fitted(width, height, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def inline(data: bytes) -> str:
    """The bytes of a WebP as a link that holds them."""
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def webp(pixels: NDArray[np.uint8]) -> bytes:
    """The bytes of a picture: two thirds of a JPEG that looks the same.

    Method 2 of 6 takes a third of the time of the encoder's own choice for a twentieth more bytes.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=WEBP_QUALITY, method=2)
    return out.getvalue()
