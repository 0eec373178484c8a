"""The animal's skin in the light of a scene.

Skin reflects diffusely what sun, sky and sea shed on it; the film of water over it mirrors sky, sea and sun (Schlick,
An Inexpensive BRDF Model for Physically-based Rendering, 1994), the more the more steeply it turns from the camera.
Colours are those of a picture; light adds up in their squares, since a picture's gamma is close to 2.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .contour import back_line
from .individual import FinTraits
from .pose import Pose
from .sea import light
from .settings import Sea, Sighting
from .skin import Skin, skin, zoom_for
from .texture import Array, even, noise, rgb, sample, smoothstep

ROUGH = 190.0  # pixels of the roughness map to one unit of the animal's plane: ripples of 0.5 to 4 % of it
BARREL = 0.72  # radius of the body under a fin, in fin lengths: a bottlenose 0.5 m thick with a fin 0.36 m long
SHOULDER = 0.12  # fin lengths: where the fin stands, its foot hides so much of the round back's level top
LEVEL = 0.98  # sine of the slope of the back's uppermost skin: ripples leave nothing of it edge-on
DIP = 0.18  # sine of the angle at which photos look down on the water: 5 to 22 degrees, mostly about 10
GLOSS = 0.02  # of the light that falls on it squarely water mirrors: ((1.33 - 1) / (1.33 + 1))^2
GRAZING = 0.5  # of what smooth water mirrors edge-on: the crests of the ripples on the skin hide the rest
RIPPLED = 0.07  # slope (4 degrees) of the film of water on wet skin: glints on flanks spread over about so much
SKYLIGHT = 0.22  # of all light on a clear day comes from the sky (15 to 25 % of the irradiance at sea level)


@dataclass(frozen=True)
class Lamp:
    """The light of a scene on one animal: the same for every point of it.

    `sun`, `half` (3,): to the right, up, towards the camera: where the sun stands, and the normal that mirrors it.
    `white`, `shade` (3,): what sun and sky shed on a white plane that faces them; `low`, `high`, `water` (3,): what wet
    skin mirrors above the horizon, overhead, and below. All five are squares of a picture's colours.
    """

    sun: Array
    half: Array
    white: Array
    shade: Array
    low: Array
    high: Array
    water: Array
    cast: Array
    wet: float


@dataclass(frozen=True)
class Wear:
    """What an animal wears in one photo: its skin, where its plane faces, the place of the water's map on it."""

    sighting: Sighting
    skin: Skin
    stance: Pose
    water: tuple[float, float]


def lamp(sea: Sea, tone: tuple[float, float], wet: float) -> Lamp:
    """Return how a scene lights an animal of this tone (see Sighting), `wet` 0 to 1."""
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    sun = np.array([np.sin(side) * np.cos(height), np.sin(height), -np.cos(side) * np.cos(height)], np.float32)
    half = sun + np.array([0, 0, 1.0], np.float32)
    half /= max(float(np.linalg.norm(half)), 1e-3)
    low, high, deep = (np.array(colour, np.float32) for colour in (sea.sky_low, sea.sky_high, sea.deep))
    sky = 0.5 * low + 0.5 * high
    white = light(sea)
    level = np.float32(white.mean())
    cast = np.array([1 + tone[1], 0.98, 1 - tone[1]], np.float32) * np.float32(tone[0])
    # Shade takes on the sky's colour, sunlight is a little yellow.
    shade = 0.65 * white + 0.35 * level * sky / max(float(sky.mean()), 1e-3)
    warm = white * np.array([1.06, 1.0, 0.93], np.float32)
    # Under an overcast all light is the sky's; the brighter the sun, the more of it comes from there alone.
    shed = np.float32(1 - (1 - SKYLIGHT) * sea.sun)
    water = 0.7 * deep + 0.3 * low  # seen from the animal: a third mirrors the sky
    return Lamp(sun, half, warm**2 * np.float32(sea.sun), shade**2 * shed, low**2, high**2, water**2, cast, wet)


@lru_cache(maxsize=1)
def _water_map() -> Array:
    """Return the roughness (320, 640) of water on skin that every photo shows another place of."""
    return noise(np.random.default_rng(0), 320, 640, (7, 7), 4, 0.85)


