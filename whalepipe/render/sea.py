"""The water: bands of waves in perspective, reflecting the sky.

Waves are random-phase sums with a k^-4 spectrum and a cosine-squared spread about the wind, their crests
sharpened by horizontal displacement (Tessendorf, Simulating Ocean Water, 2001); reflection is Schlick's formula.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, noise, sample, smoothstep

TILE = 256
STRIP = 24  # rows
BANDS = (37.0, 6.1, 1.07)  # metres a tile, incommensurate so that repeats do not line up


@dataclass(frozen=True)
class Ground:
    """Where some rows of pixels look: metres to the right and away, rows below the horizon (each (rows, width))."""

    right: Array
    away: Array
    below: Array


def ground(scene: Scene, top: int, bottom: int) -> Ground:
    """Return where the rows `top` to `bottom` meet the water; above the horizon: as just below it."""
    camera = scene.camera
    x = np.arange(scene.width, dtype=np.float32)[None, :] - scene.width / 2
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(camera.horizon)
    below = y - np.float32(np.tan(np.radians(camera.tilt))) * x
    down = np.maximum(below, 1.0)
    return Ground(x * (camera.height / down), camera.focal * camera.height / down, below)


def paint_sea(scene: Scene, rng: np.random.Generator) -> Array:
    """Return the water's colours (height, width, 3) float32, 0..1 and above where the sun glitters."""
    tiles = _tiles(scene.sea, rng)
    ragged = noise(rng, scene.height // 2, scene.width // 2, (12, 40), 4, 0.7)
    ragged = np.asarray(cv2.resize(ragged, (scene.width, scene.height)))
    image = np.empty((scene.height, scene.width, 3), np.float32)
    # A few rows at a time stay in the processor's cache: three times as fast as whole pictures.
    for top in range(0, scene.height, STRIP):
        bottom = min(top + STRIP, scene.height)
        where = ground(scene, top, bottom)
        image[top:bottom] = _strip(scene, where, tiles, ragged[top:bottom])
    return image


def _strip(scene: Scene, where: Ground, tiles: list[Array], ragged: Array) -> Array:
    sea = scene.sea
    slope_x, slope_z, crest = _waves(where, tiles)
    dip = np.maximum(where.below, 1.0) * (1.0 / scene.camera.focal)
    facing = dip + slope_z
    facing = 0.5 * (facing + np.sqrt(facing * facing + 0.0036))  # hidden slopes show what peeps over them
    shrink = 1.0 / (1.0 + slope_x * slope_x + slope_z * slope_z)
    graze = np.maximum(1.0 - facing * np.sqrt(shrink), 0)
    squared = graze * graze
    mirror = 0.02 + 0.98 * squared * squared * graze
    high = np.sqrt(np.clip((2.0 * facing * shrink - dip) * (1 / 0.85), 0.0, 1.0))
    lit = 0.8 + 0.22 * crest + 0.5 * np.minimum(facing, 0.6)
    glitter = _glitter(sea, slope_x, slope_z, facing * shrink, dip)
    foam = _foam(sea, crest, ragged)
    thick = _haze(sea, where)
    planes = []
    # Plane by plane: numpy is slow on an innermost axis of three.
    for deep, low, top, white in zip(sea.deep, sea.sky_low, sea.sky_high, light(sea), strict=True):
        body = lit * deep
        colour = body + (low + (top - low) * high - body) * mirror + glitter
        colour += np.maximum(float(white) * 0.9 - colour, 0.0) * foam
        planes.append(colour + (0.97 * low - colour) * thick)
    return np.asarray(cv2.merge(planes))


def _waves(where: Ground, tiles: list[Array]) -> tuple[Array, Array, Array]:
    """Return slope to the right, slope away and crest height (standard deviation about 1)."""
    footprint = where.away / np.maximum(where.below, 1.0)  # metres of water behind one pixel
    slope_x, slope_z, crest = (np.zeros(where.below.shape, np.float32) for _ in range(3))
    for size, tile in zip(BANDS, tiles, strict=True):
        if float(footprint.min()) > 0.7 * size:
            continue
        u, v = where.right * (1 / size), where.away * (1 / size)
        drawn = sample(tile, (u - np.floor(u)) * TILE, (v - np.floor(v)) * TILE, cv2.BORDER_WRAP)
        # Waves smaller than what a pixel covers average out.
        blend = footprint * (1 / (0.12 * size))
        fade = 1.0 / (1.0 + blend * blend)
        for total, plane in zip((slope_x, slope_z, crest), cv2.split(drawn), strict=True):
            total += plane * fade
    return slope_x, slope_z, crest


def _tiles(sea: Sea, rng: np.random.Generator) -> list[Array]:
    """Return the repeating tile of each band."""
    wind = rng.uniform(0, 2 * np.pi)
    # Rough weather feeds the long waves, even a light air the ripples.
    strengths = (0.02 + 0.13 * sea.wind, 0.03 + 0.16 * sea.wind**0.8, 0.04 + 0.1 * sea.wind**0.6)
    return [_tile(rng, wind, strength, weight) for strength, weight in zip(strengths, (0.7, 0.6, 0.3), strict=True)]


def _tile(rng: np.random.Generator, wind: float, strength: float, weight: float) -> Array:
    """Return one repeating tile (TILE, TILE, 3) of slopes and crest height."""
    kx = np.float32(TILE) * np.fft.rfftfreq(TILE).astype(np.float32)[None, :]
    kz = np.float32(TILE) * np.fft.fftfreq(TILE).astype(np.float32)[:, None]
    k = np.hypot(kx, kz)
    band = np.exp(-((2.0 / np.maximum(k, 0.1)) ** 4) - (k / 34.0) ** 4)
    spread = 0.3 + np.cos(np.arctan2(kz, kx) - wind) ** 2
    waves = np.fft.rfft2(rng.standard_normal((TILE, TILE), dtype=np.float32))
    waves *= band * spread / np.maximum(k, 1.0) ** 2
    layers = [
        waves * 1j * kx,
        waves * 1j * kz,
        waves,
        -waves * 1j * kx / np.maximum(k, 1),
        -waves * 1j * kz / np.maximum(k, 1),
    ]
    slope_x, slope_z, height, move_x, move_z = (
        np.fft.irfft2(layer, (TILE, TILE)).astype(np.float32) for layer in layers
    )
    slope = strength / float(np.sqrt(np.mean(slope_x**2 + slope_z**2)))
    tile = np.dstack([slope_x * slope, slope_z * slope, height * (weight / height.std())])
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    push = 5.0 / max(float(move_x.std()), float(move_z.std()))
    return sample(tile.astype(np.float32), columns + push * move_x, rows + push * move_z, cv2.BORDER_WRAP)


def _glitter(sea: Sea, slope_x: Array, slope_z: Array, facing: Array, dip: Array) -> Array:
    """Return the sun's mirror image on the facets that throw it at the camera."""
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    if sea.sun <= 0 or np.cos(side) < 0:
        return np.zeros_like(slope_x)
    x, y, z = (float(v) for v in (np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)))
    towards = (2 * y) * facing - dip * y + z - (2 * facing) * (x * slope_x + z * slope_z)
    return np.asarray((sea.sun * 2.2) * np.exp((np.minimum(towards, 1.0) - 1.0) * 220.0))


def _foam(sea: Sea, crest: Array, ragged: Array) -> Array:
    """Return how much (0..1) white caps cover the highest crests."""
    if sea.foam <= 0:
        return np.zeros_like(crest)
    level = 3.6 - 1.5 * sea.foam
    return 0.85 * smoothstep(level, level + 0.7, 1.25 * crest + 0.7 * ragged)


def light(sea: Sea) -> Array:
    """Return the colour (3,) of something white in this light."""
    sky = 0.5 * np.array(sea.sky_low, np.float32) + 0.5 * np.array(sea.sky_high, np.float32)
    level = 0.62 + 0.24 * sea.sun
    return np.asarray(level * (0.55 + 0.45 * sky / max(float(sky.max()), 1e-3)), np.float32)


def _haze(sea: Sea, where: Ground) -> Array:
    """Return how far (0..1) the water fades into the sky with distance."""
    return np.asarray(1.0 - np.exp(where.away * -(0.0002 + 0.012 * sea.haze**2)))
