"""At which sides a photo's frame cuts an animal off.

Where a box ends at the frame, its silhouette tells: what is cut runs along the frame, what is whole only touches it, or
not even that. A camera cuts anywhere, so that little is proof; less so where the box spans a photo from side to side:
somebody cut that photo to the animal, or held the camera just so.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from whalepipe.config import QualityConfig
from whalepipe.models.details import LEAST_SEEN
from whalepipe.models.silhouette import METHOD, PARTS, BySilhouettes, Picture, find_silhouettes

OF_BOX = 0.02  # of a box's side: no detector draws more exactly
SPANS = 0.94  # of a photo's side: a box as long is as long as the photo
# Of the box's side: along so much of it a silhouette that is cut runs at the frame. Flukes that were cut by a tenth and
# more did, whole ones that touched it did not (the half `tune` of labels/quality/grades.csv).
RUNS = 1 / 6
# The same where the box does not span the photo. Of whole fins and flukes of that half a quarter run as far along a
# frame that is moved to their box, and three quarters of those that are cut by a tenth.
TOUCHES = 0.03

BELOW = 3  # of the four sides the last

Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax
Along = npt.NDArray[np.float64]  # (4,) left, top, right, bottom: along which share of the box's side the animal runs
Tell = Callable[[str, Picture, Box], Along | None]


def sides_cut(box: Box, width: int, height: int, along: Callable[[], Along | None], edge: float = 0.0) -> int:
    """How many sides of a box, in pixels, end at the frame of a photo of this size with the animal going on beyond.

    They end there within `edge` pixels of it, or within OF_BOX of the box's own side. `along` is asked only where one
    does. Where it does not tell (None), what ends at the frame is cut, unless it spans the photo. Below, where a body
    always goes on, nothing is asked.
    """
    x, y = (max(edge, OF_BOX * side) for side in (box[2] - box[0], box[3] - box[1]))
    ends = np.array([box[0] <= x, box[1] <= y, box[2] >= width - x, box[3] >= height - y])
    spans = np.array([box[2] - box[0] >= SPANS * width, box[3] - box[1] >= SPANS * height] * 2)
    told = along() if ends[:BELOW].any() else None
    cut = ~spans
    if told is not None:
        cut[:BELOW] = (told >= np.where(spans, RUNS, TOUCHES))[:BELOW]
    return int((ends & cut).sum())


class Cuts(BySilhouettes):
    """Tells along which share of each side of its box an animal runs at the edge of its crop."""

    @property
    def method(self) -> str:
        """Changes with anything that changes what is told."""
        return f"cut-2 {METHOD} {self.digest[:16]}"

    def __call__(self, part: str, crop: Picture, box: Box) -> Along | None:
        """Of a crop, (height, width, 3) uint8 RGB, and the animal's box in it.

        None for a part without silhouettes, and where hardly anything was made out.
        """
        if part not in PARTS:
            return None
        shown = self._silhouettes(crop).part > 0
        if shown.mean() < LEAST_SEEN:
            return None
        scale = np.tile(np.array(shown.shape[::-1]) / np.array(crop.shape[1::-1]), 2)
        left, top, right, bottom = np.array(box) * scale
        across, down = (slice(int(a), int(np.ceil(b))) for a, b in ((left, right), (top, bottom)))
        sides = shown[down, 0], shown[0, across], shown[down, -1], shown[-1, across]
        return np.array([side.mean() if side.size else 0.0 for side in sides])


def find_cuts(config: QualityConfig, device: str, backend: str = "auto") -> Cuts | None:
    """What tells how animals meet the frame; None where that is switched off. Raises WeightsError."""
    if config.silhouette == "none":
        return None
    weights, exported = find_silhouettes(config.silhouette, backend, device, "quality.silhouette")
    return Cuts(weights, device, exported)
