"""The edge that carries an animal's marks, the trailing edge of a fin or a fluke: traced in a crop, and compared.

Compared as CurvRank does (Weideman et al. 2017, "Integral curvature representation and matching algorithms for
identification of dolphins and whales"): the area between the edge and its chord, at two scales and at each point,
which noise moves less than a derivative, and dynamic time warping, since perspective and the fin's tilt stretch
one piece of the edge more than another. Where the edge runs a network tells about (`silhouette`), the crop's own
colours exactly (`outline`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models.embedder import fitted
from whalepipe.models.outline import boundary, drawn_to_step, evenly, length, smoothed
from whalepipe.models.silhouette import Floats, Picture, Silhouette

METHOD = "edge-2"  # changes with anything that changes the marks of a crop
POINTS = 128  # of an edge, evenly along it
RADII = (3, 6)  # points to each side over which curvature is taken: 2.3 % and 4.7 % of the edge
USUAL = {"dorsal_fin": (0.171, 0.203), "fluke": (0.153, 0.147)}  # standard deviation of a mark at each radius, rendered
SIZES = {"dorsal_fin": (432, 392), "fluke": (432, 216)}  # width and height, pixels, of crops whose edges are traced
REACHED = 11  # pixels: an outline nearer than half of this to where the trailing edge was seen is taken for it
GAP = 0.03  # of the outline's length: how much of an edge foam may hide
PLAIN = 1.0  # what the log odds of the part rise by across the edge, at least, where it is plain
LEAST_PLAIN = {"dorsal_fin": 0.75, "fluke": 0.8}  # share of the edge; below it waves or skin were traced
MOST_ROUGH = {"dorsal_fin": 1.25, "fluke": 1.25}  # length of the edge in parts of its smoothed length
LEAST_SPAN = {"dorsal_fin": 0.4, "fluke": 0.6}  # of the crop's height (fin) or width (fluke) that the edge spans
SHIFT, STRIDE = 24, 4  # points by which two edges may lie apart; within how many this may change by one
SHARED = 0.25  # how much marks that both edges have count against what differs
ENDS = {"dorsal_fin": (4, 12), "fluke": (6, 6)}  # points at both ends that count less: where tip and base lie varies
END_WEIGHT = 0.4


@dataclass(frozen=True)
class Edge:
    """A traced trailing edge.

    `points` (POINTS, 2): of a fin from the tip to the base, mirrored where need be so that the animal looks left; of
    a fluke from the tip on the picture's left over the notch to the other. The first is (0, 0), the whole is 1 long,
    y down. `marks` (len(RADII), POINTS): integral curvature, in usual deviations. `plain`: the share of the edge on
    which the network sees the part begin. `pixels` (POINTS, 2): the same points in pixels of the crop.
    """

    part: str
    points: Floats = field(repr=False)
    marks: Floats = field(repr=False)
    plain: float
    pixels: Floats = field(repr=False)


def trace(pixels: Picture, part: str, seen: Silhouette) -> Edge | None:
    """The trailing edge in a crop, (height, width, 3) uint8 RGB with its margin; None where it is not plain.

    `seen` is what each of its pixels shows. Raises KeyError for a part other than "dorsal_fin" and "fluke".
    """
    size = SIZES[part]
    image = fitted(pixels, size)
    odds, line = (cv2.resize(of, size, interpolation=cv2.INTER_LINEAR) for of in (seen.part, seen.edge))
    cut = _along(boundary(odds > 0), cv2.dilate(line, np.ones((REACHED, REACHED), np.uint8)), part)
    if cut is None:
        return None
    path, side = cut
    path, rises = drawn_to_step(path, image, odds, side)
    plain = float((rises > PLAIN).mean())
    if not _trusted(path, plain, image, part):
        return None
    even = evenly(path, POINTS)
    scale = np.array([pixels.shape[1] / image.shape[1], pixels.shape[0] / image.shape[0]])
    mirror = np.array([side if part == "dorsal_fin" else 1, 1], np.float32)
    shape = np.asarray((even - even[0]) * mirror / max(length(even), 1e-6), np.float32)
    at = ((even + 0.5) * scale - 0.5).astype(np.float32)
    return Edge(part, shape, _marks(shape, part), round(plain, 4), at)


def compare(a: Edge, b: Edge) -> float:
    """How much two edges of one part share: marks of both count for it, what only one has against; 0: no marks.

    A fin's edges are mirrored alike by `trace`, so that its two sides compare; a fluke's is also tried against the
    other's mirror image, as its dorsal view shows it. Raises ValueError for edges of two parts.
    """
    return float(compare_many(a, [b])[0])


def compare_many(a: Edge, others: Sequence[Edge]) -> NDArray[np.float64]:
    """`compare` of one edge with each of several (n,), at a tenth of the time for each."""
    if not others:
        return np.zeros(0)
    if any(b.part != a.part for b in others):
        raise ValueError(f"only edges of one part can be compared: this one is a {a.part}'s")
    return shared(a.marks, np.stack([b.marks for b in others]), a.part)


def shared(marks: Floats, others: Floats, part: str) -> NDArray[np.float64]:
    """`compare` by marks alone, (radii, points) with (n, radii, points)."""
    best = _aligned(marks, others, part)
    return np.maximum(best, _aligned(marks, others[..., ::-1], part)) if part == "fluke" else best


def _trusted(path: Floats, plain: float, image: Picture, part: str) -> bool:
    """Whether the path parts animal from sea, spans the part, and is no rougher than an animal's edge."""
    axis = 1 if part == "dorsal_fin" else 0
    span = float(np.ptp(path[:, axis])) / image.shape[1 - axis]
    even = evenly(path, POINTS)
    rough = length(even) / max(length(smoothed(even, POINTS / 32)), 1e-6)
    return plain >= LEAST_PLAIN[part] and span >= LEAST_SPAN[part] and rough <= MOST_ROUGH[part]


