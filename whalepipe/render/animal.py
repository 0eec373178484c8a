"""Painting one animal into the picture: its masks, its skin in this light, the water about it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .individual import metres
from .light import Lamp, Wear, dress, lamp, lit
from .pose import Pose, polygons, pose
from .sea import light
from .settings import Scene, Sighting
from .splash import paint_foam, paint_mirror, paint_spray, waterline
from .texture import Array, blend, fill, rgb, sample, smoothstep, wiggle
from .wet import paint_beads, paint_drips

STRIP = 128  # rows drawn at a time: they stay in the processor's cache


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


@dataclass(frozen=True)
class Painted:
    """An animal in the picture: within `patch`, how far (height, width) 0..1 each pixel shows its part above the water
    (`part`), and how far any of it, which hides what is behind it (`whole`).
    """

    patch: Patch
    part: Array
    whole: Array

    def behind(self, nearer: "Painted") -> "Painted":
        """Return this animal as a nearer one leaves it to be seen."""
        one, two = self.patch, nearer.patch
        left, top = max(one.left, two.left), max(one.top, two.top)
        width = min(one.left + one.width, two.left + two.width) - left
        height = min(one.top + one.height, two.top + two.height) - top
        if width <= 0 or height <= 0:
            return self
        here, there = (
            (slice(top - p.top, top - p.top + height), slice(left - p.left, left - p.left + width)) for p in (one, two)
        )
        part = self.part.copy()
        part[here] *= 1 - nearer.whole[there]
        return Painted(one, part, self.whole)


def paint_animal(scene: Scene, sighting: Sighting, image: Array, rng: np.random.Generator) -> Painted | None:
    """Paint an animal into `image` (height, width, 3) in place; return where, or None if it lies outside the frame."""
    stance = pose(sighting)
    outlines = polygons(sighting, stance)
    patch = _patch(scene, sighting, stance, outlines)
    if patch.width < 3 or patch.height < 3:
        return None
    line = waterline(sighting, stance, patch.width, rng)
    # Small waves lap at the skin: nothing is cut off straight.
    lap = wiggle(rng, patch.width, max(4.0, 0.07 * sighting.width), 4)
    # Ripples half a centimetre high: next to a small fin they are large.
    ripple = float(np.clip(0.005 / metres(sighting.individual), 0.004, 0.014))
    line = line + np.float32((ripple + 0.009 * sighting.splash) * sighting.width) * lap
    line = line - _heaped(patch, sighting, stance, outlines[1]) - np.float32(patch.top)
    wear = dress(sighting, stance, rng)
    fin, body = _masks(patch, line, sighting, outlines)
    colour, foot = _colours(patch, line, body, lamp(scene.sea, sighting.tone, sighting.wet), wear)
    fin *= foot
    window = image[patch.slices()]
    paint_mirror(window, colour, body, line, sighting, scene.sea, rng)
    _lay(window, colour, body)
    white = light(scene.sea)
    if sighting.wet > 0:
        paint_beads(window, body, sighting, white, rng)
    paint_drips(window, body, line, sighting, white, rng)
    paint_foam(window, body, line, sighting, white, rng)
    paint_spray(window, body, line, sighting, white, rng)
    return Painted(patch, fin, body)


def _lay(window: Array, colour: Array, body: Array) -> None:
    """Lay the animal over the window (in place), in the rows and columns that it fills."""
    left, top, width, height = cv2.boundingRect((body > 0).view(np.uint8))
    here = slice(top, top + height), slice(left, left + width)
    blend(window[here], colour[here], body[here])


def _patch(scene: Scene, sighting: Sighting, stance: Pose, outlines: tuple[Array, Array]) -> Patch:
    """Return the window that holds the animal, its wake and its mirror image."""
    part, back = outlines
    points = part if not len(back) else np.vstack([part, back[back[:, 1] < stance.water + 0.1 * sighting.width]])
    points = points[points[:, 1] < stance.water + 0.2 * sighting.width]
    reach = 0.3 * sighting.width + 4
    low = points.min(0) - reach if len(points) else np.zeros(2)
    high = np.array([points[:, 0].max(initial=0) + reach, stance.water + 0.8 * sighting.width])
    left, top = (int(max(0, np.floor(v))) for v in low)
    right, bottom = (int(min(limit, np.ceil(v))) for v, limit in zip(high, (scene.width, scene.height), strict=True))
    return Patch(left, top, right - left, bottom - top, 2 if sighting.width < 220 else 1)


def _heaped(patch: Patch, sighting: Sighting, stance: Pose, back: Array) -> Array:
    """Return how far (width,) in pixels the water stands up where the back goes under: it is pushed along there.

    At the 1 to 2 m/s of a surfacing dolphin the stagnation height v^2 / 2g is 5 to 20 cm at a point; spread over the
    width of the back some 3 cm are left, a twelfth of a bottlenose's fin, as photos show.
    """
    above = np.flatnonzero(back[:-2, 1] < stance.water) if len(back) else np.zeros(0, int)
    if not len(above):
        return np.zeros(patch.width, np.float32)
    ends = back[above[[0, -1]], 0]
    away = (np.arange(patch.width) + patch.left - ends[:, None]) / (0.3 * sighting.width)
    return np.asarray((0.07 + 0.05 * sighting.splash) * sighting.width * np.exp(-(away**2)).sum(0), np.float32)


def _masks(patch: Patch, line: Array, sighting: Sighting, outlines: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the masks (height, width) of the part and of the whole animal above the water's rows `line` (width,)."""
    # The water thins out where it runs up the skin.
    thin = max(0.6, 0.004 * sighting.width)
    first, last = (int(np.clip(v, 0, patch.height)) for v in (line.min() - thin, line.max() + thin + 1))
    drawn = replace(patch, height=max(1, last))  # below all is under water
    part = drawn.fill(outlines[0])
    body = np.maximum(part, drawn.fill(outlines[1])) if len(outlines[1]) else part
    rows = drawn.rows()[first * patch.fine :, None] - patch.top
    body[first * patch.fine :] *= smoothstep(-thin, thin, np.repeat(line, patch.fine)[None, :] - rows)
    if len(outlines[1]):
        np.minimum(part, body, out=part)
    whole, fin = (np.zeros((patch.height, patch.width), np.float32) for _ in range(2))
    whole[: drawn.height] = drawn.shrink(body)
    fin[: drawn.height] = drawn.shrink(part) if len(outlines[1]) else whole[: drawn.height]
    return fin, whole


