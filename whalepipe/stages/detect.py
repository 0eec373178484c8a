"""Find the flukes and dorsal fins of a photo, or take the boxes that a person drew."""

from collections.abc import Callable, Iterable, Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import area, shared
from whalepipe.config import DetectConfig
from whalepipe.errors import TableError
from whalepipe.models.detector import Box, Detector
from whalepipe.models.tiles import pays
from whalepipe.tables import BoxLabel, Detection, Photo

VERSION = 6
INSIDE = 0.8  # of a box's area in another box: it lies inside
MUCH_SMALLER = 0.2  # of the other's area


def detect(
    photo: Photo,
    pixels: NDArray[np.uint8],
    detector: Detector,
    config: DetectConfig,
    read: Callable[[], NDArray[np.uint8]] | None = None,
) -> list[Detection]:
    """The boxes found in `pixels` ((height, width, 3) uint8 RGB, upright, of any size), in full-size pixels.

    `read` gives the photo in full size; it is called where a photo so large is to be looked at closer (`config.tiles`).
    """
    width, height = _size(photo)
    closer = (read,) if read is not None and pays(width, height, config) else ()
    found = _one_an_animal(detector(pixels, config, *closer))
    boxes = [(b.part, b.xmin * width, b.ymin * height, b.xmax * width, b.ymax * height, b.confidence) for b in found]
    return _numbered(photo, boxes)


def _one_an_animal(found: Sequence[Box]) -> list[Box]:
    """Without the less sure of two boxes of one part of which one lies in the other.

    A fin and its upper part overlap too little for the detector to know them for one, and would be counted as two
    animals, since two crops of a part in one photo are two. A much smaller box may be an animal far behind.
    """
    kept: list[Box] = []
    for box in sorted(found, key=lambda b: -b.confidence):
        if not any(box.part == other.part and _within(box, other) for other in kept):
            kept.append(box)
    return kept


def _within(a: Box, b: Box) -> bool:
    """Whether the smaller of two boxes lies in the larger one and is no much smaller."""
    small, large = sorted((area(a), area(b)))
    return shared(a, b) >= INSIDE * small and small >= MUCH_SMALLER * large


def by_photo(labels: Iterable[BoxLabel], photos: Sequence[Photo]) -> dict[str, list[BoxLabel]]:
    """The boxes that a person drew, by photo.

    Those drawn on a double stand for the photo that it is a double of, unless that one has its own.
    """
    drawn_on: dict[str, list[BoxLabel]] = {}
    for label in labels:
        drawn_on.setdefault(label.photo, []).append(label)
    originals = {p.photo_id: p.photo for p in photos if p.usable}
    for photo in photos:
        original = originals.get(photo.photo_id)
        if original and photo.photo in drawn_on:
            drawn_on.setdefault(original, drawn_on[photo.photo])
    return drawn_on


def drawn(photo: Photo, labels: Sequence[BoxLabel]) -> list[Detection]:
    """The boxes that a person drew on this photo, cut at its edges, with confidence 1.

    Raises TableError for a box without a part, without corners, or wholly outside the photo.
    """
    return _numbered(photo, [_box(photo, label) for label in labels if not label.says_empty])


def _box(photo: Photo, label: BoxLabel) -> tuple[str, float, float, float, float, float]:
    text = f"box {', '.join('?' if isnan(c) else f'{c:g}' for c in label.corners)} of {label.photo}"
    if not label.part:
        raise TableError(f"{text}: no part")
    width, height = _size(photo)
    xmin, ymin, xmax, ymax = label.corners
    xmin, xmax = max(xmin, 0.0), min(xmax, float(width))
    ymin, ymax = max(ymin, 0.0), min(ymax, float(height))
    if not (xmax - xmin >= 1 and ymax - ymin >= 1):
        raise TableError(f"{text}: nothing of it lies inside the photo's {width} x {height} pixels")
    return label.part, xmin, ymin, xmax, ymax, 1.0


def _numbered(photo: Photo, boxes: Sequence[tuple[str, float, float, float, float, float]]) -> list[Detection]:
    """Boxes from left to right, as a person counts them, in tenths of a pixel."""
    ordered = sorted(boxes, key=lambda b: (b[1], b[2], b[0]))
    return [
        Detection(photo.photo, photo.photo_id, i, part, *_tenths(x0, y0, x1, y1), confidence=round(sure, 4))
        for i, (part, x0, y0, x1, y1, sure) in enumerate(ordered)
    ]


def _tenths(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)


def _size(photo: Photo) -> tuple[int, int]:
    return photo.width or 0, photo.height or 0
