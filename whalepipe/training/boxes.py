"""The detector's training set: photos as the detector will see them, with their boxes, in a folder of the run.

The layout is the one that Ultralytics reads: images/ and labels/ with one line a box (class, centre x, centre y,
width, height as fractions of the picture), and pictures.txt, the pictures of an epoch, in which one may stand several
times. Photos are read with the pipeline's own reader and never written to. A picture that is there is not made again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whalepipe.errors import PhotoError, TableError
from whalepipe.files import aside, write_aside
from whalepipe.photos import ENDINGS, read_photo
from whalepipe.tables import BoxLabel, fits, read_lines
from whalepipe.training.rendered import STREAM, drawn_scene

if TYPE_CHECKING:
    from whalepipe.render import Rendered
    from whalepipe.training.seas import Seas

RENDERED, PASTED = "rendered", "pasted"
SMALLEST = 0.015  # of the frame's width: what is seen of an animal behind another may be a sliver


@dataclass(frozen=True)
class Example:
    """A photo to train on: boxes (N, 5) are class, xmin, ymin, xmax, ymax in pixels of the upright photo."""

    path: Path
    name: str  # as in its table, or below its folder
    boxes: NDArray[np.float64]
    encounter: str = ""  # empty: unknown


@dataclass(frozen=True)
class Source:
    """Where examples come from, and how often each stands in an epoch."""

    name: str
    photos: int
    boxes: int
    repeats: int


def labelled(table: Path, photos: Path, parts: Sequence[str], without: Sequence[str] = ()) -> list[Example]:
    """The photos of a table of boxes, those of `without` left out, in the order of their names.

    Raises TableError for a photo that is not there, an unknown part, a box without corners or outside its photo.
    """
    numbered, wrong = read_lines(table, BoxLabel, aliases=True)
    if wrong:
        raise TableError(wrong[0])
    kept = [(n, r) for n, r in numbered if not fits(without, r.encounter, r.photo, Path(r.photo).name)]
    kept.sort(key=lambda row: row[1].photo)
    examples = []
    for photo, same in groupby(kept, key=lambda row: row[1].photo):
        rows = list(same)
        if not (photos / photo).is_file():
            raise TableError(f"{table}: photo {photo!r} is not in {photos}")
        boxes = [_box(f"{table}, line {n} ({photo})", row, parts) for n, row in rows if not row.says_empty]
        corners = np.array(boxes, np.float64).reshape(-1, 5)
        examples.append(Example(photos / photo, photo, corners, rows[0][1].encounter))
    return examples


def _box(where: str, row: BoxLabel, parts: Sequence[str]) -> tuple[float, ...]:
    fault = row.fault(parts)
    if fault:
        raise TableError(f"{where}: {fault}")
    return parts.index(row.part), *row.corners


def empty(folder: Path, without: Sequence[str] = ()) -> list[Example]:
    """The photos below a folder, by name, none of which shows an animal. Raises TableError if there are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not found:
        raise TableError(f"{folder}: no photos there to learn from")
    named = [(p, p.relative_to(folder).as_posix()) for p in found]
    return [Example(p, n, np.zeros((0, 5))) for p, n in named if not fits(without, n, p.name)]


def prepare(examples: Iterable[Example], folder: Path, name: str, size: int) -> list[Path]:
    """Write each example as the detector will see it: its long side `size` at most. Returns the pictures' paths.

    Raises TableError naming the photo that cannot be read or does not hold its box; StorageError.
    """
    written = []
    for example in examples:
        key = hashlib.sha256(example.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        picture = folder / "images" / f"{name}-{key}.png"
        if not _label_path(picture).is_file():
            _prepare_one(example, picture, size)
        written.append(picture)
    return written


def _prepare_one(example: Example, picture: Path, size: int) -> None:
    try:
        pixels = read_photo(example.path)
    except PhotoError as error:
        raise TableError(f"{example.path}: {error}") from error
    height, width = pixels.shape[:2]
    low, high = example.boxes[:, 1:3], example.boxes[:, 3:5]
    if (low < -0.01 * max(height, width)).any() or (high > [1.01 * width, 1.01 * height]).any():
        raise TableError(f"{example.path}: a box lies outside the photo's {width} x {height} pixels")
    image = Image.fromarray(pixels)
    scale = size / max(width, height)
    if scale < 1:
        image = image.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX)
    write_picture(picture, image, fractions(example.boxes, width, height))


