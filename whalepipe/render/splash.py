"""Where animal and water meet: the wavy line, foam, spray, and the dark mirror image."""

import cv2
import numpy as np

from .pose import Pose
from .settings import Sighting
from .texture import Array, noise, rgb, sample, smoothstep, wiggle


def waterline(sighting: Sighting, stance: Pose, width: int, rng: np.random.Generator) -> Array:
    """Return the water's row (width,) in pixels of the picture for so many columns."""
    wave = wiggle(rng, width, max(8.0, 0.5 * sighting.width), 4)
    return np.asarray(stance.water + (0.015 + 0.02 * sighting.splash) * sighting.width * wave, np.float32)


def paint_mirror(
    window: Array, body: Array, line: Array, sighting: Sighting, wind: float, rng: np.random.Generator
) -> None:
    """Darken the water (in place) below the animal with its mirror image, the more broken the rougher the sea."""
    height, width = body.shape
    top = int(np.clip(line.min(), 0, height - 1))
    rows, columns = np.mgrid[top:height, 0:width].astype(np.float32)
    depth = rows - line[None, :]
    cell = max(1.5, 0.02 * sighting.width)
    ripple = noise(rng, height - top, width, (cell, 6 * cell), 3)
    shake = ripple * ((0.02 + 0.05 * wind) * sighting.width + (0.15 + 0.5 * wind) * np.maximum(depth, 0))
    mirrored = sample(body, columns + shake, line[None, :] - 1 - 1.6 * depth + 0.5 * shake)
    fade = np.where(depth > 0, np.exp(-depth / (0.28 * sighting.width)), 0.0) * (0.75 - 0.5 * wind)
    broken = mirrored * fade * smoothstep(-1.2 + wind, 0.6 + wind, ripple)
    window[top:] *= rgb((1 - 0.8 * broken).astype(np.float32))


def paint_foam(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Lay foam (in place) along the line where the animal stands in the water."""
    height, width = body.shape
    reach = (0.15 + 0.5 * sighting.splash) * sighting.width
    top, bottom = (int(np.clip(v, 0, height)) for v in (line.min() - reach, line.max() + reach + 1))
    if bottom - top < 2:
        return
    off = (np.arange(top, bottom, dtype=np.float32)[:, None] - line[None, :]) * (1 / sighting.width)
    # Where the animal crosses the line: columns whose body reaches it.
    wet = body[np.clip(line.astype(int) - 2, 0, height - 1), np.arange(width)]
    along = np.asarray(
        cv2.GaussianBlur(np.ascontiguousarray(wet[None, :]), (0, 0), sigmaX=max(3.0, 0.12 * sighting.width), sigmaY=0.1)
    )
    along /= max(0.35, float(along.max()))  # a thin tail stock churns the water as well
    clumps = 0.35 + 0.8 * wiggle(rng, width, max(6.0, 0.35 * sighting.width), 3)[None, :] + 1.3 * sighting.splash
    near = np.exp(-np.abs(off) / np.where(off < 0, 0.015 + 0.06 * sighting.splash, 0.03 + 0.12 * sighting.splash))
    cell = max(2.0, 0.06 * sighting.width)
    ragged = noise(rng, bottom - top, width, (0.7 * cell, 2 * cell), 6, 0.75)
    foam = smoothstep(0.5, 1.1, 1.4 * near * along * clumps + 0.45 * ragged * (near * along) ** 0.5)
    bright = np.clip(0.72 + 0.2 * noise(rng, bottom - top, width, (cell / 2, cell / 2), 4, 0.7), 0.3, 1.0)
    target = window[top:bottom]
    target += (rgb(bright) * white - target) * rgb(0.88 * foam)


def paint_spray(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Throw drops (in place) above the line; few in a calm rise, many in a splash."""
    height, width = body.shape
    count = int(rng.poisson(4 + 260 * sighting.splash**2))
    drops = np.zeros((height, width), np.uint8)
    columns = np.flatnonzero(body.max(0) > 0.5)
    columns = columns if len(columns) else np.arange(width)
    for x in rng.choice(columns, count) + rng.normal(0, 0.08 * sighting.width, count):
        y = np.interp(x, np.arange(width), line) - rng.exponential((0.03 + 0.16 * sighting.splash) * sighting.width)
        radius = rng.uniform(0.3, 0.4 + 0.006 * sighting.width) * rng.uniform(0.3, 1.0)
        cv2.circle(drops, (int(x * 16), int(y * 16)), int(radius * 16), int(rng.uniform(60, 255)), -1, cv2.LINE_AA, 4)
    left, top, wide, high = cv2.boundingRect(drops)
    here = slice(top, top + high), slice(left, left + wide)
    window[here] += (white - window[here]) * (drops[here].astype(np.float32) * (0.8 / 255))[..., None]
