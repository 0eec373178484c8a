"""Water on its way off an animal: strands that hang from its lower edges, and drops on its skin."""

import cv2
import numpy as np

from .settings import Sighting
from .texture import Array


def paint_drips(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Hang strands of drops (in place) from the animal's lower edge down to the water, where that is in the air.

    `body` (height, width) is the animal's mask, `line` (width,) the water's row in the window.
    """
    height, width = body.shape
    solid = body > 0.5
    low = height - 1 - np.argmax(solid[::-1], 0)
    hanging = np.flatnonzero(solid.any(0) & (low + 0.02 * sighting.width < line))
    if not len(hanging) or sighting.wet <= 0:
        return
    layer = np.zeros((height, width), np.uint8)
    size = sighting.width
    for x in rng.choice(hanging, int(rng.poisson(70 * sighting.wet))):
        top = low[x] - 1
        length = min(float(line[x] - top), rng.exponential(0.09 * size))
        strand = int(rng.uniform(50, 150) * sighting.wet)
        end = (int(16 * (x + rng.normal(0, 0.03) * length)), int(16 * (top + length)))
        cv2.line(layer, (int(16 * x), int(16 * top)), end, strand, 1, cv2.LINE_AA, 4)
        for _ in range(int(rng.integers(0, 5))):
            y = top + length * rng.uniform(0.5, 1.6)
            if y < line[x]:
                radius = rng.uniform(0.3, 0.5 + 0.0025 * size)
                cv2.circle(layer, (int(16 * x), int(16 * y)), int(16 * radius), strand + 60, -1, cv2.LINE_AA, 4)
    _lay(window, layer, white)


def paint_beads(window: Array, body: Array, sighting: Sighting, white: Array, rng: np.random.Generator) -> None:
    """Set drops of water that catch the light on and about the animal (in place): few and small, seldom many."""
    height, width = body.shape
    rows, columns = np.nonzero(body[::4, ::4] > 0.5)
    if not len(rows):
        return
    layer = np.zeros((height, width), np.uint8)
    count = int(rng.poisson(4 + 110 * sighting.wet**3))
    picked = rng.integers(len(rows), size=count)
    for row, column in zip(rows[picked], columns[picked], strict=True):
        x, y = rng.normal((4 * column, 4 * row), 0.03 * sighting.width)
        radius = rng.uniform(0.25, 0.35 + 0.0025 * sighting.width)
        cv2.circle(layer, (int(16 * x), int(16 * y)), int(16 * radius), int(rng.uniform(40, 220)), -1, cv2.LINE_AA, 4)
    _lay(window, layer, white)


def _lay(window: Array, layer: Array, white: Array) -> None:
    left, top, wide, high = cv2.boundingRect(layer)
    here = slice(top, top + high), slice(left, left + wide)
    window[here] += (white - window[here]) * (layer[here].astype(np.float32) * (0.85 / 255))[..., None]
