"""The water's colours: each facet mirrors a piece of sky or lets the light of the water out (Schlick's formula)."""

from dataclasses import dataclass

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, sample, smoothstep
from .waves import (
    GRID,
    GUSTS,
    SEEN,
    SPARKS,
    TALL,
    Band,
    capillaries,
    draw_bands,
    drawn_columns,
    glints,
    gust_tiles,
    repeat,
    surface,
    turned,
)

STRIP = 64  # rows
LACE = 2.9  # metres a tile of foam
# Air scatters blue most: kilometres of it are a blue veil, darker than the sky behind.
AIR = np.array([0.8, 0.88, 0.95], np.float32)
SUNLIGHT = (1.0, 0.98, 0.94)
GLINT = 0.005  # metres across a facet that mirrors the sun
SPARK = 1.15  # deviation of the logarithm of a pixel's glints: the brightest tenth holds half of the light


@dataclass(frozen=True)
class Ground:
    """Where some rows of pixels look: metres to the right and away, rows below the horizon (each (rows, width))."""

    right: Array
    away: Array
    below: Array


@dataclass(frozen=True)
class Water:
    """What is the same for the whole picture: waves, and metres to the water seen (height, drawn columns).

    `gusts` says where in its tiles this sea begins, `palette` is the colour (n, 3) of each layer of
    light that `_strip` adds up.
    """

    bands: list[Band]
    gusts: tuple[float, float]
    away: Array
    palette: Array


@dataclass(frozen=True)
class Facets:
    """The surface at some drawn points (each (rows, drawn columns)): slopes, crest (standard deviation about 1).

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
    gusts = (float(rng.random()), float(rng.random()))
    sizes = GLINT * scene.camera.focal / away.mean(1)
    water = Water(bands, gusts, away, _palette(scene.sea))
    lean = abs(np.tan(np.radians(scene.camera.tilt))) * scene.width / 2
    first = int(np.clip(scene.camera.horizon - lean - 2, 0, scene.height))
    image = np.empty((scene.height, scene.width, 3), np.float32)
    image[:first] = 0  # the sky goes here
    # A few rows at a time stay in the processor's cache: three times as fast as whole pictures.
    while first < scene.height:
        # Near the horizon rows soon show water twice as far away, with other waves.
        rows = slice(first, min(first + int(np.clip(0.2 * (first - scene.camera.horizon), 8, STRIP)), scene.height))
        drawn, glitter = _strip(scene, water, rows)
        _widen(drawn, scene.width, image[rows])
        if glitter is not None:
            sparks = _sparkle(scene, sizes, gusts, rows)
            sparks *= _widen(glitter, sparks.shape[1], np.empty_like(sparks), GRID // 2)
            sparks = _widen(sparks, scene.width, np.empty(image[rows].shape[:2], np.float32), 2)
            image[rows] += cv2.merge([sparks * np.float32(part) for part in SUNLIGHT])
        first = rows.stop
    return image


def _widen(plane: Array, width: int, into: Array, step: int = GRID) -> Array:
    """Return planes (rows, n, ...) at `step` times as many columns, `width` of which are written `into` an array."""
    size = plane.shape[1] * step, plane.shape[0]
    if size[0] == width:
        cv2.resize(plane, size, dst=into, interpolation=cv2.INTER_LINEAR)
    else:
        into[:] = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)[:, :width]
    return into


def _strip(scene: Scene, water: Water, rows: slice) -> tuple[Array, Array | None]:
    """Return the colours of some rows (rows, drawn columns, 3), and the sun's mirror image (rows, drawn columns)."""
    sea, camera, away = scene.sea, scene.camera, water.away[rows]
    facets = _facets(scene, water, away)
    # The earth curves away: nobody sees water farther than 3.57 km times the root of the metres above it.
    air = np.minimum(away, np.float32(3570 * np.sqrt(camera.height)))
    air *= np.float32(-(0.00015 + 0.004 * sea.haze**2 + 0.002 * sea.rain))
    clear, dip = np.exp(air), camera.height / away
    # Slopes that turn away show what peeps over them. At a glance along rough water only the facets that lean towards
    # the camera are seen, on average by 1.25 of the standard deviation of their slopes: sqrt(2.6 * rough) / 2.
    facing = dip + facets.away
    spread = facing * facing
    spread += facets.rough * np.float32(2.4) + np.float32(0.001)
    facing += np.sqrt(spread, out=spread)
    steep = facets.right * facets.right
    steep += facets.away * facets.away
    steep += 1
    facing *= np.float32(0.5)
    facing /= steep
    graze = 1 - facing
    np.maximum(graze, 0, out=graze)
    mirror = graze * graze
    mirror *= mirror
    mirror *= graze
    mirror *= np.float32(0.98)
    mirror += np.float32(0.02)
    high = up_the_sky(facing * 2 - dip)
    layers = np.empty((len(water.palette), *facing.shape), np.float32)
    np.subtract(1, clear, out=layers[0])
    if sea.foam > 0:
        foam = _foam(sea, facets)
        np.multiply(foam, clear, out=layers[5])
        clear = clear - layers[5]
    np.multiply(mirror, clear, out=layers[1])
    np.multiply(layers[1], high, out=layers[2])
    out = clear - layers[1]
    lean = np.minimum(facing, np.float32(0.5))
    # Light comes through the thin tops of the waves, greener than out of the deep: seen where the sun is out.
    thin = np.clip(facets.crest - np.float32(0.4), 0, 2)
    thin *= lean
    np.multiply(thin, out, out=layers[4])
    lean *= np.float32(0.2)
    lean += np.float32(0.9)
    lean += facets.crest * np.float32(0.04)
    np.multiply(lean, out, out=layers[3])
    glitter = _glitter(sea, facets, facing, dip, _across(scene)) * clear if _faces_sun(sea) else None
    # All light adds up, each layer with its own colour: one matrix product.
    red, green, blue = (water.palette.T @ layers.reshape(len(layers), -1)).reshape(3, *facing.shape)
    return np.asarray(cv2.merge((red, green, blue))), glitter


