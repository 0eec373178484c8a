"""Painting one animal into the picture: its masks, its skin in this light, the water about it."""

from dataclasses import dataclass

import cv2
import numpy as np

from .contour import back_line
from .pose import Pose, polygons, pose
from .sea import light
from .settings import Scene, Sighting
from .skin import skin
from .splash import paint_foam, paint_mirror, paint_spray, waterline
from .texture import Array, fill, noise, sample, smoothstep


@dataclass(frozen=True)
class Patch:
    """A window of the picture: its left and top, and how many drawn pixels there are to one of the picture."""

    left: int
    top: int
    width: int
    height: int
    fine: int

    def slices(self) -> tuple[slice, slice]:
        """Return rows and columns of the picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def grid(self) -> tuple[Array, Array]:
        """Return columns and rows (height, width) float32 of the picture at the centres of the drawn pixels."""
        columns = self.left + (np.arange(self.width * self.fine, dtype=np.float32) + 0.5) / self.fine
        rows = self.top + (np.arange(self.height * self.fine, dtype=np.float32) + 0.5) / self.fine
        return np.broadcast_arrays(columns[None, :], rows[:, None])[0], np.broadcast_arrays(
            columns[None, :], rows[:, None]
        )[1]

    def fill(self, polygon: Array) -> Array:
        """Return the inside of a polygon given in pixels of the picture."""
        shape = (self.height * self.fine, self.width * self.fine)
        return (
            fill(shape, (polygon - [self.left, self.top]) * self.fine) if len(polygon) else np.zeros(shape, np.float32)
        )

    def shrink(self, layer: Array) -> Array:
        """Return a drawn layer at the picture's own size."""
        return np.asarray(cv2.resize(layer, (self.width, self.height), interpolation=cv2.INTER_AREA))


