"""Where the likeness of two crops comes from, to be laid over both: Grad-CAM of the cosine of their vectors.

`whalepipe explain` hides the crops place by place besides. That embeds each of them some sixty times, and a person who
looks from one candidate to the next does not wait so long.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from whalepipe.errors import WhalepipeError
from whalepipe.instruments import Instruments
from whalepipe.models import attribution
from whalepipe.models.attribution import Floats, likeness_to
from whalepipe.models.device import pick_device
from whalepipe.photos import decode, fitted
from whalepipe.review.turns import Turns

CELLS = 32  # of the longer side of a map: the last convolution sees more coarsely than that
DECIMALS = 2
KEPT = 256  # pairs whose maps stay in memory, 50 kB each
WAITING = 4  # pairs that wait or are looked at

Cells = list[list[float]]


@dataclass(frozen=True)
class Heat:
    """How much each place of two crops speaks for their likeness, by rows of cells: 1 the most of its crop, 0 nothing.

    What keypoints and trailing edges add to the likeness is not in it.
    """

    score: float  # cosine of their vectors
    first: Cells
    second: Cells


class Heats:
    """Makes maps on demand, of one pair at a time: what else is asked of the server does not wait for them."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._turns = Turns("heat-maps", WAITING)
        self._kept: dict[tuple[str, str], Heat] = {}  # by what the pictures hold; the weights are those of the start

    def between(self, first: bytes, second: bytes) -> Heat:
        """The maps of two crops, given as image files. Raises PhotoError, WeightsError, BusyError, WhalepipeError."""
        key = hashlib.sha256(first).hexdigest(), hashlib.sha256(second).hexdigest()
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        with self._turns.turn():
            made = self._kept.get(key) or self._made(first, second)
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[str, str], made: Heat) -> None:
        self._kept[key] = made
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept)))  # the oldest

    def _made(self, *pair: bytes) -> Heat:
        crops = [decode(data) for data in pair]
        try:
            attribution.need_library()
            embedder = self._instruments.embedder
            voters, device = embedder.voters, pick_device(self._instruments.device)
        except ImportError as error:
            raise WhalepipeError(f"this needs the package {error.name!r}: pip install 'whalepipe[explain]'") from error
        mine, its = (embedder(crop) for crop in crops)
        asked = zip(crops, (likeness_to(its), likeness_to(mine)), strict=True)
        one, other = (_cells(attribution.gradcam(voters, attribution.shrunk(c), q, device)) for c, q in asked)
        return Heat(round(float(mine @ its), DECIMALS), one, other)


def _cells(heat: Floats) -> Cells:
    height, width = heat.shape
    size = fitted(width, height, CELLS)
    coarse = cv2.resize(np.maximum(heat, 0), size, interpolation=cv2.INTER_AREA)
    told: Cells = (coarse / max(float(coarse.max()), 1e-12)).astype(float).round(DECIMALS).tolist()
    return told
