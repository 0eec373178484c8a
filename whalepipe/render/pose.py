"""How an animal's own plane falls on the picture, and where the water cuts it.

The plane is bent (invertibly: x moves by a function of x, then y by another), turned in space and projected with weak
perspective. A blade that curls away from the camera and is seen from the side moves sideways: to first order by
x * x * tan(yaw), which makes the near blade broad and the far one narrow.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .contour import FIN_FOOT, back_outline, part_outline
from .settings import Sighting
from .texture import Array

DISTANCE = 7.0  # of the camera, in part widths: enough for the far half to look smaller


@dataclass(frozen=True)
class Pose:
    """`plane` (3, 3): bent plane to pixels; `mirror`; `bend`, `uneven`, `bow`, `aside`: a fluke's curve; `water`: row.

    `facing` (2,): the plane's slopes, to the right and upwards, as the camera sees them.
    """

    plane: Array
    mirror: float
    bend: float
    uneven: float
    water: float
    bow: float = 0.0
    aside: float = 0.0
    facing: tuple[float, float] = (0.0, 0.0)

    def project(self, points: Array) -> Array:
        """Return pixels (n, 2) of points (n, 2) in the outline's plane."""
        x = points[:, 0] * self.mirror
        y = points[:, 1] + _curve(x, self.bend, self.uneven)
        there = np.stack([x + self.aside * x * x, y, np.ones_like(x)], 1) @ self.plane.T
        return np.asarray(there[:, :2] / there[:, 2:])

    def unproject(self, columns: Array, rows: Array) -> tuple[Array, Array]:
        """Return x and y in the outline's plane of pixels, given as two arrays of one shape."""
        back = np.linalg.inv(self.plane).astype(np.float32)
        x, y, w = (back[i, 0] * columns + back[i, 1] * rows + back[i, 2] for i in range(3))
        x, y = x / w, y / w
        if self.aside != 0:
            x = 2 * x / (1 + np.sqrt(np.maximum(1 + 4 * self.aside * x, 0.02)))
        return np.asarray(x * self.mirror), np.asarray(y - _curve(x, self.bend, self.uneven))


def _curve(x: Array, bend: float, uneven: float) -> Array:
    """Return how far the fluke's blades are lifted at x: both tips by `bend`, one more than the other."""
    if bend == 0:
        return np.zeros_like(x)
    return np.asarray(bend * np.abs(x) * np.sqrt(np.abs(x)) + uneven * x)


def above_foot(sighting: Sighting) -> Array:
    """Return the outline of the part alone (n, 2), without what always stays in back or water."""
    outline = part_outline(sighting.individual, sighting.years)
    return outline[outline[:, 1] > (-0.62 if sighting.individual.part == "fluke" else FIN_FOOT + 0.06)]


@lru_cache(maxsize=32)  # asked for by the wake, the animal and the truth about it
def pose(sighting: Sighting) -> Pose:
    """Return where the animal of a sighting stands in the picture: do not write to its plane."""
    fluke = sighting.individual.part == "fluke"
    mirror = -1.0 if sighting.view in ("right", "dorsal") else 1.0
    turn = sighting.roll if fluke else -sighting.pitch * mirror
    lean = sighting.pitch if fluke else sighting.roll
    scale = sighting.width / 2 if fluke else sighting.width
    # The fluke's unevenness comes from its yaw: the blade that points away is seen lower.
    bend, uneven = (sighting.bend, 0.0015 * sighting.yaw) if fluke else (0.0, 0.0)
    outline = above_foot(sighting)
    middle = np.array([0.0, -0.1]) if fluke else np.array([0.5 * mirror, outline[:, 1].max() / 2])
    angles = np.radians([sighting.yaw, lean, turn])
    plane = _plane(angles, scale, middle, 2.0 if fluke else 1.0)
    plane = np.array([[1, 0, sighting.x], [0, 1, sighting.y], [0, 0, 1.0]]) @ plane
    # Beyond a sixth the curve would fold over itself at the tips.
    aside = float(np.clip(sighting.bow * np.tan(angles[0]), -0.16, 0.16)) if fluke else 0.0
    facing = (float(np.tan(angles[0])), float(-np.tan(np.clip(angles[1], -0.9, 0.9))))
    loose = Pose(plane, mirror, bend, uneven, 0.0, sighting.bow if fluke else 0.0, aside, facing)
    rows = loose.project(outline)[:, 1]
    water = rows.max() - sighting.submerged * (rows.max() - rows.min()) + sighting.raised * sighting.width
    return replace(loose, water=float(water))


def _plane(angles: Array, scale: float, middle: Array, unit: float) -> Array:
    """Return the homography (3, 3) of a plane turned by yaw, lean and turn (radians) about `middle`, y upwards."""
    (cy, cl, ct), (sy, sl, st) = np.cos(angles), np.sin(angles)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    lean = np.array([[1, 0, 0], [0, cl, -sl], [0, sl, cl]])
    turn = np.array([[ct, -st, 0], [st, ct, 0], [0, 0, 1]])
    turned = turn @ lean @ yaw
    far = turned[2, :2] / (DISTANCE * unit)
    plane = np.array([scale * turned[0, :2], -scale * turned[1, :2], far])
    shift = -plane @ middle + np.array([0, 0, 1.0])
    return np.column_stack([plane, shift])


def polygons(sighting: Sighting, stance: Pose) -> tuple[Array, Array]:
    """Return the pixel outlines (n, 2) of the part and of the back under it (empty for a fluke)."""
    part = stance.project(part_outline(sighting.individual, sighting.years))
    if sighting.individual.part == "fluke":
        return part, np.zeros((0, 2))
    return part, stance.project(back_outline(sighting.bend))


def part_box(sighting: Sighting) -> tuple[float, float, float, float]:
    """Return xmin, ymin, xmax, ymax in pixels of the part above the water, be it inside the frame or not."""
    stance = pose(sighting)
    points = stance.project(above_foot(sighting))
    points = points[points[:, 1] <= stance.water]
    if not len(points):
        return sighting.x, sighting.y, sighting.x, sighting.y
    (xmin, ymin), (xmax, ymax) = points.min(0), points.max(0)
    return float(xmin), float(ymin), float(xmax), float(ymax)
