"""How a crop becomes what a network is shown: squashed, at will freed of noise and haze, normalised."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError

if TYPE_CHECKING:
    import torch

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, which the backbone started from
PATCH = 15  # pixels: the side of a patch in which something is dark unless there is haze
HAZE, LEAST_LIGHT = 0.95, 0.1  # how much of the haze is taken away; the least light that is reckoned with
BRIGHTEST = 0.001  # of the pixels: where haze is the thickest, its colour is seen

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Input:
    """What is done to crops, as `shown` on a card gives it."""

    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    denoised: bool = False  # by a Gaussian
    defogged: bool = False  # see `defogged`
    flipped: bool = False  # the vectors of a crop and its mirror image are averaged

    def clean(self, crop: Picture, size: int) -> Picture:
        """A crop as (size, size, 3), without noise and haze where these are to go."""
        out = squashed(crop, size)
        out = np.asarray(cv2.GaussianBlur(out, (3, 3), 0), dtype=np.uint8) if self.denoised else out
        return defogged(out) if self.defogged else out

    def tensor(self, crops: Sequence[Picture], size: int) -> "torch.Tensor":
        """Crops as (N, 3, size, size) floats."""
        import torch

        return normalised(torch.from_numpy(np.stack([self.clean(c, size) for c in crops])), self.mean, self.std)

    def told(self) -> dict[str, Any]:
        """What a card says of it."""
        return dataclasses.asdict(self)


def read_input(card: Mapping[str, Any], path: object) -> Input:
    """What a card says. Raises WeightsError where it cannot be used."""
    try:
        given = dict(card.get("shown", {}))
        both = {key: tuple(float(x) for x in given[key]) for key in ("mean", "std") if key in given}
        return Input(**{**given, **both})
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: what its card says of the pictures cannot be used ({error})") from error


def squashed(crop: Picture, size: int) -> Picture:
    """A crop, (height, width, 3) uint8 RGB, brought to (size, size, 3) without regard to its proportions."""
    return fitted(crop, (size, size))


def fitted(crop: Picture, size: tuple[int, int]) -> Picture:
    """A crop brought to `size` (width, height) without regard to its proportions."""
    shrinks = crop.shape[1] > size[0] or crop.shape[0] > size[1]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, size, interpolation=kind), dtype=np.uint8)


def normalised(pictures: "torch.Tensor", mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> "torch.Tensor":
    """(N, size, size, 3) uint8 as (N, 3, size, size) floats of mean 0 and deviation 1 over ImageNet, or as given."""
    import torch

    middle, spread = torch.tensor(mean) * 255.0, torch.tensor(std) * 255.0
    return ((pictures.float() - middle.to(pictures.device)) / spread.to(pictures.device)).permute(0, 3, 1, 2)


def defogged(picture: Picture) -> Picture:
    """A picture, (height, width, 3) uint8, without its haze.

    He, Sun and Tang 2011, "Single image haze removal using dark channel prior", sections 3 and 4; the map of the light
    that comes through is smoothed by a box filter in place of soft matting.
    """
    wide, patch = picture.astype(np.float32), np.ones((PATCH, PATCH), np.uint8)
    dark = cv2.erode(wide.min(axis=2), patch)
    thickest = np.argsort(dark, axis=None)[-max(1, round(BRIGHTEST * dark.size)) :]
    haze = np.maximum(wide.reshape(-1, 3)[thickest].mean(axis=0), 1.0)
    light = cv2.blur(1 - HAZE * cv2.erode((wide / haze).min(axis=2), patch), (PATCH, PATCH))
    clear = (wide - haze) / np.maximum(light, LEAST_LIGHT)[:, :, None] + haze
    return np.asarray(np.clip(np.round(clear), 0, 255), dtype=np.uint8)
