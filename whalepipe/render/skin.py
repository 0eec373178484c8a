"""The skins: lightness and relief of an animal, painted once in the plane of its outline."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .contour import part_outline
from .individual import FinTraits, FlukeTraits, Individual
from .texture import Array, draw_lines, fill, noise, smoothstep

PIXELS = {"fluke": 440, "dorsal_fin": 400}  # of a skin, per unit of the outline's plane


@dataclass(frozen=True)
class Skin:
    """`pixels` (height, width, 3) float32: lightness 0..1, slope to the right, slope upwards; `to_pixels` (2, 3)."""

    pixels: Array
    to_pixels: Array


@lru_cache(maxsize=24)  # about 6 MB each
def skin(individual: Individual, view: str) -> Skin:
    """Return the skin of one view of an animal, in the plane of contour.part_outline (not mirrored)."""
    outline = part_outline(individual)
    scale = PIXELS[individual.part]
    low, high = outline.min(0) - 0.03, outline.max(0) + 0.03
    shape = (int((high[1] - low[1]) * scale), int((high[0] - low[0]) * scale))
    to_pixels = np.array([[scale, 0, -low[0] * scale], [0, -scale, high[1] * scale]])
    inside = fill(shape, outline @ to_pixels[:, :2].T + to_pixels[:, 2])
    depth = np.asarray(cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, 3)) / scale
    # A separate generator for each side: scratches differ, the outline does not.
    rng = np.random.default_rng([individual.seed, 2, ["left", "right", "ventral", "dorsal"].index(view)])
    traits = individual.traits
    light = _fluke(traits, view, depth, rng) if isinstance(traits, FlukeTraits) else _fin(traits, view, depth, rng)
    return Skin(np.dstack([light, *_relief(depth)]).astype(np.float32), to_pixels)


def _relief(depth: Array) -> tuple[Array, Array]:
    """Return the slopes (right, up) of a body that is thin at its edge and thick inside."""
    thick = cv2.GaussianBlur(np.sqrt(np.minimum(depth, 0.25)).astype(np.float32), (0, 0), 5)
    right = cv2.Sobel(thick, cv2.CV_32F, 1, 0, ksize=3)
    up = cv2.Sobel(thick, cv2.CV_32F, 0, 1, ksize=3)
    return -np.asarray(right) * 6, np.asarray(up) * 6


def _fluke(traits: FlukeTraits, view: str, depth: Array, rng: np.random.Generator) -> Array:
    height, width = depth.shape
    dark = 0.09 + 0.03 * noise(rng, height, width, (60, 60), 4)
    if view == "ventral":
        light = _pigment(traits, depth, rng)
        # White skin is never even: grey clouds, and brownish films on some animals.
        light *= 0.78 + 0.1 * noise(rng, height, width, (160, 160), 4)
    else:
        light = 0.12 * smoothstep(1.6, 2.4, noise(rng, height, width, (50, 50), 4))
    marked = np.maximum(dark, light)
    scars = _scars(rng, depth, traits.scars, 0.22) + _spots(rng, depth, traits.scars)
    # Scars are white on black skin and black on white skin.
    return np.asarray(np.clip(marked + scars * np.where(marked > 0.45, -0.6, 0.55), 0.0, 1.0))


def _pigment(traits: FlukeTraits, depth: Array, rng: np.random.Generator) -> Array:
    """Return how white (0..1) the ventral side is: two lobes within a dark trim, with ragged, streaky limits."""
    height, width = depth.shape
    x = np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None, :]
    half = noise(rng, height, width // 2 + 1, (150, 150), 5)
    mirrored = np.hstack([half[:, ::-1][:, : width - width // 2], half[:, : width // 2]])
    rough = 0.6 * mirrored + 0.5 * noise(rng, height, width, (110, 110), 5, 0.6)
    streaks = noise(rng, height, width, (46, 5), 3)
    # The dark trim follows the edges; the middle stays dark unless the animal is very white.
    trim = smoothstep(0.0, 0.14, depth + 0.011 * streaks) * 1.8
    middle = (1.4 - 1.3 * traits.white) * np.exp(-((x / (0.16 + 0.25 * (1 - traits.white))) ** 2))
    field = trim + 0.55 * rough + 0.07 * streaks - middle + 2.6 * (traits.white - 0.72)
    return smoothstep(0.72, 1.02, field)


def _fin(traits: FinTraits, view: str, depth: Array, rng: np.random.Generator) -> Array:
    height, width = depth.shape
    y = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None]
    light = traits.grey * (1.0 + 0.12 * noise(rng, height, width, (110, 110), 6, 0.65))
    light += 0.05 * (1 - y) * traits.grey / 0.3
    tip = smoothstep(0.55, 1.0, y + 0.1 * noise(rng, height, width, (70, 40), 4))
    light += 0.5 * traits.frosting * tip
    count = traits.scars[0 if view == "left" else 1]
    light += 0.6 * _scars(rng, depth, count, 0.3) + 0.35 * _lesions(rng, depth, count // 3)
    light += 0.25 * smoothstep(1.9, 2.6, noise(rng, height, width, (16, 10), 3))
    return np.clip(light, 0.02, 1.0)


def _somewhere(rng: np.random.Generator, depth: Array) -> Array:
    """Return a point (x, y) in pixels inside the animal, or the picture's middle where luck fails."""
    height, width = depth.shape
    for _ in range(24):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        if depth[y, x] > 0.015:
            return np.array([x, y], float)
    return np.array([width / 2, height / 2])


