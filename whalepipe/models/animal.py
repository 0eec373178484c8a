"""Where a crop shows the animal and where the sea, by a silhouette network."""

import numpy as np
import numpy.typing as npt

from whalepipe.models import silhouette
from whalepipe.models.details import LEAST_SEEN
from whalepipe.models.silhouette import PARTS, BySilhouettes, Picture, exported_silhouettes
from whalepipe.models.weights import find_weights


class Animal(BySilhouettes):
    """Tells the animal's pixels by the weights of a silhouette network."""

    def __call__(self, crop: Picture, part: str) -> npt.NDArray[np.bool_] | None:
        """The animal's mask, of a size of its own, in a crop (height, width, 3) uint8 RGB of any size.

        None for parts of which no outline was learned (see PARTS), and where hardly anything was made out.
        """
        if part not in PARTS:
            return None
        mask = self._silhouettes(crop).part > 0
        return mask if mask.mean() >= LEAST_SEEN else None


def find_animal(name: str, device: str = "cpu") -> Animal:
    """What tells the animal by the silhouette weights of this name. Raises WeightsError."""
    weights = find_weights(name, silhouette.KIND)
    return Animal(weights, device, exported_silhouettes(weights, "auto", device))