def _palette(sea: Sea) -> Array:
    low, deep = np.array(sea.sky_low, np.float32), np.array(sea.deep, np.float32)
    white = [light(sea) * 0.92] if sea.foam > 0 else []
    glow = (0.05 + 0.2 * sea.sun) * light(sea).mean() * np.array([0.3, 0.9, 0.8], np.float32) * (0.01 + 0.5 * deep)
    return np.array([AIR * low, low, np.array(sea.sky_high, np.float32) - low, deep, glow, *white], np.float32)


def _faces_sun(sea: Sea) -> bool:
    return sea.sun > 0 and bool(np.cos(np.radians(sea.sun_side)) > 0)


def _facets(scene: Scene, water: Water, away: Array) -> Facets:
    """Return the surface for some rows, of which `away` holds metres at the drawn columns."""
    points = turned(_across(scene)[None, :] * away, away)
    gust = _gusts(scene.sea, water, points)
    few = away[::4, ::4]
    footprint = float(np.mean(few * few)) / (scene.camera.focal * scene.camera.height)
    right, towards, crest = (np.zeros(away.shape, np.float32) for _ in range(3))
    unseen = 0.0
    for band in water.bands[:TALL]:
        level = band.level(footprint)
        unseen += band.slope**2 * (1 - level.kept)
        if level.kept > 0.01:
            planes = cv2.split(repeat(level.waves, band.size, points, band.start))
            into = (right, band.slope), (towards, band.slope), (crest, 0.75)
            for plane, (total, strength) in zip(planes[:3], into, strict=True):
                cv2.scaleAdd(plane, strength, total, dst=total)
    for band in water.bands[TALL:]:
        level = band.level(footprint)
        # The wind reaches the crests, the troughs lie in its lee.
        windy = crest * np.float32(0.3)
        windy += 1
        np.clip(windy, 0.3, 2.0, out=windy)
        windy *= gust
        # From close by the capillaries are seen too.
        finest = (1 - SEEN) * footprint / (footprint + 0.02) * capillaries(scene.sea)
        ripples = band.slope**2 * (1 - level.kept) + finest
        if level.kept > 0.01:
            planes = cv2.split(repeat(level.waves, band.size, points, band.start))
            for plane, total in zip(planes[:2], (right, towards), strict=True):
                plane *= windy
                cv2.scaleAdd(plane, band.slope, total, dst=total)
    rough = gust * np.float32(ripples)
    rough += np.float32(unseen)
    torn = repeat(gust_tiles()[1], LACE, points, water.gusts) if scene.sea.foam > 0 else np.zeros((1, 1), np.float32)
    return Facets(right, towards, crest, rough, torn)


