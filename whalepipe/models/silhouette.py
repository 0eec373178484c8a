"""The animal in a crop told from the sea by its colour: no weights, no hand.

Colour tells animal from sea crop by crop: two histograms, one of each, are fitted in turn with the probability that
each pixel shows the animal (expectation and maximisation, as GrabCut does with mixtures: Rother, Kolmogorov and Blake
2004), starting from where animals stand in a crop. Instead of a graph cut, the guided filter (He, Sun and Tang 2013)
brings neighbours together without crossing edges.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 288  # pixels: the crop's longer side is brought to this
ROUNDS = 4  # of fitting colours
BINS = (16, 12, 12)  # of lightness, green to red, blue to yellow
THREAD = 0.032  # of the crop's longer side: what is thinner is a wave or spray beside the animal

# How often of 100 a cell of the crop shows the animal, left half (the right is its mirror): counted in 120 rendered
# crops of each part; a fin's lower rows by hand, since there a crop may show the animal's back, its colour, or water.
PRIOR = {
    "dorsal_fin": [
        [1, 2, 3, 2, 2, 2],
        [2, 22, 35, 36, 23, 18],
        [2, 10, 30, 40, 48, 45],
        [3, 5, 20, 45, 60, 77],
        [4, 6, 15, 45, 75, 97],
        [5, 8, 15, 55, 93, 98],
        [8, 15, 30, 78, 98, 98],
        [15, 30, 55, 90, 97, 97],
        [30, 40, 60, 70, 80, 80],
        [40, 50, 50, 50, 50, 50],
    ],
    "fluke": [
        [1, 2, 1, 1, 1, 1],
        [2, 27, 5, 3, 3, 2],
        [3, 51, 29, 16, 13, 9],
        [3, 55, 58, 44, 34, 22],
        [3, 50, 77, 74, 65, 47],
        [3, 37, 82, 91, 88, 75],
        [3, 21, 63, 92, 96, 92],
        [3, 10, 39, 73, 96, 98],
        [4, 8, 22, 38, 66, 85],
        [5, 10, 15, 20, 25, 30],
    ],
}

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Silhouette:
    """`odds` (h, w): log odds, -3 to 3, of each pixel's colour, animal against sea; `mask` (h, w): the animal."""

    odds: Floats
    mask: NDArray[np.bool_]


