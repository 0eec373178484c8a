"""Spoil a crop by a known amount, to see whether what is said of it is what was done to it.

Each fault has strengths from what nobody would mind to what nobody could use. Light is added where light is added
(glare, haze, exposure), grey values are changed where the file changes them (noise, compression).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models.quality import SRGB

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]

AIRLIGHT = 0.75  # light that haze scatters into the lens, as a share of white
SUB = 4  # bits of OpenCV's fractions of a pixel


@dataclass(frozen=True)
class Framed:
    """A crop's picture, (height, width, 3) uint8 RGB, and the animal's box in it, in pixels."""

    pixels: Picture
    box: Box


@dataclass(frozen=True)
class Fault:
    """Something done to a crop; `strengths` from the least to the most, and `unit` says of what."""

    name: str
    strengths: tuple[float, ...]
    unit: str
    spoil: Callable[[Framed, float, np.random.Generator], Framed]


def _focus(crop: Framed, sigma: float, _: np.random.Generator) -> Framed:
    return _again(crop, cv2.GaussianBlur(crop.pixels, (0, 0), sigma))


def _motion(crop: Framed, length: float, rng: np.random.Generator) -> Framed:
    """Smeared along a line of so many pixels."""
    half, turn = length / 2, rng.uniform(0, np.pi)
    middle = int(np.ceil(half)) + 1
    kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.float32)
    ends = [tuple(round((middle + way * half * f(turn)) * 2**SUB) for f in (np.cos, np.sin)) for way in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, SUB)
    return _again(crop, cv2.filter2D(crop.pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def _exposure(crop: Framed, stops: float, _: np.random.Generator) -> Framed:
    return _in_light(crop, lambda light: light * 2.0**stops)


def _haze(crop: Framed, share: float, _: np.random.Generator) -> Framed:
    return _in_light(crop, lambda light: light * (1 - share) + share * AIRLIGHT)


def _noise(crop: Framed, deviation: float, rng: np.random.Generator) -> Framed:
    return _again(crop, crop.pixels + rng.normal(0, deviation, crop.pixels.shape))


def _compressed(crop: Framed, quality: float, _: np.random.Generator) -> Framed:
    data = cv2.imencode(".jpg", crop.pixels, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return _again(crop, cv2.imdecode(data, cv2.IMREAD_COLOR))


def _small(crop: Framed, scale: float, _: np.random.Generator) -> Framed:
    """As from farther away: fewer pixels, each as sharp."""
    old = crop.pixels.shape[1::-1]
    new = [max(2, round(side * scale)) for side in old]
    xmin, ymin, xmax, ymax = (c * new[i % 2] / old[i % 2] for i, c in enumerate(crop.box))
    shrunk = np.asarray(cv2.resize(crop.pixels, new, interpolation=cv2.INTER_AREA), np.uint8)
    return Framed(shrunk, (xmin, ymin, xmax, ymax))


def _cut(crop: Framed, share: float, rng: np.random.Generator) -> Framed:
    """The photo's frame runs through the animal, so that this share of its box is lost, on the left, right or top."""
    xmin, ymin, xmax, ymax = crop.box
    height, width = crop.pixels.shape[:2]
    side = rng.integers(3)
    if side == 0:
        left = min(round(xmin + share * (xmax - xmin)), width - 2)
        return Framed(np.ascontiguousarray(crop.pixels[:, left:]), (0.0, ymin, xmax - left, ymax))
    if side == 1:
        right = max(round(xmax - share * (xmax - xmin)), 2)
        return Framed(np.ascontiguousarray(crop.pixels[:, :right]), (xmin, ymin, float(right), ymax))
    top = min(round(ymin + share * (ymax - ymin)), height - 2)
    return Framed(np.ascontiguousarray(crop.pixels[top:]), (xmin, 0.0, xmax, ymax - top))


def _again(crop: Framed, pixels: NDArray[np.float64] | NDArray[np.uint8] | cv2.typing.MatLike) -> Framed:
    return Framed(np.clip(np.round(pixels), 0, 255).astype(np.uint8), crop.box)


def _in_light(crop: Framed, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Framed:
    table = np.clip(change((np.arange(256) / 255) ** SRGB), 0, 1) ** (1 / SRGB) * 255
    return _again(crop, table[crop.pixels])


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("focus", (1, 2, 3, 4, 6, 8), "pixels (sigma)", _focus),
        Fault("motion", (2, 4, 8, 16, 24), "pixels (length)", _motion),
        Fault("dark", (-1, -2), "stops", _exposure),
        Fault("bright", (1, 2), "stops", _exposure),
        Fault("haze", (0.3, 0.5, 0.7), "share of the light", _haze),
        Fault("noise", (5, 10, 20, 40), "grey values (deviation)", _noise),
        Fault("compressed", (50, 30, 20, 10), "JPEG quality", _compressed),
        Fault("small", (1 / 2, 1 / 4, 1 / 8), "scale", _small),
        Fault("cut", (0.1, 0.2, 0.4, 0.6), "share of the box", _cut),
    )
}  # by name