def dress(sighting: Sighting, stance: Pose, rng: np.random.Generator) -> Wear:
    """Return what the animal of a sighting wears in this photo."""
    seen = sighting.width / (2 if sighting.individual.part == "fluke" else 1)
    made = skin(sighting.individual, sighting.view, sighting.years, zoom_for(sighting.individual.part, seen))
    at = rng.uniform(0, (640.0, 320.0))
    return Wear(sighting, made, stance, (float(at[0]), float(at[1])))


def lit(lamp: Lamp, wear: Wear, x: Array, y: Array, above: Array) -> tuple[Array, Array]:
    """Return two times (height, width, 3) at points x, y of the animal's plane: what white skin would send back there,
    and what the water on it mirrors. Both are squares of a picture's colours. `above` the water, in part widths.
    """
    right, up, warm, runs = _slopes(wear, x, y)
    film = _water(wear, x, y, ROUGH, ROUGH)
    # Water still runs off what was under it last: rougher there than the film that is left above, and the skin darker.
    reach = 0.04 + 0.4 * wear.sighting.wet
    sheets = _water(wear, x, y, 16, 9)
    running = smoothstep(reach, 0.2 * reach, above + np.float32(0.3 * reach) * (runs + sheets))
    rougher = 1 + running
    gain, shine = _fields(lamp, right, up, film * rougher, runs * rougher)
    # Farther up skin is wet here and dry there, with a ragged border: what is wet is darker, and mirrors more.
    covered = smoothstep(-0.1, 0.6, sheets + np.float32(0.3) * runs)
    wet = np.maximum(running, covered * np.float32(0.4 + 0.35 * wear.sighting.wet))
    shine *= rgb(0.45 + 1.4 * wet)
    left = _yellowed(lamp, warm)
    left *= gain
    left *= rgb(1 - np.float32(0.42) * wet)
    return left, shine


