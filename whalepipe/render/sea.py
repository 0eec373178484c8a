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
BANDS = (37.0, 6.1, 1.07)  # metres a tile, incommensurate so that repeats do not line up


@dataclass(frozen=True)
class Ground:
    """Where each pixel looks: metres to the right and away, rows below the horizon (all (height, width))."""

    right: Array
    away: Array
    below: Array


def ground(scene: Scene) -> Ground:
    """Return where each pixel meets the water; above the horizon the values are those just below it."""
    camera = scene.camera
    x = np.arange(scene.width, dtype=np.float32)[None, :] - scene.width / 2
    y = np.arange(scene.height, dtype=np.float32)[:, None] - np.float32(camera.horizon)
    below = y - np.float32(np.tan(np.radians(camera.tilt))) * x
    down = np.maximum(below, 1.0)
    return Ground(x * (camera.height / down), camera.focal * camera.height / down, below)


def paint_sea(scene: Scene, where: Ground, rng: np.random.Generator) -> Array:
    """Return the water's colours (height, width, 3) float32, 0..1 and above where the sun glitters."""
    sea, camera = scene.sea, scene.camera
    slope_x, slope_z, crest = _waves(sea, where, rng)
    dip = np.clip(where.below, 1.0, None) / camera.focal
    facing = dip + slope_z
    facing = 0.5 * (facing + np.sqrt(facing * facing + 0.0036))  # hidden slopes show what peeps over them
    shrink = 1.0 / (1.0 + slope_x**2 + slope_z**2)
    mirror = 0.02 + 0.98 * np.clip(1.0 - facing * np.sqrt(shrink), 0, 1) ** 5
    up = 2.0 * facing * shrink - dip
    high = np.sqrt(np.clip(up / 0.85, 0.0, 1.0))[..., None]
    low_colour, high_colour = np.array(sea.sky_low, np.float32), np.array(sea.sky_high, np.float32)
    sky = low_colour + (high_colour - low_colour) * high
    deep = np.array(sea.deep, np.float32)
    body = deep * (0.8 + 0.22 * crest + 0.5 * np.clip(facing, 0, 0.6))[..., None]
    colour = body + (sky - body) * mirror[..., None]
    if sea.sun > 0:
        colour += _glitter(sea, slope_x, slope_z, facing * shrink, dip)[..., None]
    return _haze(scene, where, _foam(scene, crest, colour, rng))


def _waves(sea: Sea, where: Ground, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return slope to the right, slope away and crest height (standard deviation about 1)."""
    wind = rng.uniform(0, 2 * np.pi)
    # Rough weather feeds the long waves, even a light air the ripples.
    strengths = (0.02 + 0.13 * sea.wind, 0.03 + 0.16 * sea.wind**0.8, 0.05 + 0.11 * sea.wind**0.6)
    footprint = where.away / np.maximum(where.below, 1.0)
    total = np.zeros((*where.below.shape, 3), np.float32)
    for size, strength, weight in zip(BANDS, strengths, (0.7, 0.6, 0.3), strict=True):
        tile = _tile(rng, wind, strength, weight)
        u, v = where.right * (TILE / size), where.away * (TILE / size)
        u, v = u - np.floor(u / TILE) * TILE, v - np.floor(v / TILE) * TILE
        # Waves smaller than what a pixel covers average out.
        total += sample(tile, u, v, cv2.BORDER_WRAP) / (1.0 + (footprint / (0.12 * size)) ** 2)[..., None]
    return total[..., 0], total[..., 1], total[..., 2]


def _tile(rng: np.random.Generator, wind: float, strength: float, weight: float) -> Array:
    """Return one repeating tile (TILE, TILE, 3) of slopes and crest height."""
    kx = np.fft.rfftfreq(TILE)[None, :] * TILE
    kz = np.fft.fftfreq(TILE)[:, None] * TILE
    k = np.hypot(kx, kz)
    band = np.exp(-((2.0 / np.maximum(k, 0.1)) ** 4) - (k / 34.0) ** 4)
    spread = 0.12 + np.cos(np.arctan2(kz, kx) - wind) ** 2
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
    sun = np.array([np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)], np.float32)
    towards = -2 * facing * slope_x * sun[0] + (2 * facing - dip) * sun[1] + (1 - 2 * facing * slope_z) * sun[2]
    return np.asarray(sea.sun * 2.2 * np.exp(np.minimum(towards - 1.0, 0.0) * 220.0))


def _foam(scene: Scene, crest: Array, colour: Array, rng: np.random.Generator) -> Array:
    """Return the colours with white caps on the highest crests."""
    if scene.sea.foam <= 0:
        return colour
    ragged = noise(rng, scene.height // 2, scene.width // 2, (12, 40), 4, 0.7)
    ragged = np.asarray(cv2.resize(ragged, (scene.width, scene.height)))
    level = 3.6 - 1.5 * scene.sea.foam
    white = smoothstep(level, level + 0.7, 1.25 * crest + 0.7 * ragged)[..., None]
    return np.asarray(colour + (light(scene.sea) * 0.9 - colour) * 0.85 * white)


def light(sea: Sea) -> Array:
    """Return the colour (3,) of something white in this light."""
    sky = 0.5 * np.array(sea.sky_low, np.float32) + 0.5 * np.array(sea.sky_high, np.float32)
    level = 0.62 + 0.3 * sea.sun
    return np.asarray(level * (0.55 + 0.45 * sky / max(float(sky.max()), 1e-3)), np.float32)


def _haze(scene: Scene, where: Ground, colour: Array) -> Array:
    """Return the colours faded into the sky with distance."""
    thick = 1.0 - np.exp(-where.away * (0.0002 + 0.012 * scene.sea.haze**2))
    low = np.array(scene.sea.sky_low, np.float32)
    return np.asarray(colour + (low * 0.97 - colour) * thick[..., None])
