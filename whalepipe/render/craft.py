"""Vessels and birds, drawn large on a small canvas and scaled down into the picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from .sea import light
from .settings import Scene
from .texture import Array, blend, noise, rgb, smoothstep

CANVAS = 160  # pixels a side of what a thing is drawn on, before it is scaled
Shape = tuple[Sequence[tuple[float, float]], tuple[float, float, float]]
HULLS = ((0.86, 0.86, 0.85), (0.8, 0.8, 0.78), (0.1, 0.13, 0.2), (0.35, 0.08, 0.07), (0.15, 0.2, 0.24))
WINDOW = (0.07, 0.08, 0.1)


def _cruiser(rng: np.random.Generator) -> list[Shape]:
    """Return a motor boat with cabin, window band, rail and people on the deck; y up, both -1..1."""
    hull = HULLS[int(rng.integers(len(HULLS)))]
    dark = tuple(0.55 * v for v in hull)
    white = (0.84, 0.84, 0.82)
    top = rng.uniform(0.38, 0.55)
    shapes: list[Shape] = [
        ([(-0.95, 0.2), (-0.9, -0.02), (0.78, -0.02), (1.0, 0.3), (0.5, 0.22)], hull),
        ([(-0.92, 0.06), (-0.9, -0.02), (0.78, -0.02), (0.83, 0.05)], (dark[0], dark[1], dark[2])),
        ([(-0.45, 0.2), (-0.42, top), (0.25, top), (0.45, 0.22)], white),
        ([(-0.36, 0.6 * top + 0.06), (-0.36, top - 0.05), (0.24, top - 0.05), (0.33, 0.6 * top + 0.06)], WINDOW),
        ([(-0.1, top), (-0.1, top + 0.35), (-0.085, top + 0.35), (-0.085, top)], (0.4, 0.4, 0.4)),
    ]
    for x in np.linspace(0.5, 0.95, 5):
        shapes.append(([(x, 0.22), (x, 0.4), (x + 0.012, 0.4), (x + 0.012, 0.22)], (0.6, 0.6, 0.6)))
    shapes.append(([(0.48, 0.37), (0.48, 0.39), (1.0, 0.42), (1.0, 0.4)], (0.65, 0.65, 0.65)))
    for _ in range(int(rng.integers(0, 7))):
        shapes += _person(rng, float(rng.choice([rng.uniform(-0.88, -0.5), rng.uniform(0.5, 0.85)])), 0.2)
    return shapes


def _person(rng: np.random.Generator, x: float, deck: float) -> list[Shape]:
    red, green, blue = rng.uniform(0.05, 0.5, 3) if rng.random() < 0.7 else (0.7, 0.25, 0.08)
    body = [(x - 0.03, deck), (x - 0.035, deck + 0.15), (x + 0.035, deck + 0.15), (x + 0.03, deck)]
    head = [(x - 0.02, deck + 0.16), (x - 0.02, deck + 0.2), (x + 0.02, deck + 0.2), (x + 0.02, deck + 0.16)]
    return [(body, (float(red), float(green), float(blue))), (head, (0.4, 0.28, 0.22))]


def _inflatable(rng: np.random.Generator) -> list[Shape]:
    tube = ((0.2, 0.2, 0.21), (0.55, 0.2, 0.06), (0.3, 0.31, 0.33))[int(rng.integers(3))]
    shapes: list[Shape] = []
    for x in np.linspace(-0.5, 0.45, int(rng.integers(2, 7))):
        shapes += _person(rng, float(x + rng.normal(0, 0.03)), 0.12)
    shapes.append(([(-0.9, 0.17), (-0.95, 0.0), (0.7, 0.0), (1.0, 0.28), (0.75, 0.22)], tube))
    shapes.append(([(-1.0, 0.3), (-1.0, 0.05), (-0.88, 0.05), (-0.88, 0.3)], (0.08, 0.08, 0.09)))
    return shapes


def _yacht(rng: np.random.Generator) -> list[Shape]:
    sail = tuple(float(v) for v in rng.uniform(0.7, 0.9) * np.array([1.0, 0.98, 0.93]))
    shade = (0.85 * sail[0], 0.87 * sail[1], 0.9 * sail[2])
    return [
        ([(-0.45, 0.1), (-0.42, 0.0), (0.4, 0.0), (0.52, 0.13)], HULLS[int(rng.integers(len(HULLS)))]),
        ([(0.0, 0.1), (0.0, 1.35), (0.015, 1.35), (0.015, 0.1)], (0.5, 0.5, 0.5)),
        ([(-0.02, 0.2), (-0.02, 1.3), (-0.2, 0.75), (-0.42, 0.2)], (sail[0], sail[1], sail[2])),
        ([(0.03, 0.16), (0.03, 1.15), (0.3, 0.6), (0.5, 0.15)], shade),
    ]


def _freighter(rng: np.random.Generator) -> list[Shape]:
    hull = ((0.12, 0.14, 0.18), (0.3, 0.1, 0.08), (0.1, 0.2, 0.16))[int(rng.integers(3))]
    shapes: list[Shape] = [
        ([(-0.97, 0.13), (-0.93, 0.0), (0.92, 0.0), (1.0, 0.17), (0.9, 0.12)], hull),
        ([(-0.9, 0.12), (-0.9, 0.34), (-0.7, 0.34), (-0.68, 0.12)], (0.75, 0.75, 0.73)),
        ([(-0.86, 0.34), (-0.85, 0.43), (-0.79, 0.43), (-0.78, 0.34)], hull),
    ]
    for x in np.arange(-0.6, 0.8, 0.13):
        tone = rng.uniform(0.15, 0.6) * rng.uniform(0.6, 1.0, 3)
        high = 0.13 + 0.14 * rng.random()
        box = [(x, 0.12), (x, high), (x + 0.12, high), (x + 0.12, 0.12)]
        shapes.append((box, (float(tone[0]), float(tone[1]), float(tone[2]))))
    return shapes


def _canvas(shapes: list[Shape], flip: bool) -> tuple[Array, Array]:
    """Return colours (CANVAS, CANVAS, 3) in 0..1 and cover; the picture's lower edge is y = -0.1."""
    colour, cover = np.zeros((CANVAS, CANVAS, 3), np.uint8), np.zeros((CANVAS, CANVAS), np.uint8)
    for outline, tone in shapes:
        points = np.array(outline) * [-1 if flip else 1, -1] + [1.05, 1.95]
        path = np.round(points * (CANVAS / 2.1) * 16).astype(np.int32)
        cv2.fillPoly(colour, [path], [int(255 * v) for v in tone], cv2.LINE_8, 4)
        cv2.fillPoly(cover, [path], [255], cv2.LINE_8, 4)
    return colour.astype(np.float32) / 255, cover.astype(np.float32) / 255