def _gusts(sea: Sea, water: Water, points: tuple[Array, Array]) -> Array:
    """Return by how much more or less than the average the wind ripples the water at points (rows, drawn columns)."""
    # The wind changes over metres: a sixteenth of the points will do.
    few, tile = (points[0][::4, ::4], points[1][::4, ::4]), gust_tiles()[0]
    gust = repeat(tile, GUSTS[0], few, water.gusts)
    gust += np.float32(0.7) * repeat(tile, GUSTS[1], few, water.gusts)
    gust *= np.float32(0.15 + sea.patches)
    np.clip(gust, -1.2, 0.7, out=gust)
    return np.asarray(cv2.resize(np.exp(gust), points[0].shape[::-1], interpolation=cv2.INTER_LINEAR))


def _across(scene: Scene) -> Array:
    """Return how far to the right (n,) the drawn columns look, as a tangent."""
    return np.asarray((drawn_columns(scene.width) - scene.width / 2) * np.float32(1 / scene.camera.focal))


def _glitter(sea: Sea, facets: Facets, facing: Array, dip: Array, across: Array) -> Array:
    """Return the sun's mirror image on the facets that throw it at the camera.

    `across` (columns,) is how far to the right each column looks, as a tangent.
    """
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    x, y, z = (float(v) for v in (np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)))
    towards = (2 * y) * facing - dip * y + z - (2 * facing) * (x * facets.right + z * facets.away)
    towards = (towards + across * np.float32(x)) / np.sqrt(1 + across * across)
    # Unseen ripples widen the sun's image (a mirror turns light by twice its own angle) and dim it.
    sharp = 1.0 / (1.0 / 1500.0 + 2.0 * facets.rough)
    return np.asarray((sea.sun * 0.16) * np.sqrt(sharp) * np.exp((np.minimum(towards, 1.0) - 1.0) * sharp))


def _sparkle(scene: Scene, sizes: Array, start: tuple[float, float], rows: slice) -> Array:
    """Return how much brighter or darker (mean 1) than the average the glints of some rows are.

    A pixel holds few facets that mirror the sun and each is hundreds of times as bright as the sky, so most pixels
    hold less than the mean and few much more; glints are wider than tall, as the ripples are, and larger close by,
    where one of them fills several pixels. Returned are (rows, half the width).
    `sizes` (height,) are pixels of the picture to a facet, `start` is the sea's beginning in the tile. Far off there
    are so many facets in a pixel that it twinkles less.
    """
    grown = np.clip(sizes, 1.0, 2.5) / 2  # blobs of the tile are two pixels wide
    down = (np.cumsum(1 / grown)[rows] + SPARKS * start[1]) % SPARKS
    # Every second column will do.
    across = (drawn_columns(scene.width, 2) - scene.width / 2)[None, :] / (1.8 * grown[rows, None])
    across = (across + SPARKS * start[0]) % SPARKS
    drawn = sample(glints(), across, np.repeat(down[:, None], across.shape[1], 1))
    drawn *= (SPARK * np.minimum(1.0, 0.55 + 0.45 * sizes[rows, None])).astype(np.float32)
    sparks = np.exp(drawn, out=drawn)
    return np.asarray(sparks * np.float32(1 / max(float(sparks.mean()), 1e-3)))


def _foam(sea: Sea, facets: Facets) -> Array:
    """Return how much (0..1) white caps and their trails cover the water."""
    level = 4.45 - 2.0 * sea.foam
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
