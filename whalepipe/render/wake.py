"""What a swimming animal does to the water beyond itself: the swell it pushes up, and the foam it leaves behind."""

import cv2
import numpy as np

from .foam import lay_foam
from .pose import pose
from .sea import light
from .settings import Scene, Sighting
from .texture import Array, rgb, smoothstep, wiggle

STEP = 4  # pixels of the picture to one at which the swell is worked out: it has no fine parts
BEHIND, BEFORE, BESIDE = 4.0, 1.1, 0.42  # widths of the part that the wake reaches: half a body behind a fin


def paint_trail(scene: Scene, sighting: Sighting, image: Array, rng: np.random.Generator) -> None:
    """Paint the wake of one animal into `image` (height, width, 3) in place, before the animal itself.

    A fin's trail lies behind it, a fluke's ring of churned water about its foot; without splash there is neither.
    """
    if sighting.splash <= 0.02:
        return
    size, water = sighting.width, pose(sighting).water
    fluke = sighting.individual.part == "fluke"
    aft = -1.0 if sighting.view == "right" else 1.0
    reach = (0.75, 0.75) if fluke else (BEFORE, BEHIND) if aft > 0 else (BEHIND, BEFORE)
    left, right = (int(np.clip(sighting.x + v * size, 0, scene.width)) for v in (-reach[0], reach[1]))
    top, bottom = (int(np.clip(water + v * size, 0, scene.height)) for v in (-0.5 * BESIDE, BESIDE))
    if right - left < 8 or bottom - top < 4:
        return
    along = (np.arange(left, right, STEP, dtype=np.float32)[None, :] + STEP / 2 - sighting.x) * np.float32(aft / size)
    off = (np.arange(top, bottom, STEP, dtype=np.float32)[:, None] + STEP / 2 - water) * np.float32(1 / size)
    crests = 0.02 * wiggle(rng, along.shape[1], max(2.0, 0.35 * size / STEP), 4)[None, :]
    window = image[top:bottom, left:right]
    _swell(window, along, off + crests, sighting, fluke)
    churn = _churn(along, off, sighting, fluke, rng).astype(np.float32)
    lay_foam(window, _grown(churn, window), size, light(scene.sea), rng)


def _grown(plane: Array, window: Array) -> Array:
    """Return a plane that was worked out at every STEP-th pixel at the size of a window (height, width, 3)."""
    high, wide = window.shape[:2]
    return np.asarray(cv2.resize(plane, (plane.shape[1] * STEP, plane.shape[0] * STEP))[:high, :wide])


def _swell(window: Array, along: Array, off: Array, sighting: Sighting, fluke: bool) -> None:
    """Shade (in place) the water that goes with the animal: the hump it pushes up, dark in front and bright behind.

    A fin's hump leads a train of ridges that spread from the head at Kelvin's angle, 19.5 degrees, each weaker.
    """
    middle, length = (0.0, 0.4) if fluke else (0.15, 0.75)
    ends = np.exp(-(((along - middle) / length) ** 2))
    face = np.exp(-(((off - 0.13) / 0.1) ** 2))
    back = np.exp(-(((off + 0.03) / 0.06) ** 2))
    shade = ends * (0.3 * back - face)
    if not fluke:
        # Seen at ten degrees a wake of 19.5 degrees opens by a sixteenth of its length.
        behind = along + 0.75
        ridge = off - 0.02 - 0.065 * np.maximum(behind, 0)
        train = np.exp(-((ridge / (0.03 + 0.02 * np.maximum(behind, 0))) ** 2)) * np.cos(ridge * 60)
        shade = shade - 0.7 * train * smoothstep(-0.1, 0.5, behind) * np.exp(-0.6 * np.maximum(behind, 0))
    strength = np.float32(0.12 + 0.3 * sighting.splash)
    window *= rgb(_grown((1 + strength * shade).astype(np.float32), window))


def _churn(along: Array, off: Array, sighting: Sighting, fluke: bool, rng: np.random.Generator) -> Array:
    """Return how thick (height, width) the foam would lie were it even."""
    splash = sighting.splash
    if fluke:
        from_foot = np.hypot(along / (0.2 + 0.35 * splash), (off - 0.03) / (0.05 + 0.07 * splash))
        return np.asarray((0.35 + 0.9 * splash) * np.exp(-(from_foot**2)))
    strong = splash * float(rng.uniform(0.5, 1.4))
    length = 0.35 + 2.4 * strong
    behind = smoothstep(-0.2, 0.35, along) * np.exp(-np.maximum(along, 0) / length)
    # The water breaks before the animal as well: less, and close to it.
    before = 0.7 * np.exp(-(((along + 0.75) / 0.16) ** 2)) * float(rng.random() < 0.5)
    wide = 0.045 + 0.08 * splash + 0.05 * np.sqrt(np.maximum(along, 0))
    bend = float(rng.normal(0, 0.02)) * along + 0.015 * np.sin(3.1 * along + float(rng.uniform(0, 6.3)))
    return np.asarray((0.35 + 1.3 * strong) * (behind + before) * np.exp(-(((off - 0.035 - bend) / wide) ** 2)))
