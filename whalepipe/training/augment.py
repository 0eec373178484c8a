"""Crops as another photo would show them: another light, another sea, a box drawn a little differently."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Strength:
    """How far a crop may be changed."""

    degrees: float = 10.0  # of rotation: no more than a boat rolls
    zoom: float = 0.1  # of the size, as the detector's boxes differ from a person's
    shift: float = 0.05  # of the size
    gain: float = 0.2  # of brightness, and a third of it for each colour
    grey: float = 0.05  # probability of losing all colour
    blur: float = 0.15  # probability
    noise: float = 6.0  # grey values, at most
    hidden: float = 0.0  # probability that a rectangle is covered, as by spray, glare or another animal


def augmented(picture: Picture, size: int, rng: np.random.Generator, strength: Strength) -> Picture:
    """A changed copy of (height, width, 3) uint8 RGB, as (size, size, 3)."""
    matrix = moved(picture.shape[:2], (size, size), rng, strength)
    out = photographed(warped(picture, matrix, (size, size), cv2.INTER_LINEAR), rng, strength)
    return _hidden(out, rng) if rng.random() < strength.hidden else out


def _hidden(picture: Picture, rng: np.random.Generator) -> Picture:
    """A rectangle of 2 to 20 % of the picture in one colour (Zhong et al. 2020, "Random erasing data augmentation")."""
    height, width = picture.shape[:2]
    share, shape = rng.uniform(0.02, 0.2), np.exp(rng.uniform(-0.7, 0.7))
    sides = np.sqrt(share * height * width) * np.array([shape, 1 / shape])
    high, wide = np.minimum(sides.astype(int), (height, width))
    top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
    out = picture.copy()
    out[top : top + high, left : left + wide] = rng.integers(0, 256, 3)
    return out


def moved(
    shape: tuple[int, ...], size: tuple[int, int], rng: np.random.Generator, strength: Strength, larger: float = 1.0
) -> npt.NDArray[np.float64]:
    """The matrix (2, 3) that brings a picture of `shape` (height, width) to `size` (width, height), as another box.

    `larger`: how much larger than the new picture shows it what the middle of the old one shows becomes.
    """
    (height, width), sides = shape, np.array(size)
    zoom = larger * np.exp(rng.uniform(-strength.zoom, strength.zoom, 2))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-strength.degrees, strength.degrees), 1.0)
    shift = rng.uniform(-strength.shift, strength.shift, 2) * sides
    # From the middle of the turned picture to the middle of the new one, scaled.
    matrix = np.diag(sides / (width, height) * zoom) @ turn
    matrix[:, 2] += (1 - zoom) * sides / 2 + shift
    return np.asarray(matrix)


def warped(picture: Picture, matrix: npt.NDArray[np.float64], size: tuple[int, int], kind: int) -> Picture:
    """The picture moved by a matrix of `moved`; beyond its border it is mirrored."""
    out = cv2.warpAffine(picture, matrix, size, flags=kind, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(out, dtype=np.uint8)


def photographed(picture: Picture, rng: np.random.Generator, strength: Strength) -> Picture:
    """A copy (height, width, 3) in another light, through another lens, by another sensor."""
    out = _relit(picture, rng, strength)
    if rng.random() < strength.blur:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.6))
    noise = rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32) * np.float32(
        rng.uniform(0.0, strength.noise)
    )
    return np.clip(out + noise, 0, 255).astype(np.uint8)


def _relit(picture: Picture, rng: np.random.Generator, strength: Strength) -> Picture:
    """Another gamma, brightness and tint, by a table of the 256 values of each colour; or no colour at all."""
    if rng.random() < strength.grey:
        picture = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    gamma = np.exp(rng.uniform(-strength.gain, strength.gain))
    gain = np.exp(rng.uniform(-strength.gain, strength.gain) + rng.uniform(-1, 1, 3) * strength.gain / 3)
    values = 255.0 * (np.arange(256) / 255.0)[:, None] ** gamma * gain + 50 * strength.gain * rng.uniform(-1, 1)
    table = np.clip(values, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(picture, table), dtype=np.uint8)
