"""The water's colours: each facet mirrors a piece of sky or lets the light of the water out (Schlick's formula)."""

from dataclasses import dataclass

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, smoothstep
from .waves import COARSE, GUSTS, Band, capillaries, coarse_columns, draw_bands, draw_gusts, repeat, surface, turned

STRIP = 24  # rows
LACE = 2.9  # metres a tile of foam
# Air scatters blue most: kilometres of it are a blue veil, darker than the sky behind.
AIR = np.array([0.8, 0.88, 0.95], np.float32)
SPARK = 1.5  # deviation of the logarithm of a pixel's glints: the brightest tenth holds six tenths of the light


@dataclass(frozen=True)
class Ground:
    """Where some rows of pixels look: metres to the right and away, rows below the horizon (each (rows, width))."""

    right: Array
    away: Array
    below: Array


@dataclass(frozen=True)
class Water:
    """What is the same for the whole picture: waves, gusts, and metres to the water seen (height, coarse columns)."""

    bands: list[Band]
    gusts: Array
    lace: Array
    sparkle: Array
    away: Array
    footprint: Array


@dataclass(frozen=True)
class Facets:
    """The surface at some pixels (each (rows, width)): slopes, crest (standard deviation about 1), and the rest.

    `rough` is the variance of slopes too small to be seen, `lace` the pattern that foam follows, 0 to 1.
    """

    right: Array
    away: Array
    crest: Array
    rough: Array
    lace: Array


def ground(scene: Scene, top: int, bottom: int) -> Ground:
    """Return where the rows `top` to `bottom` meet the level water; above the horizon: as just below it."""
    camera = scene.camera
    x = np.arange(scene.width, dtype=np.float32)[None, :] - scene.width / 2
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(camera.horizon)
    below = y - np.float32(np.tan(np.radians(camera.tilt))) * x
    down = np.maximum(below, 1.0)
    return Ground(x * (camera.height / down), camera.focal * camera.height / down, below)


def paint_sea(scene: Scene, rng: np.random.Generator) -> Array:
    """Return the water's colours (height, width, 3) float32, 0..1 and above where the sun glitters."""
    bands = draw_bands(scene.sea, rng)
    away = surface(scene, bands)
    gusts, lace = draw_gusts(rng)
    sparkle = _draw_sparkle(scene, rng) if _faces_sun(scene.sea) else np.ones(1, np.float32)
    # A pixel on a slope towards the camera covers less of the water than one on level water, one on a back more.
    level = away * away * np.float32(0.1 / (scene.camera.focal * scene.camera.height))
    footprint = np.maximum(np.abs(np.gradient(away, axis=0)), level) * np.float32(0.45)
    water = Water(bands, gusts, lace, sparkle, away, footprint)
    image = np.empty((scene.height, scene.width, 3), np.float32)
    lean = abs(np.tan(np.radians(scene.camera.tilt))) * scene.width / 2
    first = int(np.clip(scene.camera.horizon - lean - 2, 0, scene.height))
    image[:first] = 0  # the sky goes here
    # A few rows at a time stay in the processor's cache: three times as fast as whole pictures.
    for top in range(first, scene.height, STRIP):
        bottom = min(top + STRIP, scene.height)
        image[top:bottom] = _strip(scene, water, slice(top, bottom))
    return image


