"""How marked the animal in a crop is, apart from how good the crop is: a clean fin in a perfect photo names nobody.

Told of dorsal fins that are kept, by their trailing edge (see models/distinctive.py); of what is set aside an edge says
little: blur smooths notches away, and spray makes some.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whalepipe.models.distinctive import PART
from whalepipe.rows import having
from whalepipe.tables import Crop, Quality

VERSION = 1
Tell = Callable[[NDArray[np.uint8]], float | None]


@dataclass(frozen=True)
class Marked:
    """How marked the fin in a crop is, 0 to 1; None where its edge is not plain."""

    crop: str
    distinctiveness: float | None


def marked(crop: Crop, pixels: Callable[[], NDArray[np.uint8]], tell: Tell | None) -> Marked:
    """What `tell` says of a crop; None where nothing tells.

    `pixels` gives it, (height, width, 3) uint8 RGB, where it is asked for.
    """
    return Marked(crop.crop, tell(pixels()) if tell else None)


def asked(crops: Sequence[Crop], quality: Sequence[Quality]) -> list[Crop]:
    """The crops of which it can be told: dorsal fins that are kept."""
    kept = {row.crop for row in quality if row.keep}
    return [crop for crop in crops if crop.part == PART and crop.crop in kept]


def with_marks(quality: Sequence[Quality], told: Sequence[Marked]) -> list[Quality]:
    """The rows, each with what was told of its crop."""
    marks = {row.crop: row.distinctiveness for row in told}
    return [having(row, distinctiveness=marks.get(row.crop)) for row in quality]
