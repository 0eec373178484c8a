"""Rendered animals in a photo of real sea: lit, blurred and grained as that photo is.

What a tile of sea looks like is measured on it; the animal is then painted in a sea of those colours, with its foam and
its mirror image in the tile's own water.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .scene import Rendered, paint_animals
from .settings import Colour, Scene
from .texture import Array, gauss, noise, rgb

BLOCK = 16  # pixels: of a grid of so large squares the calmest tell the grain
OF_CAMERA = ("blurred", "glare")  # faults of a whole photo, not of an animal in it
SOFTEST = 1.2  # pixels (sigma): the camera is focused on the animal, be the sea behind it as soft as it is
REBLUR = 1.5  # pixels (sigma), see _softness
# What is no sea about a box, in its widths and heights: the rest of the animal, its wake and its mirror image.
BESIDE, ABOVE, BELOW = 3.0, 0.25, 0.75
DEEPEST = np.float32(0.45)  # of its brightness water keeps where it mirrors the animal
SMOOTH = 0.012  # standard deviation along a row, fine detail only, below which it shows sky
LAND = 0.15  # of the photo's height below the sky: there may be land


@dataclass(frozen=True)
class Look:
    """A tile of sea: its colours 0..1, of the darkest hundredth, of all, of the brightest twentieth.

    `contrast` and `grain` are the standard deviations of its brightness and of its noise (0..1); `soft` is its blur
    (sigma, pixels).
    """

    dark: Colour
    mean: Colour
    bright: Colour
    contrast: float
    grain: float
    soft: float


def look_of(tile: Array) -> Look:
    """Return how a tile (height, width, 3) uint8 RGB looks."""
    image = tile.astype(np.float32) / 255
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    low, high = np.percentile(grey, (1, 95))
    return Look(
        dark=_colour(image[grey <= low]),
        mean=_colour(image.reshape(-1, 3)),
        bright=_colour(image[grey >= high]),
        contrast=float(grey.std()),
        grain=_grain(grey),
        soft=_softness(grey),
    )


def _colour(pixels: Array) -> Colour:
    red, green, blue = (float(v) for v in pixels.mean(0))
    return red, green, blue


def _grain(grey: Array) -> float:
    """Return the noise's standard deviation (0..1): Immerkaer, Fast Noise Variance Estimation, 1996, eq. 4.

    It is taken where the sea is calmest, at the tenth percentile of all blocks, since waves are no noise.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = np.abs(np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel)))
    blocks = np.asarray(
        cv2.resize(rough, (rough.shape[1] // BLOCK, rough.shape[0] // BLOCK), interpolation=cv2.INTER_AREA)
    )
    return float(np.percentile(blocks, 10) * np.sqrt(np.pi / 2) / 6)


def _softness(grey: Array) -> float:
    """Return the blur (sigma, pixels) of the sharpest edges: by how much a known blur weakens their gradient.

    Zhuo and Sim, Defocus map estimation from a single image, 2011, eq. 6.
    """
    sharp, blurred = (_steepest(image) for image in (grey, np.asarray(cv2.GaussianBlur(grey, (0, 0), REBLUR))))
    ratio = sharp / max(blurred, 1e-6)
    return float(np.clip(REBLUR / np.sqrt(max(ratio**2 - 1, 1e-3)), 0.4, 9.0))


def _steepest(grey: Array) -> float:
    right, down = np.gradient(grey)
    return float(np.percentile(np.hypot(right, down), 99.5))


def paste(scene: Scene, tile: Array) -> Rendered:
    """Return a scene's animals in a real sea: `tile` (height, width, 3) uint8 RGB, as large as the scene's frame.

    The scene's own sea is not drawn, and its camera is the one that took the tile. Raises ValueError for a tile of
    another size, and for a fault of the camera ("blurred", "glare"), which the tile would not share.
    """
    if scene.fault in OF_CAMERA:
        raise ValueError(f"cannot paste with the fault {scene.fault!r}: it would have to be the tile's as well")
    if tile.shape != (scene.height, scene.width, 3):
        raise ValueError(f"a tile of {tile.shape}: the scene is {scene.height} x {scene.width} pixels, RGB")
    look = look_of(tile)
    look = replace(look, soft=min(look.soft, SOFTEST))
    gain = _gain(look)
    sea = tile.astype(np.float32) / 255
    # The renderer paints light, before the camera's exposure.
    painted = sea / np.float32(gain)
    truths, body = paint_animals(_taken(scene, look, gain), painted)
    photo = _developed(sea, painted * np.float32(gain), body, look, np.random.default_rng([scene.seed, 5]))
    return Rendered(_compressed(photo, scene.camera.jpeg), truths)


def _gain(look: Look) -> float:
    """Return how bright the camera made what the light made 1: foam is all but white, less so in a dark picture."""
    return float(np.clip(0.75 + 0.6 * np.mean(look.mean), 0.8, 1.25))


def _taken(scene: Scene, look: Look, gain: float) -> Scene:
    """Return the scene under the tile's sky, which its brightest water mirrors, by the tile's camera."""
    glints = float(np.mean(look.bright)) - float(np.mean(look.mean))
    dark, mean, bright = (_divided(colour, gain) for colour in (look.dark, look.mean, look.bright))
    sun = float(np.clip(3.0 * glints - 0.2, 0.0, 1.0)) * min(1.0, scene.sea.sun + 0.5)
    wind = float(np.clip(look.contrast / 0.14, 0.1, 1.0))
    sea = replace(scene.sea, deep=dark, sky_low=bright, sky_high=mean, sun=sun, wind=wind)
    return replace(scene, sea=sea, camera=replace(scene.camera, blur=look.soft, motion=0.0, glare=0.0))


def _divided(colour: Colour, gain: float) -> Colour:
    red, green, blue = colour
    return red / gain, green / gain, blue / gain


def _developed(sea: Array, painted: Array, body: Array, look: Look, rng: np.random.Generator) -> Array:
    """Return the picture with the animal as hazy, soft and grainy as the sea: (height, width, 3) float32.

    `painted` is the sea with the animals, `body` (height, width) 0..1 where they are.
    """
    # Air and lens lift all that is dark; how far, the darkest water bounds from above, and calm water says little.
    veil = np.minimum(np.array(look.dark, np.float32) * 0.3, 0.08)
    painted = painted + veil * (1 - painted) * rgb(body)
    # What mirrors dark skin still lets light out of the water.
    painted = np.maximum(painted, sea * rgb(DEEPEST * (1 - body)))
    # What animals did to the water around them is softened alone: the water is as soft as it is already.
    changed = sea + gauss(painted - sea, look.soft)
    grain = noise(rng, body.shape[0], body.shape[1], (1.6, 1.6), 1) * np.float32(look.grain)
    animal = gauss(painted, look.soft) + rgb(grain)
    return np.asarray(changed + (animal - changed) * rgb(gauss(body, look.soft)))


def _compressed(image: Array, quality: int) -> Array:
    picture = cv2.cvtColor(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255), cv2.COLOR_RGB2BGR)
    photo = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB))