def _slopes(wear: Wear, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Return the skin's slopes to the right and upwards at points of the plane, its warmth, and the rivulets on it."""
    to = wear.skin.to_form.astype(np.float32)
    # Far along the back the skin goes on as at its border: mirrored, a killer whale would have two saddles.
    form = sample(wear.skin.form, x * to[0, 0] + to[0, 2], y * to[1, 1] + to[1, 2], cv2.BORDER_REPLICATE)
    right, up, warm = cv2.split(form)
    right *= np.float32(wear.stance.mirror)
    facing = wear.stance.facing
    if isinstance(wear.sighting.individual.traits, FinTraits):
        # Water lies along the back, and runs down the fin.
        runs = _water(wear, x, y, 30, 120)
        # Back and fin pass over into one another: one skin, one curve.
        fin = smoothstep(-0.1, 0.3, y)
        # The fin's foot widens into the flank: only before and behind it is the level top of the back seen.
        foot = np.float32(SHOULDER) * smoothstep(0.75, 0.4, np.abs(x - 0.5))
        below = np.maximum(back_line(x, wear.sighting.bend) - y, 0) + foot
        # The body is thinner towards head and tail.
        radius = BARREL * np.clip(1.15 - 0.28 * np.abs(x - 0.5), 0.4, 1.0)
        across = np.clip(1 - below / radius, -0.4, np.float32(LEVEL))
        barrel = across / np.sqrt(1.0 - across * across)
        runs *= 1.8 - 0.8 * fin
        # A fin is a wing, a seventh as thick as it is long: its fore half faces forward, its hind half aft.
        camber = np.float32(0.8 * wear.stance.mirror) * (x - 0.45 - 0.4 * np.maximum(y, 0))
        right = (right + camber) * fin + np.float32(0.5 * facing[0])
        up = (up + np.float32(facing[1])) * fin + barrel * (1 - fin)
    else:
        # Sheets of water part into rivulets here and there, not everywhere.
        runs = _water(wear, x, y, 170, 70)
        right = right + facing[0] - 2 * wear.stance.bow * x * np.float32(wear.stance.mirror)
        # The blades are hollow along their chord: what leans back mirrors the sky, what hangs over the water.
        up = up + facing[1] + 1.0 * (y + 0.25)
    return np.asarray(right), np.asarray(up), np.asarray(warm), runs


def _water(wear: Wear, x: Array, y: Array, across: float, down: float) -> Array:
    """Return the roughness of the water at points of the plane, so many pixels of its map to a unit each way."""
    columns, rows = x * np.float32(across) + np.float32(wear.water[0]), y * np.float32(down) + np.float32(wear.water[1])
    return sample(_water_map(), columns, rows, cv2.BORDER_REFLECT)


def reflect(lamp: Lamp, lightness: Array, right: Array, up: Array, film: Array, runs: Array, warm: Array) -> Array:
    """Return colours (height, width, 3) of skin: lightness, slopes and warmth, and two noises of the water on it.

    All planes are (height, width); `film` is the uneven layer, `runs` the rivulets.
    """
    gain, shine = _fields(lamp, right, up, film, runs)
    return np.asarray(cv2.sqrt(gain * _yellowed(lamp, warm) * rgb(lightness * lightness) + shine))


def _yellowed(lamp: Lamp, warm: Array) -> Array:
    """Return what an animal's tone and a yellow film, 0..1 (height, width), leave of each colour's light."""
    left = cv2.merge((np.ones_like(warm), 1 - np.float32(0.1) * warm, 1 - np.float32(0.42) * warm))
    left *= even(lamp.cast, warm.shape[1])
    left *= left
    return np.asarray(left)


def _fields(lamp: Lamp, right: Array, up: Array, film: Array, runs: Array) -> tuple[Array, Array]:
    """Return what white skin of these slopes sends back and what the water on it mirrors (height, width, 3 each)."""
    ripple = np.float32(RIPPLED * (0.5 + 0.5 * lamp.wet))
    right, up = right + ripple * film, up + ripple * runs
    facing = 1.0 / cv2.sqrt(1 + right * right + up * up)
    rise = up * facing
    direct = np.maximum((right * lamp.sun[0] + up * lamp.sun[1] + lamp.sun[2]) * facing, 0)
    # Half of a level plane's light reaches an upright one, and the dark sea sends up a tenth of what the sky sheds.
    shed = np.maximum(0.55 + 0.45 * rise, 0.1)
    graze = 1.0 - facing
    squared = graze * graze
    mirror = GLOSS + GRAZING * squared * squared
    # How steeply the mirrored ray goes up, into the sky, which is darker overhead, or down to the water: seen from
    # above, skin that is edge-on mirrors the water behind the animal.
    ray = 2 * facing * rise + np.float32(DIP) * (2 * facing * facing - 1)
    sky = mirror * smoothstep(-0.45, 0.55, ray)
    high = sky * cv2.sqrt(np.clip(ray, 0, 1))
    mirrored = (sky - high, high, mirror - sky, _glint(lamp, right, up, film))
    return _sum((direct, shed), (lamp.white, lamp.shade)), _sum(mirrored, (lamp.low, lamp.high, lamp.water, lamp.white))


def _sum(planes: tuple[Array, ...], colours: tuple[Array, ...]) -> Array:
    """Return the light (height, width, 3) of some planes (height, width), each with its own colour (3,)."""
    total = []
    # Plane by plane: five times as fast as cv2.transform of the merged planes.
    for parts in zip(*colours, strict=True):
        plane = planes[0] * np.float32(parts[0])
        for other, part in zip(planes[1:], parts[1:], strict=True):
            cv2.scaleAdd(other, float(part), plane, dst=plane)
        total.append(plane)
    return np.asarray(cv2.merge(total))


def _glint(lamp: Lamp, right: Array, up: Array, film: Array) -> Array:
    """Return how bright (height, width) the sun's mirror image is: sparks on the ripples of the film, and a sheen."""
    # Clouds hide the sun's disc: what light they let through has no image.
    if lamp.half[2] < 0.08 or lamp.white.max() < 0.1:
        return np.zeros_like(up)
    across, along = right - lamp.half[0] / lamp.half[2], up - lamp.half[1] / lamp.half[2]
    off = across * across + along * along
    # Schlick's formula at the half vector: a low sun behind the animal is mirrored far more than one overhead.
    share = np.float32(1 + (1 - GLOSS) / GLOSS * (1 - float(lamp.half[2])) ** 5)
    # The sharp lobe, 2 degrees wide as capillary waves make it, clips in the photo as the sun's image does; the sheen,
    # 15 degrees wide, makes black skin a fourth as bright as white, as sunlit flanks in photos show.
    # Nor is it one spot: only facets of the film that are turned the right way send it.
    sharp = np.minimum(np.float32(4.0 * share) * cv2.exp(-700.0 * off), 1.4) * cv2.exp(-2.5 * film * film)
    return np.asarray(sharp + np.float32(0.08 * share) * cv2.exp(-7.0 * off))
