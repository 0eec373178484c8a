"""What life writes on a skin: rake marks, barnacle scars and lesions, each made in one year and healed in another.

Every mark of a life is drawn, whether it shows in the year asked for or not, so that chance stays in step: the same
animal some years later has its old marks paler, lacks those that healed and has new ones.
"""

import cv2
import numpy as np

from .individual import LIFE
from .texture import Array, draw_lines, noise, smoothstep

EARLIEST = -10.0  # the year in which the oldest mark of a history was made


def _history(rng: np.random.Generator, visible: int, lasts: float) -> Array:
    """Return the years of birth of as many marks as make about `visible` of them show in any year."""
    count = int(rng.poisson(visible * (LIFE - EARLIEST) / lasts)) if visible else 0
    return np.asarray(rng.uniform(EARLIEST, LIFE, count))


def _strength(born: float, lasts: float, years: float) -> float:
    """Return how plainly (0..1) a mark shows: at once when made, fading evenly until it has healed."""
    age = years - born
    return 0.0 if age < 0 or age >= lasts else 1.0 - (age / lasts) ** 1.5


def _places(rng: np.random.Generator, depth: Array, count: int) -> Array:
    """Return points (count, 2) x, y in pixels inside the animal, the picture's middle where luck fails.

    Each is the first that lies inside of 24, so that a new nick moves none of the marks but those that stood there.
    """
    height, width = depth.shape
    columns, rows = rng.integers(0, width, (count, 24)), rng.integers(0, height, (count, 24))
    inside: Array = depth[rows, columns] > 0.015
    chosen = np.arange(count), inside.argmax(1)
    found = np.stack([columns[chosen], rows[chosen]], 1)
    return np.where(np.any(inside, axis=1, keepdims=True), found, [width / 2, height / 2])


def rakes(
    rng: np.random.Generator, depth: Array, visible: int, longest: float, widest: int, lasts: float, years: float
) -> Array:
    """Return rake marks (height, width), 0..1: fans of parallel, slightly bent lines, and single scratches.

    `depth` (height, width) is 0 outside the animal; `longest` and `widest` in pixels, `lasts` years on the average.
    """
    shape = (depth.shape[0], depth.shape[1])
    lines: list[Array] = []
    widths: list[int] = []
    strengths: list[float] = []
    history = _history(rng, visible, lasts)
    for born, start in zip(history, _places(rng, depth, len(history)), strict=True):
        angle = rng.uniform(0, np.pi)
        # Teeth scratch as far as the bite slips: many short marks, few long ones, each a piece of an arc.
        length, bend = longest * rng.uniform(0.2, 1.0) ** 2, rng.normal(0, 0.2)
        # A dolphin's teeth stand 5 to 11 mm apart, a killer whale's 25 to 50: in both skins about as many pixels.
        teeth = int(rng.integers(2, 7)) if rng.random() < 0.5 else 1
        spacing, strength, width = rng.uniform(5, 11), rng.uniform(0.3, 1.0) ** 1.3, int(rng.integers(1, widest + 1))
        shown = _strength(float(born), lasts * float(rng.uniform(0.5, 1.5)), years)
        ends, tones = rng.uniform((0, 0.35), (0.45, 1.0), (teeth, 2)), rng.uniform(0.45, 1.0, teeth)
        apart = np.cumsum(rng.uniform(0.5, 1.5, teeth)) * spacing
        splay = float(rng.normal(0, 0.12))
        if shown <= 0:
            continue
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        for tooth in range(teeth):
            # Drawn thrice, each time shorter and stronger: a scratch begins and ends as a shallow one.
            for inset, share in ((0.0, 0.4), (0.1, 0.75), (0.2, 1.0)):
                first, last = ends[tooth]
                t = np.linspace(first + inset * (last - first), last - inset * (last - first), 9)[:, None]
                aside = apart[tooth] * (1 + splay * t) + bend * length * t * t
                lines.append(start + across * aside + along * length * t)
                widths.append(width)
                strengths.append(float(shown * strength * tones[tooth] * share))
    return draw_lines(shape, lines, widths, strengths)


def barnacles(rng: np.random.Generator, depth: Array, visible: int, years: float) -> Array:
    """Return barnacle scars (height, width), 0..1: small discs and rings, the more the smaller, in clusters."""
    canvas = np.zeros(depth.shape, np.uint8)
    history = _history(rng, visible, 12.0)
    places = _places(rng, depth, len(history) + 1)
    middle = places[-1]
    for born, alone in zip(history, places[:-1], strict=True):
        near = rng.normal(0, 34, 2)
        x, y = middle + near if rng.random() < 0.4 else alone
        radius, ring, tone = 1.2 + 7.5 * rng.random() ** 3, rng.random() < 0.4, rng.uniform(50, 230)
        narrow, angle, moves = rng.uniform(0.65, 1.0), float(rng.uniform(0, 180)), rng.random() < 0.15
        middle = alone if moves else middle
        shown = _strength(float(born), 12.0, years)
        if shown <= 0 or not (0 <= y < depth.shape[0] and 0 <= x < depth.shape[1] and depth[int(y), int(x)] > 0.01):
            continue
        box = ((float(x), float(y)), (2 * radius, 2 * radius * narrow), angle)
        cv2.ellipse(canvas, box, tone * shown, 1 if ring and radius > 2.5 else -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.8).astype(np.float32) / 255)


def lesions(rng: np.random.Generator, depth: Array, visible: int, years: float) -> Array:
    """Return patches (height, width), -1..1, dark or pale, with irregular limits; they heal within few years."""
    height, width = depth.shape
    total = np.zeros((height, width), np.float32)
    ragged = noise(rng, 256, 256, (22, 22), 3, 0.7)  # a lesion's window is at most 105 pixels wide
    history = _history(rng, visible, 2.5)
    for born, (x, y) in zip(history, _places(rng, depth, len(history)), strict=True):
        (wide, high), (down, aside) = rng.uniform(4, 26, 2), rng.integers(0, 150, 2)
        tone, lasts = rng.uniform(0.3, 1.0) * (1 if rng.random() < 0.7 else -0.7), rng.uniform(1, 4)
        shown = _strength(float(born), float(lasts), years)
        left, top = int(max(0, x - 2 * wide)), int(max(0, y - 2 * high))
        here = slice(top, int(y + 2 * high) + 1), slice(left, int(x + 2 * wide) + 1)
        if shown <= 0 or not total[here].size:
            continue
        rows, columns = (axis.astype(np.float32) for axis in np.ogrid[0:height, 0:width])
        away = ((columns[:, here[1]] - x) / wide) ** 2 + ((rows[here[0]] - y) / high) ** 2
        rough = ragged[down : down + away.shape[0], aside : aside + away.shape[1]]
        # The limit is crisp: a lesion is a patch of other skin, no shadow on it.
        total[here] += tone * shown * smoothstep(0.3, 0.55, (1 - away) + 0.4 * rough * (away < 2))
    return np.clip(total, -1, 1)
