"""All that stands above the horizon and on the water far off: sky, clouds, land, vessels, birds, rain."""

import cv2
import numpy as np

from .camera import soften
from .coast import paint_land
from .craft import paint_bird, paint_boat, paint_ship
from .sea import ground, up_the_sky
from .settings import Scene
from .texture import Array, blend, draw_lines, even, noise, rgb, smoothstep, tinted


def paint_sky(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint sky and land into the picture (in place) above the horizon, if that is in the frame."""
    lean = abs(np.tan(np.radians(scene.camera.tilt))) * scene.width / 2
    rows = min(scene.height, int(np.ceil(scene.camera.horizon + lean + 2)))
    if rows <= 0:
        return
    below = ground(scene, 0, rows).below
    # The sky is soft: every second pixel each way will do.
    half = _heaven(scene, np.ascontiguousarray(below[::2, ::2]), rng)
    sky = np.asarray(cv2.resize(half, below.shape[::-1], interpolation=cv2.INTER_LINEAR))
    paint_land(scene, below, sky, rng)
    # Only along the horizon is there a blend of both.
    meet = int(np.argmax((below > -1).any(1)))
    image[:meet] = sky[:meet]
    blend(image[meet:rows], sky[meet:], smoothstep(-0.7, 0.7, -below[meet:]))


def _heaven(scene: Scene, below: Array, rng: np.random.Generator) -> Array:
    """Return the sky (rows, columns, 3) at every second pixel, which lie so many rows `below` the horizon."""
    sea = scene.sea
    rise = up_the_sky(below * np.float32(-1 / scene.camera.focal))
    low, high = np.array(sea.sky_low, np.float32), np.array(sea.sky_high, np.float32)
    sky = tinted(rise, high - low) + even(low, rise.shape[1])
    rows, columns = below.shape
    # Clouds lie flatter and closer the nearer they are to the horizon.
    cloud = noise(rng, rows, columns, (25, 165), 4, 0.6)
    cloud += np.float32(0.4) * noise(rng, rows, columns, (13, 350), 3)
    white = np.minimum(1.15 * low + 0.04, 0.95)
    blend(sky, white, smoothstep(0.0, 2.2, cloud) * np.float32(0.8 * sea.clouds))
    side = np.radians(sea.sun_side)
    if sea.sun > 0 and np.cos(side) > 0:
        # The sky is brighter about the sun, even when that stands outside the picture.
        across = 2 * np.arange(below.shape[1], dtype=np.float32)[None, :] - scene.width / 2
        x = across - np.tan(side) * scene.camera.focal
        y = below + np.tan(np.radians(sea.sun_height)) * scene.camera.focal
        glow = np.exp(-np.hypot(x, y) / (0.3 * scene.camera.focal)) * (0.5 * sea.sun)
        sky += (1.1 - sky) * rgb(glow.astype(np.float32))
    return np.asarray(sky, np.float32)


def paint_things(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint the scene's vessels, birds and rain (in place), then blur what is out of focus."""
    sea = scene.sea
    if sea.boat:
        paint_boat(scene, image, rng)
    for _ in range(sea.ships):
        paint_ship(scene, image, rng)
    for number in range(sea.birds + sea.rafting):
        paint_bird(scene, image, rng, flying=number < sea.birds)
    soften(image, scene.camera)
    if sea.rain > 0:
        _rain(scene, image, rng)


def _rain(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Draw falling drops (in place): pale streaks, those near the lens long and faint; the veil greys all behind."""
    shape, rain = image.shape[:2], scene.sea.rain
    slant, lines, widths, strengths = rng.normal(0, 0.15), [], [], []
    for _ in range(int(1100 * rain * shape[0] * shape[1] / (1280 * 853))):
        length = rng.uniform(0.008, 0.045) * shape[0]
        x, y = rng.uniform(0, shape[1]), rng.uniform(-length, shape[0])
        lines.append(np.array([[x, y], [x + (slant + rng.normal(0, 0.02)) * length, y + length]]))
        widths.append(1)
        strengths.append(rng.uniform(0.03, 0.16))
    grey = 0.8 * np.array(scene.sea.sky_low, np.float32)
    image += (even(grey, shape[1]) - image) * np.float32(0.3 * rain)
    blend(image, np.minimum(1.2 * grey, 1.0), draw_lines(shape, lines, widths, strengths))
