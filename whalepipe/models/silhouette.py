"""What each pixel of a crop shows: the part or not, its trailing edge or not. Pictures in, log odds out.

The first stages of an EfficientNet-Lite0 and a decoder that brings their features together from coarse to fine
(Ronneberger, Fischer and Brox 2015, "U-Net", figure 1), with separable convolutions (Howard et al. 2017, "MobileNets").
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.device import cause_on, pick_device
from whalepipe.models.embedder import fitted, normalised
from whalepipe.models.exported import Exported, Form, find_exported
from whalepipe.models.network import Network, torch_network
from whalepipe.models.weights import Weights, find_weights, load_into

if TYPE_CHECKING:
    import torch

KIND = "silhouette"
METHOD = "outline-1"  # changes with anything but the weights that changes what is told of a crop
BACKBONE = "tf_efficientnet_lite0"
STAGES = (0, 1, 2, 4)  # of the backbone, after which features are 1/2, 1/4, 1/8 and 1/16 as wide as the picture
GIVEN = (16, 24, 40, 112)  # their channels
CHANNELS = (24, 32, 48, 64)  # of the decoder there
PARTS = ("dorsal_fin", "fluke")  # those with a trailing edge
# Width and height, pixels, to which a crop is brought, whatever its proportions: those of one animal's crops differ
# with its attitude, and the embedder sees them squashed too. Whole numbers of the coarsest stride; one shape for all
# parts, so that both can be in a batch, over which the network is normalised while it learns.
SHAPE = (224, 160)
DECIMALS = 3
SURE = 12.0  # log odds beyond which nothing is told apart

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Silhouette:
    """Log odds of each pixel (h, w) float32: that it shows the part, and that its trailing edge runs there."""

    part: Floats
    edge: Floats


def build() -> "torch.nn.Module":
    """The untrained network: (N, 3, h, w) floats in, (N, 2, h, w) log odds out; h and w whole numbers of 16."""
    import timm
    import torch
    from torch import nn
    from torch.nn.functional import interpolate

    def block(given: int, made: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(given, given, 3, padding=1, groups=given, bias=False),
            nn.Conv2d(given, made, 1, bias=False),
            nn.BatchNorm2d(made),
            nn.ReLU(inplace=True),
        )

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            whole: Any = timm.create_model(BACKBONE, pretrained=False, num_classes=0, global_pool="")
            self.stem = nn.Sequential(whole.conv_stem, whole.bn1)
            self.stages = whole.blocks[: STAGES[-1] + 1]
            coarser = (*CHANNELS[1:], 0)
            self.joins = nn.ModuleList(block(a + b, c) for a, b, c in zip(GIVEN, coarser, CHANNELS, strict=True))
            self.fine = nn.Conv2d(3, 8, 3, padding=1)
            self.last = nn.Sequential(block(8 + CHANNELS[0], 16), nn.Conv2d(16, 2, 3, padding=1))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            features, seen = [], self.stem(pictures)
            for stage in self.stages:
                seen = stage(seen)
                features.append(seen)
            features = [features[number] for number in STAGES]
            seen = self.joins[-1](features[-1])
            for join, finer in zip(reversed(self.joins[:-1]), reversed(features[:-1]), strict=True):
                seen = join(torch.cat([finer, interpolate(seen, scale_factor=2.0, mode="bilinear")], 1))
            seen = torch.cat([torch.relu(self.fine(pictures)), interpolate(seen, scale_factor=2.0, mode="bilinear")], 1)
            out: torch.Tensor = self.last(seen)
            return out

    return Network()


def load_network(weights: Weights) -> "torch.nn.Module":
    """The network of a silhouette's weights, ready to look. Raises WeightsError where the file does not fit."""
    network = build()
    load_into(network, weights, "its tensors are not those of a silhouette network")
    return network.eval()


def find_silhouettes(name: str, backend: str, device: str, without: str) -> tuple[Weights, Form | None]:
    """The weights of this name, and their exported form where that is to run (see `find_exported`).

    Raises WeightsError, which says with which setting it goes `without`, and ConfigError.
    """
    try:
        weights = find_weights(name, KIND)
    except WeightsError as error:
        raise WeightsError(f"{error}; without it: --set {without}=none") from error
    return weights, exported_silhouettes(weights, backend, device)


def exported_silhouettes(weights: Weights, backend: str, device: str) -> Form | None:
    """The exported form of a silhouette's weights: no more than a faster one, so where there is none, torch does."""
    return find_exported(weights, backend, device, needed=False)


class BySilhouettes:
    """What tells something by silhouettes, whose network is loaded when first needed."""

    def __init__(self, weights: Weights, device: str = "cpu", exported: Form | None = None) -> None:
        """`device` also `auto`. With `exported` (see `find_exported`) that runs."""
        self.weights, self.exported, self._device = weights, exported, device

    @property
    def digest(self) -> str:
        """Of what runs: it changes with what is seen."""
        return self.exported.cause if self.exported else cause_on(self._device, self.weights.digest)

    @cached_property
    def _silhouettes(self) -> "Callable[[Picture], Silhouette]":
        device, form = pick_device(self._device), self.exported
        key = str(self.weights.path), self.weights.digest, form.cause if form else device
        with _LOADING:
            if key not in _loaded:
                _loaded[key] = Silhouettes(self.weights, device, form)
            return _loaded[key]


_LOADING = threading.Lock()
_loaded: "dict[tuple[str, str, str], Silhouettes]" = {}  # several tell something by the same network


class Silhouettes:
    """One crop at a time, so that what is told of it does not depend on others.

    The last answer of each thread is kept: sides, marks and details are told of one crop after the other.
    """

    def __init__(self, weights: Weights, device: str = "cpu", exported: Form | None = None) -> None:
        """Load the network; with `exported` (see `find_exported`) that runs.

        Raises WeightsError where the file does not fit.
        """
        self._network: Network = (
            Exported(exported) if exported else torch_network(load_network(weights), normalised, device)
        )
        self._last = threading.local()

    def __call__(self, crop: Picture) -> Silhouette:
        """Tell the pixels of a crop, (height, width, 3) uint8 RGB of any size; the answer has the size SHAPE.

        Of the same array again it is the same answer: crops are not changed.
        """
        crop_before, told = getattr(self._last, "told", (None, None))
        if told is None or crop_before is not crop:
            told = self._tell(crop)
            self._last.told = crop, told
        return told

    def _tell(self, crop: Picture) -> Silhouette:
        both = self._network(fitted(crop, SHAPE)).clip(-SURE, SURE)
        part, edge = np.round(both.astype(np.float32), DECIMALS)  # what decides is the same on any processor
        return Silhouette(part, edge)
