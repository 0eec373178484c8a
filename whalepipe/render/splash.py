"""Where animal and water meet: the wavy line, the mirror image, wake, foam and spray."""

import cv2
import numpy as np

from .pose import Pose
from .settings import Sighting
from .texture import Array, noise, rgb, sample, smoothstep, wiggle

# What bubbly water lets out of white light: red is lost on the way through a decimetre or two of water.
BUBBLES = np.array([0.34, 0.52, 0.52], np.float32)
FLAT = 0.25  # how much lower than wide things on the water look


def waterline(sighting: Sighting, stance: Pose, width: int, rng: np.random.Generator) -> Array:
    """Return the water's row (width,) in pixels of the picture for so many columns."""
    wave = wiggle(rng, width, max(8.0, 0.5 * sighting.width), 4)
    return np.asarray(stance.water + (0.015 + 0.02 * sighting.splash) * sighting.width * wave, np.float32)


def paint_mirror(
    window: Array, body: Array, line: Array, sighting: Sighting, wind: float, rng: np.random.Generator
) -> None:
    """Darken the water (in place) below the animal with its mirror image, the more broken the rougher the sea.

    The waves that the animal makes are pressed into the water first: they break the image too.
    """
    height, width = body.shape
    top = int(np.clip(line.min(), 0, height - 1))
    rows, columns = np.mgrid[top:height, 0:width].astype(np.float32)
    depth = rows - line[None, :]
    cell = max(1.5, 0.02 * sighting.width)
    ripple = noise(rng, height - top, width, (cell, 6 * cell), 3)
    _paint_wake(window[top:], depth, _across(body, line, sighting), sighting, ripple)
    shake = ripple * ((0.02 + 0.05 * wind) * sighting.width + (0.15 + 0.5 * wind) * np.maximum(depth, 0))
    mirrored = sample(body, columns + shake, line[None, :] - 1 - 1.6 * depth + 0.5 * shake)
    fade = np.where(depth > 0, np.exp(-depth / (0.28 * sighting.width)), 0.0) * (0.75 - 0.5 * wind)
    broken = mirrored * fade * smoothstep(-1.2 + wind, 0.6 + wind, ripple)
    window[top:] *= rgb((1 - 0.8 * broken).astype(np.float32))


def _across(body: Array, line: Array, sighting: Sighting) -> Array:
    """Return how much (0..1, (1, width)) of the animal crosses the waterline near each column."""
    height, width = body.shape
    wet = body[np.clip(line.astype(int) - 2, 0, height - 1), np.arange(width)]
    sigma = max(3.0, 0.1 * sighting.width)
    along = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(wet[None, :]), (0, 0), sigmaX=sigma, sigmaY=0.1))
    return np.asarray(along / max(0.35, float(along.max())))  # a thin tail stock churns the water as well


def _paint_wake(window: Array, depth: Array, along: Array, sighting: Sighting, ripple: Array) -> None:
    """Shade (in place) the rings that run from the animal: dark faces towards the camera, bright backs."""
    off = depth * (1 / (FLAT * sighting.width))
    phase = 7.5 * np.abs(off) ** 0.75
    rings = np.sin(phase + 0.9 * ripple - 0.6) * np.exp(-1.7 * np.abs(off)) * (off > -0.15)
    # One strong dark face hugs the body, where the water is drawn up to it.
    face = np.exp(-(((off - 0.12 - 0.05 * ripple) / 0.16) ** 2))
    strength = along * (0.16 + 0.25 * sighting.splash)
    window *= rgb((1 - strength * (1.1 * face + 0.6 * rings)).astype(np.float32))


