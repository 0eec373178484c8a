"""The animal's skin in the light of a scene."""

from dataclasses import dataclass

import cv2
import numpy as np

from .contour import back_line
from .individual import FinTraits
from .pose import Pose
from .sea import light
from .settings import Scene, Sighting
from .skin import Skin, skin
from .texture import Array, noise, sample, smoothstep

ROUGH = 60.0  # pixels of the roughness map to one unit of the animal's plane


@dataclass(frozen=True)
class Lamp:
    """All that is the same for every point of one animal in one photo."""

    sighting: Sighting
    skin: Skin
    mirror: float
    sun: Array
    half: Array
    strength: float
    white: Array
    sky: Array
    rough: Array


def lamp(scene: Scene, sighting: Sighting, stance: Pose, rng: np.random.Generator) -> Lamp:
    """Return how a scene lights an animal."""
    sea = scene.sea
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    sun = np.array([np.sin(side) * np.cos(height), np.sin(height), -np.cos(side) * np.cos(height)], np.float32)
    half = sun + np.array([0, 0, 1.0], np.float32)
    half /= max(float(np.linalg.norm(half)), 1e-3)
    made, rough = skin(sighting.individual, sighting.view), noise(rng, 160, 320, (5, 9), 3)
    return Lamp(
        sighting, made, stance.mirror, sun, half, sea.sun, light(sea), np.array(sea.sky_high, np.float32), rough
    )


def lit(lamp: Lamp, x: Array, y: Array, part: Array) -> Array:
    """Return colours (height, width, 3) at points x, y of the animal's plane; `part`: how much is fin, not back."""
    to = lamp.skin.to_pixels.astype(np.float32)
    drawn = sample(lamp.skin.pixels, x * to[0, 0] + to[0, 2], y * to[1, 1] + to[1, 2], cv2.BORDER_REPLICATE)
    lightness, right, up = drawn[..., 0], drawn[..., 1] * lamp.mirror, drawn[..., 2]
    rough = sample(lamp.rough, x * ROUGH + 160, y * ROUGH + 80, cv2.BORDER_REFLECT)
    if isinstance(lamp.sighting.individual.traits, FinTraits):
        fin = part * smoothstep(-0.03, 0.09, y)
        back, barrel = _back(lamp.sighting.individual.traits, lamp.sighting.bend, x, y, rough)
        lightness, right, up = lightness * fin + back * (1 - fin), right * fin, up * fin + barrel * (1 - fin)
    return _reflect(lamp, lightness, right, up, rough)


def _back(traits: FinTraits, arch: float, x: Array, y: Array, rough: Array) -> tuple[Array, Array]:
    """Return lightness and upward slope of the back: a barrel, with the pale saddle of a killer whale."""
    shade = traits.grey * (0.97 + 0.05 * rough)
    if traits.saddle > 0:
        blot = np.exp(-(((x - 1.25) / 0.45) ** 2) - ((y + 0.2) / 0.15) ** 2)
        shade = shade + 0.4 * traits.saddle * smoothstep(0.3, 0.6, blot * (1 + 0.12 * rough))
    depth = np.clip(back_line(x, arch) - y, 0.0, 0.75)
    return shade, 1.5 - 3.4 * depth


def _reflect(lamp: Lamp, lightness: Array, right: Array, up: Array, rough: Array) -> Array:
    inverse = 1.0 / np.sqrt(1 + right * right + up * up)
    direct = np.clip((right * lamp.sun[0] + up * lamp.sun[1] + lamp.sun[2]) * inverse, 0, 1)
    sky = 0.85 + 0.3 * up * inverse
    level = (0.95 - 0.5 * lamp.strength) * sky + 1.0 * lamp.strength * direct
    warm = lamp.sighting.tone[1]
    cast = np.array([1 + warm, 1.0, 1 - warm], np.float32) * lamp.white * np.float32(lamp.sighting.tone[0])
    # Wet skin mirrors the sky a little everywhere, and the sun where it faces half way to it.
    wet = np.clip(0.035 + 0.06 * up * inverse, 0.015, 0.1)
    gleam = np.clip((right * lamp.half[0] + (up + 0.08 * rough) * lamp.half[1] + lamp.half[2]) * inverse, 0, 1)
    for _ in range(6):
        gleam = gleam * gleam
    gleam = gleam * np.clip(rough - 0.5, 0, 1.2) * (0.3 * lamp.strength)
    base = lightness * level
    planes = [base * float(c) + wet * float(s) + gleam for c, s in zip(cast, lamp.sky, strict=True)]
    return np.asarray(cv2.merge(planes))
