"""Where animal and water meet: the wavy line, the mirror image, wake, foam and spray."""

import cv2
import numpy as np

from .foam import foam_pattern, lay_foam
from .individual import metres
from .pose import Pose
from .settings import Sea, Sighting
from .texture import Array, blend, noise, sample, smoothstep, tinted, wiggle

STRIP = 32  # rows worked on at a time
SEEN = 0.3  # metres of depth at which a third of what is seen of an animal under water is left: 0.2 to 0.5 in photos
LOW = 0.19  # of a depth is how much lower in the picture it looks, seen at ten degrees (refraction, n = 1.33)
FLAT = 0.25  # how much lower than wide things on the water look


def waterline(sighting: Sighting, stance: Pose, width: int, rng: np.random.Generator) -> Array:
    """Return the water's row (width,) in pixels of the picture for so many columns."""
    wave = wiggle(rng, width, max(8.0, 0.5 * sighting.width), 4)
    return np.asarray(stance.water + (0.015 + 0.02 * sighting.splash) * sighting.width * wave, np.float32)


def paint_mirror(
    window: Array, colour: Array, body: Array, line: Array, sighting: Sighting, sea: Sea, rng: np.random.Generator
) -> None:
    """Paint (in place) the animal into the water below it: its mirror image, and what is seen of it under water.

    `colour` (height, width, 3) is the animal's, where `body` (height, width) is above 0. What a pixel of the water
    mirrors is that share of it which the sky had; the rest comes out of the water. So facets that face the camera
    break the image where they break the sky's. The waves that the animal makes are pressed into the water as well.
    All is worked out at half the size, as a factor and a summand for each pixel: nothing in it is finer.
    """
    top = int(np.clip(line.min() - 2, 0, body.shape[0] - 1))
    height, width = body.shape[0] - top, body.shape[1]
    edge = line[None, ::2].astype(np.float32)
    depth = np.arange(top, body.shape[0], 2, dtype=np.float32)[:, None] + 0.5 - edge
    cell = max(1.5, 0.02 * sighting.width)
    ripple = noise(rng, depth.shape[0], depth.shape[1], (0.5 * cell, 3 * cell), 3)
    hidden, own = _image(colour, body, depth, ripple, sighting, sea)
    deep, sky = np.array(sea.deep, np.float32), np.array(sea.sky_low, np.float32)
    fades = np.float32(-1 / max(1.0, LOW * SEEN / metres(sighting.individual) * sighting.width))
    seen = cv2.exp(np.maximum(depth, 0) * fades) * (depth > -1)
    under = _under(colour, body, line, deep)[:, ::2]
    along = _across(body, line, sighting)[:, ::2]
    kept = _wake(depth, along, sighting, ripple)
    # What is `water` without the animal is deep + s (sky - deep): with it deep + s (own - deep), again linear in it.
    share = np.clip((own - deep) / np.maximum(sky - deep, 0.1), 0.0, 1.6)
    held, added = [], []
    for channel in range(3):
        held.append(kept - hidden * np.float32(1 - share[channel]))
        # Where the sky is mirrored nothing is seen through the surface: half of it is, on the mean.
        more = hidden * np.float32((1 - share[channel]) * deep[channel])
        more += (seen * under[..., channel]) * (np.float32(0.45) + np.float32(0.55) * hidden)
        added.append(more)
    factor, more = cv2.merge(held), cv2.merge(added)
    # A few rows at a time stay in the processor's cache.
    for first in range(0, height, STRIP):
        water = window[top + first : top + first + STRIP]
        half, size = slice(first // 2, (first + len(water) + 1) // 2), (width, len(water))
        water *= cv2.resize(factor[half], size)
        water += cv2.resize(more[half], size)


def _image(
    colour: Array, body: Array, depth: Array, ripple: Array, sighting: Sighting, sea: Sea
) -> tuple[Array, Array]:
    """Return how far (rows, columns), 0..1, each pixel of the water `depth` pixels below the line mirrors the animal,
    and the animal's colour (3,) on the whole: ripples break an image into dashes in which no marks are seen.
    """
    left, top, wide, high = cv2.boundingRect((body > 0).view(np.uint8))
    if not wide:
        return np.zeros(depth.shape[:1] + ripple.shape[1:], np.float32), np.zeros(3, np.float32)
    cut = body[top : top + high, left : left + wide]
    own = np.array(cv2.mean(colour[top : top + high, left : left + wide], (cut > 0.5).view(np.uint8))[:3], np.float32)
    # Even sides, so that two pixels make one; the border's are doubled.
    cut = cv2.copyMakeBorder(cut, 0, high % 2, 0, wide % 2, cv2.BORDER_REPLICATE)
    above = cv2.resize(cut, (-(-wide // 2), -(-high // 2)), interpolation=cv2.INTER_AREA)
    columns = np.arange(0, body.shape[1], 2, dtype=np.float32)[None, :] + 0.5
    below = np.maximum(depth, 0)
    # At its foot the image joins the animal: farther down it is broken into slices that waver.
    shake = ripple * (0.06 + 0.15 * sea.wind) * np.minimum(below, 0.3 * sighting.width + 0.4 * below)
    rows = np.arange(depth.shape[0], dtype=np.float32)[:, None] * 2 + (body.shape[0] - 2 * depth.shape[0])
    # Seen from so low an image is as high as what it mirrors.
    columns = (columns + shake) * np.float32(0.5) - np.float32(0.5 * left + 0.25)
    rows = (rows + 0.5 * shake) * np.float32(0.5) - depth - np.float32(0.5 * top + 0.75)
    seen = _unbroken(depth, ripple, sighting, sea.wind) * smoothstep(-1.0, 1.0, depth)
    return np.asarray(sample(above, columns, rows) * seen), own


def _unbroken(depth: Array, waves: Array, sighting: Sighting, wind: float) -> Array:
    """Return how much (rows, width), 0..1, of the mirror image the waves leave: farther off more lie before it."""
    far = np.maximum(depth, 0) * np.float32(1 / sighting.width)
    fade = cv2.exp(far * np.float32(-1 / (0.55 - 0.3 * wind))) * np.clip(3.2 - 4 * far, 0, 1)
    # A facet shows the animal or the sky, nothing between: dashes, whole at its foot and fewer with the distance. Foam
    # and churned water show none.
    limit = np.float32(wind - 1.3) + far * np.float32(1.6)
    left = np.clip((waves - limit) * np.float32(2.2), 0, 1)
    left = np.maximum(left, np.clip(0.8 - (8 + 20 * wind) * far, 0, 1))
    strength = (0.98 - 0.3 * wind) * (1 - 0.7 * min(1.0, 1.5 * sighting.splash))
    return np.asarray(cv2.sqrt(fade.astype(np.float32)) * left * np.float32(strength), np.float32)


def _under(colour: Array, body: Array, line: Array, deep: Array) -> Array:
    """Return by how much (1, width, 3) an animal just below the line changes the light out of the water there."""
    columns = np.arange(body.shape[1])
    wet = np.clip(line.astype(int) - 2, 0, body.shape[0] - 1)
    # Water takes the red first, and half of all light on its way down and up.
    skin = (colour[wet, columns] * np.array([0.35, 0.55, 0.6], np.float32) - deep) * body[wet, columns][:, None]
    return np.asarray(cv2.GaussianBlur(skin[None], (0, 0), sigmaX=3.0, sigmaY=0.1))


def _across(body: Array, line: Array, sighting: Sighting) -> Array:
    """Return how much (0..1, (1, width)) of the animal crosses the waterline near each column."""
    height, width = body.shape
    wet = body[np.clip(line.astype(int) - 2, 0, height - 1), np.arange(width)]
    sigma = max(3.0, 0.1 * sighting.width)
    along = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(wet[None, :]), (0, 0), sigmaX=sigma, sigmaY=0.1))
    return np.asarray(along / max(0.35, float(along.max())))  # a thin tail stock churns the water as well


def _wake(depth: Array, along: Array, sighting: Sighting, ripple: Array) -> Array:
    """Return the shade of the rings that run from the animal: dark faces towards the camera, bright backs."""
    off = depth * np.float32(1 / (FLAT * sighting.width))
    far = np.abs(off)
    rings = np.sin(7.5 * far / np.sqrt(np.sqrt(far + 0.02)) + 0.9 * ripple - 0.6) * np.exp(-1.5 * far) * (off > -0.15)
    # One strong dark face hugs the body, where the water is drawn up to it.
    face = np.exp(-(((off - 0.12 - 0.05 * ripple) / 0.16) ** 2))
    strength = along * np.float32(0.18 + 0.25 * sighting.splash)
    # Water clings to the skin: a meniscus, a bright line along its foot.
    film = np.exp(-(((depth - 1.5) / max(1.2, 0.006 * sighting.width)) ** 2)) * np.minimum(along, 1)
    return np.asarray(1 - strength * (1.1 * face + 0.7 * rings) + (0.25 + 0.3 * ripple) * film, np.float32)


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
    off = (np.arange(top, bottom, dtype=np.float32)[:, None] - line[None, left:right].astype(np.float32)) / size
    # In places it is thrown up, in others the water closes over it: nothing lies in a strip.
    clumps = np.float32(0.1) + wiggle(rng, wide, max(6.0, 0.3 * sighting.width), 4)[None, :] + np.float32(1.2) * splash
    away = np.abs(off)
    fade = np.where(off < 0, -1 / (0.012 + 0.08 * splash), -1 / (0.02 + 0.14 * splash)).astype(np.float32)
    near = np.exp(away * fade)
    far = np.exp(away * (-1 / (0.05 + 0.2 * splash)))
    near *= along * _thrown(wide, sighting) * np.maximum(clumps, 0) * np.float32(1.3)
    far *= np.sqrt(along) * (min(1.0, 1.6 * sighting.splash) * 0.45 * np.clip(0.8 + 0.6 * clumps, 0, 1.5))
    lay_foam(window[top:bottom, left:right], near + far, sighting.width, white, rng)


def _thrown(wide: int, sighting: Sighting) -> Array:
    """Return how much (1, wide) foam each column of the churned water gets: a bow in front and the wake behind.

    Flukes that go down stand still: all of their foot churns alike.
    """
    if sighting.individual.part == "fluke":
        return np.ones((1, wide), np.float32)
    aft = np.linspace(0, 1, wide, dtype=np.float32)[None, :]
    if sighting.view == "right":
        aft = aft[:, ::-1]
    bow = np.exp(-(((aft - 0.1) / 0.09) ** 2))
    return np.asarray(0.25 + 0.8 * bow + smoothstep(0.45, 0.8, aft), np.float32)


def paint_spray(
    window: Array, body: Array, line: Array, sighting: Sighting, white: Array, rng: np.random.Generator
) -> None:
    """Throw drops (in place) above the line; few in a calm rise, in a splash many, in plumes."""
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
    radius = np.clip(0.3 + 0.001 * size * rng.pareto(1.8, count), 0.3, 0.004 * size + 0.4)
    x, base = starts + spread * rise, np.interp(starts, np.arange(width), line)
    y, streak = base - rise, rng.exponential(0.006 * size, count)
    ends = (np.stack([x, y, x - 0.6 * spread * streak, y + streak], 1) * 16).astype(int).tolist()
    shades = rng.uniform(60, 255, count) * np.clip(1.3 * radius, 0.2, 1.0)
    for (x0, y0, x1, y1), shade, thick in zip(ends, shades.tolist(), (2 * radius).tolist(), strict=True):
        # One stroke with round ends: a head drawn apart from its streak would show as a ring.
        cv2.line(drops, (x0, y0), (x1, y1), int(shade), max(1, int(thick)), cv2.LINE_AA, 4)
    left, top, wide, high = cv2.boundingRect(drops)
    if not wide:
        return
    here = slice(top, top + high), slice(left, left + wide)
    cover = drops[here].astype(np.float32) * (0.85 / 255)
    blend(window[here], white, cover)


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
    threads = foam_pattern((bottom - top, right - left), 0.6 * size + 8, (float(rng.random()), float(rng.random())))[0]
    torn = smoothstep(-0.1, 0.7, inside + 0.45 * np.clip(threads, -2, 1))
    cover = smoothstep(0.1, 1.5, inside + 0.55 * threads) * torn * np.float32(0.75)
    # It rises out of ragged foam: its foot fades, nowhere beyond the window.
    cover = cover * smoothstep(-1.0, 0.4, up * np.float32(high / (0.07 * size)) + 0.6 * np.clip(threads, -2, 0))
    bright = np.clip(0.85 + 0.18 * threads, 0.4, 1.1).astype(np.float32)
    here = window[top:bottom, left:right]
    blend(here, tinted(bright, white), cover.astype(np.float32))