def _stamp(image: Array, drawn: tuple[Array, Array], x: float, foot: float, length: float, veil: Array) -> None:
    """Blend a canvas into the picture (in place), `length` pixels long with its waterline at row `foot`."""
    size = max(2, round(length * 1.05))
    colour, cover = drawn
    # Scaled under its cover, else the empty canvas would darken the edges.
    small = cv2.resize(colour * rgb(cover), (size, size), interpolation=cv2.INTER_AREA)
    mask = np.asarray(cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA))
    # No lens draws the edges of paper.
    small, mask = (np.asarray(cv2.GaussianBlur(plane, (5, 5), 0.9)) for plane in (small, mask))
    left, top = round(x - size / 2), round(foot - size * 1.95 / 2.1)
    rows, columns = slice(max(top, 0), max(top + size, 0)), slice(max(left, 0), max(left + size, 0))
    target = image[rows, columns]
    if not target.size:
        return
    inner = slice(rows.start - top, rows.start - top + target.shape[0])
    across = slice(columns.start - left, columns.start - left + target.shape[1])
    alpha = rgb(np.ascontiguousarray(mask[inner, across]))
    # Air dims the thing and adds its own light.
    seen = small[inner, across] * (1 - veil[3]) + alpha * (veil[:3] * veil[3])
    target += seen - target * alpha


