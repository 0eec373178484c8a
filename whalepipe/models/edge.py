"""The edge that carries an animal's marks, the trailing edge of a fin or a fluke: traced in a crop, and compared.

Compared as CurvRank does (Weideman et al. 2017, "Integral curvature representation and matching algorithms for
identification of dolphins and whales"): the area between the edge and its chord, at two scales and at each point,
which noise moves less than a derivative, and dynamic time warping, since perspective and the fin's tilt stretch
one piece of the edge more than another. No learned weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whalepipe.models.outline import drawn_to_step, evenly, length, smoothed
from whalepipe.models.silhouette import Floats, Picture, boundary, silhouette, working

METHOD = "edge-1"  # changes with anything that changes the marks of a crop
POINTS = 128  # of an edge, evenly along it
RADII = (3, 6)  # points to each side over which curvature is taken: 2.3 % and 4.7 % of the edge
USUAL = {"dorsal_fin": (0.171, 0.203), "fluke": (0.153, 0.147)}  # standard deviation of a mark at each radius, rendered
BOX = 11 / 12  # of the crop's height: where the box ends inside its margin of a tenth
LEVELS = np.linspace(0.3, 0.8, 11)  # of a fin's height, from the tip: where its two edges are compared
UPRIGHT = 0.3  # difference, in parts of their sum, of how far both edges reach: below it a fin is upright
FLAT = 0.5  # sine of the slope below which a fin's trailing edge has become the back
PLAIN = 1.0  # log odds: what the colour's odds rise by, at least, where the outline is plain
LEAST_PLAIN = {"dorsal_fin": 0.75, "fluke": 0.8}  # share of the edge; below it waves or skin were traced
MOST_ROUGH = {"dorsal_fin": 1.25, "fluke": 1.25}  # length of the edge in parts of its smoothed length
LEAST_SPAN = {"dorsal_fin": 0.4, "fluke": 0.6}  # of the crop's height (fin) or width (fluke) that the edge spans
SHIFT, STRIDE = 14, 4  # points by which two edges may lie apart; within how many this may change by one
SHARED = 0.25  # how much marks that both edges have count against what differs
ENDS = {"dorsal_fin": (4, 12), "fluke": (6, 6)}  # points at both ends that count less: where tip and base lie varies
END_WEIGHT = 0.4


@dataclass(frozen=True)
class Edge:
    """A traced trailing edge.

    `points` (POINTS, 2): of a fin from the tip to the base, mirrored where need be so that the animal looks left; of
    a fluke from the tip on the picture's left over the notch to the other. The first is (0, 0), the whole is 1 long,
    y down. `marks` (len(RADII), POINTS): integral curvature, in usual deviations. `plain`: the share of the edge on
    which the animal's colour changes to the sea's. `pixels` (POINTS, 2): the same points in pixels of the crop.
    """

    part: str
    points: Floats = field(repr=False)
    marks: Floats = field(repr=False)
    plain: float
    pixels: Floats = field(repr=False)


def trace(pixels: Picture, part: str) -> Edge | None:
    """The trailing edge in a crop, (height, width, 3) uint8 RGB with its margin; None where it is not plain.

    Raises KeyError for a part other than "dorsal_fin" and "fluke".
    """
    image = working(pixels)
    found = silhouette(image, part)
    outline = boundary(found.mask)[:, 0].astype(np.float32)
    if len(outline) < POINTS // 2:
        return None
    cut = _fin(outline, found.mask) if part == "dorsal_fin" else _fluke(outline, found.mask)
    if cut is None:
        return None
    path, side = cut
    path, rises = drawn_to_step(path, image, found.odds, side)
    if part == "dorsal_fin":
        end = _base(path)
        path, rises = path[:end], rises[:end]
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


def _fin(outline: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, int] | None:
    """From the tip down the trailing edge as far as it is seen, and 1 where that is the right-hand edge, else -1."""
    height, width = mask.shape
    bottom = BOX * height
    low = np.flatnonzero(mask[round(0.6 * height) : round(0.9 * height)].any(0))
    if not len(low):
        return None
    away = np.hypot(outline[:, 0] - low.mean(), outline[:, 1] - bottom)
    tip = int(np.where(outline[:, 1] < 0.5 * height, away, 0).argmax())
    # OpenCV's outlines run counter-clockwise as seen: from the tip first down the left edge.
    ring = np.roll(outline, -tip, axis=0)
    edges = [_seen(way, width, bottom) for way in (ring, np.vstack([ring[:1], ring[:0:-1]]))]
    if min(len(edge) for edge in edges) < POINTS // 8:
        return None
    # The tip trails aft: the leading edge reaches farther aside of it. An upright fin's leading edge bulges more.
    reach = [-_reach(edges[0], bottom), _reach(edges[1], bottom)]
    if abs(reach[0] - reach[1]) < UPRIGHT * (abs(reach[0]) + abs(reach[1])):
        reach = [-_bulge(edges[0]), _bulge(edges[1])]
    right = reach[1] < reach[0]
    return edges[int(right)], 1 if right else -1


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


def _bulge(edge: Floats) -> float:
    """The area between an edge and its chord, in parts of the chord's square, positive to the right."""
    x, y = (edge - edge[0]).T
    twice = float(np.sum(x[:-1] * y[1:] - y[:-1] * x[1:]))
    return twice / 2 / max(float(x[-1] ** 2 + y[-1] ** 2), 1.0)


def _base(path: Floats) -> int:
    """The number of points of a fin's trailing edge before it turns into the back."""
    tall = float(np.ptp(path[:, 1]))
    calm = smoothed(path, max(2.0, 0.06 * tall))
    step = np.gradient(calm, axis=0)
    slope = step[:, 1] / np.maximum(np.linalg.norm(step, axis=1), 1e-6)
    flat = (calm[:, 1] > path[0, 1] + 0.65 * tall) & (slope < FLAT)
    return max(int(flat.argmax()), POINTS // 8) if flat.any() else len(path)


def _fluke(outline: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, int] | None:
    """From the left tip over the notch to the right tip, and 1: the animal lies on the walker's right."""
    foot = np.array([np.flatnonzero(mask.any(0)).mean(), BOX * mask.shape[0]])
    away = np.hypot(outline[:, 0] - foot[0], outline[:, 1] - foot[1])
    left = int(np.where(outline[:, 0] < foot[0], away, 0).argmax())
    right = int(np.where(outline[:, 0] > foot[0], away, 0).argmax())
    # Counter-clockwise from the right tip over the top to the left one; turned round.
    count = (left - right) % len(outline) + 1
    path = np.roll(outline, -right, axis=0)[:count][::-1]
    return (path, 1) if len(path) >= POINTS // 4 else None


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
