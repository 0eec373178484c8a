"""What life writes on a skin: rake marks, barnacle scars and lesions, each made in one year and healed in another.

Every mark of a life is drawn, whether it shows in the year asked for or not, so that chance stays in step: the same
animal some years later has its old marks paler, lacks those that healed and has new ones. Places are chosen on a coarse
canvas that is the same for every picture of an animal, so a mark stands where it stands however large it is painted.
"""

import cv2
import numpy as np

from .canvas import Canvas
from .individual import LIFE
from .texture import Array, noise, smoothstep

EARLIEST = -10.0  # the year in which the oldest mark of a history was made
TONES = 12  # steps of strength in which scratches are drawn: a call of the drawing routine for each
PIECES = np.array([0.25, 0.6, 1.0, 0.85, 0.5, 0.2])  # how strong a scratch is along itself: shallow at both ends


def _history(rng: np.random.Generator, visible: int, lasts: float) -> Array:
    """Return the years of birth of as many marks as make about `visible` of them show in any year."""
    count = int(rng.poisson(visible * (LIFE - EARLIEST) / lasts)) if visible else 0
    return np.asarray(rng.uniform(EARLIEST, LIFE, count))


def _strength(born: Array, lasts: Array | float, years: float) -> Array:
    """Return how plainly (0..1) marks show: at once when made, fading evenly until they have healed."""
    age = years - born
    fading = 1.0 - np.clip(age / lasts, 0, 1) ** 1.5
    return np.asarray(np.where((age < 0) | (age >= lasts), 0.0, fading))


def _places(rng: np.random.Generator, canvas: Canvas, depth: Array, count: int) -> Array:
    """Return points (count, 2) x, y of the plane inside the animal, the frame's middle where luck fails.

    Each is the first that lies inside of 24, so that a new nick moves none of the marks but those that stood there.
    """
    low, high = np.array(canvas.low), np.array(canvas.high)
    tried = rng.uniform(low, high, (count, 24, 2))
    inside = canvas.at(depth, tried.reshape(-1, 2)).reshape(count, 24) > 0.015
    found = tried[np.arange(count), inside.argmax(1)]
    return np.asarray(np.where(np.any(inside, axis=1, keepdims=True), found, (low + high) / 2))


def rakes(
    rng: np.random.Generator, coarse: Canvas, depth: Array, fine: Canvas, visible: int, lasts: float, years: float
) -> Array:
    """Return rake marks (height, width) uint8 on the fine canvas: fans of three to six nearly parallel lines, all bent
    alike, and single scratches.

    `depth` on the coarse canvas is 0 outside the animal; `lasts` years on the average.
    """
    lines, strengths = _scratches(rng, coarse, depth, visible, lasts, years)
    layer = np.zeros(fine.shape, np.uint8)
    if not len(lines):
        return layer
    # Narrower than a pixel a scratch is paler, not narrower; not in proportion, for it is kept visible.
    thin = min(1.0, fine.scale / 300.0) ** 0.6
    paths = np.round(fine.pixels(lines.reshape(-1, 2)).reshape(lines.shape) * 16).astype(np.int32)
    levels = np.ceil(strengths[:, None] * PIECES * TONES).astype(int)
    # Stronger pieces are drawn over weaker ones.
    for level in range(1, TONES + 1):
        pieces = [paths[at, 2 * piece : 2 * piece + 3] for at, piece in zip(*np.nonzero(levels == level), strict=True)]
        cv2.polylines(layer, pieces, False, 255 * thin * level / TONES, 1, cv2.LINE_AA, 4)
    return layer


