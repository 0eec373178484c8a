"""Paths along an outline, (n, 2) float32, x and y in pixels, y down: resampled, smoothed, drawn to the steepest step.

The last as an active contour solved by dynamic programming: the cheapest path through the profiles along its normals
(Amini, Weymouth and Jain 1990, "Using dynamic programming for solving variational problems in vision").
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models.silhouette import Floats, Picture

REACH, STEP = 5.0, 0.5  # pixels to each side in which the steepest step is sought
TOLD = 0.5  # what the network's step counts beside that of the colours
NOISE = 6.0  # of 255: a difference in colour that says little
NEIGHBOURS = 4.0  # pixels along the path over which colours are averaged
SMOOTH = 0.12  # cost of moving a STEP aside between two points of the path, in parts of a strong step


def boundary(mask: NDArray[np.bool_]) -> Floats:
    """The closed boundary (n, 2) of the mask's largest piece, counter-clockwise as seen; (0, 2) of an empty one."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(outlines, key=len)[:, 0] if outlines else np.zeros((0, 2)), np.float32)


def evenly(path: Floats, points: int) -> Floats:
    """The path (n, 2) in as many points as asked, evenly spaced along its length."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, along[-1], points)
    return np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], 1).astype(np.float32)


def length(path: Floats) -> float:
    """Of a path (n, 2), along it."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def smoothed(path: Floats, sigma: float) -> Floats:
    """The path (n, 2) averaged along itself by a Gaussian of so many points; its ends stay."""
    reach = min(max(1, int(3 * sigma)), len(path) - 1)
    # Reflected through its ends, so that they are drawn neither in nor out.
    before = 2 * path[0] - path[reach:0:-1]
    after = 2 * path[-1] - path[-2 : -reach - 2 : -1]
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.vstack([before, path, after])
    return np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], 1).astype(np.float32)


def drawn_to_step(path: Floats, image: Picture, odds: Floats, inner: int) -> tuple[Floats, Floats]:
    """The path (n, 2) drawn to the steepest step within REACH pixels, and the height of the step in the log odds.

    `inner` is 1 where the animal lies on the right-hand side of one who walks the path with y down, else -1. The
    network's log odds (h, w), which it told of a smaller picture, say where about the step is; where exactly, the
    colours: a step is that from what is seen outside to what is seen inside, near by along the path (the direction
    between two means).
    """
    path = smoothed(evenly(path, max(32, int(length(path)))), 2.0)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    normal = inner * np.stack([-along[:, 1], along[:, 0]], 1)
    offsets = np.arange(-REACH, REACH + STEP / 2, STEP, dtype=np.float32)
    spots = (path[:, None] + offsets[:, None] * normal[:, None]).astype(np.float32)
    calm = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), (0, 0), 0.8).astype(np.float32)
    told, seen = (cv2.remap(of, spots, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for of in (odds, calm))
    share = np.gradient(1 / (1 + np.exp(-told)), axis=1)
    step = np.gradient(_inwards(seen), axis=1)
    fall = TOLD * np.maximum(share, 0) + np.maximum(step, 0)
    chosen = _cheapest(-fall / max(float(np.percentile(fall.max(1), 75)), 1e-6))
    there = spots[np.arange(len(path)), chosen]
    reach = len(offsets) // 3
    inside = np.take_along_axis(told, np.minimum(chosen + reach, len(offsets) - 1)[:, None], 1)
    outside = np.take_along_axis(told, np.maximum(chosen - reach, 0)[:, None], 1)
    return smoothed(there.astype(np.float32), 1.2), np.asarray((inside - outside)[:, 0])


def _inwards(seen: Floats) -> Floats:
    """Colours across a path (n, k, 3), from outside to inside, as shares (n, k) of the way from one to the other."""
    third = seen.shape[1] // 3
    outer, inner = (_averaged(seen[:, part].mean(1)) for part in (slice(0, third), slice(-third, None)))
    way = inner - outer
    return np.asarray(((seen - outer[:, None]) * way[:, None]).sum(2) / ((way**2).sum(1) + NOISE**2)[:, None])


def _averaged(values: Floats) -> Floats:
    """Values (n, c) averaged along the path."""
    averaged = cv2.GaussianBlur(values, (1, 0), sigmaX=1e-3, sigmaY=NEIGHBOURS)
    return np.asarray(averaged, np.float32).reshape(values.shape)


def _cheapest(cost: Floats) -> NDArray[np.int64]:
    """For each row of costs (n, k) the column of the cheapest path that moves one column at most from row to row."""
    rows, columns = cost.shape
    total, came = cost[0].astype(np.float64), np.zeros((rows, columns), np.int64)
    index = np.arange(columns)
    moves = np.empty((3, columns))
    for row in range(1, rows):
        moves[1] = total
        moves[0, 0], moves[0, 1:] = np.inf, total[:-1] + SMOOTH
        moves[2, -1], moves[2, :-1] = np.inf, total[1:] + SMOOTH
        best = moves.argmin(0)
        came[row] = index + best - 1
        total = moves[best, index] + cost[row]
    chosen = np.empty(rows, np.int64)
    chosen[-1] = int(total.argmin())
    for row in range(rows - 1, 0, -1):
        chosen[row - 1] = came[row, chosen[row]]
    return chosen
