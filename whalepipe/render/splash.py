"""Where animal and water meet: the wavy line, foam, spray, and the dark mirror image."""

import cv2
import numpy as np

from .pose import Pose
from .settings import Sighting
from .texture import Array, noise, sample, smoothstep, wiggle


def waterline(sighting: Sighting, stance: Pose, width: int, rng: np.random.Generator) -> Array:
    """Return the water's row (width,) in pixels of the picture for so many columns."""
    wave = wiggle(rng, width, max(8.0, 0.5 * sighting.width), 4)
    return np.asarray(stance.water + (0.015 + 0.02 * sighting.splash) * sighting.width * wave, np.float32)


def paint_mirror(
    window: Array, body: Array, colour: Array, line: Array, sighting: Sighting, rng: np.random.Generator
) -> None:
    """Darken the water (in place) below the animal with its broken mirror image."""
    height, width = body.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    depth = rows - line[None, :]
    stretch = max(1.0, 0.03 * sighting.width)
    shake = noise(rng, height, width, (stretch, 5 * stretch), 3) * (
        0.02 * sighting.width + 0.25 * np.clip(depth, 0, None)
    )
    source = line[None, :] - 1.7 * depth
    mirrored = sample(body, columns + shake, source - 1)
    fade = np.where(depth > 0, np.exp(-depth / (0.35 * sighting.width)), 0.0) * 0.6
    dark = np.minimum(0.35 * window, colour.mean((0, 1)) + 0.02)
    window += (dark - window) * (mirrored * fade)[..., None]


def paint_foam(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Lay foam (in place) along the line where the animal stands in the water, and a trail beside it."""
    height, width = body.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    off = (rows - line[None, :]) / sighting.width
    # Where the animal crosses the line: columns whose body reaches it.
    at = np.clip(line.astype(int) - 2, 0, height - 1)
    wet = body[at, np.arange(width)]
    spread = max(3.0, 0.12 * sighting.width)
    along = np.asarray(cv2.GaussianBlur(wet[None, :], (0, 0), sigmaX=spread, sigmaY=0.1))[0]
    clumps = wiggle(rng, width, max(6.0, 0.3 * sighting.width), 3)
    near = np.exp(-np.abs(off) / np.where(off < 0, 0.02 + 0.05 * sighting.splash, 0.045 + 0.09 * sighting.splash))
    cell = max(2.0, 0.07 * sighting.width)
    ragged = noise(rng, height, width, (cell, 2 * cell), 5, 0.65)
    level = 1.5 * near * along[None, :] * (0.6 + 0.5 * clumps[None, :] + sighting.splash) + 0.35 * ragged
    foam = smoothstep(0.62, 1.1, level)
    bright = 0.75 + 0.13 * noise(rng, height, width, (cell / 2, cell / 2), 3)
    window += (white * bright[..., None] - window) * (0.9 * foam)[..., None]


def paint_spray(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Throw drops (in place) above the line; few in a calm rise, many in a splash."""
    height, width = body.shape
    count = int(rng.poisson(4 + 160 * sighting.splash**2))
    drops = np.zeros((height, width), np.uint8)
    cover = body.max(0) > 0.5
    columns = np.flatnonzero(cover) if cover.any() else np.arange(width)
    for x in rng.choice(columns, count) + rng.normal(0, 0.08 * sighting.width, count):
        y = np.interp(x, np.arange(width), line) - rng.exponential((0.03 + 0.16 * sighting.splash) * sighting.width)
        radius = rng.uniform(0.3, 0.4 + 0.006 * sighting.width)
        cv2.circle(drops, (int(x * 16), int(y * 16)), int(radius * 16), int(rng.uniform(90, 255)), -1, cv2.LINE_AA, 4)
    window += (white - window) * (0.8 * drops.astype(np.float32) / 255)[..., None]