def _colours(patch: Patch, line: Array, body: Array, glow: Lamp, wear: Wear) -> tuple[Array, Array]:
    """Return the animal's colours (height, width, 3), 0 far from it, and how far (height, width) it is its part alone.

    The light is worked out at every other pixel each way of what is not small; the skin's marks at every one.
    """
    colour, foot = np.zeros((*body.shape, 3), np.float32), np.ones(body.shape, np.float32)
    step = 2 if wear.sighting.width >= 110 else 1
    to, fin = wear.skin.to_pixels.astype(np.float32), wear.sighting.individual.part == "dorsal_fin"
    for top in range(0, len(body), STRIP):
        seen = np.flatnonzero(body[top : top + STRIP].max(0) > 0)
        if not len(seen):
            continue
        here = slice(top, min(top + STRIP, len(body))), slice(int(seen[0]), int(seen[-1]) + 1)
        rows, columns = (_every(step, part) for part in here)
        x, y = wear.stance.unproject(columns[None, :] + np.float32(patch.left), rows[:, None] + np.float32(patch.top))
        above = (np.interp(columns, np.arange(len(line)) + 0.5, line)[None, :] - rows[:, None]).astype(np.float32)
        gain, shine = lit(glow, wear, x, y, above * np.float32(1 / wear.sighting.width))
        across, down = (_grown(plane, step, here) for plane in (x * to[0, 0] + to[0, 2], y * to[1, 1] + to[1, 2]))
        lightness = sample(wear.skin.light, across, down, cv2.BORDER_REPLICATE)
        shown = rgb(lightness * lightness)
        shown *= _grown(gain, step, here)
        shown += _grown(shine, step, here)
        colour[here] = cv2.sqrt(shown)
        if fin:
            foot[here] = _grown(smoothstep(-0.045, -0.015, y), step, here)
    return colour, foot


def _every(step: int, pixels: slice) -> Array:
    """Return the middles of groups of `step` pixels, from the group before the slice's to the one after them."""
    if step == 1:
        return np.arange(pixels.start, pixels.stop, dtype=np.float32) + np.float32(0.5)
    groups = -(-(pixels.stop - pixels.start) // step) + 2
    return np.asarray(pixels.start + (np.arange(groups, dtype=np.float32) - 0.5) * step, np.float32)


def _grown(plane: Array, step: int, here: tuple[slice, slice]) -> Array:
    """Return what was worked out at _every group of pixels at each pixel of the slices."""
    if step == 1:
        return plane
    height, width = (part.stop - part.start for part in here)
    grown = cv2.resize(plane, (plane.shape[1] * step, plane.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown[step : step + height, step : step + width])
