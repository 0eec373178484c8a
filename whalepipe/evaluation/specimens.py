"""Labelled photos or crops as the species stage would see them: one vector each, with its species and its animal."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.catalog.names import NO_NAMES
from whalepipe.config import Config
from whalepipe.errors import PhotoError, TableError
from whalepipe.models import detector, embedder
from whalepipe.models.ensemble import find_embedder
from whalepipe.models.weights import Weights
from whalepipe.photos import Found, describe, inside, read_photo
from whalepipe.progress import Progress
from whalepipe.stages import crop as cropping
from whalepipe.stages import detect as detecting
from whalepipe.tables import BoxLabel, CropLabel, Detection, Photo, fits, read_table
from whalepipe.taxonomy import species_of

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SpeciesTable:
    """A table of labels, the folder of its photos or crops, the part to look at, the species where no column says."""

    labels: Path
    photos: Path
    part: str
    species: str = ""


@dataclass(frozen=True)
class Specimen:
    """One animal's part: `boxed` where a box or a ready crop shows it, else the whole photo was taken."""

    file: str
    species: str  # scientific name
    group: str  # its individual, or its encounter, or the file itself
    vector: npt.NDArray[np.float32]
    boxed: bool


@dataclass(frozen=True)
class Sighting:
    """As a `Specimen`, with the pixels (height, width, 3) uint8 RGB of what is shown in place of their vector."""

    file: str
    species: str
    group: str
    pixels: Pixels
    boxed: bool


@dataclass
class Eyes:
    """Detector and embedder of a configuration, each loaded when first needed."""

    config: Config = field(default_factory=Config)
    device: str = "cpu"

    @cached_property
    def embedder_weights(self) -> Weights:
        """The embedder's file, checked against its card."""
        return find_embedder(self.config.embed)

    @cached_property
    def embedder(self) -> embedder.Embedder:
        """The embedder, loaded now."""
        return embedder.Embedder(self.embedder_weights, self.device)

    @cached_property
    def detector(self) -> detector.Detector:
        """The detector, loaded now."""
        return detector.load_detector(self.config.detect, self.device)


def gather(table: SpeciesTable, eyes: Eyes, left_out: Sequence[str], progress: Progress) -> list[Specimen]:
    """A specimen for each row whose label means a cetacean's species; the others are passed over.

    A table with a column `crop` names ready crops; else photos: the row's box is taken, or the most certain box of
    the part that the detector finds, or, where it finds none, the whole photo. `left_out` holds glob patterns of
    encounters and files. Raises TableError where no row is left, PhotoError naming a file that cannot be read.
    """
    seen = sightings(table, eyes, left_out, progress)
    return [Specimen(s.file, s.species, s.group, eyes.embedder(s.pixels), s.boxed) for s in seen]


def sightings(table: SpeciesTable, eyes: Eyes, left_out: Sequence[str], progress: Progress) -> Iterator[Sighting]:
    """What `gather` looks at, as pixels. Raises as it does."""
    kept = (r for r in _rows(table) if not fits(left_out, r.encounter, _file(r)))
    rows = [r for r in kept if species_of(r.species or table.species)]
    if not rows:
        raise TableError(f"{table.labels}: no row is left whose `species` means a species of whale or dolphin")
    return _sightings(table, rows, eyes, progress)


def _rows(table: SpeciesTable) -> list[CropLabel] | list[BoxLabel]:
    if "crop" in _header(table.labels):
        labels = read_table(table.labels, CropLabel, aliases=True)
        return [r for r in labels if r.part in ("", table.part)]
    return [r for r in read_table(table.labels, BoxLabel, aliases=True) if r.part in ("", table.part)]


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, ValueError, csv.Error):  # reading the table says what is wrong
        return []


def _file(row: CropLabel | BoxLabel) -> str:
    return row.crop if isinstance(row, CropLabel) else row.photo


def _sightings(
    table: SpeciesTable, rows: Sequence[CropLabel | BoxLabel], eyes: Eyes, progress: Progress
) -> Iterator[Sighting]:
    for row in progress("species", rows):
        path = table.photos / _file(row)
        try:
            inside(table.photos, _file(row))
            boxed, pixels = (True, read_photo(path)) if isinstance(row, CropLabel) else _cut(path, row, table, eyes)
        except PhotoError as error:
            raise PhotoError(f"{path}: {error}") from error
        taxon = species_of(row.species or table.species)
        if taxon:
            yield Sighting(_file(row), taxon.species, _group(row), pixels, boxed)


def _group(row: CropLabel | BoxLabel) -> str:
    name = row.individual.strip()
    return name if name.lower() not in NO_NAMES else row.encounter or _file(row)


def _cut(path: Path, row: BoxLabel, table: SpeciesTable, eyes: Eyes) -> tuple[bool, Pixels]:
    """Whether there is a box, and the pixels inside it with the pipeline's margin."""
    photo = describe(Found(row.photo, path), eyes.config.photos)
    if photo.error:
        raise PhotoError(photo.error)
    pixels = read_photo(path, max_megapixels=eyes.config.photos.max_megapixels)
    boxes = detecting.drawn(photo, [replace(row, part=table.part)]) or _found(path, photo, table.part, eyes, pixels)
    if not boxes:
        return False, pixels
    best = max(boxes, key=lambda d: d.confidence)
    return True, cropping.crop(pixels, [best], eyes.config.crop)[0][1]


def _found(path: Path, photo: Photo, part: str, eyes: Eyes, pixels: Pixels) -> list[Detection]:
    small = read_photo(path, eyes.config.detect.size, eyes.config.photos.max_megapixels)
    found = detecting.detect(photo, small, eyes.detector, eyes.config.detect, lambda: pixels)
    return [d for d in found if d.part == part]