def _scars(rng: np.random.Generator, depth: Array, count: int, longest: float) -> Array:
    """Return rake marks: groups of parallel, slightly bent lines, and single scratches."""
    lines: list[Array] = []
    widths: list[int] = []
    strengths: list[float] = []
    for _ in range(count):
        start, angle = _somewhere(rng, depth), rng.uniform(0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        length, bend = 400 * longest * rng.uniform(0.15, 1.0), rng.uniform(-0.25, 0.25)
        teeth = int(rng.integers(1, 6)) if rng.random() < 0.6 else 1
        spacing, strength, width = rng.uniform(5, 10), rng.uniform(0.25, 1.0), int(rng.integers(1, 4))
        for tooth in range(teeth):
            t = np.linspace(rng.uniform(0, 0.15), rng.uniform(0.8, 1.0), 12)[:, None]
            lines.append(start + across * (tooth * spacing + bend * length * t**2) + along * length * t)
            widths.append(width)
            strengths.append(float(strength * rng.uniform(0.6, 1.0)))
    faded = draw_lines((depth.shape[0], depth.shape[1]), lines, widths, strengths)
    return faded * np.clip(0.75 + 0.35 * noise(rng, depth.shape[0], depth.shape[1], (24, 24), 2), 0.2, 1.0)


def _spots(rng: np.random.Generator, depth: Array, count: int) -> Array:
    """Return barnacle scars: small discs and rings."""
    canvas = np.zeros(depth.shape, np.uint8)
    for _ in range(count * 2):
        x, y = _somewhere(rng, depth)
        radius = int(rng.uniform(1.5, 9) * 16)
        thickness = -1 if rng.random() < 0.5 else 2
        cv2.circle(canvas, (int(x * 16), int(y * 16)), radius, int(rng.uniform(70, 240)), thickness, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / 255


def _lesions(rng: np.random.Generator, depth: Array, count: int) -> Array:
    """Return pale patches with soft, irregular limits."""
    height, width = depth.shape
    total = np.zeros(depth.shape, np.float32)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(min(count, 6)):
        x, y = _somewhere(rng, depth)
        wide, high = rng.uniform(6, 30, 2)
        total = np.maximum(total, np.exp(-((((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2) ** 2)))
    return np.asarray(total * np.clip(0.8 + 0.4 * noise(rng, height, width, (14, 14), 3), 0, 1))
