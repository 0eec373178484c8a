"""The skins: lightness, relief and warmth of an animal, painted in the plane of its outline, no finer than it is seen.

What varies slowly is painted on a coarse canvas that is the same however fine the skin is, and so is all that chance
decides: an animal has the same marks in every photo, large or small.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .canvas import Canvas
from .contour import part_outline
from .individual import FinTraits, FlukeTraits, Individual
from .marks import barnacles, lesions, rakes
from .texture import Array, smoothstep

PIXELS = {"fluke": 440, "dorsal_fin": 340}  # of the finest skin, per unit of the outline's plane
COARSE = {"fluke": 110, "dorsal_fin": 113}  # of what varies slowly
ZOOMS = tuple(0.5 ** (step / 2) for step in range(5))  # the steps of fineness in which skins are painted
FLANK = (0.85, 0.55)  # how far a fin's skin goes on over the back, fore and aft, and down
STOCK = -0.8  # how far down a fluke's skin is painted: what is below is under water
BLACK = 0.11  # lightness of a humpback's black skin: 1 to 2 % of the light comes back from it
SIDES = ("left", "right", "ventral", "dorsal")


@dataclass(frozen=True)
class Skin:
    """`light` (height, width) float32: lightness 0..1. `form` (rows, columns, 3) float32, coarser, over the same
    rectangle: slope to the right, slope upwards, warmth 0..1 (yellow).

    `to_pixels` (2, 3) takes points of the outline's plane to pixels of `light`, `to_form` to those of `form`.
    """

    light: Array
    form: Array
    to_pixels: Array
    to_form: Array


def zoom_for(part: str, pixels: float) -> float:
    """Return the step of ZOOMS at which to paint the skin of a part that is seen with so many pixels to a unit."""
    return next((zoom for zoom in reversed(ZOOMS) if PIXELS[part] * zoom >= 0.85 * pixels), 1.0)


@lru_cache(maxsize=32)  # at most 2.5 MB each
def skin(individual: Individual, view: str, years: float = 0.0, zoom: float = 1.0) -> Skin:
    """Return the skin of one view of an animal in a year, in the plane of contour.part_outline (not mirrored)."""
    # The frame is that of the unhurt edge: in another year all else must lie where it lay.
    whole = part_outline(individual, -np.inf)
    low, high = whole.min(0) - 0.03, whole.max(0) + 0.03
    if individual.part == "dorsal_fin":
        low, high = low - np.array(FLANK), high + np.array([FLANK[0], 0])
    else:
        low[1] = STOCK
    corners = (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))
    coarse, fine = (Canvas(*corners, scale) for scale in (COARSE[individual.part], zoom * PIXELS[individual.part]))
    outline = part_outline(individual, years)
    depth = coarse.depth(outline)
    # A separate generator for each side: scratches differ, the outline does not.
    rng = np.random.default_rng([individual.seed, 2, SIDES.index(view)])
    traits = individual.traits
    right, up = _relief(depth)
    if isinstance(traits, FlukeTraits):
        light, warm = _fluke(traits, view, coarse, fine, outline, depth, rng, years)
        # The tail stock is a round bar between the blades, which swell towards it.
        x, y = coarse.axes()
        right += 3.2 * x * np.exp(-((x / 0.17) ** 2)) * smoothstep(0.0, -0.45, y)
    else:
        light = _fin(traits, coarse, fine, depth, rng, years, traits.scars[0 if view == "left" else 1])
        warm = np.full(depth.shape, 0.15, np.float32)
    return Skin(light, np.asarray(cv2.merge((right, up, warm))), fine.to_pixels, coarse.to_pixels)


def _clouds(rng: np.random.Generator, canvas: Canvas, depth: Array) -> Array:
    """Return mottling (height, width), standard deviation about 1, by which an animal is no paler on the whole."""
    clouds = canvas.noise(rng, (0.26, 0.32), 4, 0.8)
    return np.asarray(clouds - clouds[depth > 0].mean())


def _relief(depth: Array) -> tuple[Array, Array]:
    """Return the slopes (right, up) of a body that is thin at its edge and thick inside, the same on both sides."""
    thick = cv2.GaussianBlur(cv2.sqrt(np.minimum(depth, 0.25)), (0, 0), 1.3)
    right = cv2.Sobel(thick, cv2.CV_32F, 1, 0, ksize=3, scale=-2.2)
    up = cv2.Sobel(thick, cv2.CV_32F, 0, 1, ksize=3, scale=2.2)
    return np.asarray(right), np.asarray(up)


def _fluke(
    traits: FlukeTraits,
    view: str,
    coarse: Canvas,
    fine: Canvas,
    outline: Array,
    depth: Array,
    rng: np.random.Generator,
    years: float,
) -> tuple[Array, Array]:
    """Return lightness on the fine canvas and warmth on the coarse one."""
    grain = fine.noise(rng, (0.018, 0.018), 2, 0.8)
    film = smoothstep(0.6, 2.2, coarse.noise(rng, (0.32, 0.25), 3))
    clouds = _clouds(rng, coarse, depth)
    # Wet black skin is even but for clouds of a fifth of its lightness, and fine grain.
    dark = fine.stretched(np.asarray(BLACK * (1 + 0.13 * clouds), np.float32)) * (1 + 0.06 * grain)
    if view == "ventral":
        middle = Canvas(fine.low, fine.high, max(0.5 * fine.scale, min(fine.scale, 150.0)))
        light = _pigment(traits, coarse, middle, middle.depth(outline), rng)
        # White skin has yellow films of diatoms, and is nowhere as white as foam.
        light *= middle.stretched(np.asarray(0.86 - 0.06 * film + 0.05 * clouds, np.float32))
        light = fine.stretched(light)
        # Where black and white meet, both break up into specks.
        light += (0.22 * light * (1 - light)) * grain
        light = np.maximum(dark, light)
    else:
        film, light = np.zeros_like(film), dark
    scars = rakes(rng, coarse, depth, fine, traits.scars, 9.0, years)
    scars = cv2.add(scars, barnacles(rng, coarse, depth, fine, 3 * traits.scars, years))
    # Scars are white on black skin and black on white skin.
    light += scars * ((0.45 / 255) * np.clip(2.6 - 6.5 * light, -1.2, 1)).astype(np.float32)
    # Live barnacles crust the tips and the leading edge of some animals.
    x, _ = coarse.axes()
    lumps = coarse.noise(rng, (0.025, 0.025), 2, 0.8)
    where = smoothstep(0.86, 0.98, np.abs(x)) * smoothstep(0.09, 0.0, depth)
    crust = traits.crust * where * smoothstep(0.2, 1.8, lumps)
    if traits.crust > 0:
        light += fine.stretched(np.asarray(0.35 * crust, np.float32))
    warm = np.clip(0.3 * film + crust, 0, 1)
    return np.clip(light, 0.02, 1.0, out=light), np.asarray(warm, np.float32)


def _pigment(traits: FlukeTraits, coarse: Canvas, canvas: Canvas, depth: Array, rng: np.random.Generator) -> Array:
    """Return how white (0..1) the ventral side is: two lobes within a dark trim, with ragged, streaky grey limits.

    The lobes' limits are a soft threshold of smooth noise (a quarter of it the same on both sides) plus streaks that
    run from the tail stock outwards, so that they fray into lines.
    """
    x, y = canvas.axes()
    # No animal is the mirror image of itself.
    own = coarse.noise(rng, (0.3, 0.3), 4)
    rough = canvas.stretched(0.4 * (own + own[:, ::-1]) + 0.6 * coarse.noise(rng, (0.27, 0.27), 3, 0.6))
    streaks = _streaks(rng, x, y)
    white = traits.white
    # The dark trim follows the edges, broad here and narrow there; the middle stays dark unless the animal is very
    # white.
    wide = np.clip(1.0 + 0.5 * rough, 0.5, 2.2)
    trim = smoothstep(0.0, 0.12, (depth + 0.012 * streaks) / wide) * 1.9
    reach = 0.19 + 0.3 * (1 - white)
    middle = (1.95 - 1.15 * white) * np.exp(-((x / reach) ** 2) * (1 + 0.6 * y))
    field = trim + 0.6 * rough - middle + 2.6 * (white - 0.74)
    lobes = smoothstep(0.5, 1.3, field + 0.5 * streaks * smoothstep(1.2, 0.2, np.abs(field - 0.9)))
    # Dark scratches and specks are strewn over the white.
    flecks = smoothstep(1.1, 1.9, 0.9 * streaks + 0.5 * rough - 0.25 * field)
    # However white the blades, their rim is dark: up to 4 % of the span behind, a line before.
    thick = np.maximum(0.3 + 0.8 * rough + 0.6 * streaks, 0) * smoothstep(-0.3, 0.0, y - 0.3 * np.abs(x))
    rim = smoothstep(0.0, 0.016, depth - 0.018 * thick + 0.012 * np.clip(rough, 0, 1))
    stock = smoothstep(-0.62, -0.42, y + 0.05 * streaks + 0.2 * np.abs(x))
    return np.asarray(lobes * rim * stock * (1 - 0.7 * flecks), np.float32)


def _streaks(rng: np.random.Generator, x: Array, y: Array) -> Array:
    """Return noise drawn out along rays from the tail stock, standard deviation about 1."""
    sizes = ((57, 4), (113, 7), (202, 11))
    grids = [rng.standard_normal(size, np.float32) for size in sizes]
    turned = np.zeros((500, 80), np.float32)
    for grid, share in zip(grids, (1.0, 0.8, 0.64), strict=True):
        turned += cv2.resize(cv2.GaussianBlur(grid, (3, 3), 0.7), (80, 500)) * np.float32(share / 0.65)
    away, angle = cv2.cartToPolar(np.repeat(y + np.float32(1.1), x.shape[1], 1), np.repeat(x, y.shape[0], 0))
    angle = np.where(angle > np.pi, angle - np.float32(2 * np.pi), angle)
    rows = (angle + np.float32(np.pi / 2)) * np.float32(500 / np.pi)
    return np.asarray(cv2.remap(turned, away * 45, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _fin(
    traits: FinTraits, coarse: Canvas, fine: Canvas, depth: Array, rng: np.random.Generator, years: float, count: int
) -> Array:
    """Return the lightness of a fin and of the back about it on the fine canvas."""
    x, y = coarse.axes()
    edge, clouds = coarse.noise(rng, (0.2, 0.35), 2), _clouds(rng, coarse, depth)
    fine_grain = fine.noise(rng, (0.009, 0.009), 1)
    # One octave of wide waves bends all limits; skin is cloudy by a tenth of its lightness.
    light = 1 + 0.02 * edge + 0.08 * clouds
    # The fin is thin at its edges, which are darker.
    light *= 0.9 + 0.1 * smoothstep(0.0, 0.16, np.maximum(depth, 0.2 * smoothstep(0.25, -0.05, y)))
    # The back is a little darker than the fin, and above the cape's edge than the flank below it.
    light *= traits.grey * (traits.back + (1 - traits.back) * smoothstep(-0.25, 0.25, y))
    if traits.cape > 0:
        light *= 1 + traits.cape * smoothstep(-0.2, -0.42, y + 0.05 * edge + 0.02 * clouds)
    if traits.frosting > 0:
        light += 0.14 * traits.frosting * smoothstep(0.4, 1.0, y / traits.height + 0.1 * edge + 0.06 * clouds)
    # Marks lie on the fin and about its foot: deeper down and farther off water covers them.
    anywhere = np.maximum(depth, 0.05 * ((y < 0) & (y > -0.45) & (np.abs(x - 0.5) < 1.1)))
    # A lesion on black skin is little paler than it.
    patches = lesions(rng, coarse, anywhere, 1 + count // 5, years)
    light += 0.3 * np.clip(light, 0.1, 0.4) * patches
    # The paler the skin the less a scar stands out; Risso's dolphins stay white all over. At the border there are none:
    # its colours go on along the back.
    contrast = (0.34 if count < 25 else 0.6) * np.clip(1.2 - light, 0.3, 1) * smoothstep(1.35, 1.2, np.abs(x - 0.5))
    painted = fine.stretched(np.asarray(light, np.float32))
    if traits.saddle > 0:
        painted += _saddle(traits.saddle, fine, fine.stretched(np.asarray(edge, np.float32)), fine_grain)
    painted *= 1 + 0.02 * fine_grain
    marks = rakes(rng, coarse, anywhere, fine, (2 if count < 25 else 3) * count, 4.0 if count < 25 else 14.0, years)
    painted += fine.stretched(np.asarray(contrast / 255, np.float32)) * marks
    return np.clip(painted, 0.02, 1.0, out=painted)


def _saddle(strength: float, fine: Canvas, edge: Array, grain: Array) -> Array:
    """Return how much paler a killer whale's flank is by its saddle: a hook down behind the fin and forward below it.

    It ends along a line that is frayed, not blurred, and is greyer towards its hind end.
    """
    x, y = fine.axes()
    behind = np.exp(-(((x - 1.28) / 0.4) ** 2) - ((y + 0.26 + 0.35 * (x - 1.28)) / 0.11) ** 2)
    under = np.exp(-(((x - 0.8) / 0.42) ** 2) - ((y + 0.4 - 0.12 * (x - 0.8)) / 0.07) ** 2)
    shape = smoothstep(0.36, 0.5, behind + under + 0.08 * edge + 0.02 * grain)
    return np.asarray(0.27 * strength * shape * (1 + 0.12 * edge + 0.06 * grain), np.float32)