def _along(outline: Floats, line: Floats, part: str) -> tuple[Floats, int] | None:
    """The longest piece of an outline (n, 2) along which the trailing edge runs, from the tip to the base or from the
    left to the right; and 1 where the animal lies on the walker's right, else -1."""
    if len(outline) < POINTS // 2:
        return None
    columns, rows = outline.T.astype(int)
    on = (line[rows, columns] > 0).astype(np.uint8)
    ring = np.concatenate([on, on, on])[None]
    bridge = np.ones((1, 2 * round(GAP * len(on)) + 1), np.uint8)
    closed = cv2.morphologyEx(ring, cv2.MORPH_CLOSE, bridge)[0, len(on) : 2 * len(on)].astype(bool)
    if closed.all() or not closed.any():
        return None
    start = int(np.flatnonzero(~closed)[0])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.roll(closed, -start).astype(int), [0]])))
    first, last = max(zip(edges[::2], edges[1::2], strict=True), key=lambda ends: ends[1] - ends[0])
    path = np.roll(outline, -start, axis=0)[first:last].astype(np.float32)
    if len(path) < POINTS // 4:
        return None
    # OpenCV's outlines run counter-clockwise as seen: down a left-hand edge, and over the top from right to left.
    left = part == "dorsal_fin" and path[0, 1] < path[-1, 1]
    path = _between_tips(path if left else path[::-1], outline, part)
    return (path, -1 if left else 1) if len(path) >= POINTS // 4 else None


def _between_tips(path: Floats, outline: Floats, part: str) -> Floats:
    """The path without what leads round a tip into the leading edge, or round a fin's base into the body.

    Tips are what lies farthest from the foot, the base what lies farthest from the tip.
    """
    low, high = outline.min(0), outline.max(0)
    foot = np.array([(low[0] + high[0]) / 2, high[1]])
    if part == "dorsal_fin":
        foot[0] = outline[outline[:, 1] >= 0.2 * low[1] + 0.8 * high[1], 0].mean()
    away = np.linalg.norm(path - foot, axis=1)
    if part == "dorsal_fin":
        path = path[int(away.argmax()) :]
        return path[: int(np.linalg.norm(path - path[0], axis=1).argmax()) + 1]
    middle = len(path) // 2
    return path[int(away[:middle].argmax()) : middle + int(away[middle:].argmax()) + 1]


def _marks(points: Floats, part: str) -> Floats:
    """The area between the edge and the chord over each point's neighbours, in parts of the square of half the arc.

    By cumulated cross products (the shoelace formula), so that each scale takes one pass; (len(RADII), n), divided by
    what is usual for the part.
    """
    calm, most = smoothed(points, 0.7).astype(np.float64), max(RADII)
    whole = np.vstack([2 * calm[0] - calm[most:0:-1], calm, 2 * calm[-1] - calm[-2 : -most - 2 : -1]])
    x, y = whole.T
    swept = np.concatenate([[0.0], np.cumsum(x[:-1] * y[1:] - y[:-1] * x[1:])])
    middle, step = np.arange(most, most + len(calm)), length(points) / (len(points) - 1)
    rows = []
    for radius, usual in zip(RADII, USUAL[part], strict=True):
        a, b = middle - radius, middle + radius
        area = swept[b] - swept[a] + x[b] * y[a] - y[b] * x[a]
        rows.append(area / 2 / max(radius * step, 1e-9) ** 2 / usual)
    return np.asarray(rows, np.float32)


def _aligned(a: Floats, others: Floats, part: str) -> NDArray[np.float64]:
    """What the marks of an edge and of others (n, radii, points) share along the best alignment.

    By dynamic time warping in a band (Sakoe and Chiba 1978), in steps of STRIDE points.
    """
    padded = np.full((*others.shape[:2], POINTS + 2 * SHIFT), np.nan, np.float32)
    padded[..., SHIFT:-SHIFT] = others
    moved = np.lib.stride_tricks.sliding_window_view(padded, POINTS, axis=2)  # other, radius, shift, point
    own = a[:, None]
    gain = (SHARED * (np.abs(own) + np.abs(moved)) - np.abs(own - moved)).sum(1) * _weights(part)
    blocks = gain.reshape(len(others), 2 * SHIFT + 1, POINTS // STRIDE, STRIDE).mean(3)
    # Where one edge ends before the other nothing is known: it counts as any two points do.
    blocks = np.where(np.isnan(blocks), np.nanmean(blocks, axis=(1, 2), keepdims=True), blocks)
    total = np.full((len(others), 2 * SHIFT + 3), -np.inf)
    total[:, 1:-1] = blocks[..., 0]
    for k in range(1, blocks.shape[2]):
        total[:, 1:-1] = np.maximum(np.maximum(total[:, :-2], total[:, 2:]), total[:, 1:-1]) + blocks[..., k]
    return np.asarray(total.max(1) / blocks.shape[2])


def _weights(part: str) -> Floats:
    weights = np.ones(POINTS, np.float32)
    first, last = ENDS[part]
    weights[:first] = weights[-last:] = END_WEIGHT
    return weights
