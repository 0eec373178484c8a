"""Painting one animal into the picture: its masks, its skin in this light, the water about it."""

from dataclasses import dataclass

import cv2
import numpy as np

from .individual import metres
from .light import Lamp, Wear, dress, lamp, lit
from .pose import Pose, polygons, pose
from .sea import light
from .settings import Scene, Sighting
from .splash import paint_foam, paint_mirror, paint_spray, waterline
from .texture import Array, fill, rgb, smoothstep, wiggle
from .wet import paint_beads, paint_drips

STRIP = 32  # rows drawn at a time: they stay in the processor's cache


@dataclass(frozen=True)
class Patch:
    """A window of the picture, and how many drawn pixels there are to one of the picture (each way)."""

    left: int
    top: int
    width: int
    height: int
    fine: int

    def slices(self) -> tuple[slice, slice]:
        """Return rows and columns of the picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def columns(self) -> Array:
        """Return the picture's column at the centres of the drawn pixels, (width * fine,)."""
        return np.asarray(self.left + (np.arange(self.width * self.fine, dtype=np.float32) + 0.5) / self.fine)

    def rows(self) -> Array:
        """Return the picture's row at the centres of the drawn pixels, (height * fine,)."""
        return np.asarray(self.top + (np.arange(self.height * self.fine, dtype=np.float32) + 0.5) / self.fine)

    def fill(self, polygon: Array) -> Array:
        """Return the inside of a polygon given in pixels of the picture, at the drawn size."""
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
    # Small waves lap at the skin: nothing is cut off straight.
    lap = wiggle(rng, patch.width, max(4.0, 0.07 * sighting.width), 4)
    # Ripples half a centimetre high: next to a small fin they are large.
    ripple = float(np.clip(0.005 / metres(sighting.individual), 0.004, 0.014))
    line = line + np.float32((ripple + 0.009 * sighting.splash) * sighting.width) * lap
    line = line - _heaped(patch, sighting, stance)
    glow = lamp(scene.sea, sighting.tone, sighting.wet)
    colour, fin, body = _layers(patch, line, glow, dress(sighting, stance, rng))
    window = image[patch.slices()]
    line = line - patch.top
    paint_mirror(window, colour, body, line, sighting, scene.sea, rng)
    window += (colour - window) * rgb(body)
    white = light(scene.sea)
    if sighting.wet > 0:
        paint_beads(window, body, sighting, white, rng)
    paint_drips(window, body, line, sighting, white, rng)
    paint_foam(window, body, line, sighting, white, rng)
    paint_spray(window, body, line, sighting, white, rng)
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
    return Patch(left, top, right - left, bottom - top, 2 if sighting.width < 220 else 1)


def _heaped(patch: Patch, sighting: Sighting, stance: Pose) -> Array:
    """Return how far (width,) in pixels the water stands up where the back goes under: it is pushed along there.

    At the 1 to 2 m/s of a surfacing dolphin the stagnation height v^2 / 2g is 5 to 20 cm at a point; spread over the
    width of the back some 3 cm are left, a twelfth of a bottlenose's fin, as photos show.
    """
    back = polygons(sighting, stance)[1][:-2]
    above = np.flatnonzero(back[:, 1] < stance.water) if len(back) else np.zeros(0, int)
    if not len(above):
        return np.zeros(patch.width, np.float32)
    ends = back[above[[0, -1]], 0]
    away = (np.arange(patch.width) + patch.left - ends[:, None]) / (0.3 * sighting.width)
    return np.asarray((0.07 + 0.05 * sighting.splash) * sighting.width * np.exp(-(away**2)).sum(0), np.float32)


def _layers(patch: Patch, line: Array, glow: Lamp, wear: Wear) -> tuple[Array, Array, Array]:
    """Return colours (height, width, 3), the part's mask and the whole animal's mask, at the picture's size."""
    stance = wear.stance
    part_line, back_line = polygons(wear.sighting, stance)
    part = patch.fill(part_line)
    rows, columns = patch.rows(), patch.columns()
    body = np.maximum(part, patch.fill(back_line)) if len(back_line) else part.copy()
    # The water thins out where it runs up the skin.
    thin = max(0.6, 0.008 * wear.sighting.width)
    body *= smoothstep(-thin, thin, np.repeat(line, patch.fine)[None, :] - rows[:, None])
    part = np.minimum(part, body)
    colour = np.zeros((*body.shape, 3), np.float32)
    for top in range(0, len(rows), STRIP):
        seen = np.flatnonzero(body[top : top + STRIP].max(0) > 0)
        if not len(seen):
            continue
        here = slice(top, top + STRIP), slice(int(seen[0]), int(seen[-1]) + 1)
        x, y = stance.unproject(columns[None, here[1]], rows[here[0], None])
        # Colours are averaged under their mask, else the water's would bleed into the edge.
        colour[here] = lit(glow, wear, x, y) * rgb(body[here])
        if len(back_line):
            part[here] *= smoothstep(-0.045, -0.015, y)
    mask = patch.shrink(body)
    return patch.shrink(colour) / rgb(np.maximum(mask, 1e-3)), patch.shrink(part), mask
