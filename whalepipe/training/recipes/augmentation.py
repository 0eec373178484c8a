"""How a recipe changes crops: torchvision's transforms, and three that it has not."""

from typing import Any

import cv2
import numpy as np
import torch
from torchvision.transforms import v2

from whalepipe.models.inputs import fitted
from whalepipe.training.recipes.recipe import Augmentation
from whalepipe.training.weather import smeared

MOTION = 9  # pixels of 224 by which a moved camera blurs, at most
COARSEST = 0.35  # of the size
CLIP, TILES = 2.0, (8, 8)  # of CLAHE


class _OnArray(v2.Transform):  # type: ignore[misc]
    """A change of one picture (3, height, width) uint8, made by OpenCV."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self._chance = chance

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """The picture, changed by chance."""
        if float(torch.rand(())) >= self._chance:
            return picture
        changed = self.changed(np.ascontiguousarray(picture.permute(1, 2, 0).numpy()))
        return torch.from_numpy(np.ascontiguousarray(changed)).permute(2, 0, 1)

    def changed(self, picture: Any) -> Any:
        """A changed copy of (height, width, 3) uint8."""
        raise NotImplementedError


class MotionBlur(_OnArray):
    """Blur along a line, as of a moved camera."""

    def changed(self, picture: Any) -> Any:
        """As `_OnArray` says."""
        length = max(3, int(2 + float(torch.rand(())) * MOTION * len(picture) / 224)) | 1
        return smeared(picture, length, float(torch.rand(())) * np.pi)


class Coarse(_OnArray):
    """Made small and large again, as an animal far away."""

    def changed(self, picture: Any) -> Any:
        """As `_OnArray` says."""
        height, width = picture.shape[:2]
        share = COARSEST + float(torch.rand(())) * (1 - COARSEST)
        small = fitted(picture, (max(1, int(width * share)), max(1, int(height * share))))
        return fitted(small, (width, height))


class Clahe(_OnArray):
    """Contrast evened out from place to place (Zuiderveld 1994, "Contrast limited adaptive histogram equalization")."""

    def changed(self, picture: Any) -> Any:
        """As `_OnArray` says."""
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
        lab[:, :, 0] = cv2.createCLAHE(CLIP, TILES).apply(lab[:, :, 0])
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def pipeline(how: Augmentation, size: int) -> v2.Transform:
    """What changes a crop (3, size, size) uint8 anew each time, by torch's random numbers."""
    steps: list[v2.Transform] = []
    if how.cropped:
        steps.append(_by_chance(v2.RandomResizedCrop(size, scale=(0.5, 1.0), antialias=True), how.cropped))
    if how.rotation or how.shift or how.zoom:
        zoom = (1 - how.zoom, 1 + how.zoom)
        moved = v2.RandomAffine(how.rotation, (how.shift, how.shift), zoom, interpolation=v2.InterpolationMode.BILINEAR)
        steps.append(moved)
    if how.brightness or how.contrast or how.saturation or how.hue:
        steps.append(v2.ColorJitter(how.brightness, how.contrast, how.saturation, how.hue))
    given = [
        (v2.RandomHorizontalFlip, how.flip),
        (v2.RandomGrayscale, how.grey),
        (MotionBlur, how.motion),
        (Coarse, how.coarse),
        (Clahe, how.clahe),
        (v2.RandomErasing, how.erased),
    ]
    steps += [made(chance) for made, chance in given if chance]
    if how.blur:
        steps.append(_by_chance(v2.GaussianBlur(5, (0.4, 1.6)), how.blur))
    return v2.Compose(steps or [v2.Identity()])


def _by_chance(step: v2.Transform, chance: float) -> v2.Transform:
    return v2.RandomApply([step], chance)