def fractions(boxes: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Boxes (N, 5) in pixels as class, centre x, centre y, width, height in fractions of the frame, cut at its edge."""
    low = np.clip(boxes[:, 1:3] / [width, height], 0, 1)
    high = np.clip(boxes[:, 3:5] / [width, height], 0, 1)
    return np.hstack([boxes[:, :1], (low + high) / 2, high - low])


def _label_path(picture: Path) -> Path:
    return picture.parent.parent / "labels" / f"{picture.stem}.txt"


def write_picture(picture: Path, image: Image.Image, boxes: NDArray[np.float64]) -> None:
    """The picture first and its label last, so that a label says that both are whole."""
    with aside(picture) as temporary:
        image.save(temporary, "PNG", compress_level=1)
    lines = [f"{int(row[0])} " + " ".join(f"{v:.6f}" for v in row[1:]) for row in boxes]
    write_aside(_label_path(picture), "".join(f"{line}\n" for line in lines).encode())


def render(count: int, folder: Path, parts: Sequence[str], size: int, seed: int, stream: str = STREAM) -> list[Path]:
    """Write `count` rendered photos, `size` pixels wide, of animals of a stream, and of empty seas.

    Raises ValueError for a stream that is kept from training.
    """
    from whalepipe.render import render_scene

    written = []
    for number in range(count):
        picture = folder / "images" / f"{RENDERED}-{number:05d}.png"
        if not _label_path(picture).is_file():
            scene = drawn_scene(stream, seed, number, parts, (size, size * 2 // 3))
            _write_rendered(picture, render_scene(scene), parts)
        written.append(picture)
    return written


def paste_on(
    seas: "Seas", count: int, folder: Path, parts: Sequence[str], size: int, seed: int, stream: str = STREAM
) -> list[Path]:
    """Write `count` photos of rendered animals in real seas, `size` pixels wide.

    Raises ValueError for a stream that is kept from training, TableError where the photos show no sea.
    """
    from whalepipe.render import paste, scene_rng

    written = []
    for number in range(count):
        picture = folder / "images" / f"{PASTED}-{number:05d}.png"
        if not _label_path(picture).is_file():
            frame = (size, size * 2 // 3)
            scene = drawn_scene(stream, seed, number, parts, frame, purpose=PASTED)
            sea = seas.window(scene_rng(stream, "seas", seed, number), frame)
            _write_rendered(picture, paste(scene, sea), parts)
        written.append(picture)
    return written


def _write_rendered(picture: Path, photo: "Rendered", parts: Sequence[str]) -> None:
    height, width = photo.image.shape[:2]
    truths = [(parts.index(t.part), t.xmin, t.ymin, t.xmax, t.ymax) for t in photo.truths]
    boxes = fractions(np.array(truths, np.float64).reshape(-1, 5), width, height)
    write_picture(picture, Image.fromarray(photo.image), boxes[(boxes[:, 3:] > SMALLEST).all(axis=1)])


def read_boxes(picture: Path) -> NDArray[np.float64]:
    """The boxes (N, 5) of a picture: class, centre x, centre y, width, height in fractions of the picture."""
    return np.array(_label_path(picture).read_text(encoding="utf-8").split(), np.float64).reshape(-1, 5)


def read_picture(picture: Path) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB."""
    with Image.open(picture) as image:
        return np.array(image.convert("RGB"))


def corners_of(boxes: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """What `read_boxes` gives as corners (N, 4) in pixels: xmin, ymin, xmax, ymax."""
    half = boxes[:, 3:] / 2
    return np.hstack([boxes[:, 1:3] - half, boxes[:, 1:3] + half]) * [width, height, width, height]


def count_boxes(pictures: Iterable[Path]) -> int:
    """How many boxes the labels of these pictures hold."""
    return sum(len(_label_path(p).read_text(encoding="utf-8").splitlines()) for p in pictures)