def _widen(plane: Array, width: int) -> Array:
    """Return planes given at the coarse columns at all columns of the picture."""
    wide = cv2.resize(plane, (plane.shape[1] * COARSE, plane.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[:, :width])


def _strip(scene: Scene, water: Water, rows: slice) -> Array:
    sea, camera, away = scene.sea, scene.camera, water.away[rows]
    facets = _facets(scene, water, away, water.footprint[rows])
    # The earth curves away: nobody sees water farther than 3.57 km times the root of the metres above it.
    air = np.minimum(away, np.float32(3570 * np.sqrt(camera.height)))
    thick = _widen(1.0 - np.exp(air * np.float32(-(0.00015 + 0.004 * sea.haze**2 + 0.002 * sea.rain))), scene.width)
    dip = _widen(camera.height / away, scene.width)
    facing = dip + facets.away
    # Slopes that turn away show what peeps over them. At a glance along rough water only the facets that lean towards
    # the camera are seen, on average by 1.25 of the standard deviation of their slopes: sqrt(2.6 * rough) / 2.
    facing = 0.5 * (facing + np.sqrt(facing * facing + (0.002 + 2.6 * facets.rough)))
    shrink = 1.0 / (1.0 + facets.right * facets.right + facets.away * facets.away)
    graze = np.maximum(1.0 - facing * np.sqrt(shrink), 0)
    squared = graze * graze
    mirror = 0.02 + 0.98 * squared * squared * graze
    high = up_the_sky(2.0 * facing * shrink - dip)
    # Light comes through the thin tops of the waves, greener than out of the deep: seen where the sun is out.
    thin = np.clip(facets.crest - 0.4, 0, 2.0) * np.minimum(facing, 0.5)
    lit = 0.9 + 0.04 * facets.crest + 0.2 * np.minimum(facing, 0.6)
    left = 1.0 - thick
    layers = [thick, mirror * left]
    if sea.foam > 0:
        foam = _foam(sea, facets)
        layers = [thick, mirror * (left * (1 - foam)), foam * left]
        left = left * (1 - foam)
    out = left - layers[1]
    layers += [layers[1] * high, lit * out, thin * out]
    if _faces_sun(sea):
        layers.append(_glitter(sea, facets, facing * shrink, dip) * left * _sparkle(water, rows, left.shape))
    # All light adds up, each layer with its own colour: one matrix product.
    flat = np.stack(layers).reshape(len(layers), -1)
    return np.asarray((flat.T @ _palette(sea)).reshape(*facing.shape, 3))


def _palette(sea: Sea) -> Array:
    """Return the colour (n, 3) of each layer of light that `_strip` adds up."""
    low, deep = np.array(sea.sky_low, np.float32), np.array(sea.deep, np.float32)
    white = [light(sea) * 0.92] if sea.foam > 0 else []
    glow = (0.05 + 0.2 * sea.sun) * light(sea).mean() * np.array([0.3, 0.9, 0.8], np.float32) * (0.01 + 0.5 * deep)
    sun = [np.array([1.0, 0.98, 0.94], np.float32)] if _faces_sun(sea) else []
    return np.array([AIR * low, low, *white, np.array(sea.sky_high, np.float32) - low, deep, glow, *sun], np.float32)


def _faces_sun(sea: Sea) -> bool:
    return sea.sun > 0 and bool(np.cos(np.radians(sea.sun_side)) > 0)


def _facets(scene: Scene, water: Water, away: Array, footprint: Array) -> Facets:
    """Return the surface for some rows, of which `away` holds metres at the coarse columns."""
    camera, width = scene.camera, scene.width
    across: Array = (coarse_columns(width)[None, :] - width / 2) * np.float32(1 / camera.focal)
    points = turned(across * away, away)
    gust = repeat(water.gusts, GUSTS[0], points)
    gust = gust + 0.5 * repeat(water.gusts, GUSTS[1], points)
    gust = np.clip(1.0 + scene.sea.patches * 0.6 * gust, 0.1, 1.8)
    # At the coarse columns: right and away slope, crest, unseen roughness.
    sums: list[Array] = [np.zeros(away.shape, np.float32) for _ in range(4)]
    step, fine = COARSE * float(away.max()) / camera.focal, []
    sums[3] += gust * np.float32(capillaries(scene.sea))
    for number, band in enumerate(water.bands):
        kept = band.kept(footprint)
        ripple = gust if number > 2 else 1.0
        sums[3] += ripple * (1 - kept) * np.float32(band.slope**2)
        kept = kept * ripple
        if float(kept.max()) < 0.03:
            continue
        if band.is_smooth(step):
            _add(sums, band, points, kept, number < 3)
        else:
            fine.append((band, kept, number < 3))
    sums = [_widen(plane, width) for plane in sums]
    lace: Array = np.zeros_like(sums[0])
    if fine or scene.sea.foam > 0:
        full = _widen(away, width)
        across = (np.arange(width, dtype=np.float32)[None, :] - width / 2) * np.float32(1 / camera.focal)
        points = turned(across * full, full)
        for band, kept, tall in fine:
            _add(sums, band, points, _widen(kept, width), tall)
        if scene.sea.foam > 0:
            lace = repeat(water.lace, LACE, points)
    return Facets(sums[0], sums[1], sums[2], sums[3], lace)


def _add(sums: list[Array], band: Band, points: tuple[Array, Array], kept: Array, tall: bool) -> None:
    """Add a band's slopes to the sums, in place, and its crests if it is `tall`: no foam stands on ripples."""
    for total, plane in zip(sums, cv2.split(repeat(band.slopes, band.size, points)), strict=False):
        total += plane * kept
    if tall:
        sums[2] += repeat(band.heights, band.size, points) * (kept * np.float32(0.6 / band.height))


def _glitter(sea: Sea, facets: Facets, facing: Array, dip: Array) -> Array:
    """Return the sun's mirror image on the facets that throw it at the camera."""
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    x, y, z = (float(v) for v in (np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)))
    towards = (2 * y) * facing - dip * y + z - (2 * facing) * (x * facets.right + z * facets.away)
    # Unseen ripples widen the sun's image (a mirror turns light by twice its own angle) and dim it.
    sharp = 1.0 / (1.0 / 1500.0 + 2.0 * facets.rough)
    return np.asarray((sea.sun * 0.16) * np.sqrt(sharp) * np.exp((np.minimum(towards, 1.0) - 1.0) * sharp))


