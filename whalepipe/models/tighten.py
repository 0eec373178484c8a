"""Boxes of flukes drawn anew around what a closer look at each shows.

The detector says where a fluke is better than where it ends: spray, wake and the animal's back belong to it now and
then. The silhouette network (silhouette.py) tells it from these pixel by pixel, as masks sharpen boxes in He et al.
2017, "Mask R-CNN", section 4. Fins are left as they are: people draw their boxes over the fin alone, without the fore
end of its base, and the network shows all of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe.config import DetectConfig
from whalepipe.models.corners import Numbers, overlaps
from whalepipe.models.silhouette import BySilhouettes, Silhouette, find_silhouettes
from whalepipe.models.weights import Weights

if TYPE_CHECKING:
    from whalepipe.models.detector import Box

TIGHTENED = ("fluke",)
MARGIN = 0.25  # of the box, on each side: so much more is looked at
SMALLEST = 8  # pixels of width and height under which there is nothing to look at
REGION = 0.2  # of the largest region's area: a smaller one is a splash
SAME = 0.4  # a new box that overlaps the old one less (IoU) is of something else

Picture = npt.NDArray[np.uint8]
Look = Callable[[Picture], Silhouette]


class Tightener(BySilhouettes):
    """Draws boxes anew."""

    def __call__(self, image: Picture, boxes: Sequence["Box"], overlap: float) -> list["Box"]:
        """The boxes of a picture (H, W, 3), uint8, RGB, in their order; those of TIGHTENED parts around what is seen.

        Of two that then overlap by more than `overlap` (IoU) the later is left out. Raises WeightsError.
        """
        drawn = [tightened(image, box, self._silhouettes) if box.part in TIGHTENED else box for box in boxes]
        kept: list[Box] = []
        for box in drawn:
            rivals = [other for other in kept if box.part in TIGHTENED or other.part in TIGHTENED]
            if not rivals or overlaps(_corners(box), np.stack([_corners(r) for r in rivals])).max() <= overlap:
                kept.append(box)
        return kept


def find_tightener(config: DetectConfig, detector: Weights, device: str) -> Tightener | None:
    """What draws the boxes of a detector anew; None where that is switched off or it finds no part of which any are.

    Raises WeightsError, ConfigError.
    """
    if config.tighten == "none" or not set(detector.card.get("parts", ())) & set(TIGHTENED):
        return None
    weights, exported = find_silhouettes(config.silhouette, config.backend, device, "detect.tighten")
    return Tightener(weights, device, exported)


def tightened(image: Picture, box: "Box", look: Look) -> "Box":
    """The box around the large regions that show the part, parted by spray or whole; the same box where they are
    elsewhere."""
    height, width = image.shape[:2]
    sides = np.array([width, height, width, height], dtype=np.float64)
    old = _corners(box)
    around = (old[2:] - old[:2]) * MARGIN
    low = np.floor((old[:2] - around).clip(0, 1) * sides[:2]).astype(int)
    high = np.ceil((old[2:] + around).clip(0, 1) * sides[:2]).astype(int)
    if (high - low).min() < SMALLEST:
        return box
    region = _extent(look(np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])).part > 0)
    if region is None:
        return box
    scale = np.tile((high - low) / sides[:2], 2)
    new = np.round(np.tile(low / sides[:2], 2) + region * scale, 5)
    if overlaps(old, new[None])[0] <= SAME:
        return box
    xmin, ymin, xmax, ymax = new.tolist()
    return replace(box, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


def _extent(shown: npt.NDArray[np.bool_]) -> Numbers | None:
    """The corners (4,) around the large connected regions of a mask (h, w), as shares of its width and height."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(shown.astype(np.uint8))
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    left, top, wide, high, _ = stats[1:][areas >= REGION * areas.max()].T
    rows, columns = shown.shape
    corners = [left.min() / columns, top.min() / rows, (left + wide).max() / columns, (top + high).max() / rows]
    return np.array(corners, dtype=np.float64)


def _corners(box: "Box") -> Numbers:
    return np.array([box.xmin, box.ymin, box.xmax, box.ymax])
