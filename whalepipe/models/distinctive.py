"""How marked a dorsal fin is, 0 to 1: how much its trailing edge is notched.

Notches are what the field names bottlenose dolphins by (Würsig and Würsig 1977, "The photographic determination of
group size, composition, and stability of coastal porpoises"). Of other parts nothing is told: a fluke is named by its
pigment as much as by its edge, and neither its edge nor the number of its keypoints goes with what a person says of it.
"""

import numpy as np
import numpy.typing as npt

from whalepipe.config import QualityConfig
from whalepipe.models import edge
from whalepipe.models.silhouette import METHOD, BySilhouettes, find_silhouettes

PART = "dorsal_fin"
WINDOW = 31  # points of the edge, a quarter of it, over which a fin's own shape bends
# Points that count: the tip is round, and in the last third the edge runs into the body, spray or water.
FIRST, LAST = 4, 84
USUAL = 0.556  # median of `roughness` of rendered fins without a fault of which little is hidden
STEEP = 4.48  # how fast the share of those fins that are less rough rises with it

Floats = npt.NDArray[np.float32]


def roughness(marks: Floats) -> float:
    """How far integral curvature departs from its running median, on the mean, in usual deviations.

    `marks` (radii, points) as in `edge.Edge`, from the tip to the base.
    """
    half = WINDOW // 2
    longer = np.pad(marks, ((0, 0), (half, half)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(longer, WINDOW, axis=1)
    return float(np.abs(marks - np.median(around, axis=2))[:, FIRST:LAST].mean())


def distinctiveness(marks: Floats) -> float:
    """The share of rendered fins in plain sight that are less marked, 0 to 1: 0.5 is their median.

    A log-logistic curve through theirs, so that it rises everywhere.
    """
    odds: float = (roughness(marks) / USUAL) ** STEEP
    return round(odds / (1 + odds), 4)


class Distinctiveness(BySilhouettes):
    """Tells how marked fins are by the weights of a silhouette network."""

    @property
    def method(self) -> str:
        """Changes with anything that changes what is told."""
        return f"distinctive-1 {edge.METHOD} {METHOD} {self.digest[:16]}"

    def __call__(self, crop: npt.NDArray[np.uint8]) -> float | None:
        """Of a crop of a fin, (height, width, 3) uint8 RGB; None where its trailing edge is not plain."""
        found = edge.trace(crop, PART, self._silhouettes(crop))
        return None if found is None else distinctiveness(found.marks)


def find_distinctiveness(config: QualityConfig, device: str, backend: str = "auto") -> Distinctiveness | None:
    """What tells how marked fins are; None where that is switched off. Raises WeightsError."""
    if config.silhouette == "none":
        return None
    weights, exported = find_silhouettes(config.silhouette, backend, device, "quality.silhouette")
    return Distinctiveness(weights, device, exported)
