"""Land on the horizon: ridges in several planes, with woods, rock, a shore and houses."""

import cv2
import numpy as np

from .sea import AIR
from .settings import Scene
from .texture import Array, blend, even, gauss, noise, smoothstep, tinted, wiggle

SOILS = ((0.16, 0.2, 0.13), (0.11, 0.14, 0.1), (0.36, 0.29, 0.22), (0.3, 0.3, 0.2), (0.42, 0.4, 0.36))
PLANES = 3


def paint_land(scene: Scene, below: Array, sky: Array, rng: np.random.Generator) -> None:
    """Paint the coast into the sky (rows, columns, 3) in place; `below` is rows below the horizon, negative above."""
    tall = scene.sea.coast
    if tall <= 0:
        return
    air = np.array(scene.sea.sky_low, np.float32) * AIR
    soils = rng.choice(len(SOILS), PLANES)
    for plane in range(PLANES):  # the farthest first: highest and palest
        soil, near = np.array(SOILS[soils[plane]], np.float32), plane / (PLANES - 1)
        columns = below.shape[1]
        wave = wiggle(rng, columns, (420, 260, 170)[plane], 6) + (0.0, 0.2, -0.5)[plane] * rng.uniform(0, 3)
        # Tree tops and rocks roughen the nearer skylines.
        rough = near * 0.05 * tall * wiggle(rng, columns, max(2.0, 0.12 * tall), 3)
        share = (0.75, 0.6, 0.4)[plane]
        skyline = (tall * share * np.clip(0.8 + 0.42 * wave, 0, None) + rough)[None, :]
        # Rows too high for the ridge are left alone.
        over = (below > -float(skyline.max()) - 2).any(1)
        if not over.any():
            continue
        top = int(np.argmax(over))
        land = smoothstep(-0.8, 0.8, (skyline + below[top:]).astype(np.float32))
        colour = _cover(scene, below[top:], skyline, soil, near, rng)
        # Ridges 3 to 10 km off: clear air of 30 km visibility (3.9 / 30 a km, Koschmieder) hides a third to 3/4.
        veil = np.float32(np.clip(0.74 - 0.4 * near + 0.5 * scene.sea.haze, 0, 0.96))
        colour += (even(air, columns) - colour) * veil
        blend(sky[top:], colour, land)


def _cover(scene: Scene, below: Array, skyline: Array, soil: Array, near: float, rng: np.random.Generator) -> Array:
    """Return what grows and stands on a ridge, (rows, columns, 3)."""
    rows, columns = below.shape
    tall = scene.sea.coast
    cell = max(2.0, 0.16 * tall)
    # So far off, through so much air, every second pixel will do.
    half = (rows + 1) // 2, (columns + 1) // 2
    fields = noise(rng, *half, (cell / 2, 2.5 * cell), 4, 0.75)
    woods = smoothstep(0.1, 0.7, noise(rng, *half, (0.4 * cell, 2 * cell), 3, 0.7))
    shade = (0.85 + 0.35 * scene.sea.sun) * (1 + 0.2 * fields) * (1 - 0.45 * woods)
    fields, shade = (np.asarray(cv2.resize(plane, (columns, rows))) for plane in (fields, shade.astype(np.float32)))
    # The side towards the sun is the brighter: slopes of the ridge.
    lit = np.gradient(gauss(skyline.astype(np.float32), 3.0)[0]) * np.sin(np.radians(scene.sea.sun_side))
    shade *= (1 + 0.5 * scene.sea.sun * np.clip(-lit, -0.8, 0.8)).astype(np.float32)[None, :]
    colour = tinted(shade, soil)
    if near > 0.9:
        # Sand or rock along the water, and houses above it.
        shore = np.exp(-((np.maximum(-below, 0) / (rng.uniform(0.02, 0.08) * tall + 0.7)) ** 4))
        sand = np.array(rng.uniform((0.24, 0.22, 0.19), (0.5, 0.43, 0.34)), np.float32)
        blend(colour, tinted(1 + np.float32(0.15) * fields, sand), 0.85 * shore)
        if rng.random() < 0.45:
            _houses(scene, below, skyline, colour, rng)
    return colour


def _houses(scene: Scene, below: Array, skyline: Array, colour: Array, rng: np.random.Generator) -> None:
    tall, columns = scene.sea.coast, below.shape[1]
    size = max(1.5, 0.07 * tall)
    middles = rng.uniform(0, columns, int(rng.integers(1, 4)))
    for _ in range(int(rng.integers(8, 60))):
        x = int(np.clip(rng.choice(middles) + rng.normal(0, 0.08 * columns), 0, columns - 1))
        foot = rng.uniform(0.1, 0.75) * float(skyline[0, x])
        level = np.flatnonzero(below[:, x] >= -foot)
        if not len(level) or foot < size:
            continue
        wide, high = int(size * rng.uniform(0.8, 2.4)) + 1, int(size * rng.uniform(0.5, 1.0)) + 1
        top, left = max(int(level[0]) - high, 0), max(x - wide // 2, 0)
        roof = max(1, high // 2)
        colour[top : top + high, left : left + wide] = rng.uniform(0.5, 0.85) * np.array([1, 0.97, 0.9])
        tile = ((0.42, 0.2, 0.14), (0.28, 0.28, 0.3))[int(rng.integers(2))]
        colour[max(top - roof, 0) : top, left : left + wide] = tile
