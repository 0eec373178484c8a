"""Rendered photos to learn from, and what is known of them as label files (labels/README.md describes these)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whalepipe.files import aside
from whalepipe.photos import read_photo
from whalepipe.tables import BoxLabel, ContourPoint, FaultLabel, write_table

if TYPE_CHECKING:
    from whalepipe.render import Scene, Truth

STREAM = "train"  # of the renderer: neither the demo nor a test draws from it
EMPTY_SHARE = 0.15  # of the rendered photos show the sea alone
FAULTS = ("", "", "", "", "distant", "cut_off", "")  # what is hard to see is to be found all the same
INDIVIDUALS = 10_000  # of each part in a stream
OLDEST = 8.0  # years after an animal's first photos that it may be seen: nicks are added, marks come and heal
LEAST = 0.005  # strength from which a fault is written down


@dataclass(frozen=True)
class Shown:
    """A photo of a set: its path in the set's tables, its encounter, its size in pixels, what is known of it."""

    photo: str
    encounter: str
    height: int
    width: int
    truths: "tuple[Truth, ...]"


def drawn_scene(
    stream: str,
    seed: int,
    number: int,
    parts: Sequence[str],
    size: tuple[int, int],
    faults: Sequence[str] = FAULTS,
    purpose: str = "photos",
) -> "Scene":
    """Photo `number` of a stream before it is drawn, `size` (width, height) pixels: up to three animals of one part,
    sometimes with heads, backs and blows, which have no box.

    What is drawn for one purpose is never drawn again for another.
    Raises ValueError for a stream that is kept from training, for a part and for a fault that cannot be drawn.
    """
    from whalepipe.render import draw_individual, draw_scene, for_training, scene_rng

    rng = scene_rng(for_training(stream), purpose, seed, number)
    part = parts[number % len(parts)]
    animals = 0 if rng.random() < EMPTY_SHARE else int(rng.choice([1, 1, 2, 3]))
    chosen = rng.choice(INDIVIDUALS, animals, replace=False)
    individuals = [draw_individual(part, stream, int(n)) for n in chosen]
    fault = str(rng.choice(faults)) if individuals else ""
    others, years = int(rng.choice([0, 0, 1, 2])), float(rng.uniform(0, OLDEST))
    return draw_scene(rng, individuals, *size, fault=fault, distractions=others, years=years)


def write_truth(folder: Path, shown: Iterable[Shown]) -> None:
    """Write boxes.csv, faults.csv, contours.csv and masks/ of the photos into `folder`. Raises StorageError."""
    boxes: list[BoxLabel] = []
    faults: list[FaultLabel] = []
    contours: list[ContourPoint] = []
    for one in shown:
        boxes += _boxes(one)
        for number, truth in enumerate(one.truths):
            faults += [
                FaultLabel(one.photo, number, f.name, f.strength, f.name == truth.fault)
                for f in truth.faults
                if f.strength >= LEAST or f.name == truth.fault
            ]
            contours += _contour(one.photo, number, truth)
            _save_mask(mask_path(folder, one.photo, number), truth.mask(one.height, one.width))
    write_table(folder / "boxes.csv", BoxLabel, boxes)
    write_table(folder / "faults.csv", FaultLabel, faults)
    write_table(folder / "contours.csv", ContourPoint, contours)


def _boxes(one: Shown) -> list[BoxLabel]:
    if not one.truths:
        return [BoxLabel(one.photo, one.encounter)]
    return [
        BoxLabel(one.photo, one.encounter, t.part, t.xmin, t.ymin, t.xmax, t.ymax, t.individual, t.view, t.species)
        for t in one.truths
    ]


def _contour(photo: str, box: int, truth: "Truth") -> Iterator[ContourPoint]:
    """Points about a pixel apart: the renderer's own lie closer, which says no more."""
    last = None
    number = 0
    for (x, y), visible in zip(truth.contour, truth.visible, strict=True):
        if last is not None and np.hypot(x - last[0], y - last[1]) < 1:
            continue
        yield ContourPoint(photo, box, truth.part, number, round(float(x), 2), round(float(y), 2), bool(visible))
        last, number = (x, y), number + 1


def mask_path(folder: Path, photo: str, box: int) -> Path:
    """Where the mask of a photo's box lies: `masks/<photo's path>.<box>.png`."""
    return folder / "masks" / f"{photo}.{box}.png"


def _save_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    with aside(path) as temporary:
        Image.fromarray(mask).save(temporary, "PNG", optimize=True)


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A mask (height, width) of bool. Raises PhotoError where the file cannot be read."""
    return np.asarray(read_photo(path)[..., 0] > 127)