def paint_foam(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Lay foam (in place) along the line where the animal stands in the water, and lace that drifts from it."""
    height = len(body)
    splash, size = np.float32(sighting.splash), np.float32(sighting.width)
    reach, along = float((0.15 + 0.5 * splash) * size), _across(body, line, sighting)
    top, bottom = (int(np.clip(v, 0, height)) for v in (line.min() - reach, line.max() + reach + 1))
    churned = np.flatnonzero(along[0] > 0.01)
    if bottom - top < 2 or not len(churned):
        return
    left, right = int(churned[0]), int(churned[-1]) + 1
    along, wide = along[:, left:right].astype(np.float32), right - left
    off = (np.arange(top, bottom, dtype=np.float32)[:, None] - line[None, left:right]) / size
    clumps = 0.2 + 0.9 * wiggle(rng, wide, max(6.0, 0.3 * sighting.width), 4)[None, :] + 1.4 * splash
    near = np.exp(-np.abs(off) / np.where(off < 0, 0.012 + 0.08 * splash, 0.02 + 0.14 * splash))
    cell = max(2.0, 0.05 * sighting.width)
    ragged = noise(rng, bottom - top, wide, (0.6 * cell, 2 * cell), 5, 0.8)
    thick = 1.4 * near * along * clumps
    # Foam ends at crisp ragged edges; holes open in it where it is not fed.
    holes = np.roll(ragged, (int(cell), int(3 * cell)), (0, 1))  # other lumps of the same kind
    churn = smoothstep(0.7, 1.0, thick + 0.5 * ragged * (near * along) ** 0.5)
    churn = churn * smoothstep(-1.3, -0.5, holes + 0.8 * np.clip(thick, 0, 1.5) - 0.6)
    # Foam that is left behind lies in a net of thin lines.
    net = np.exp(-3.2 * np.abs(noise(rng, bottom - top, wide, (1.4 * cell, 5 * cell), 2, 0.6) + 0.15 * ragged))
    far = np.exp(-np.abs(off) / (0.05 + 0.2 * splash))
    drift = far * np.sqrt(along) * min(1.0, 1.6 * sighting.splash)
    lace = smoothstep(0.5, 0.9, net * drift * (0.8 + 0.6 * clumps)) * 0.7
    # Lit from above: a lump's top is bright, its lower side in a blue-grey shade.
    relief = ragged - np.roll(ragged, -max(1, int(0.25 * cell)), 0)
    bright = np.clip(0.82 + 0.1 * holes + 0.3 * relief, 0.4, 1.05)
    target = window[top:bottom, left:right]
    # Water full of bubbles is paler and greener than the sea, below foam and round it.
    pale = smoothstep(0.15, 1.0, thick) * np.where(off > 0, np.float32(0.4), np.float32(0.15))
    target += (white * BUBBLES - target) * rgb(pale.astype(np.float32))
    cover = 0.94 * np.maximum(churn, lace)
    target += (rgb(bright.astype(np.float32)) * white - target) * rgb(cover.astype(np.float32))


def paint_spray(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Throw drops (in place) above the line; few in a calm rise, in a splash many, in plumes and with mist."""
    height, width = body.shape
    columns = np.flatnonzero(body.max(0) > 0.5)
    columns = columns if len(columns) else np.arange(width)
    size, count = sighting.width, int(rng.poisson(30 * sighting.splash + 780 * sighting.splash**2))
    plumes = rng.choice(columns, 1 + int(rng.integers(1, 4)))
    starts = rng.choice(plumes, count) + rng.normal(0, 0.035 * size, count) * rng.exponential(1.0, count)
    if sighting.splash > 0.3:
        for x in plumes:
            _paint_sheet(window, float(x), float(line[x]), sighting, white, rng)
    drops = np.zeros((height, width), np.uint8)
    spread = rng.normal(0, 0.55, count)  # sideways for each step up
    rise = rng.exponential((0.02 + 0.13 * sighting.splash) * size, count)
    # Many small drops to one large, and larger clots where more water is thrown; those in flight leave a streak.
    radius = np.clip(0.3 + 0.001 * size * rng.pareto(2.5, count), 0.3, 0.004 * size + 0.4)
    x, base = starts + spread * rise, np.interp(starts, np.arange(width), line)
    y, streak = base - rise, rng.uniform(0, 0.006 * size, count)
    ends = (np.stack([x, y, x - 0.6 * spread * streak, y + streak], 1) * 16).astype(int).tolist()
    shades = rng.uniform(70, 255, count) * np.minimum(1.0, 1.6 * radius)
    for (x0, y0, x1, y1), shade, thick in zip(ends, shades.tolist(), (2 * radius).tolist(), strict=True):
        # One stroke with round ends: a head drawn apart from its streak would show as a ring.
        cv2.line(drops, (x0, y0), (x1, y1), int(shade), max(1, int(thick)), cv2.LINE_AA, 4)
    left, top, wide, high = cv2.boundingRect(drops)
    if not wide:
        return
    here = slice(top, top + high), slice(left, left + wide)
    cover = drops[here].astype(np.float32) * (0.85 / 255)
    mist = _blurred(cover, max(1.5, 0.025 * size)) * (1.6 * sighting.splash)
    cover = np.maximum(cover, np.minimum(mist, 0.8))
    window[here] += (white - window[here]) * rgb(cover)


def _blurred(plane: Array, sigma: float) -> Array:
    """Return a plane blurred; a wide blur is done at a quarter of the size, which looks the same."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma))
    size = (max(1, plane.shape[1] // 4), max(1, plane.shape[0] // 4))
    small = cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / 4)
    return np.asarray(cv2.resize(small, (plane.shape[1], plane.shape[0]), interpolation=cv2.INTER_LINEAR))


def _paint_sheet(
    window: Array, x: float, base: float, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Raise a sheet of water (in place) at a column: a leaning dome, torn into threads towards its rim."""
    size, splash = sighting.width, sighting.splash
    high, half = (float(rng.uniform(*span)) * size * splash for span in ((0.08, 0.3), (0.1, 0.32)))
    lean = float(np.clip(rng.normal(0, 0.5), -0.7, 0.7))
    left, right = (int(np.clip(v, 0, window.shape[1])) for v in (x - half - 1.8 * high, x + half + 1.8 * high))
    top, bottom = (int(np.clip(v, 0, window.shape[0])) for v in (base - 1.2 * high, base + 0.07 * size))
    if right - left < 4 or bottom - top < 4:
        return
    up = (np.float32(base) - np.arange(top, bottom, dtype=np.float32)[:, None]) * np.float32(1 / high)
    across = (np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x)) - lean * high * up
    inside = 1 - (across * np.float32(1 / half)) ** 2 - up
    threads = noise(rng, bottom - top, right - left, (0.07 * size + 2, 0.05 * size + 2), 5, 0.75)
    torn = smoothstep(-0.1, 0.7, inside + 0.45 * np.clip(threads, -2, 1))
    cover = smoothstep(0.1, 1.5, inside + 0.55 * threads) * torn * np.float32(0.75)
    # It rises out of ragged foam: its foot fades, nowhere beyond the window.
    cover = cover * smoothstep(-1.0, 0.4, up * np.float32(high / (0.07 * size)) + 0.6 * np.clip(threads, -2, 0))
    bright = np.clip(0.85 + 0.18 * threads, 0.4, 1.1).astype(np.float32)
    here = window[top:bottom, left:right]
    here += (rgb(bright) * white - here) * rgb(cover.astype(np.float32))
