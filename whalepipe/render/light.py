"""The animal's skin in the light of a scene.

Skin reflects diffusely what sun, sky and sea shed on it; the film of water over it mirrors sky and sun (Schlick, An
Inexpensive BRDF Model for Physically-based Rendering, 1994), the more the more steeply it turns away from the camera.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .contour import back_line
from .individual import FinTraits
from .pose import Pose
from .sea import light
from .settings import Sea, Sighting
from .skin import Skin, skin
from .texture import Array, noise, sample, smoothstep

ROUGH = 60.0  # pixels of the roughness map to one unit of the animal's plane
BARREL = 0.72  # radius of the body under a fin, in fin lengths


@dataclass(frozen=True)
class Lamp:
    """The light of a scene on one animal: the same for every point of it.

    `sun`, `half` (3,): to the right, up, towards the camera: where the sun stands, and the normal that mirrors it.
    `white` (3,): the sun's colour; `shade` (3,): of what the sky sheds; `sky` (3,): of what wet skin mirrors.
    """

    sun: Array
    half: Array
    strength: float
    white: Array
    shade: Array
    sky: Array
    cast: Array
    wet: float


@dataclass(frozen=True)
class Wear:
    """What an animal wears in one photo: its skin, where its plane faces, how the water lies on it."""

    sighting: Sighting
    skin: Skin
    stance: Pose
    rough: Array


def lamp(sea: Sea, tone: tuple[float, float], wet: float) -> Lamp:
    """Return how a scene lights an animal of this tone (see Sighting), `wet` 0 to 1."""
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    sun = np.array([np.sin(side) * np.cos(height), np.sin(height), -np.cos(side) * np.cos(height)], np.float32)
    half = sun + np.array([0, 0, 1.0], np.float32)
    half /= max(float(np.linalg.norm(half)), 1e-3)
    sky = 0.5 * np.array(sea.sky_low, np.float32) + 0.5 * np.array(sea.sky_high, np.float32)
    white = light(sea)
    level = np.float32(white.mean())
    cast = np.array([1 + tone[1], 1.0, 1 - tone[1]], np.float32) * np.float32(tone[0])
    # Shade takes on the sky's colour, sunlight is a little yellow.
    shade = 0.65 * white + 0.35 * level * sky / max(float(sky.mean()), 1e-3)
    warm = white * np.array([1.06, 1.0, 0.93], np.float32)
    return Lamp(sun, half, sea.sun, warm, shade, sky, cast, wet)


def dress(sighting: Sighting, stance: Pose, rng: np.random.Generator) -> Wear:
    """Return what the animal of a sighting wears in this photo."""
    made = skin(sighting.individual, sighting.view, sighting.years)
    return Wear(sighting, made, stance, noise(rng, 160, 320, (7, 7), 4, 0.65))


def lit(lamp: Lamp, wear: Wear, x: Array, y: Array, part: Array) -> Array:
    """Return colours (height, width, 3) at points x, y of the animal's plane; `part`: how much is fin, not back."""
    to = wear.skin.to_pixels.astype(np.float32)
    drawn = sample(wear.skin.pixels, x * to[0, 0] + to[0, 2], y * to[1, 1] + to[1, 2], cv2.BORDER_REFLECT_101)
    lightness, right, up, warm = cv2.split(drawn)
    right = right * np.float32(wear.stance.mirror)
    film = sample(wear.rough, x * ROUGH + 160, y * ROUGH + 80, cv2.BORDER_REFLECT)
    if isinstance(wear.sighting.individual.traits, FinTraits):
        # Water lies along the back, and runs down the fin.
        runs = 0.5 * sample(wear.rough, x * 40 + 160, y * 170 + 80, cv2.BORDER_REFLECT)
        fin = part * smoothstep(-0.05, 0.1, y)
        across = np.clip(1 - (back_line(x, wear.sighting.bend) - y) * (1 / BARREL), -0.4, 0.94)
        barrel = across / np.sqrt(1.0 - across * across)
        runs = runs * (1 - fin) + film * fin
        right, up = right * fin + wear.stance.facing[0] * 0.5, up * fin + barrel * (1 - fin)
    else:
        # Sheets of water part into rivulets here and there, not everywhere.
        runs = sample(wear.rough, x * 170 + 160, y * 24 + 80, cv2.BORDER_REFLECT) * np.clip(0.3 + 0.5 * film, 0, 1)
        right = right + wear.stance.facing[0] - 2 * wear.stance.bow * x * np.float32(wear.stance.mirror)
        # The blades are hollow along their chord: what leans back mirrors the sky, what hangs over the water.
        up = up + wear.stance.facing[1] + 0.7 * (y + 0.25)
    return reflect(lamp, np.asarray(lightness), np.asarray(right), np.asarray(up), film, runs, np.asarray(warm))


def reflect(lamp: Lamp, lightness: Array, right: Array, up: Array, film: Array, runs: Array, warm: Array) -> Array:
    """Return colours (height, width, 3) of skin: lightness, slopes and warmth, and two noises of the water on it.

    All planes are (height, width); `film` is the uneven layer, `runs` the rivulets.
    """
    up = up + (0.05 + 0.05 * lamp.wet) * film
    facing = 1.0 / np.sqrt(1 + right * right + up * up)
    rise = up * facing
    towards = right * lamp.sun[0] + up * lamp.sun[1]
    direct = np.clip((towards + lamp.sun[2]) * facing, 0, 1) * (0.95 * lamp.strength)
    # The sea sends light from below as well.
    shed = (0.86 - 0.26 * lamp.strength) * (0.8 + 0.36 * rise)
    graze = 1.0 - facing
    graze = graze * graze * graze
    # What points up mirrors the sky, what points down the dark water; rivulets break it into streaks.
    streak = np.clip(0.6 + 0.4 * runs + 0.12 * film, 0.1, 1.8)
    mirror = (0.055 + 0.5 * graze + (0.02 + 0.05 * lamp.wet) * np.maximum(runs - 0.6, 0)) * streak
    mirror = np.minimum(mirror, 0.4) * np.clip(0.6 + 1.3 * rise, 0.1, 1.4)
    gleam = np.clip((right * lamp.half[0] + up * lamp.half[1] + lamp.half[2]) * facing, 0, 1)
    for _ in range(3):
        gleam = gleam * gleam
    # A broad sheen of the skin itself, and the sharp glints of the film that lies on it.
    sheen = gleam * (0.08 * lamp.strength)
    gleam = gleam * gleam
    gleam = gleam * gleam * np.clip(0.35 + 0.5 * runs, 0, 1.6) * (0.22 * lamp.strength) + sheen
    # The sun behind the animal lines the edges that lean towards it.
    if lamp.sun[2] < 0.2:
        gleam = gleam + np.clip(towards * facing - 0.42, 0, 0.4) * (1.1 * lamp.strength)
    planes = []
    yellows = (0.0, 0.1, 0.42)  # what a yellow film takes of red, green and blue
    for cast, white, shade, sky, yellow in zip(lamp.cast, lamp.white, lamp.shade, lamp.sky, yellows, strict=True):
        body = lightness * (1 - float(yellow) * warm) * (direct * float(cast * white) + shed * float(cast * shade))
        planes.append(body + mirror * float(sky) + gleam * float(white))
    return np.asarray(cv2.merge(planes))
