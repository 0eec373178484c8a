"""The networks that turn a crop into a vector, as their cards describe them, and which of their stages are which.

A backbone of timm's (or one of the few here that timm has not), pooling, at will a fully connected layer, dropout, a
linear layer and a neck. Without the linear layer the vector is what came before it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whalepipe.errors import WeightsError

if TYPE_CHECKING:
    import torch

PLAIN, ALEXNET = "plain", "alexnet"  # backbones that timm has not


@dataclass(frozen=True)
class Architecture:
    """A network, as `architecture` on a card gives it."""

    backbone: str = "tf_efficientnet_lite0"
    pooling: str = "gem"
    hidden: int = 0  # units of a fully connected layer behind the pooling; 0: none
    dropout: float = 0.0  # in front of the linear layer, and of a classifier
    dimension: int = 256  # of the linear layer; 0: none
    neck: str = "norm"  # batch normalisation of what it gives
    drop_path: float = 0.0  # of residual branches, while training
    size: int = 0  # side of the pictures, for backbones that are made for one size; 0: their own
    masked: int = 0  # above 0: the animal's mask, found at this size by a network of its own, is a fourth channel

    def told(self) -> dict[str, Any]:
        """What a card says of it."""
        return dataclasses.asdict(self)


def read_architecture(card: Mapping[str, Any], path: object) -> Architecture:
    """What a card says. Raises WeightsError where that is no architecture."""
    given: Any = card.get("architecture", {"backbone": card.get("backbone"), "dimension": card.get("dimension")})
    try:
        found = Architecture(**given)
    except TypeError as error:
        raise WeightsError(f"{path}: what its card says of the architecture cannot be used ({error})") from error
    if not isinstance(found.dimension, int) or found.dimension < 0 or not (found.dimension or "architecture" in card):
        raise WeightsError(f"{path}: its card gives no dimension")
    return found


def create(architecture: Architecture, looks: int = 1) -> "torch.nn.Module":
    """The untrained network: (N, 3, size, size) floats in, (N, dimension) out, not of unit length.

    With several `looks` at pictures of several sizes each has a linear layer and a neck of its own. Raises WeightsError
    for a backbone that nobody knows.
    """
    from whalepipe.models.layers import Network

    return Network(architecture, looks)


def stages(backbone: Any) -> Sequence[Sequence[str]]:
    """The names of a backbone's parameters, stage by stage, the stem first, as timm tells them apart."""
    from timm.models import group_parameters

    groups = group_parameters(backbone, backbone.group_matcher(coarse=True))
    return [groups[number] for number in sorted(groups)]