def _veil(scene: Scene, metres: float) -> Array:
    """Return colour and strength (4,) of the air between the camera and a thing so far away."""
    thick = 1 - np.exp(-metres * (0.0002 + 0.0012 * scene.sea.haze + 0.001 * scene.sea.rain))
    return np.array([*scene.sea.sky_low, thick], np.float32)


def _lit(scene: Scene, drawn: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the canvas in the scene's light: against the sun a thing is a silhouette."""
    against = max(0.0, float(np.cos(np.radians(scene.sea.sun_side)))) * scene.sea.sun
    # Sides are darker towards the water, and no plank is as bright as the next.
    rows = np.linspace(1.12, 0.62, CANVAS, dtype=np.float32)[:, None]
    worn = 1 + 0.1 * noise(np.random.default_rng(CANVAS), CANVAS, CANVAS, (12, 30), 4, 0.8)
    return drawn[0] * light(scene.sea) * np.float32(1.1 - 0.75 * against) * rgb(rows * worn), drawn[1]


def _row(scene: Scene, x: float, away: float) -> float:
    """Return the row of the water at column x that is so many metres away."""
    camera = scene.camera
    lean = np.tan(np.radians(camera.tilt)) * (x - scene.width / 2)
    return float(camera.horizon + lean + camera.focal * camera.height / away)


def paint_boat(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint a small vessel with its bow wave and wake (in place), if the water that far away is in the frame."""
    away, x = float(np.exp(rng.uniform(np.log(180), np.log(1500)))), float(rng.uniform(0, scene.width))
    make, metres = ((_cruiser, 9.0), (_inflatable, 6.0), (_yacht, 14.0))[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
    length, foot = metres * scene.camera.focal / away, _row(scene, x, away)
    if not 0 < foot < scene.height + 0.1 * length:
        return
    flip = bool(rng.random() < 0.5)
    _stamp(image, _lit(scene, _canvas(make(rng), flip)), x, foot, length, _veil(scene, away))
    _bow_wave(scene, image, (x, foot), length, -1 if flip else 1, rng)


def _bow_wave(
    scene: Scene, image: Array, at: tuple[float, float], length: float, ahead: int, rng: np.random.Generator
) -> None:
    """Lay white water along the hull and behind it (in place)."""
    high = max(1.0, 0.035 * length)
    top, bottom = (int(np.clip(at[1] + v, 0, scene.height)) for v in (-2 * high, 2 * high))
    left, right = (int(np.clip(at[0] + v, 0, scene.width)) for v in (-1.6 * length, 1.6 * length))
    if bottom <= top or right <= left:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    along = (columns - at[0]) * ahead / length
    ragged = rng.normal(0, 0.35, rows.shape)
    trail = smoothstep(-1.6, -0.4, along) * smoothstep(0.5, 0.42, along) * 0.5 + np.exp(-(((along - 0.38) / 0.06) ** 2))
    cover = trail * np.exp(-(((rows - at[1] - 0.2 * high) / (0.7 * high)) ** 2)) * np.clip(0.8 + ragged, 0, 1)
    target = image[top:bottom, left:right]
    blend(target, light(scene.sea), np.clip(cover, 0, 0.85).astype(np.float32))


def paint_ship(scene: Scene, image: Array, rng: np.random.Generator) -> None:
    """Paint a sail or a freighter on the horizon (in place), half lost in the haze."""
    away, x = float(rng.uniform(2500, 9000)), float(rng.uniform(0, scene.width))
    make, metres = ((_yacht, 14.0), (_freighter, 130.0))[int(rng.random() < 0.5)]
    foot = _row(scene, x, away)
    if 0 < foot < scene.height:
        drawn = _lit(scene, _canvas(make(rng), bool(rng.random() < 0.5)))
        _stamp(image, drawn, x, foot, metres * scene.camera.focal / away, _veil(scene, away))


def _gull(rng: np.random.Generator, flying: bool) -> list[Shape]:
    white, grey, tip = (0.86, 0.86, 0.85), (0.5, 0.52, 0.55), (0.1, 0.1, 0.1)
    if rng.random() < 0.25:  # a dark bird: shearwater, skua, cormorant
        white, grey = (0.2, 0.17, 0.15), (0.12, 0.1, 0.09)
    if not flying:
        return [
            ([(-1.0, 0.42), (-0.7, 0.1), (-0.3, -0.05), (0.4, -0.05), (0.72, 0.2), (0.6, 0.5), (0.1, 0.5)], white),
            ([(-1.0, 0.44), (-0.5, 0.24), (0.2, 0.3), (0.4, 0.46), (0.1, 0.52)], grey),
            ([(-1.0, 0.45), (-0.97, 0.38), (-0.6, 0.36), (-0.55, 0.42)], tip),
            ([(0.42, 0.4), (0.45, 0.85), (0.62, 0.95), (0.8, 0.86), (0.78, 0.72), (0.7, 0.4)], white),
            ([(0.78, 0.8), (0.98, 0.74), (0.78, 0.72)], (0.6, 0.45, 0.1)),
        ]
    flap, lean = rng.uniform(-0.15, 0.5), rng.uniform(-0.15, 0.15)
    shapes: list[Shape] = [([(-0.05, 0.84), (0.0, 0.7), (0.22, 0.72), (0.3, 0.8), (0.2, 0.9), (0.02, 0.92)], white)]
    for side in (-1, 1):
        elbow, end = (0.5 * side, 0.98 + 0.4 * flap + lean * side), (1.0 * side, 0.82 + flap + 1.6 * lean * side)
        inner = (0.62 * side, 0.88 + 0.4 * flap + lean * side)
        shapes.append(([(0.14, 0.9), elbow, end, inner, (0.02, 0.8)], grey if side < 0 else white))
        upper, lower = (elbow[1] + end[1]) / 2 + 0.03, (inner[1] + end[1]) / 2
        shapes.append(([end, (0.82 * side, upper), (0.8 * side, lower)], tip))
    return shapes


def paint_bird(scene: Scene, image: Array, rng: np.random.Generator, flying: bool) -> None:
    """Paint a sea bird (in place), in the air or sitting on the water with its broken mirror image."""
    nearest = scene.camera.focal * scene.camera.height / max(scene.height - scene.camera.horizon, 8)
    away, x = nearest * float(np.exp(rng.uniform(0.1, 1.6))), float(rng.uniform(0, scene.width))
    foot = float(rng.uniform(0.02, 0.6) * scene.height) if flying else _row(scene, x, away)
    length = float(np.clip((1.2 if flying else 0.45) * scene.camera.focal / away, 4, 0.09 * scene.width))
    colour, cover = _lit(scene, _canvas(_gull(rng, flying), bool(rng.random() < 0.5)))
    # Lit from above: breast and belly lie in their own shade, and feathers are no flat white.
    y = 0.93 - (np.arange(CANVAS, dtype=np.float32) + 0.5) * np.float32(2.1 / CANVAS) + 1.02
    shade = 0.5 + 0.42 * smoothstep(-0.05, 0.75, y)[:, None, None]
    drawn = (colour * shade * rng.normal(1, 0.05, colour.shape[:2])[..., None].astype(np.float32), cover)
    if not 0 < foot < scene.height:
        return
    if not flying:
        shade = image[int(foot) : int(foot + 0.4 * length), int(max(x - length / 2, 0)) : int(max(x + length / 2, 0))]
        across = 1 - np.linspace(-1, 1, shade.shape[1], dtype=np.float32) ** 2  # no edge shows where it ends
        dark = np.linspace(0.3, 0, len(shade), dtype=np.float32)[:, None] * across
        shade *= rgb(1 - dark)
    _stamp(image, drawn, x, foot, length, _veil(scene, away))
