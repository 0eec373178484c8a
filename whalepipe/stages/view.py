"""Which side of the animal a crop shows. Of dorsal fins only: every other crop is `unknown`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whalepipe.config import ViewConfig
from whalepipe.models.side import LEFT, PART, RIGHT
from whalepipe.tables import UNKNOWN, Crop, View

VERSION = 2
Tell = Callable[[NDArray[np.uint8]], float | None]  # P(left side) of a fin's crop


def view(crop: Crop, pixels: Callable[[], NDArray[np.uint8]], tell: Tell | None) -> View:
    """The likelier side with its probability; `unknown` without one where nothing tells.

    `pixels` gives the crop, (height, width, 3) uint8 RGB, where it is asked for.
    """
    left = tell(pixels()) if tell and crop.part == PART else None
    if left is None:
        return View(crop.crop, UNKNOWN, None)
    return View(crop.crop, LEFT if left >= 0.5 else RIGHT, round(max(left, 1 - left), 4))


def sure(row: View, config: ViewConfig) -> View:
    """The same, `unknown` where it is less sure than asked for."""
    return row if (row.probability or 0.0) >= config.sure_at else View(row.crop, UNKNOWN, None)
