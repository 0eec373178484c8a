"""All that stands above the horizon: sky, clouds, land, a boat, birds."""

import cv2
import numpy as np

from .sea import ground
from .settings import Scene
from .texture import Array, noise, rgb, smoothstep, wiggle


def paint_sky(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint sky and land into the picture (in place) above the horizon, if that is in the frame."""
    lean = abs(np.tan(np.radians(scene.camera.tilt))) * scene.width / 2
    rows = min(scene.height, int(np.ceil(scene.camera.horizon + lean + 2)))
    if rows <= 0:
        return
    below = ground(scene, 0, rows).below
    sky = _land(scene, below, _heaven(scene, below, rng), rng)
    image[:rows] += (sky - image[:rows]) * rgb(smoothstep(-0.7, 0.7, -below))


def _heaven(scene: Scene, below: Array, rng: np.random.Generator) -> Array:
    sea = scene.sea
    rise = np.clip(-below / (0.35 * scene.height + 0.12 * scene.camera.focal), 0, 1)[..., None]
    low, high = np.array(sea.sky_low, np.float32), np.array(sea.sky_high, np.float32)
    sky = low + (high - low) * rise
    rows, columns = below.shape
    cloud = smoothstep(0.2, 1.8, noise(rng, rows, columns, (60, 330), 5))[..., None]
    return np.asarray(sky + (0.93 - sky) * cloud * sea.clouds)


def _land(scene: Scene, below: Array, sky: Array, rng: np.random.Generator) -> Array:
    if scene.sea.coast <= 0:
        return sky
    rows, columns = below.shape
    skyline = scene.sea.coast * np.clip(0.6 + 0.4 * wiggle(rng, columns, 300, 5), 0, None)[None, :]
    land = smoothstep(-1.0, 1.0, skyline + below)[..., None]
    soil = np.array(rng.uniform((0.2, 0.22, 0.15), (0.5, 0.42, 0.34)), np.float32)
    patches = soil * (1 + 0.25 * noise(rng, rows, columns, (12, 50), 4))[..., None]
    far = 0.25 + 0.6 * scene.sea.haze
    return np.asarray(sky + (patches + (sky - patches) * far - sky) * land)


def paint_things(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint the scene's birds and its boat into the picture (in place)."""
    if scene.sea.boat:
        _boat(scene, image, rng)
    for _ in range(scene.sea.birds):
        _bird(scene, image, rng)


def _boat(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    size = rng.uniform(0.03, 0.16) * scene.width
    foot = scene.camera.horizon + rng.uniform(0.02, 0.08) * size
    if not 0 < foot < scene.height:
        return
    left = rng.uniform(0, scene.width - size)
    hull = np.array([[0, -0.16], [0.04, 0], [0.9, 0], [1.0, -0.2]]) * size + [left, foot]
    cabin = np.array([[0.3, -0.15], [0.34, -0.34], [0.6, -0.34], [0.66, -0.15]]) * size + [left, foot]
    for shape, low in ((cabin, 0.5), (hull, 0.08)):
        tone = rng.uniform(low, 0.95, 3) * rng.uniform(0.4, 1.0)
        cv2.fillPoly(image, [np.round(shape * 16).astype(np.int32)], tone.tolist(), cv2.LINE_AA, 4)


def _bird(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    size = rng.uniform(0.006, 0.035) * scene.width
    x, y = rng.uniform(0, scene.width), rng.uniform(0, 0.6 * scene.height)
    lift, tilt = rng.uniform(-0.4, 0.6), rng.uniform(-0.4, 0.4)
    wings = np.array(
        [
            [-1, -lift - tilt],
            [-0.45, -0.3 - tilt / 2],
            [0, 0],
            [0.45, -0.3 + tilt / 2],
            [1, -lift + tilt],
            [0.4, -0.12 + tilt / 2],
            [0, 0.2],
            [-0.4, -0.12 - tilt / 2],
        ]
    )
    tone = np.full(3, rng.choice([rng.uniform(0.08, 0.25), rng.uniform(0.7, 0.95)]))
    path = np.round((wings * size + [x, y]) * 16).astype(np.int32)
    cv2.fillPoly(image, [path], tone.tolist(), cv2.LINE_AA, 4)
