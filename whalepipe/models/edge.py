"""The edge that carries an animal's marks, a fin's or fluke's trailing edge: traced in a crop, and compared.

Draft.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models.outline import (
    Floats,
    Picture,
    boundary,
    drawn_to_step,
    evenly,
    length,
    silhouette,
    smoothed,
    working,
)

POINTS = 256  # of an edge, evenly along it
BOX = 1 / 12, 11 / 12  # of the crop's height and width: where the box lies inside its margin
LEVELS = np.linspace(0.3, 0.8, 11)  # of a fin's height, from the tip: where its two edges are compared
FLAT = 0.5  # sine of the slope below which a fin's trailing edge has become the back


@dataclass(frozen=True)
class Edge:
    """A traced edge."""

    part: str
    points: Floats
    steps: float
    sure: float = 1.0
    pixels: Floats = field(default_factory=lambda: np.zeros((0, 2), np.float32), repr=False)


def trace(pixels: Picture, part: str) -> Edge | None:
    image = working(pixels)
    found = silhouette(image, part)
    outline = boundary(found.mask)[:, 0].astype(np.float32)
    if len(outline) < 64:
        return None
    cut = _fin(outline, found.mask) if part == "dorsal_fin" else _fluke(outline, found.mask)
    if cut is None:
        return None
    path, inner, sure = cut
    path, steps = drawn_to_step(path, image, found.odds, inner)
    if part == "dorsal_fin":
        path = path[: _base(path)]
    even = evenly(path, POINTS)
    scale = pixels.shape[1] / image.shape[1]
    return Edge(part, even, float((steps > 1).mean()), sure, even * scale)


def _turned(outline: Floats, first: int) -> Floats:
    return np.roll(outline, -first, axis=0)


def _fin(outline: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, int, float] | None:
    """From the tip along the trailing edge as far as it is seen; where the animal lies; how surely it is that edge."""
    height, width = mask.shape
    bottom = BOX[1] * height
    low = np.flatnonzero(mask[round(0.6 * height) : round(0.9 * height)].any(0))
    if not len(low):
        return None
    away = np.hypot(outline[:, 0] - low.mean(), outline[:, 1] - bottom)
    tip = int(np.where(outline[:, 1] < 0.5 * height, away, 0).argmax())
    ring = _turned(outline, tip)
    # Both edges, each from the tip on; OpenCV's outlines run counter-clockwise as seen: first down the left.
    edges = [_seen(way, width, bottom) for way in (ring, np.vstack([ring[:1], ring[:0:-1]]))]
    if min(len(e) for e in edges) < 16:
        return None
    reach = [_reach(e, bottom) * sign for e, sign in zip(edges, (-1, 1), strict=True)]
    trailing = int(reach[1] < reach[0])
    sure = abs(reach[0] - reach[1]) / max(abs(reach[0]) + abs(reach[1]), 1e-6)
    return edges[trailing], (-1, 1)[trailing], sure


def _seen(way: Floats, width: int, bottom: float) -> Floats:
    """A way along the outline up to where it meets the crop's border or the box's lower edge."""
    ends = (way[:, 1] >= bottom) | (way[:, 0] <= 1) | (way[:, 0] >= width - 2)
    ends[:8] = False
    return way[: int(ends.argmax())] if ends.any() else way


def _reach(edge: Floats, bottom: float) -> float:
    """How far an edge lies aside of the tip on the average over LEVELS, pixels to the right."""
    tip = edge[0]
    rows = tip[1] + LEVELS * (bottom - tip[1])
    lowest = np.maximum.accumulate(edge[:, 1])
    at = np.minimum(np.searchsorted(lowest, rows), len(edge) - 1)
    return float((edge[at, 0] - tip[0]).mean())


def _base(path: Floats) -> int:
    """The number of points of a fin's trailing edge before it turns into the back."""
    tall = float(np.ptp(path[:, 1]))
    calm = smoothed(path, max(2.0, 0.06 * tall))
    slope = np.gradient(calm[:, 1]) / np.maximum(np.linalg.norm(np.gradient(calm, axis=0), axis=1), 1e-6)
    low = calm[:, 1] > path[0, 1] + 0.65 * tall
    flat = low & (slope < FLAT)
    return max(int(flat.argmax()), 16) if flat.any() else len(path)


def _fluke(outline: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, int, float] | None:
    height, width = mask.shape
    foot = np.array([np.flatnonzero(mask.any(0)).mean(), BOX[1] * height])
    away = np.hypot(outline[:, 0] - foot[0], outline[:, 1] - foot[1])
    left = int(np.where(outline[:, 0] < foot[0], away, 0).argmax())
    right = int(np.where(outline[:, 0] > foot[0], away, 0).argmax())
    ring = _turned(outline, left)[::-1]  # clockwise: from the left tip over the top
    ring = np.vstack([ring[-1:], ring[:-1]])
    end = (left - right) % len(outline)
    path = ring[: end + 1]
    return (path, 1, 1.0) if len(path) >= 32 else None
