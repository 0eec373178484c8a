"""Animals of which neither fluke nor fin shows: a head that rises, a long back, a blow. They get no box."""

import cv2
import numpy as np

from .animal import Patch
from .individual import FinTraits
from .light import lamp, reflect
from .pose import Pose
from .sea import light
from .settings import Distraction, Scene, Sighting
from .splash import paint_foam, paint_mirror, waterline
from .texture import Array, blend, noise, smoothstep, spline

# Profiles in widths, facing right, the water at y = 0: a dolphin's head with its beak, a whale's back.
HEAD = (
    (0.0, -0.1),
    (0.03, 0.06),
    (0.14, 0.17),
    (0.3, 0.25),
    (0.46, 0.265),
    (0.57, 0.23),
    (0.62, 0.185),
    (0.78, 0.18),
    (0.92, 0.165),
    (0.96, 0.135),
    (0.88, 0.105),
    (0.7, 0.07),
    (0.6, 0.02),
    (0.56, -0.1),
)
BACK = (
    (0.0, -0.1),
    (0.02, 0.0),
    (0.09, 0.05),
    (0.24, 0.095),
    (0.46, 0.118),
    (0.68, 0.107),
    (0.86, 0.066),
    (0.96, 0.02),
    (0.98, 0.0),
    (1.0, -0.1),
)


def paint_distraction(scene: Scene, distraction: Distraction, image: Array, rng: np.random.Generator) -> Array:
    """Paint a distraction into `image` (height, width, 3) in place.

    Returns how far (height, width), 0..1, it hides what is behind it; nothing of it is a part with a box.
    """
    whole = np.zeros(image.shape[:2], np.float32)
    patch = _patch(scene, distraction)
    if patch.width < 3 or patch.height < 3:
        return whole
    window = image[patch.slices()]
    if distraction.kind == "blow":
        body = _blow(patch, distraction, rng)
        blend(window, light(scene.sea) * np.float32(0.95), body)
    else:
        body = _body(scene, distraction, patch, window, rng)
    whole[patch.slices()] = body
    return whole


def _patch(scene: Scene, distraction: Distraction) -> Patch:
    """Return the window that holds the distraction, the foam about it and its mirror image."""
    above = 2.2 if distraction.kind == "blow" else 0.45
    reach = distraction.width * np.array([1.0, above * distraction.rise, 1.0, 0.35])
    at = np.array([distraction.x, distraction.y, distraction.x, distraction.y])
    limits = (scene.width, scene.height, scene.width, scene.height)
    edges = at + reach * [-1, -1, 1, 1]
    left, top, right, bottom = (int(np.clip(v, 0, limit)) for v, limit in zip(edges, limits, strict=True))
    return Patch(left, top, right - left, bottom - top, 1)


def _body(scene: Scene, distraction: Distraction, patch: Patch, window: Array, rng: np.random.Generator) -> Array:
    """Paint a head or a back with the water about it into the window; return its mask there (height, width)."""
    sighting = _sighting(distraction)
    level = Pose(np.eye(3), 1.0, 0.0, 0.0, distraction.y)
    line = waterline(sighting, level, patch.width, rng) - np.float32(patch.top)
    profile = spline(np.array(HEAD if distraction.kind == "head" else BACK), 160)
    across = distraction.x + distraction.facing * (profile[:, 0] - 0.5) * distraction.width
    solid = patch.fill(np.stack([across, distraction.y - profile[:, 1] * distraction.rise * distraction.width], 1))
    rows = np.arange(patch.height, dtype=np.float32)[:, None]
    body = solid * smoothstep(-0.6, 0.6, line[None, :] - rows)
    colour = _colour(scene, distraction, patch, solid, rng)
    paint_mirror(window, colour, body, line, sighting, scene.sea, rng)
    blend(window, colour, body)
    paint_foam(window, body, line, sighting, light(scene.sea), rng)
    return body


def _sighting(distraction: Distraction) -> Sighting:
    """Return what the water needs to know of a distraction, in the terms of a sighting."""
    return Sighting(
        individual=distraction.individual,
        view="left" if distraction.facing < 0 else "right",
        x=distraction.x,
        y=distraction.y,
        width=0.5 * distraction.width,
        yaw=0.0,
        roll=0.0,
        pitch=0.0,
        submerged=0.5,
        raised=0.0,
        bend=0.0,
        splash=distraction.splash,
        tone=distraction.tone,
    )


