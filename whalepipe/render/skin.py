"""The skins: lightness, relief and warmth of an animal, painted once in the plane of its outline."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .contour import part_outline
from .individual import FinTraits, FlukeTraits, Individual
from .marks import barnacles, lesions, rakes
from .texture import Array, fill, noise, smoothstep

PIXELS = {"fluke": 440, "dorsal_fin": 340}  # of a skin, per unit of the outline's plane
FLANK = (0.85, 0.55)  # how far a fin's skin goes on over the back, fore and aft, and down
BLACK = 0.11  # lightness of a humpback's black skin: 1 to 2 % of the light comes back from it
SIDES = ("left", "right", "ventral", "dorsal")


@dataclass(frozen=True)
class Skin:
    """`pixels` (height, width, 4) float32: lightness 0..1, slope to the right, slope upwards, warmth 0..1 (yellow).

    `to_pixels` (2, 3) takes points of the outline's plane to pixels.
    """

    pixels: Array
    to_pixels: Array


@lru_cache(maxsize=16)  # about 9 MB each
def skin(individual: Individual, view: str, years: float = 0.0) -> Skin:
    """Return the skin of one view of an animal in a year, in the plane of contour.part_outline (not mirrored)."""
    outline = part_outline(individual, years)
    scale = PIXELS[individual.part]
    # The frame is that of the unhurt edge: in another year all else must lie where it lay.
    whole = part_outline(individual, -np.inf)
    low, high = whole.min(0) - 0.03, whole.max(0) + 0.03
    if individual.part == "dorsal_fin":
        low, high = low - np.array(FLANK), high + np.array([FLANK[0], 0])
    shape = (int((high[1] - low[1]) * scale), int((high[0] - low[0]) * scale))
    to_pixels = np.array([[scale, 0, -low[0] * scale], [0, -scale, high[1] * scale]])
    inside = fill(shape, outline @ to_pixels[:, :2].T + to_pixels[:, 2])
    depth = np.asarray(cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, 3)) / np.float32(scale)
    # A separate generator for each side: scratches differ, the outline does not.
    rng = np.random.default_rng([individual.seed, 2, SIDES.index(view)])
    traits = individual.traits
    x = np.arange(shape[1], dtype=np.float32)[None, :] / scale + np.float32(low[0])
    y = np.float32(high[1]) - np.arange(shape[0], dtype=np.float32)[:, None] / scale
    if isinstance(traits, FlukeTraits):
        light, warm = _fluke(traits, view, x, y, depth, rng, years)
        # The tail stock is a round bar between the blades, which swell towards it.
        stock = np.exp(-((x / 0.17) ** 2)) * smoothstep(0.0, -0.45, y)
        aside = 3.2 * x * stock
    else:
        light, warm = _fin(traits, x, y, depth, rng, years, traits.scars[0 if view == "left" else 1])
        aside = np.zeros((1, 1), np.float32)
    right, up = _relief(depth)
    planes = (light, right + aside, up, warm)
    return Skin(np.asarray(cv2.merge([np.asarray(plane, np.float32) for plane in planes])), to_pixels)


def _relief(depth: Array) -> tuple[Array, Array]:
    """Return the slopes (right, up) of a body that is thin at its edge and thick inside, the same on both sides."""
    thick = cv2.GaussianBlur(cv2.sqrt(np.minimum(depth, 0.25)), (0, 0), 4)
    right = cv2.Sobel(thick, cv2.CV_32F, 1, 0, ksize=3, scale=-7)
    up = cv2.Sobel(thick, cv2.CV_32F, 0, 1, ksize=3, scale=7)
    return np.asarray(right), np.asarray(up)


def _fluke(
    traits: FlukeTraits, view: str, x: Array, y: Array, depth: Array, rng: np.random.Generator, years: float
) -> tuple[Array, Array]:
    height, width = depth.shape
    # Wet black skin is even: what varies is fine.
    grain = noise(rng, height, width, (8, 8), 2, 0.8)
    dark = BLACK * (1 + 0.06 * grain)
    if view == "ventral":
        light = _pigment(traits, x, y, depth, grain, rng)
        film = smoothstep(0.6, 2.2, noise(rng, height, width, (140, 110), 3))
        # White skin has yellow films of diatoms.
        light *= 0.93 - 0.05 * film
    else:
        light, film = np.zeros_like(depth), np.zeros_like(depth)
    marked = np.maximum(dark, light)
    scars = rakes(rng, depth, traits.scars, 260.0, 1, 9.0, years)
    scars = scars + 0.8 * barnacles(rng, depth, 3 * traits.scars, years)
    # Scars are white on black skin and black on white skin.
    marked = marked + scars * np.where(marked > 0.4, np.float32(-0.6), np.float32(0.5))
    # Live barnacles crust the tips and the leading edge of some animals.
    where = smoothstep(0.86, 0.98, np.abs(x)) * smoothstep(0.09, 0.0, depth)
    crust = traits.crust * where * smoothstep(0.4, 1.2, noise(rng, height, width, (11, 11), 3, 0.8))
    warm = np.clip(0.45 * film * smoothstep(0.25, 0.6, marked) + crust, 0, 1)
    return np.clip(marked + 0.5 * crust, 0.02, 1.0), warm


def _pigment(traits: FlukeTraits, x: Array, y: Array, depth: Array, grain: Array, rng: np.random.Generator) -> Array:
    """Return how white (0..1) the ventral side is: two lobes within a dark trim, with ragged, streaky limits.

    The lobes' limits are a threshold of smooth noise (half of it the same on both sides) plus streaks that run from
    the tail stock outwards, so that they fray into lines, and the fine `grain` of the skin, so that they break up into
    specks.
    """
    height, width = depth.shape
    half = noise(rng, height, width // 2 + 1, (150, 150), 4)
    mirrored = np.hstack([half[:, ::-1][:, : width - width // 2], half[:, : width // 2]])
    rough = 0.55 * mirrored + 0.45 * noise(rng, height, width, (120, 120), 3, 0.5)
    streaks = _streaks(rng, x, y)
    white = traits.white
    # The dark trim follows the edges, broad here and narrow there; the middle stays dark unless the animal is very
    # white.
    wide = np.clip(1.0 + 0.5 * rough, 0.5, 2.2)
    trim = smoothstep(0.0, 0.12, (depth + 0.012 * streaks) / wide) * 1.9
    reach = 0.19 + 0.3 * (1 - white)
    middle = (1.95 - 1.15 * white) * np.exp(-((x / reach) ** 2) * (1 + 0.6 * y))
    field = trim + 0.6 * rough - middle + 2.6 * (white - 0.74)
    lobes = smoothstep(0.68, 1.12, field + (0.5 * streaks + 0.25 * grain) * smoothstep(1.2, 0.2, np.abs(field - 0.9)))
    # Dark scratches and specks are strewn over the white.
    flecks = smoothstep(1.3, 1.8, 0.75 * streaks + 0.75 * grain + 0.4 * rough - 0.25 * field)
    # However white the blades, their rim is dark: up to 4 % of the span behind, a line before.
    thick = np.maximum(0.3 + 0.8 * rough + 0.6 * streaks + 0.4 * grain, 0) * smoothstep(-0.3, 0.0, y - 0.3 * np.abs(x))
    rim = smoothstep(0.001, 0.012, depth - 0.018 * thick + 0.012 * np.clip(rough, 0, 1))
    stock = smoothstep(-0.62, -0.42, y + 0.05 * streaks + 0.2 * np.abs(x))
    return np.asarray(lobes * rim * stock * (1 - 0.7 * flecks))


def _streaks(rng: np.random.Generator, x: Array, y: Array) -> Array:
    """Return noise drawn out along rays from the tail stock, standard deviation about 1."""
    turned = noise(rng, 1000, 160, (18, 60), 3, 0.8)
    angle, away = np.arctan2(x, y + 1.1), np.hypot(x, y + 1.1)
    columns, rows = away * 90, (angle + np.pi / 2) * (1000 / np.pi)
    return np.asarray(cv2.remap(turned, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR))


def _fin(
    traits: FinTraits, x: Array, y: Array, depth: Array, rng: np.random.Generator, years: float, count: int
) -> tuple[Array, Array]:
    height, width = depth.shape
    # One octave of wide waves bends all limits; the skin itself varies by few percent, and finely.
    edge, fine = noise(rng, height, width, (70, 120), 2), noise(rng, height, width, (3, 3), 1)
    light = 1 + 0.02 * edge + 0.02 * fine
    # The fin is thin at its edges, which are darker.
    light *= 0.9 + 0.1 * smoothstep(0.0, 0.16, np.maximum(depth, 0.2 * smoothstep(0.25, -0.05, y)))
    # The back is a little darker than the fin, and above the cape's edge than the flank below it.
    light *= traits.grey * (traits.back + (1 - traits.back) * smoothstep(-0.25, 0.25, y))
    if traits.cape > 0:
        light *= 1 + traits.cape * smoothstep(-0.22, -0.4, y + 0.04 * edge)
    if traits.frosting > 0:
        light += 0.16 * traits.frosting * smoothstep(0.5, 0.95, y / traits.height + 0.1 * edge + 0.04 * fine)
    if traits.saddle > 0:
        # A hook: down along the flank behind the fin, and forward below it; it ends along a sharp line.
        behind = np.exp(-(((x - 1.28) / 0.4) ** 2) - ((y + 0.26 + 0.35 * (x - 1.28)) / 0.11) ** 2)
        under = np.exp(-(((x - 0.8) / 0.42) ** 2) - ((y + 0.4 - 0.12 * (x - 0.8)) / 0.07) ** 2)
        light += 0.3 * traits.saddle * smoothstep(0.38, 0.46, behind + under + 0.08 * edge + 0.02 * fine)
    # Marks lie on the fin and about its foot: deeper down and farther off water covers them.
    anywhere = np.maximum(depth, 0.05 * ((y < 0) & (y > -0.45) & (np.abs(x - 0.5) < 1.1)))
    # A pixel is about a millimetre, a tooth's scratch one or two.
    marks = rakes(rng, anywhere, (2 if count < 25 else 3) * count, 260.0, 2, 4.0 if count < 25 else 14.0, years)
    marks *= smoothstep(1.35, 1.2, np.abs(x - 0.5))  # the border's colours go on along the back
    # The paler the skin the less a scar stands out; Risso's dolphins stay white all over.
    light += marks * (0.36 if count < 25 else 0.8) * np.clip(1.2 - light, 0.3, 1)
    # A lesion on black skin is little paler than it.
    light += 0.3 * np.clip(light, 0.1, 0.4) * lesions(rng, anywhere, 1 + count // 5, years)
    return np.clip(light, 0.02, 1.0), np.full((height, width), 0.15, np.float32)
