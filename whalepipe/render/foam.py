"""Foam on the water: what churned water looks like, wherever it was churned."""

from functools import cache

import cv2
import numpy as np

from .texture import Array, rgb, smoothstep

TILE = 512  # pixels a side of the pattern that repeats
LENGTH, DEPTH = 1.3, 0.5  # part widths a tile of foam goes to the right and away
TURN = 0.13  # columns that a repeat below is shifted by, as a share: none lies straight under another
# What bubbly water lets out of white light: red is lost on the way through a decimetre or two of water.
BUBBLES = np.array([0.34, 0.52, 0.52], np.float32)
# How foam is lit from above and the right: differences of its thickness two pixels apart.
RELIEF = np.zeros((5, 5), np.float32)
RELIEF[:, 2], RELIEF[2] = (-0.9, -0.5, 0, 0.5, 0.9), (0.5, 0.3, 0, -0.3, -0.5)


@cache
def _pattern(level: int) -> Array:
    """Return planes (n, n, 4), n = TILE / 2^level, that repeat: lumps and their slope upwards, net, bubbles.

    Lumps, slope and bubbles have a deviation of 1; the net is 0 to 1. Bubbles gather on the borders of rising cells.
    """
    if level:
        size = TILE >> level
        return np.asarray(cv2.resize(_pattern(0), (size, size), interpolation=cv2.INTER_AREA))
    rng = np.random.default_rng(TILE)
    k = np.maximum(np.hypot(np.fft.rfftfreq(TILE)[None, :], np.fft.fftfreq(TILE)[:, None]) * TILE, 0.1)

    def field(low: float, high: float, slope: float) -> Array:
        waves = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
        made = np.fft.irfft2(waves * np.exp(-((low / k) ** 4) - (k / high) ** 2) / k**slope, (TILE, TILE))
        return np.asarray(made / made.std(), np.float32)

    lumps, cells, small, bubbles = field(4, 120, 1.5), field(6, 40, 1.2), field(16, 110, 1.0), field(50, 200, 0.5)
    slope = np.roll(lumps, 2, 0) - np.roll(lumps, -2, 0)
    net = np.maximum(np.exp(-2.4 * np.abs(cells + 0.25 * small)), 0.7 * np.exp(-2.4 * np.abs(small)))
    return np.asarray(cv2.merge((lumps, -slope / slope.std(), net.astype(np.float32), bubbles)))


def foam_pattern(shape: tuple[int, int], size: float, start: tuple[float, float]) -> tuple[Array, ...]:
    """Return lumps, slope, net and bubbles (see `_pattern`), each (height, width), for a part `size` pixels wide.

    `start`: where in the tile the window begins, 0 to 1.
    """
    level = int(np.clip(np.round(np.log2(TILE / max(0.7 * size, 1.0))), 0, 5))
    tile = _pattern(level)
    n = len(tile)
    down, right = n / (DEPTH * size), n / (LENGTH * size)  # pixels of the tile to one of the picture
    rows = np.arange(int(shape[0] * down) + 2) + int(start[0] * n)
    columns = np.arange(int(shape[1] * right) + 2) + int(start[1] * n)
    cut = tile[rows % n][:, columns % n]
    step = np.array([[right, 0, 0], [0, down, 0]])
    drawn = cv2.warpAffine(
        cut, step, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return tuple(np.asarray(plane) for plane in cv2.split(drawn))


def lay_foam(window: Array, churn: Array, size: float, white: Array, rng: np.random.Generator) -> None:
    """Lay foam (in place) on a window (height, width, 3).

    `churn` (height, width) is how thick it would lie were it even, `size` the pixels of the part that churns.

    Where it is thick it is a white crust lit from above, where thin a grey net with holes through which water full of
    bubbles shows, paler and greener than the sea. Nothing has a hard edge.
    """
    start = float(rng.random()), float(rng.random())
    found = cv2.boundingRect((churn > 0.04).astype(np.uint8))
    left, top, wide, high = found
    if wide < 2 or high < 2:
        return
    here = slice(top, top + high), slice(left, left + wide)
    window, churn = window[here], np.minimum(churn[here], np.float32(2.0)).astype(np.float32)
    lumps, slope, net, bubbles = foam_pattern((high, wide), size, start)
    thin = cv2.sqrt(np.minimum(churn, 1))
    depth = lumps * np.float32(0.34)
    depth += net
    depth -= np.float32(0.55)
    depth *= thin
    depth += churn
    cover = smoothstep(0.25, 1.35, depth)
    # It stands up where it is thick: what faces up, and a little to the right, is bright, lee sides lie in shade.
    bright = cv2.filter2D(cover, cv2.CV_32F, RELIEF * np.float32(min(1.0, size / 300)))
    bright += slope * np.float32(0.07)
    bright += cover * np.float32(0.3)
    bright += np.float32(0.74)
    np.clip(bright, 0.42, 1.16, out=bright)
    cover *= np.clip(bubbles * np.float32(0.09) + np.float32(0.86), 0.5, 1.0)
    pale = smoothstep(0.0, 1.1, churn + np.float32(0.12) * lumps * thin) * np.float32(0.5)
    _mix(window, pale, cover, bright, white)


def _mix(window: Array, pale: Array, cover: Array, bright: Array, white: Array) -> None:
    """Lay bubbly water and foam over it (in place): what is thin is as grey-green as the water, what is thick white."""
    left = 1 - cover
    # Half of what is thin is bubbles under a film of water.
    bubbly = left * (pale + np.float32(0.8) * cover)
    crust = bright * (cover - np.float32(0.8) * cover * left)
    left *= 1 - pale
    added = [cv2.addWeighted(bubbly, float(b * w), crust, float(w), 0.0) for b, w in zip(BUBBLES, white, strict=True)]
    window *= rgb(left)
    window += cv2.merge(added)