def paint_animal(scene: Scene, sighting: Sighting, image: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Paint an animal into `image` (height, width, 3) in place.

    Returns two masks (height, width) float32: the part above the water, and all of the animal that hides what is
    behind it. Both are empty where the animal lies outside the frame.
    """
    part, whole = (np.zeros(image.shape[:2], np.float32) for _ in range(2))
    stance = pose(sighting)
    patch = _patch(scene, sighting, stance)
    if patch.width < 3 or patch.height < 3:
        return part, whole
    line = waterline(sighting, stance, patch.width, rng)
    colour, fin, body = _layers(scene, sighting, stance, patch, line, rng)
    window = image[patch.slices()]
    paint_mirror(window, body, colour, line - patch.top, sighting, rng)
    window += (colour - window) * body[..., None]
    splash = (line - patch.top, sighting, light(scene.sea))
    paint_foam(window, body, *splash, rng)
    paint_spray(window, body, *splash, rng)
    part[patch.slices()], whole[patch.slices()] = fin, body
    return part, whole


def _patch(scene: Scene, sighting: Sighting, stance: Pose) -> Patch:
    """Return the window that holds the animal, its wake and its mirror image."""
    part, back = polygons(sighting, stance)
    points = part if not len(back) else np.vstack([part, back[back[:, 1] < stance.water + 0.1 * sighting.width]])
    points = points[points[:, 1] < stance.water + 0.2 * sighting.width]
    reach = 0.3 * sighting.width + 4
    low = points.min(0) - reach if len(points) else np.zeros(2)
    high = np.array([points[:, 0].max(initial=0) + reach, stance.water + 0.8 * sighting.width])
    left, top = (int(max(0, np.floor(v))) for v in low)
    right, bottom = (int(min(limit, np.ceil(v))) for v, limit in zip(high, (scene.width, scene.height), strict=True))
    return Patch(left, top, right - left, bottom - top, 2 if sighting.width < 420 else 1)


def _layers(
    scene: Scene, sighting: Sighting, stance: Pose, patch: Patch, line: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return colours (height, width, 3), the part's mask and the whole animal's mask, at the picture's size."""
    part_line, back_polygon = polygons(sighting, stance)
    part, back = patch.fill(part_line), patch.fill(back_polygon)
    columns, rows = patch.grid()
    fine_line = np.repeat(line, patch.fine)[None, :]
    dry = smoothstep(-0.6, 0.6, fine_line - rows)
    x, y = stance.unproject(columns, rows)
    shade = _shaded(scene, sighting, stance, x, y, part, rng)
    body = np.maximum(part, back) * dry
    if sighting.individual.part == "dorsal_fin":
        part = part * smoothstep(-0.045, -0.015, y)
    # Colours are averaged under their masks, else the water's would bleed into the edge.
    mask = patch.shrink(body)
    colour = patch.shrink(shade * body[..., None]) / np.maximum(mask, 1e-3)[..., None]
    return colour, patch.shrink(part * dry), mask


def _shaded(
    scene: Scene, sighting: Sighting, stance: Pose, x: Array, y: Array, part: Array, rng: np.random.Generator
) -> Array:
    """Return the animal's lit colours (height, width, 3) at points x, y of its plane."""
    made = skin(sighting.individual, sighting.view)
    to = made.to_pixels.astype(np.float32)
    drawn = sample(made.pixels, x * to[0, 0] + to[0, 2], y * to[1, 1] + to[1, 2], cv2.BORDER_REPLICATE)
    lightness, right, up = drawn[..., 0], drawn[..., 1] * stance.mirror, drawn[..., 2]
    if sighting.individual.part == "dorsal_fin":
        lightness, right, up = _with_back(sighting, x, y, part, lightness, right, up, rng)
    return _light_up(scene, sighting, lightness, right, up, rng)


def _with_back(
    sighting: Sighting,
    x: Array,
    y: Array,
    part: Array,
    lightness: Array,
    right: Array,
    up: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Blend the fin's skin into that of the back below it: a barrel lit from above."""
    traits = sighting.individual.traits
    grey = float(getattr(traits, "grey", 0.2))
    depth = back_line(x, sighting.bend) - y
    fin = part * smoothstep(-0.02, 0.1, y)
    cloudy = np.asarray(cv2.resize(noise(rng, 64, 128, (16, 24), 4), (x.shape[1], x.shape[0])))
    skin_back = grey * (0.95 + 0.07 * cloudy)
    # A killer whale's saddle: a pale patch behind and below the fin.
    saddle = float(getattr(traits, "saddle", 0.0))
    blot = np.exp(-(((x - 1.25) / 0.45) ** 2) - ((y + 0.22) / 0.16) ** 2)
    skin_back = skin_back + 0.5 * saddle * smoothstep(0.35, 0.65, blot + 0.06 * cloudy)
    barrel = 1.3 - 3.2 * np.clip(depth, 0.0, 0.7)
    return lightness * fin + skin_back * (1 - fin), right * fin, up * fin + barrel * (1 - fin)


def _light_up(
    scene: Scene, sighting: Sighting, lightness: Array, right: Array, up: Array, rng: np.random.Generator
) -> Array:
    sea = scene.sea
    side, height = np.radians(sea.sun_side), np.radians(sea.sun_height)
    sun = np.array([np.sin(side) * np.cos(height), np.sin(height), -np.cos(side) * np.cos(height)], np.float32)
    inverse = 1.0 / np.sqrt(1 + right**2 + up**2)
    direct = np.clip((right * sun[0] + up * sun[1] + sun[2]) * inverse, 0, 1)
    sky = 0.62 + 0.3 * up * inverse
    level = (0.75 - 0.3 * sea.sun) * sky + 1.15 * sea.sun * direct
    cast = np.array([1 + sighting.tone[1], 1.0, 1 - sighting.tone[1]], np.float32)
    white = light(sea)
    colour = (lightness * level * sighting.tone[0])[..., None] * cast * white
    # Wet skin mirrors the sky a little everywhere and the sun in small patches.
    wet = np.clip(0.03 + 0.07 * up * inverse, 0.012, 0.1)[..., None]
    half = sun + np.array([0, 0, 1.0], np.float32)
    half /= max(float(np.linalg.norm(half)), 1e-3)
    rough = np.asarray(cv2.resize(noise(rng, 96, 160, (6, 6), 3), (up.shape[1], up.shape[0])))
    gleam = np.clip((right * half[0] + (up + 0.25 * rough) * half[1] + half[2]) * inverse, 0, 1) ** 60
    return np.asarray(
        colour + wet * np.array(sea.sky_high, np.float32) + (0.5 * sea.sun * gleam)[..., None], np.float32
    )
