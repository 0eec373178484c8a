"""The embedder: a crop in, a unit vector out that is near those of other crops of the same animal.

A timm backbone, generalised-mean pooling (Radenovic, Tolias and Chum 2018, "Fine-tuning CNN image retrieval with no
human annotation", equation 3), a linear layer, and batch normalisation as the neck (Luo et al. 2019, "Bag of tricks
and a strong baseline for deep person re-identification", section 3.4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.architecture import Architecture, create, read_architecture
from whalepipe.models.device import TORCH, side_by_side
from whalepipe.models.ensemble import KIND, shares_of
from whalepipe.models.exported import Exported
from whalepipe.models.gpu import Batches, Gathered, in_fewer_digits, moved
from whalepipe.models.inputs import Input, fitted, normalised, read_input, squashed
from whalepipe.models.weights import Weights, fill, load_state

if TYPE_CHECKING:
    import torch

__all__ = [
    "KIND",
    "Embedder",
    "Voter",
    "build",
    "fitted",
    "load_voters",
    "normalised",
    "squashed",
    "unit_vectors",
    "voted",
]
CLASSIFIER = "classifier."  # how the names of tensors begin that tell classes by the vector, see classifier.py
BESIDE = "beside."  # how the names of tensors begin that are of another network than the first
SHARES = "blend.shares"  # the tensor that has the networks' shares: so they are in the digest of the file
RESPONSE_DECIMALS = 3
DECIMALS = 5  # of the numbers of a vector: what is compared is what is stored
PLAIN = Input()

Picture = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]
Looks = Callable[[Picture], list[list[Vector]]]  # of a crop, by network and size: (1, dimension), of any length


def build(backbone: str, dimension: int, looks: int = 1, drop_path: float = 0.0) -> "torch.nn.Module":
    """The untrained network with this backbone: see `architecture.create`."""
    return create(Architecture(backbone=backbone, dimension=dimension, drop_path=drop_path), looks)


def unit_vectors(
    network: "torch.nn.Module",
    crops: Sequence[Picture],
    sizes: Sequence[int],
    device: "torch.device | str" = "cpu",
    shown: Input = PLAIN,
) -> Vector:
    """The vectors of crops, (height, width, 3) uint8 RGB each: (N, dimension x sizes) float32 of unit length.

    Each crop is looked at squashed to squares of `sizes`; the unit vectors of all looks stand one after the other, so
    that the cosine of two crops is the mean of their cosines look by look. Small marks are seen in a large picture,
    the whole is better known in one of the size that was trained with.
    """
    return _unit(_looks(network, crops, sizes, device, shown))


def _looks(
    network: "torch.nn.Module",
    crops: Sequence[Picture],
    sizes: Sequence[int],
    device: "torch.device | str",
    shown: Input,
) -> list[Vector]:
    """What the network makes of the crops at each of the sizes: (N, dimension) each, of any length."""
    import torch

    looks = []
    with TORCH, torch.inference_mode():
        for look, size in enumerate(sizes):
            pictures = shown.tensor(crops, size).to(device)
            vectors = network(pictures, look)
            if shown.flipped:
                vectors = (vectors + network(pictures.flip(3), look)) / 2
            looks.append(vectors.cpu().numpy())
    return looks


def _unit(looks: Sequence[Vector]) -> Vector:
    """Vectors (N, dimension) of several looks, each of unit length, one after the other, of unit length together."""
    return _joined([vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12) for vectors in looks])


def _joined(every: Sequence[Vector], shares: Sequence[float] | None = None) -> Vector:
    """Vectors (N, dimension) of unit length, one after the other and again of unit length: cosines are their mean.

    With `shares`, which add up to 1, each cosine counts by its own.
    """
    if shares is None:
        return np.asarray(np.concatenate(every, axis=1) / np.sqrt(len(every)), dtype=np.float32)
    parts = [vectors * np.sqrt(share) for vectors, share in zip(every, shares, strict=True)]
    return np.asarray(np.concatenate(parts, axis=1), dtype=np.float32)


@dataclass(frozen=True)
class Voter:
    """A network, the sides of the squares that it looks at, and what is done to crops before."""

    network: "torch.nn.Module"
    sizes: Sequence[int]
    shown: Input = PLAIN
    share: float | None = None  # of all cosines; None: as much as each other network


def voted(voters: Sequence[Voter], crops: Sequence[Picture], device: "torch.device | str" = "cpu") -> Vector:
    """As `unit_vectors`, those of several networks one after the other: the cosine of two crops is their mean.

    What one network was misled by another is not (soft voting). Networks with a share count by it.
    """
    shares = [voter.share for voter in voters if voter.share is not None]
    every = [unit_vectors(voter.network, crops, voter.sizes, device, voter.shown) for voter in voters]
    return _joined(every, shares or None)


def load_voters(weights: Weights) -> list[Voter]:
    """The networks of a file, ready to look: the one that it is named for, and those that vote beside it.

    Of several files all. Raises WeightsError where a file does not fit its card.
    """
    shares = shares_of(weights.card, weights.path)
    voters = [voter for one in weights.joined or (weights,) for voter in _voters(one, shares)]
    return [replace(v, share=s) for v, s in zip(voters, shares, strict=True)] if shares else voters


def _voters(weights: Weights, shares: Sequence[float] | None) -> list[Voter]:
    """The networks of one file."""
    state, cards = load_state(weights), [weights.card, *_beside(weights)]
    voters = []
    for number, card in enumerate(cards):
        told = Weights(weights.path, weights.digest, card)
        sizes = _sizes(told, _positive(told, "size"))
        network = create(read_architecture(card, weights.path), len(sizes))
        fill(network, part_of(state, number), told, "its tensors do not fit the network that its card names")
        voters.append(Voter(network.eval(), sizes, read_input(card, weights.path)))
    if SHARES in state and (shares is None or not np.allclose(state[SHARES].numpy(), shares, atol=1e-3)):
        raise WeightsError(f"{weights.path}: the shares of its networks are not those of its card; restore it")
    return voters


def part_of(state: "Mapping[str, torch.Tensor]", number: int) -> "dict[str, torch.Tensor]":
    """Of the tensors of a file those of one network: 0 the one that it is named for, 1 the first beside it."""
    if number:
        start = beside(number)
        return {name.removeprefix(start): tensor for name, tensor in state.items() if name.startswith(start)}
    return {name: tensor for name, tensor in state.items() if not name.startswith((BESIDE, CLASSIFIER, SHARES))}


def beside(number: int) -> str:
    """How the names of the tensors of the network with that number begin."""
    return f"{BESIDE}{number}."


@dataclass(frozen=True)
class Look:
    """What the embedder makes of one crop.

    `vector` (dimension,) has unit length; `response` is how long it was before, in parts of what is usual: the
    networks answer less to what they cannot make out (Meng et al. 2021, "MagFace: a universal representation for face
    recognition and quality assessment", section 3.1, where the length is trained to be so).
    """

    vector: Vector
    response: float


class Embedder:
    """One crop at a time, so that a vector does not depend on which others are in a batch."""

    def __init__(self, weights: Weights, device: str = "cpu", exported: Weights | None = None) -> None:
        """Load the networks; with `exported` (see `find_exported`) that runs, and no torch.

        Raises WeightsError where the file does not fit its card.
        """
        self.digest, self.size = weights.digest, _positive(weights, "size")
        self._weights, self._device = weights, device
        self._shares = shares_of(weights.card, weights.path)
        self._looks: Looks = exported_looks(weights, exported) if exported else torch_looks(self.voters, device)

    @cached_property
    def voters(self) -> Sequence[Voter]:
        """The networks, on their device, whichever form runs."""
        return [Voter(v.network.to(self._device), v.sizes, v.shown) for v in load_voters(self._weights)]

    def __call__(self, crop: Picture) -> Vector:
        """The vector of a crop, (height, width, 3) uint8 RGB of any size, as `voted` makes it, rounded."""
        return self.look(crop).vector

    def look(self, crop: Picture) -> Look:
        """The vector of a crop, and how strongly the networks answered to it."""
        every = self._looks(crop)
        [vector] = _joined([_unit(looks) for looks in every], self._shares)
        lengths = [float(np.linalg.norm(one)) / np.sqrt(one.size) for looks in every for one in looks]
        rounded = np.asarray(np.round(vector, DECIMALS), dtype=np.float32)
        return Look(rounded, round(float(np.mean(lengths)), RESPONSE_DECIMALS))


def torch_looks(voters: Sequence[Voter], device: str) -> Looks:
    """As torch has them; on a graphics processor the crops that several threads ask about go together."""
    if device == "cpu":
        return lambda crop: [_looks(v.network, [crop], v.sizes, device, v.shown) for v in voters]
    voters = [Voter(moved(v.network, device), v.sizes, v.shown) for v in voters]

    def run(crops: Sequence[Picture]) -> list[list[list[Vector]]]:
        with in_fewer_digits(device):
            every = [_looks(v.network, crops, v.sizes, device, v.shown) for v in voters]
        return [[[look[i : i + 1].astype(np.float32) for look in one] for one in every] for i in range(len(crops))]

    batches = Batches(run, side_by_side(), filled=True)
    batches.fit(np.zeros((1, 1, 3), np.uint8))  # all crops are brought to the same size
    return Gathered(batches)


def exported_looks(weights: Weights, exported: Weights) -> Looks:
    """As the exported form has them: it takes the crop at each size, the smallest first, and says all looks in turn.

    Raises WeightsError.
    """
    network = Exported(exported)
    cards = [Weights(weights.path, weights.digest, card) for card in (weights.card, *_beside(weights))]
    each = [_sizes(card, _positive(card, "size")) for card in cards]
    sizes = sorted({size for one in each for size in one})
    lengths = [_positive(card, "dimension") for card, one in zip(cards, each, strict=True) for _ in one]

    def looks(crop: Picture) -> list[list[Vector]]:
        said = network(*(squashed(crop, size) for size in sizes))
        parts = iter(np.split(said[None], np.cumsum(lengths)[:-1], axis=1))
        return [[next(parts) for _ in one] for one in each]

    return looks


def _beside(weights: Weights) -> list[Mapping[str, Any]]:
    """What the card says of the networks that vote beside the first."""
    cards: Any = weights.card.get("beside", [])
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        raise WeightsError(f"{weights.path}: what its card says of the networks beside the first is no list of them")
    return cards


def _sizes(weights: Weights, usual: int) -> list[int]:
    """Sides of the squares that are looked at, the one trained with first."""
    sizes: Any = weights.card.get("sizes", [usual])
    if not isinstance(sizes, list) or not sizes or not all(isinstance(s, int) and s > 0 for s in sizes):
        raise WeightsError(f"{weights.path}: the sizes on its card are no sides of squares")
    return sizes


def _positive(weights: Weights, name: str) -> int:
    value: Any = weights.card.get(name)
    if not isinstance(value, int) or value <= 0:
        raise WeightsError(f"{weights.path}: its card gives no {name}")
    return value