def tiles(photo: Array, boxes: Array, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return left and top of windows of `size` (width, height) in a photo (height, width, 3) that show sea alone.

    `boxes` (N, 4) are xmin, ymin, xmax, ymax of all animals, in pixels of the photo; around each a margin is left out
    that the rest of the animal may fill, and so is the sky, if it fills whole rows. The windows do not overlap.
    """
    width, height = size
    taken = [_widened(box) for box in np.asarray(boxes, float).reshape(-1, 4)]
    found = []
    for left, top in _grid(photo, width, height):
        window = (left, top, left + width, top + height)
        if not any(_meet(window, other) for other in taken):
            taken.append(window)
            found.append((left, top))
    return found


def _widened(box: Array) -> tuple[float, float, float, float]:
    xmin, ymin, xmax, ymax = (float(v) for v in box)
    wide, high = xmax - xmin, ymax - ymin
    return xmin - BESIDE * wide, ymin - ABOVE * high, xmax + BESIDE * wide, ymax + BELOW * high


def _meet(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _grid(photo: Array, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield places of windows from the photo's foot upwards, about a quarter of a window apart."""
    for top in reversed(_steps(_sea_begins(photo), photo.shape[0] - height, height / 4)):
        for left in _steps(0, photo.shape[1] - width, width / 4):
            yield left, top


def _steps(first: int, last: int, step: float) -> list[int]:
    """Return numbers from `first` to `last`, both included, at most `step` apart; none if there are none."""
    if last < first:
        return []
    return [round(v) for v in np.linspace(first, last, int(np.ceil((last - first) / step)) + 1)]


def _sea_begins(photo: Array) -> int:
    """Return the row from which on there is water: 0, or below the sky and what land there may be under it."""
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)).astype(np.float32) / 255
    fine = grey - gauss(grey, 8.0)
    rough = np.flatnonzero(gauss(fine.std(1)[:, None], 4.0)[:, 0] > SMOOTH)
    sky = int(rough[0]) if len(rough) else len(grey)
    return sky + round(LAND * len(grey)) if sky > 0.03 * len(grey) else 0
