"""What a swimming animal does to the water beyond itself: the swell it pushes up, and the foam it leaves behind."""

import numpy as np

from .pose import pose
from .sea import light
from .settings import Scene, Sighting
from .texture import Array, noise, rgb, smoothstep

BEHIND, BEFORE, BESIDE = 2.6, 1.1, 0.42  # widths of the part that the wake reaches


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
    along = (np.arange(left, right, dtype=np.float32)[None, :] - sighting.x) * np.float32(aft / size)
    off = (np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(water)) * np.float32(1 / size)
    lumps = noise(rng, bottom - top, right - left, (0.045 * size + 1, 0.16 * size + 2), 5, 0.75)
    window = image[top:bottom, left:right]
    _swell(window, along, off, lumps, sighting, fluke)
    _foam(window, _churn(along, off, sighting, fluke, rng), lumps, light(scene.sea), size)


def _swell(window: Array, along: Array, off: Array, lumps: Array, sighting: Sighting, fluke: bool) -> None:
    """Shade (in place) the hump of water that goes with the animal: a dark face below, a bright back above."""
    middle, length = (0.0, 0.4) if fluke else (0.15, 0.75)
    ends = np.exp(-(((along - middle) / length) ** 2))
    face = np.exp(-(((off - 0.13 - 0.03 * lumps) / 0.1) ** 2))
    back = np.exp(-(((off + 0.03 - 0.03 * lumps) / 0.06) ** 2))
    strength = np.float32(0.12 + 0.3 * sighting.splash)
    window *= rgb((1 + strength * ends * (0.3 * back - face)).astype(np.float32))


def _churn(along: Array, off: Array, sighting: Sighting, fluke: bool, rng: np.random.Generator) -> Array:
    """Return how thick (height, width) the foam would lie were it even."""
    splash = sighting.splash
    if fluke:
        from_foot = np.hypot(along / (0.2 + 0.35 * splash), (off - 0.03) / (0.05 + 0.07 * splash))
        return np.asarray((0.35 + 0.9 * splash) * np.exp(-(from_foot**2)))
    strong = splash * float(rng.uniform(0.5, 1.4))
    length = 0.35 + 1.6 * strong
    behind = smoothstep(-0.2, 0.35, along) * np.exp(-np.maximum(along, 0) / length)
    # The water breaks before the animal as well: less, and close to it.
    before = 0.7 * np.exp(-(((along + 0.75) / 0.16) ** 2)) * float(rng.random() < 0.5)
    wide = 0.045 + 0.08 * splash + 0.05 * np.sqrt(np.maximum(along, 0))
    bend = float(rng.normal(0, 0.02)) * along + 0.015 * np.sin(3.1 * along + float(rng.uniform(0, 6.3)))
    return np.asarray((0.35 + 1.3 * strong) * (behind + before) * np.exp(-(((off - 0.035 - bend) / wide) ** 2)))


def _foam(window: Array, churn: Array, lumps: Array, white: Array, size: float) -> None:
    """Break the foam into lumps lit from above and lay it (in place), milky water round it."""
    # Crisp edges and open holes: foam is a net of bubbles, not a haze.
    cover = smoothstep(0.65, 0.95, 1.5 * churn + 0.5 * lumps * np.sqrt(np.minimum(churn, 1.0)))
    cover = cover * smoothstep(-1.4, -0.6, np.roll(lumps, (7, 31), (0, 1)) + 0.6 * np.minimum(churn, 1.5) - 0.6)
    shift = max(1, int(0.02 * size))
    relief = lumps - np.roll(lumps, -shift, 0)  # a lump's upper side is lit, its lower in shade
    bright = np.clip(0.86 + 0.2 * lumps + 0.25 * relief, 0.42, 1.15)
    milky = 0.15 * np.minimum(churn, 1.0)
    cover = np.maximum(0.95 * cover * np.clip(0.8 + 0.2 * lumps, 0.35, 1.0), milky)
    window += (rgb(bright.astype(np.float32)) * white - window) * rgb(cover.astype(np.float32))