def working(pixels: Picture) -> Picture:
    """The crop with its longer side brought to SIDE."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=kind), np.uint8)


def silhouette(image: Picture, part: str) -> Silhouette:
    """Tell the animal in a crop at its working size from the sea."""
    lab = cv2.cvtColor(cv2.medianBlur(image, 3), cv2.COLOR_RGB2LAB)
    cells = _cells(lab)
    height, width = cells.shape
    half = (max(4, width // 2), max(4, height // 2))
    few = cv2.resize(cells.astype(np.float32), half, interpolation=cv2.INTER_NEAREST).astype(np.int32)
    guide = cv2.resize(lab, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    left: Floats = np.asarray(np.array(PRIOR[part]) / 100, np.float32)
    prior = np.clip(cv2.resize(np.hstack([left, left[:, ::-1]]), half, interpolation=cv2.INTER_LINEAR), 0.02, 0.98)
    lean = np.log(prior / (1 - prior))
    probability = prior
    for _ in range(ROUNDS):
        table = _table(few, probability)
        odds = _guided(table[few], _axis(guide, probability), half[0] // 24)
        probability = 1 / (1 + np.exp(-np.clip(2 * odds + lean, -12, 12)))
    full = (width, height)
    sharp = cv2.GaussianBlur(table[cells], (0, 0), 0.8)
    axis = _axis(lab.astype(np.float32), cv2.resize(probability, full, interpolation=cv2.INTER_LINEAR))
    smooth = _guided(sharp, axis, width // 36)
    total = 2 * smooth + cv2.resize(lean, full, interpolation=cv2.INTER_LINEAR)
    return Silhouette(np.asarray(sharp), _solid(total > 0, left))


def _cells(lab: Picture) -> NDArray[np.int32]:
    """The number of each pixel's cell of colour (h, w); the cells divide the crop's own range of colours."""
    cells = np.zeros(lab.shape[:2], np.int32)
    for channel, bins in enumerate(BINS):
        values = lab[..., channel].astype(np.float32)
        low, high = np.percentile(values[::3, ::3], (1, 99))
        span = max(float(high - low), 24.0)
        low = (low + high - span) / 2
        cells = cells * bins + np.clip((values - low) / span * bins, 0, bins - 1).astype(np.int32)
    return cells


def _table(cells: NDArray[np.int32], probability: Floats) -> Floats:
    """Log odds, -3 to 3, of animal against sea for each cell of colour."""
    size = int(np.prod(BINS))
    flat, weight = cells.ravel(), probability.ravel().astype(np.float64)
    both = []
    for mass in (weight, 1 - weight):
        counts = np.bincount(flat, mass, size).reshape(BINS)
        for axis in range(3):
            padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], "edge")
            first, last = (np.take(padded, np.arange(k, k + BINS[axis]), axis) for k in (0, 2))
            counts = 0.5 * counts + 0.25 * (first + last)
        both.append(counts.ravel() / max(mass.sum(), 1.0))
    floor = 2e-4
    return np.asarray(np.clip(np.log((both[0] + floor) / (both[1] + floor)), -3, 3), np.float32)


def _axis(lab: Floats, probability: Floats) -> Floats:
    """The crop (h, w) along the direction of colour that best parts animal and sea (Fisher 1936), 0 to 1."""
    few, weight = lab[::2, ::2].reshape(-1, 3), probability[::2, ::2].reshape(-1, 1)
    inside = (few * weight).sum(0) / max(float(weight.sum()), 1.0)
    outside = (few * (1 - weight)).sum(0) / max(float((1 - weight).sum()), 1.0)
    spread = np.cov(few.T) + 4 * np.eye(3)
    direction = np.linalg.solve(spread, inside - outside).astype(np.float32)
    line = lab @ direction
    low, high = np.percentile(line[::3, ::3], (2, 98))
    return np.asarray(np.clip((line - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


def _guided(values: Floats, guide: Floats, radius: int, strength: float = 0.004) -> Floats:
    """Values averaged among neighbours that the guide (0 to 1) does not part (He et al. 2013, equations 5, 6, 8)."""
    size = (2 * max(radius, 1) + 1,) * 2

    def mean(what: Floats) -> Floats:
        return np.asarray(cv2.blur(what, size))

    of_guide, of_values = mean(guide), mean(values)
    slope = (mean(guide * values) - of_guide * of_values) / (mean(guide * guide) - of_guide**2 + strength)
    return mean(slope) * guide + mean(of_values - slope * of_guide)


def _solid(mask: NDArray[np.bool_], left: Floats) -> NDArray[np.bool_]:
    """The one piece of the mask that best fills where animals stand, without its holes and threads."""
    whole = mask.astype(np.uint8)
    thread = max(3, round(THREAD * max(mask.shape)))
    opened = cv2.morphologyEx(whole, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thread, thread)))
    # Opening alone would blunt the tips: what lies near what it left is kept.
    near = cv2.dilate(opened, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thread + 2, thread + 2)))
    kept = whole & near
    count, labels = cv2.connectedComponents(kept, connectivity=4)
    if count < 2:
        return np.zeros(mask.shape, np.bool_)
    likely = cv2.resize(np.hstack([left, left[:, ::-1]]), mask.shape[::-1]) ** 2
    weight = np.bincount(labels.ravel(), likely.ravel(), count)
    weight[0] = 0
    piece = (labels == int(weight.argmax())).astype(np.uint8)
    cv2.drawContours(piece, [boundary(piece > 0)], -1, 1, cv2.FILLED)
    return np.asarray(piece > 0)


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The closed boundary (n, 1, 2), x and y in pixels, of the mask's largest piece."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(outlines, key=len), np.int32) if outlines else np.zeros((0, 1, 2), np.int32)
