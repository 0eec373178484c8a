"""Water on its way off an animal: strands that hang from its lower edges, and drops on its skin."""

import cv2
import numpy as np

from .individual import metres
from .settings import Sighting
from .texture import Array, blend


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
    # Water leaves from few places, soon breaks up, and what falls is blown aside: even strands would be a comb.
    places = rng.choice(hanging, 1 + int(rng.poisson(4 * sighting.wet)))
    count = int(rng.poisson(34 * sighting.wet))
    near = rng.choice(places, count) + rng.normal(0, 0.03 * size, count)
    blown = float(rng.normal(0, 0.12))
    for x in hanging[np.clip(np.searchsorted(hanging, near), 0, len(hanging) - 1)]:
        top = low[x] - 1
        fall, strand = float(line[x] - top), int(rng.uniform(30, 110) * sighting.wet)
        length = min(fall, rng.exponential(0.03 * size))
        end = (int(16 * (x + (blown + rng.normal(0, 0.08)) * length)), int(16 * (top + length)))
        cv2.line(layer, (int(16 * x), int(16 * top)), end, strand, 1, cv2.LINE_AA, 4)
        for y in rng.exponential(0.1 * size, int(rng.integers(0, 5))):
            if y < fall:
                # A falling drop is a short stroke, and no two fall along one line: the air pulls strands apart.
                drop = x + (blown + rng.normal(0, 0.25)) * y + rng.normal(0, 0.006 * size)
                long = 0.002 * size + rng.exponential(0.004 * size)
                low_end = (int(16 * (drop + blown * long)), int(16 * (top + y + long)))
                shade = strand + int(rng.uniform(0, 110))
                cv2.line(layer, (int(16 * drop), int(16 * (top + y))), low_end, shade, 1, cv2.LINE_AA, 4)
    _lay(window, layer, white)


def paint_beads(window: Array, body: Array, sighting: Sighting, white: Array, rng: np.random.Generator) -> None:
    """Set drops of water that catch the light on the animal (in place): few, in clusters, drawn out downwards."""
    rows, columns = np.nonzero(body[::4, ::4] > 0.5)
    clusters = int(rng.poisson(0.4 + 3 * sighting.wet**2))
    if not len(rows) or not clusters:
        return
    layer = np.zeros(body.shape, np.uint8)
    size = sighting.width
    for middle in rng.integers(len(rows), size=clusters):
        count, spread = int(rng.integers(2, 12)), size * rng.uniform(0.01, 0.05)
        at = rng.normal((4 * columns[middle], 4 * rows[middle]), (spread, 1.6 * spread), (count, 2))
        long = rng.exponential(0.004 * size, count) * (rng.random(count) < 0.6)
        thick = 1 + (rng.random(count) < 0.0012 * size / metres(sighting.individual) - 0.4)
        for (x, y), run, wide, shade in zip(at, long, thick, rng.uniform(20, 130, count), strict=True):
            start, end = (int(16 * x), int(16 * y)), (int(16 * x), int(16 * (y + run)))
            cv2.line(layer, start, end, int(shade), int(wide), cv2.LINE_AA, 4)
    _lay(window, layer, white)


def _lay(window: Array, layer: Array, white: Array) -> None:
    left, top, wide, high = cv2.boundingRect(layer)
    here = slice(top, top + high), slice(left, left + wide)
    blend(window[here], white, layer[here].astype(np.float32) * np.float32(0.85 / 255))
