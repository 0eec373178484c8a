"""Which side of an animal a dorsal fin shows: its tip trails aft, so a tip to the right is seen from the left."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe.config import ViewConfig
from whalepipe.models.silhouette import METHOD, BySilhouettes, Silhouette, find_silhouettes

PART = "dorsal_fin"
LEFT, RIGHT = "left", "right"
TIP, MIDDLE, BASE = (0.0, 0.15), (0.4, 0.6), (0.75, 1.0)  # bands of a fin, in shares of its height from the top
# Logistic regression of the side on the lean of rendered fins, through nought since a mirrored fin is a fin of the
# other side; scripts/side_trial.py fits it again.
STEEP = 12.0
LEAST_SEEN = 0.03  # of the crop: with less the silhouette failed

Picture = npt.NDArray[np.uint8]


class Sides(BySilhouettes):
    """Tells the side of fins by the weights of a silhouette network."""

    @property
    def method(self) -> str:
        """Changes with anything that changes what is told."""
        return f"side-1 {METHOD} {self.digest[:16]}"

    def __call__(self, crop: Picture) -> float | None:
        """P(left side) of a crop of a fin, (height, width, 3) uint8 RGB; None where no fin is made out."""
        found = lean(self._silhouettes(crop), crop.shape[1], crop.shape[0])
        return None if found is None else round(1 / (1 + math.exp(-STEEP * found)), 4)


def find_sides(config: ViewConfig, device: str, backend: str = "auto") -> Sides | None:
    """What tells sides; None where that is switched off. Raises WeightsError."""
    if config.tell == "none":
        return None
    weights, exported = find_silhouettes(config.silhouette, backend, device, "view.tell")
    return Sides(weights, device, exported)


def lean(seen: Silhouette, width: int, height: int) -> float | None:
    """How far the tip of a fin lies to the right of its middle and of its base, both in fin heights and added up.

    `width` and `height` are the crop's, in pixels. None where hardly any of the fin was seen.
    """
    shown = (seen.part > 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(shown)
    if count < 2 or shown.mean() < LEAST_SEEN:
        return None
    fin = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    rows = np.flatnonzero(fin.any(axis=1))
    top, tall = int(rows[0]), int(rows[-1]) + 1 - int(rows[0])

    def across(band: tuple[float, float]) -> float:
        begin = top + int(band[0] * tall)
        return float(np.nonzero(fin[begin : max(top + int(band[1] * tall), begin + 1)])[1].mean())

    leans = 2 * across(TIP) - across(MIDDLE) - across(BASE)
    return float(leans * width / fin.shape[1] / (tall * height / fin.shape[0]))