def _sparkle(water: Water, rows: slice, shape: tuple[int, ...]) -> Array:
    """Return the sparkle of some rows (rows, width): every strip starts elsewhere in the supply."""
    start = rows.start * 7919 % (len(water.sparkle) - shape[0] * shape[1])
    return water.sparkle[start : start + shape[0] * shape[1]].reshape(shape)


def _draw_sparkle(scene: Scene, rng: np.random.Generator) -> Array:
    """Return how much brighter or darker (mean 1) than the average the glints in a pixel are, for 6 strips of them.

    A pixel holds few facets that mirror the sun and each is hundreds of times as bright as the sky, so most pixels
    hold less than the mean and few much more; glints are wider than tall, as the ripples are.
    """
    drawn = rng.standard_normal(6 * STRIP * scene.width, dtype=np.float32)
    drawn[1:] += np.float32(0.7) * drawn[:-1]
    return np.asarray(np.exp(drawn * np.float32(SPARK / np.hypot(1, 0.7)) - np.float32(SPARK**2 / 2)))


def _foam(sea: Sea, facets: Facets) -> Array:
    """Return how much (0..1) white caps and their trails cover the water."""
    level = 4.8 - 2.0 * sea.foam
    caps = smoothstep(level, level + 0.9, facets.crest + 1.3 * facets.lace)
    trails = smoothstep(level - 1.3, level + 1.6, facets.crest + 0.8) * smoothstep(0.55, 0.95, facets.lace)
    return np.asarray(np.maximum(caps, 0.6 * trails) * (0.6 + 0.3 * facets.lace))


def up_the_sky(sine: Array) -> Array:
    """Return how far (0..1) the sky's colour has gone from the horizon's to the zenith's, given the sine of height.

    The CIE's standard clear sky (ISO 15469: 1 - exp(-0.32 / sine)), within 0.02: nearly even below ten degrees.
    """
    squared = np.clip(sine, 0.0, 1.0) ** 2
    return np.asarray(1.13 * squared / (squared + 0.13))


def light(sea: Sea) -> Array:
    """Return the colour (3,) of something white in this light."""
    sky = 0.5 * np.array(sea.sky_low, np.float32) + 0.5 * np.array(sea.sky_high, np.float32)
    level = 0.62 + 0.24 * sea.sun
    return np.asarray(level * (0.55 + 0.45 * sky / max(float(sky.max()), 1e-3)), np.float32)
