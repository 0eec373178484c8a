"""Where a box's crop lies in the photo."""

import math
from typing import Protocol


def window(d: "Corners", margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the crop in whole pixels of the photo: the box and its margin, inside the photo.

    `margin` is the share of the box's width and height that is added on each side.
    """
    dx, dy = margin * (d.xmax - d.xmin), margin * (d.ymax - d.ymin)
    left, right = _span(d.xmin - dx, d.xmax + dx, width)
    top, bottom = _span(d.ymin - dy, d.ymax + dy, height)
    return left, top, right, bottom


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    start = min(max(math.floor(low), 0), limit - 1)
    return start, min(max(math.ceil(high), start + 1), limit)


class Corners(Protocol):
    """Anything with a box's corners, in pixels or in shares of the photo."""

    @property
    def xmin(self) -> float: ...
    @property
    def ymin(self) -> float: ...
    @property
    def xmax(self) -> float: ...
    @property
    def ymax(self) -> float: ...


def area(box: Corners) -> float:
    """Width times height."""
    return (box.xmax - box.xmin) * (box.ymax - box.ymin)


def shared(a: Corners, b: Corners) -> float:
    """The area that lies in both boxes; 0 where none does."""
    width = min(a.xmax, b.xmax) - max(a.xmin, b.xmin)
    height = min(a.ymax, b.ymax) - max(a.ymin, b.ymin)
    return width * height if width > 0 and height > 0 else 0.0


def overlap(a: Corners, b: Corners) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    both = shared(a, b)
    return both / (area(a) + area(b) - both) if both else 0.0


def crop_origin(photo_id: str, part: str, box: Corners) -> str:
    """What makes the crop of a box the same crop in the catalogue, however its photo is called or cut anew."""
    return f"{photo_id} {part} {box.xmin:.0f},{box.ymin:.0f},{box.xmax:.0f},{box.ymax:.0f}"