def _colour(scene: Scene, distraction: Distraction, patch: Patch, solid: Array, rng: np.random.Generator) -> Array:
    """Return the colours (height, width, 3) of a round body whose upper edge is the mask's, 0 far from it.

    Those of a large one are worked out at half the size: but for eye and mouth nothing on it is fine.
    """
    colour = np.zeros((*solid.shape, 3), np.float32)
    left, top, wide, high = cv2.boundingRect((solid > 0).view(np.uint8))
    if not wide:
        return colour
    here, step = (slice(top, top + high), slice(left, left + wide)), 2 if distraction.width >= 200 else 1
    less = max(1, wide // step), max(1, high // step)
    mask = cv2.resize(solid[here], less, interpolation=cv2.INTER_AREA)
    features = np.zeros(less[::-1], np.float32)
    if distraction.kind == "head":
        features = cv2.resize(_features(patch, distraction)[here], less, interpolation=cv2.INTER_AREA)
    painted = _skin(scene, distraction, np.asarray(mask), np.asarray(features), distraction.width / step, rng)
    colour[here] = cv2.resize(painted, (wide, high))
    return colour


def _skin(
    scene: Scene, distraction: Distraction, solid: Array, features: Array, size: float, rng: np.random.Generator
) -> Array:
    """Return the colours (height, width, 3) of a body `size` pixels wide that fills a mask from side to side."""
    height, width = solid.shape
    top = np.argmax(solid > 0.5, 0).astype(np.float32)
    top = np.asarray(cv2.GaussianBlur(top[None, :], (0, 0), sigmaX=max(1.0, 0.02 * size), sigmaY=0.1))
    lean = np.clip(np.gradient(top[0]), -1.5, 1.5)[None, :]
    below = (np.arange(height, dtype=np.float32)[:, None] - top) / (0.26 * size * distraction.rise)
    across = np.clip(1 - below, -0.4, 0.99)
    up = np.asarray(across / np.sqrt(1 - across * across), np.float32)
    traits = distraction.individual.traits
    grey = traits.grey if isinstance(traits, FinTraits) else 0.08
    cell = max(4.0, 0.12 * size)
    mottled = 1.0 + 0.03 * noise(rng, height, width, (cell, 2 * cell), 3)
    skin = grey * mottled * (1 + 0.15 * smoothstep(0.6, 1.2, below)) * (1 - 0.75 * features)
    film, runs = noise(rng, height, width, (0.3 * cell, cell), 3), noise(rng, height, width, (0.15 * cell, cell), 3)
    dry = np.zeros((height, width), np.float32)
    right = np.asarray(up * lean, np.float32)
    return reflect(lamp(scene.sea, distraction.tone, 0.6), skin, right, up, film, runs, dry)


def _features(patch: Patch, distraction: Distraction) -> Array:
    """Return the dark things of a head (height, width), 0..1: eye, blowhole and the line of the mouth."""
    layer = np.zeros((patch.height, patch.width), np.uint8)
    size, rise = distraction.width, distraction.rise

    def at(x: float, y: float) -> tuple[int, int]:
        column = distraction.x + distraction.facing * (x - 0.5) * size - patch.left
        return int(16 * column), int(16 * (distraction.y - y * rise * size - patch.top))

    cv2.circle(layer, at(0.53, 0.105), int(16 * 0.011 * size), 220, -1, cv2.LINE_AA, 4)
    cv2.circle(layer, at(0.3, 0.235), int(16 * 0.012 * size), 160, -1, cv2.LINE_AA, 4)
    mouth = np.array([at(0.95, 0.14), at(0.8, 0.132), at(0.66, 0.12), at(0.58, 0.125)], np.int32)
    cv2.polylines(layer, [mouth], False, 170, max(1, int(0.006 * size)), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), max(0.5, 0.003 * size)).astype(np.float32) / 255)


def _blow(patch: Patch, distraction: Distraction, rng: np.random.Generator) -> Array:
    """Return how dense (height, width), 0..1, a blow is: a bushy column that drifts and thins out upwards."""
    height, width = patch.height, patch.width
    up = (distraction.y - patch.rows())[:, None] / (distraction.width * distraction.rise)
    aside = (patch.columns()[None, :] - distraction.x) / distraction.width
    cell = 0.35 * distraction.width
    clouds = noise(rng, height, width, (cell, cell), 6, 0.65)
    high = np.clip(up, 0, 2.2)
    spread = 0.12 + 0.2 * np.sqrt(high)
    shape = np.exp(-(((aside - 0.15 * distraction.facing * high + 0.05 * clouds) / spread) ** 2))
    shape = shape * smoothstep(-0.05, 0.1, up) * smoothstep(2.0, 0.7, up)
    return np.asarray(np.clip(shape * (0.5 + 0.28 * clouds), 0, 0.8), np.float32)
