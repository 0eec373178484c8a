"""Photos as other weather and another lens would show them: haze, sun glare, blur, for the training of the detector.

Boxes stay where they are. Colours may come in any order, since nothing here tells one from another.
"""

from dataclasses import asdict, dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

BRIGHT = 95  # percentile of a picture that stands for the light of its sky
COARSE = 4  # pixels, over which nothing is lost of what is taken of a picture's light
SPECK = (0.6, 2.2)  # width of a glint, pixels (standard deviation), before it is drawn twice as wide as high
ROUGHNESS = 24.0  # height of the widest glints' surroundings, pixels: over these a facet is brighter or darker than it


@dataclass(frozen=True)
class Weather:
    """With which probability each is seen in a picture."""

    haze: float = 0.1
    glare: float = 0.1
    veil: float = 0.05
    defocus: float = 0.08
    motion: float = 0.08

    def scaled(self, times: float) -> "Weather":
        """So many times as often."""
        return Weather(**{name: times * probability for name, probability in asdict(self).items()})

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """A changed copy of (height, width, 3) uint8, or the picture itself."""
        changes = ((self.haze, hazy), (self.glare, glaring), (self.veil, veiled), (self.defocus, defocused))
        for probability, change in (*changes, (self.motion, moved)):
            if rng.random() < probability:
                picture = change(picture, rng)
        return picture


def hazy(picture: Picture, rng: np.random.Generator) -> Picture:
    """Light of the air over what is farther off, which stands higher in a photo from a boat.

    Koschmieder 1924, "Theorie der horizontalen Sichtweite": J t + A (1 - t), t falling with the distance.
    """
    far = rng.uniform(0.25, 0.8)
    depth = np.linspace(1.0, rng.uniform(0.2, 0.7), len(picture), dtype=np.float32)[:, None, None]
    shown = np.float32(far) ** depth
    air = np.percentile(picture[::COARSE, ::COARSE], BRIGHT, axis=(0, 1)).astype(np.float32)
    air += (255 - air) * np.float32(rng.uniform(0.0, 0.6))
    return _whole(picture * shown + air * (1 - shown))


def glaring(picture: Picture, rng: np.random.Generator) -> Picture:
    """A path of glints below the sun: burnt-out specks on the bright facets of the water, more of them in its middle.

    An animal against the light is darker than the water around it, and stays so.
    """
    height, width = picture.shape[:2]
    grey = picture.mean(axis=2, dtype=np.float32)
    coarse = cv2.resize(grey, None, fx=1 / COARSE, fy=1 / COARSE, interpolation=cv2.INTER_AREA)
    around = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), ROUGHNESS / COARSE), (width, height))
    size = rng.uniform(*SPECK)
    noise = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 2 * size, sigmaY=size)
    across = (np.arange(width, dtype=np.float32) / width - np.float32(rng.uniform(-0.1, 1.1))) / rng.uniform(0.1, 0.5)
    path = np.exp(-(across**2))
    lit = noise / noise.std() + 2 * (grey - around) / (grey.std() + 1)
    above = lit + rng.uniform(0.5, 2.0) * path - rng.uniform(2.2, 3.2)
    glints = np.clip(above * 2, 0, 1) * (path > 0.1)
    glow = cv2.GaussianBlur(glints, (0, 0), 3 * size)
    return _whole(picture + (255 - picture) * np.maximum(glints, 0.5 * glow)[:, :, None])


def veiled(picture: Picture, rng: np.random.Generator) -> Picture:
    """The sun just outside the frame: its light scattered in the lens, brightest at one point of the border."""
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    x, y = width * (0.5 + 0.6 * np.cos(angle)), height * (0.5 + 0.6 * np.sin(angle))
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot((columns - x) / width, (rows - y) / height)
    light = rng.uniform(0.3, 0.9) * np.exp(-((distance / rng.uniform(0.3, 0.8)) ** 2))
    return _whole(picture + (255 - picture) * light[:, :, None].astype(np.float32))


def defocused(picture: Picture, rng: np.random.Generator) -> Picture:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.0)), np.uint8)


def moved(picture: Picture, rng: np.random.Generator) -> Picture:
    """Smeared along a line of 3 to 9 pixels: the boat or the animal moved while the shutter was open."""
    return smeared(picture, int(rng.integers(3, 10)) | 1, rng.uniform(0, np.pi))


def smeared(picture: Picture, length: int, angle: float) -> Picture:
    """Blurred along a line of `length` pixels, an odd number, that lies at `angle` radians."""
    line = np.zeros((length, length), np.float32)
    reach = (length - 1) / 2
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    start, end = (tuple(np.round(reach + sign * step).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(line, start, end, 1.0)
    return np.asarray(cv2.filter2D(picture, -1, line / line.sum()), np.uint8)


def _whole(values: Floats) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)
