"""Names of a fixed list for a crop: an embedder's file that also holds what tells its classes by the vector.

`classes` on the card: `names`, what they are (`of`: individual or species), `scale` (0: plain logits; else that of
cosines with `centers` centers of each class).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whalepipe.errors import WeightsError
from whalepipe.models.embedder import CLASSIFIER, Picture, Voter, load_voters
from whalepipe.models.species import DECIMALS, Told, softmax
from whalepipe.models.weights import Weights, find_weights, load_state, read_card

if TYPE_CHECKING:
    import torch

KIND = "classifier"


@dataclass(frozen=True)
class Classes:
    """The classes of a file and the tensors that tell them."""

    names: Sequence[str]
    weight: "torch.Tensor"  # (classes x centers, dimension)
    bias: "torch.Tensor | None"
    scale: float

    def logits(self, vectors: "torch.Tensor") -> "torch.Tensor":
        """(n, classes) of vectors (n, dimension)."""
        from torch.nn.functional import linear, normalize

        if not self.scale:
            return linear(vectors, self.weight, self.bias)
        cosines = linear(normalize(vectors), normalize(self.weight))
        return self.scale * cosines.reshape(len(vectors), len(self.names), -1).amax(dim=2)


def read_classes(weights: Weights) -> Classes:
    """The classes of a file. Raises WeightsError where it has none, or they do not fit its tensors."""
    state: Any = load_state(weights)
    try:
        told = weights.card["classes"]
        names, scale = [str(name) for name in told["names"]], float(told["scale"])
        weight, bias = state[f"{CLASSIFIER}weight"], state.get(f"{CLASSIFIER}bias")
        if not names or len(weight) % len(names):
            raise ValueError("classes")
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{weights.path}: it names no classes, or its tensors do not fit them") from error
    return Classes(names, weight, bias, scale)


def find_classifier(name: str, device: str = "cpu") -> "Classifier | None":
    """The classifier at this path; None where it is no path of one. Raises WeightsError where the file is damaged."""
    path = Path(name)
    if not path.is_file() or read_card(path.with_suffix(".json")).get("kind") != KIND:
        return None
    return Classifier(find_weights(name, KIND), device)


class Classifier:
    """One crop at a time."""

    def __init__(self, weights: Weights, device: str = "cpu") -> None:
        """Load network and classes. Raises WeightsError where the file does not fit its card."""
        self.digest, self._classes, self._device = weights.digest, read_classes(weights), device
        voter = load_voters(weights)[0]
        self.size = voter.sizes[0]
        self._voter = Voter(voter.network.to(device), voter.sizes, voter.shown)

    def __call__(self, crop: Picture) -> Told:
        """The classes of a crop, (height, width, 3) uint8 RGB of any size, with probabilities, best first."""
        import torch

        with torch.inference_mode():
            shown = self._voter.shown.tensor([crop], self.size).to(self._device)
            every = [shown, *([shown.flip(3)] if self._voter.shown.flipped else [])]
            logits = [self._classes.logits(self._voter.network(s).cpu())[0] for s in every]
        probabilities = softmax(torch.stack(logits).mean(dim=0).double().numpy())
        order = np.argsort(-probabilities, kind="stable")
        return Told([(self._classes.names[i], round(float(probabilities[i]), DECIMALS)) for i in order], near=True)
