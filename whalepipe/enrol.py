"""Bring labelled photos or ready crops into the catalogue."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import crop_origin
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.names import NO_NAMES, Twins
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.errors import PhotoError, TableError
from whalepipe.files import digest, storing
from whalepipe.instruments import Instruments
from whalepipe.models.side import PART
from whalepipe.photos import Found, describe, encode_jpeg, inside, read_photo
from whalepipe.progress import Progress, silent
from whalepipe.stages import crop as cropping
from whalepipe.stages import detect as detecting
from whalepipe.stages.view import sure, view
from whalepipe.tables import UNKNOWN, BoxLabel, Crop, CropLabel, Detection, Photo, read_table
from whalepipe.taxonomy import accepted

LONGEST_SIDE = 1024  # pixels of a crop in the catalogue; no model looks at more
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Terms:
    """In whose name crops are added, and what ids are that differ by case or spaces only."""

    by: By = field(default_factory=By)
    twins: Twins = Twins.ask


@dataclass
class Enrolment:
    """What became of the labels."""

    added: int = 0
    held: int = 0  # in the catalogue before
    nameless: int = 0  # labelled `other`, `unknown` and the like
    left_out: int = 0  # by the user's own wish
    problems: list[str] = field(default_factory=list)  # rows that could not be used, each with its cause


def enrol_crops(
    catalog: Place,
    folder: Path,
    labels: Path | Sequence[CropLabel],
    part: str,
    instruments: Instruments,
    without: Sequence[str] = (),
    progress: Progress = silent,
    terms: Terms | None = None,
) -> Enrolment:
    """Add ready crops of one part, named by `CropLabel`s or a CSV of them. Raises CatalogError, TableError,
    WeightsError."""

    def read(row: CropLabel) -> tuple[NDArray[np.uint8], str]:
        path = inside(folder, row.crop)
        return read_photo(path), digest(path)

    rows = read_table(labels, CropLabel) if isinstance(labels, Path) else labels
    return enrol_pictures(catalog, rows, read, part, instruments, without, progress, terms)


def enrol_pictures(
    catalog: Place,
    labels: Sequence[CropLabel],
    read: Callable[[CropLabel], tuple[NDArray[np.uint8], str]],
    part: str,
    instruments: Instruments,
    without: Sequence[str] = (),
    progress: Progress = silent,
    terms: Terms | None = None,
) -> Enrolment:
    """Add crops that `read` gives, each with its origin; one of which it raises PhotoError becomes a problem."""
    result = Enrolment()
    rows = [r for r in labels if _wanted(r.individual, (r.encounter, r.crop), without, result)]
    terms = _agreed(catalog, rows, terms)

    def entries() -> Iterator[Entry]:
        for row in progress("crops", rows):
            try:
                pixels, origin = read(row)
            except PhotoError as error:
                result.problems.append(f"{row.crop}: {error}")
                continue
            yield _entry(row.part or part, row.crop, pixels, row, origin, instruments)

    return _add(catalog, entries(), result, terms)


def enrol_photos(
    catalog: Place,
    folder: Path,
    labels: Path | Sequence[BoxLabel],
    instruments: Instruments,
    without: Sequence[str] = (),
    progress: Progress = silent,
    terms: Terms | None = None,
) -> Enrolment:
    """Add animals from photos, named by `BoxLabel`s or a CSV of them.

    A row without a box stands for the one animal in its photo, which the detector finds; where it finds none or
    several, the row becomes a problem. Raises CatalogError, TableError, WeightsError.
    """
    result = Enrolment()
    given = read_table(labels, BoxLabel, aliases=True) if isinstance(labels, Path) else labels
    rows = [r for r in given if _wanted(r.individual, (r.encounter, r.photo), without, result)]
    terms = _agreed(catalog, rows, terms)
    boxes: Counter[str] = Counter()  # the crops of one photo are numbered, so that their names differ

    def entries() -> Iterator[Entry]:
        for row in progress("photos", rows):
            boxes[row.photo] += 1
            try:
                yield _from_photo(row, boxes[row.photo] - 1, inside(folder, row.photo), instruments)
            except (PhotoError, TableError) as error:
                result.problems.append(f"{row.photo}: {error}")

    return _add(catalog, entries(), result, terms)


def named_by_folder(folder: Path) -> list[tuple[str, str]]:
    """Every file below the sub-folders of a folder, in their order, with the name of the first: who is in it.

    Raises TableError where there is none.
    """
    found = []
    for each in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
        files = sorted(p for p in each.rglob("*") if p.is_file() and not p.name.startswith("."))
        found += [(p.relative_to(folder).as_posix(), each.name) for p in files]
    if not found:
        raise TableError(f"{folder} holds no folders with photos; each is to be called as the individual in them")
    return found


def _wanted(individual: str, names: tuple[str, str], without: Sequence[str], result: Enrolment) -> bool:
    if any(fnmatchcase(name, pattern) for name in names for pattern in without):
        result.left_out += 1
        return False
    if individual.strip().lower() in NO_NAMES:
        result.nameless += 1
        return False
    return True


def _agreed(catalog: Place, rows: Sequence[BoxLabel] | Sequence[CropLabel], terms: Terms | None) -> Terms:
    """The terms under which all ids can be added: asked before anything slow begins. Raises CatalogError."""
    terms, names = terms or Terms(), dict.fromkeys(row.individual for row in rows)
    Catalog.check_ids_at(catalog, names, terms.twins)
    return terms


def _add(catalog: Place, entries: Iterator[Entry], result: Enrolment, terms: Terms) -> Enrolment:
    # Read everything before the catalogue is opened for writing: a slow detector must not hold its lock. The pictures
    # wait in a file, for a season's crops do not fit into memory.
    waiting = Path(tempfile.gettempdir()) if isinstance(catalog, str) else catalog.parent
    with _pictures(waiting) as pictures:
        ready = []
        for entry in entries:
            with storing(waiting):
                ready.append((replace(entry, jpeg=b""), pictures.tell(), pictures.write(entry.jpeg)))

        def again() -> Iterator[Entry]:
            for entry, start, length in ready:
                pictures.seek(start)
                yield replace(entry, jpeg=pictures.read(length))

        if ready:
            done = Catalog.open_or_create(catalog).add(again(), terms.by, terms.twins)
            result.added, result.held = done.added, done.held
    return result


def _pictures(folder: Path) -> IO[bytes]:
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)


def _only_animal(photo: Photo, path: Path, part: str, instruments: Instruments) -> Detection:
    """The one animal in a photo. Raises PhotoError where the detector finds none or several."""
    config, most = instruments.config.detect, instruments.config.photos.max_megapixels
    pixels, full = read_photo(path, config.size, most), partial(read_photo, path, max_megapixels=most)
    found = detecting.detect(photo, pixels, instruments.detector, config, full)
    found = [d for d in found if part in ("", d.part)]
    if len(found) != 1:
        raise PhotoError(f"{len(found)} animals found where the label has no box; give xmin, ymin, xmax, ymax")
    return found[0]


def _from_photo(row: BoxLabel, number: int, path: Path, instruments: Instruments) -> Entry:
    config = instruments.config
    status = path.stat()
    photo = describe(Found(row.photo, path, status.st_size, status.st_mtime_ns), config.photos)
    if photo.error:
        raise PhotoError(photo.error)
    boxes = detecting.drawn(photo, [row])
    box = replace(boxes[0] if boxes else _only_animal(photo, path, row.part, instruments), box=number)
    full_size = read_photo(path, max_megapixels=config.photos.max_megapixels)
    [(crop, pixels)] = cropping.crop(full_size, [box], config.crop)
    origin = crop_origin(photo.photo_id, box.part, box) if boxes else f"{photo.photo_id} {box.part} the only one"
    entry = _entry(box.part, crop.crop, pixels, row, origin, instruments)
    entry = replace(entry, photo_id=photo.photo_id, taken_at=photo.taken_at)
    return replace(entry, latitude=photo.latitude, longitude=photo.longitude)


def _entry(
    part: str,
    crop: str,
    pixels: NDArray[np.uint8],
    row: BoxLabel | CropLabel,
    origin: str,
    instruments: Instruments,
) -> Entry:
    def told() -> str:
        if part != PART:  # of which nothing tells the side
            return UNKNOWN
        shown = Crop(crop, "", "", 0, part, pixels.shape[1], pixels.shape[0])
        return sure(view(shown, lambda: pixels, instruments.sides), instruments.config.view).view

    return Entry(
        row.individual.strip(),
        part,
        crop,
        kept_jpeg(pixels),
        origin,
        row.photo if isinstance(row, BoxLabel) else "",
        row.encounter,
        row.view or told(),
        accepted(row.species),
    )


def kept_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """A crop, (height, width, 3) uint8 RGB, as the catalogue keeps it. Raises PhotoError."""
    return encode_jpeg(_limited(pixels), JPEG_QUALITY)


def _limited(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
