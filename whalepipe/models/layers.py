"""The layers of the networks that architecture.py describes. It loads torch, so it is loaded late itself."""

from typing import Any

import timm
import torch
import torchvision
from torch import nn
from torch.nn.functional import interpolate
from torchvision.models.segmentation.fcn import FCN, FCNHead

from whalepipe.errors import WeightsError
from whalepipe.models.architecture import ALEXNET, PLAIN, Architecture

POWER = 3.0  # of the generalised mean, before it is trained
LEAST = 1e-6  # of a feature, for its power to have a slope
MASK_BACKBONE, MASK_WIDTH = "vgg19_bn", 512
WIDTHS = {PLAIN: 64, ALEXNET: 256}  # of the features of backbones that timm has not


class Network(nn.Module):
    """A crop's picture in, its vector out: see `architecture.create`."""

    def __init__(self, architecture: Architecture, looks: int = 1) -> None:
        """With random weights."""
        super().__init__()
        self.architecture = architecture
        self.backbone, wide = _backbone(architecture)
        if architecture.pooling == "gem":
            self.power = nn.Parameter(torch.tensor(POWER))
        if architecture.hidden:
            self.hidden = nn.Sequential(nn.Linear(wide, architecture.hidden), nn.ReLU())
        wide = architecture.hidden or wide
        self.width = architecture.dimension or wide  # of the vector
        self.dropout = nn.Dropout(architecture.dropout if architecture.dimension else 0.0)
        self.linear, self.neck = _head(architecture, wide)
        self.others = nn.ModuleList(nn.Sequential(*_head(architecture, wide)) for _ in range(looks - 1))
        if architecture.masked:
            self.mask = FCN(_Features(), FCNHead(MASK_WIDTH, 1))

    def head(self, look: int) -> tuple[nn.Module, nn.Module]:
        """Linear layer and neck of a look."""
        other: Any = self.others[look - 1] if look else (self.linear, self.neck)
        return other[0], other[1]

    @torch.no_grad()
    def seen(self, pictures: torch.Tensor) -> torch.Tensor:
        """The animal's mask as a channel, -0.5 to 0.5, found at the size that the architecture says."""
        told = self.mask(interpolate(pictures, (self.architecture.masked,) * 2, mode="bilinear"))["out"]
        return interpolate(told.sigmoid() - 0.5, pictures.shape[2:], mode="bilinear")

    def pooled(self, pictures: torch.Tensor) -> torch.Tensor:
        """The backbone's features, (N, channels): their mean over the picture, or a generalised one."""
        if self.architecture.masked:
            pictures = torch.cat([pictures, self.seen(pictures)], dim=1)
        maps = self.backbone(pictures).float()
        # Tokens (N, count, channels) or maps (N, channels, height, width).
        places: tuple[int, ...] = (1,) if maps.ndim == 3 else (2, 3)
        if self.architecture.pooling == "mean":
            mean: torch.Tensor = maps.mean(dim=places)
            return mean
        raised: torch.Tensor = maps.clamp(min=LEAST).pow(self.power).mean(dim=places).pow(1.0 / self.power)
        return raised

    def forward(self, pictures: torch.Tensor, look: int = 0) -> torch.Tensor:
        """The vectors of pictures (N, 3, size, size)."""
        linear, neck = self.head(look)
        features = self.pooled(pictures)
        features = self.hidden(features) if self.architecture.hidden else features
        out: torch.Tensor = neck(linear(self.dropout(features)))
        return out


def _head(architecture: Architecture, wide: int) -> tuple[nn.Module, nn.Module]:
    if not architecture.dimension:
        return nn.Identity(), nn.Identity()
    norm = architecture.neck == "norm"
    linear = nn.Linear(wide, architecture.dimension, bias=False)
    return linear, nn.BatchNorm1d(architecture.dimension) if norm else nn.Identity()


class _Features(nn.Module):
    """The backbone of the mask network, as torchvision's FCN takes one.

    VGG19 under the head of a fully convolutional network (Long et al. 2015, "Fully convolutional networks for semantic
    segmentation", section 4.1), with batch normalisation, since it begins with random weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _of_timm(MASK_BACKBONE)

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features under the name that FCN looks for."""
        return {"out": self.backbone.forward_features(pictures)}


class _Layers(nn.Module):
    """Convolutions one after the other, with what timm's backbones have."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.features = layers

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The last maps."""
        out: torch.Tensor = self.features(pictures)
        return out

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:  # noqa: ARG002 - as timm calls it
        """Each convolution is a stage."""
        return {"stem": r"^features\.0", "blocks": r"^features\.(\d+)"}


def _backbone(architecture: Architecture) -> tuple[Any, int]:
    """A backbone that gives its last maps, and how many channels these have."""
    channels, name = 4 if architecture.masked else 3, architecture.backbone
    if name in WIDTHS:
        return _Layers(_alexnet(channels) if name == ALEXNET else _plain(channels)), WIDTHS[name]
    more = {"drop_path_rate": architecture.drop_path} if architecture.drop_path else {}
    model = _of_timm(name, architecture.size, in_chans=channels, **more)
    model.forward = model.forward_features  # called as a layer, so that what hooks into layers sees its maps
    return model, int(model.num_features)


def _of_timm(name: str, size: int = 0, **more: Any) -> Any:
    """A backbone of timm's without its classifier and without weights. Raises WeightsError where timm has none."""
    if not timm.is_model(name):
        raise WeightsError(f"no backbone {name!r}: give the name of one of timm's, {PLAIN} or {ALEXNET}")
    cfg = timm.get_pretrained_cfg(name)
    if cfg and cfg.fixed_input_size and size:
        more["img_size"] = size
    model = timm.create_model(name, pretrained=False, num_classes=0, **more)
    if hasattr(model, "pre_logits"):  # the large fully connected layers of a VGG: a recipe has its own
        model.pre_logits = nn.Identity()
    return model


def _alexnet(channels: int) -> nn.Module:
    """The convolutions of torchvision's AlexNet."""
    features: Any = torchvision.models.alexnet(weights=None).features
    if channels != 3:
        features[0] = nn.Conv2d(channels, 64, 11, 4, 2)
    return features  # type: ignore[no-any-return]


def _plain(channels: int) -> nn.Module:
    """Two convolutions, each with a pooling."""
    first, second = nn.Conv2d(channels, 32, 5, 2, 2), nn.Conv2d(32, WIDTHS[PLAIN], 5, 2, 2)
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2))