def _scratches(
    rng: np.random.Generator, canvas: Canvas, depth: Array, visible: int, lasts: float, years: float
) -> tuple[Array, Array]:
    """Return the lines (n, 2 * pieces + 1, 2) in the plane that show in a year, and their strengths (n,)."""
    born = _history(rng, visible, lasts)
    count = len(born)
    start = _places(rng, canvas, depth, count)
    # What bites comes from behind or from the side, seldom across.
    angle = rng.normal(0, 0.7, count) + np.pi * rng.integers(0, 2, count)
    # Teeth scratch as far as the bite slips: many short marks, few long ones, each a piece of an arc.
    length, bend = 0.75 * rng.uniform(0.2, 1.0, count) ** 2, rng.normal(0, 0.16, count)
    fan, teeth = rng.random(count) < 0.25, rng.integers(3, 7, count)
    # A dolphin's teeth stand 5 to 11 mm apart: 2 to 3 % of its fin. A killer whale's on a fluke are as far in its unit.
    spacing, splay = rng.uniform(0.013, 0.026, count), rng.normal(0, 0.07, count)
    strength = rng.uniform(0.2, 1.0, count) ** 1.5 * _strength(born, lasts * rng.uniform(0.5, 1.5, count), years)
    ends = rng.uniform((0, 0.5), (0.4, 1.0), (count, 6, 2))
    apart = np.arange(6) + rng.uniform(-0.22, 0.22, (count, 6))
    # Some teeth hardly touch.
    tones = rng.uniform(0.3, 1.0, (count, 6))
    drawn = (np.arange(6) < np.where(fan, teeth, 1)[:, None]) & (strength > 0.03)[:, None]
    which, tooth = np.nonzero(drawn)
    first, last = ends[which, tooth].T
    t = first[:, None] + np.linspace(0, 1, 2 * len(PIECES) + 1) * (last - first)[:, None]
    aside = (apart[which, tooth] * spacing[which])[:, None] * (1 + splay[which, None] * t)
    aside = aside + (bend * length)[which, None] * t * t
    turn = np.exp(1j * angle[which])[:, None]
    path = (start[which] @ [1, 1j])[:, None] + turn * (length[which, None] * t + 1j * aside)
    lines = np.stack([path.real, path.imag], 2)
    return lines, strength[which] * tones[which, tooth]


def barnacles(
    rng: np.random.Generator, coarse: Canvas, depth: Array, fine: Canvas, visible: int, years: float
) -> Array:
    """Return barnacle scars (height, width) uint8: small discs and rings, the more the smaller, in clusters."""
    layer = np.zeros(fine.shape, np.uint8)
    born = _history(rng, visible, 12.0)
    count = len(born)
    places = _places(rng, coarse, depth, count + 1)
    near, radius = rng.normal(0, 0.077, (count, 2)), 0.0027 + 0.017 * rng.random(count) ** 3
    clustered, ring, moves = (rng.random(count) < share for share in (0.4, 0.4, 0.15))
    tone, narrow, angle = rng.uniform(50, 210, count), rng.uniform(0.65, 1.0, count), rng.uniform(0, 180, count)
    # A cluster goes on where the last one that moved on left it.
    left = np.maximum.accumulate(np.where(np.append(False, moves[:-1]), np.arange(count), 0)) if count else moves
    middles = np.where((left > 0)[:, None], places[left - 1], places[-1])
    at = np.where(clustered[:, None], middles + near, places[:-1])
    shown = _strength(born, 12.0, years) * (coarse.at(depth, at) > 0.01)
    pixels, radii = fine.pixels(at), radius * fine.scale
    for number in np.flatnonzero(shown > 0.03):
        size = max(0.6, float(radii[number]))
        circle = bool(ring[number]) and size > 2.5
        box = (tuple(pixels[number].tolist()), (2 * size, 2 * size * float(narrow[number])), float(angle[number]))
        pale = float(tone[number] * shown[number] * min(1.0, radii[number] / size))
        # A ring too small to be drawn as one is a paler disc.
        pale *= 0.6 if ring[number] and not circle else 1.0
        cv2.ellipse(layer, box, pale, 1 if circle else -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(layer, (3, 3), 0.8))


def lesions(rng: np.random.Generator, coarse: Canvas, depth: Array, visible: int, years: float) -> Array:
    """Return patches (height, width), -1..1, on the coarse canvas, dark or pale, with irregular soft limits; they heal
    within few years."""
    height, width = depth.shape
    total = np.zeros((height, width), np.float32)
    ragged = noise(rng, 96, 96, (8, 8), 3, 0.7)  # a lesion's window is smaller
    born = _history(rng, visible, 2.5)
    count = len(born)
    pixels = coarse.pixels(_places(rng, coarse, depth, count))
    sizes, offsets = rng.uniform(0.012, 0.076, (count, 2)) * coarse.scale, rng.integers(0, 50, (count, 2))
    tone = rng.uniform(0.3, 1.0, count) * np.where(rng.random(count) < 0.7, 1.0, -0.7)
    shown = tone * _strength(born, rng.uniform(1, 4, count), years)
    for number in np.flatnonzero(shown):
        (x, y), (wide, high), (down, aside) = pixels[number], sizes[number], offsets[number]
        left, top = int(max(0, x - 2 * wide)), int(max(0, y - 2 * high))
        here = slice(top, int(y + 2 * high) + 1), slice(left, int(x + 2 * wide) + 1)
        if not total[here].size:
            continue
        rows, columns = np.ogrid[here[0].start : min(here[0].stop, height), left : min(here[1].stop, width)]
        away = ((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2
        rough = ragged[down : down + away.shape[0], aside : aside + away.shape[1]]
        total[here] += shown[number] * smoothstep(0.1, 0.75, (1 - away) + 0.5 * rough * (away < 2))
    return np.clip(total, -1, 1)
