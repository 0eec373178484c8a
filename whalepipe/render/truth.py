"""What is known of an animal in a rendered photo: its box, mask and trailing edge, and what is wrong with it.

Pixels are those of the photo, x to the right and y down, the middle of the first at (0.5, 0.5). The camera's tilt
turns sea and horizon only, so pose.Pose.project alone says where an animal's points lie.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from .contour import trailing_edge
from .pose import Pose, above_foot, pose
from .settings import Camera, Scene, Sighting
from .texture import Array

USABLE_SHARE = 0.07  # of the frame's width: the least width of a part that is not distant
DETAIL = 0.1  # of the part's width: the period of the detail whose lost contrast says how blurred a part is
NEAR = 2  # pixels from the mask within which a point of the edge counts as visible


@dataclass(frozen=True)
class Fault:
    """Something wrong with an animal's picture, and how strongly, 0 to 1.

    blurred: the contrast lost in detail a tenth of the part's width long; cut_off: the share of the part above the
    water that lies outside the frame; distant: how far the part's width falls short of 7 % of the frame's; glare:
    the strength of the veil of scattered light (Camera.glare); occluded: the share of the part in the frame behind
    other animals; submerged: the share of the part below the water's mean level. Shares are of areas.
    """

    name: str
    strength: float


@dataclass(frozen=True)
class Truth:
    """What a box shows: the visible part of one animal, in pixels of the photo (xmax and ymax exclusive).

    `fault` makes it unusable ("": none does); `faults` holds every fault's strength. `inside` (rows, columns of the
    box) bool says which of the box's pixels show the part. `contour` (n, 2) is the trailing edge as x, y: of a fluke
    from the tip on the picture's left to the one on its right, of a fin from the tip to the base; `visible` (n,) bool
    says of which points the photo shows something: in the frame, above the water, behind no other animal.
    """

    individual: str
    species: str
    part: str
    view: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    fault: str
    faults: tuple[Fault, ...]
    inside: Array = field(repr=False, compare=False)
    contour: Array = field(repr=False, compare=False)
    visible: Array = field(repr=False, compare=False)

    def mask(self, height: int, width: int) -> Array:
        """Return the visible part's mask (height, width) bool, for a photo of that size."""
        whole = np.zeros((height, width), bool)
        whole[int(self.ymin) : int(self.ymax), int(self.xmin) : int(self.xmax)] = self.inside
        return whole


def tell(scene: Scene, sighting: Sighting, alone: float, mask: Array, corner: tuple[int, int]) -> Truth | None:
    """Return the truth about a sighting, or None if nothing of its part is to be seen.

    `mask` (height, width), 0..1, is the part above the water in the window of the photo whose first pixel is `corner`
    (column, row), taken off it what other animals hide; `alone` is its sum before that.
    """
    seen = (mask > 0.5).view(np.uint8)
    left, top, width, height = cv2.boundingRect(seen)
    if not width:
        return None
    stance = pose(sighting)
    individual, (contour, visible) = sighting.individual, _edge(sighting, stance, seen, corner)
    return Truth(
        individual=individual.name,
        species=individual.species,
        part=individual.part,
        view=sighting.view,
        xmin=float(corner[0] + left),
        ymin=float(corner[1] + top),
        xmax=float(corner[0] + left + width),
        ymax=float(corner[1] + top + height),
        fault=scene.fault,
        faults=tuple(_faults(scene, sighting, stance, 1 - float(mask.sum()) / max(alone, 1e-6))),
        inside=seen[top : top + height, left : left + width].astype(bool),
        contour=contour,
        visible=visible,
    )


def _edge(sighting: Sighting, stance: Pose, seen: Array, corner: tuple[int, int]) -> tuple[Array, Array]:
    """Return the trailing edge in pixels and which of its points the mask reaches: 1 where seen, 0 elsewhere."""
    contour = stance.project(trailing_edge(sighting.individual, sighting.years))
    if sighting.individual.part == "fluke" and contour[0, 0] > contour[-1, 0]:
        contour = contour[::-1].copy()
    near = np.asarray(cv2.dilate(seen, np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)))
    at = np.floor(np.clip(contour, -1e6, 1e6)).astype(int) - corner
    framed = ((at >= 0) & (at < [seen.shape[1], seen.shape[0]])).all(1)
    columns, rows = np.where(framed[:, None], at, 0).T
    return contour, framed & (near[rows, columns] > 0)


def _faults(scene: Scene, sighting: Sighting, stance: Pose, occluded: float) -> Iterator[Fault]:
    outline = stance.project(above_foot(sighting))
    dry = _cut(outline, 1, stance.water, 1)
    framed = dry
    for axis, limit in ((0, scene.width), (1, scene.height)):
        framed = _cut(_cut(framed, axis, 0.0, -1), axis, float(limit), 1)
    out = outline[outline[:, 1] <= stance.water, 0]
    wide = float(np.ptp(out)) if len(out) else 0.0
    strengths = {
        "blurred": _blurred(scene.camera, sighting.width),
        "cut_off": 1 - _area(framed) / max(_area(dry), 1e-6),
        "distant": 1 - wide / (USABLE_SHARE * scene.width),
        "glare": scene.camera.glare,
        "occluded": occluded,
        "submerged": 1 - _area(dry) / max(_area(outline), 1e-6),
    }
    for name, strength in strengths.items():
        yield Fault(name, round(float(np.clip(strength, 0, 1)), 4))


def _blurred(camera: Camera, width: float) -> float:
    """Return the contrast that a Gaussian as wide as lens and motion together takes from detail of that period."""
    variance = camera.blur**2 + camera.motion**2 / 12
    return float(1 - np.exp(-2 * np.pi**2 * variance / (DETAIL * width) ** 2))


def _cut(polygon: Array, axis: int, limit: float, keep: int) -> Array:
    """Return the part of a polygon (n, 2) whose coordinate is below the limit (`keep` 1) or above it (-1).

    One step of Sutherland and Hodgman, Reentrant Polygon Clipping, 1974.
    """
    if not len(polygon):
        return polygon
    inner = keep * (limit - polygon[:, axis])
    after, following = np.roll(polygon, -1, 0), np.roll(inner, -1)
    crosses = (inner >= 0) != (following >= 0)
    share = np.where(crosses, inner / np.where(crosses, inner - following, 1.0), 0.0)
    pairs = np.stack([polygon, polygon + share[:, None] * (after - polygon)], 1)
    return np.asarray(pairs[np.stack([inner >= 0, crosses], 1)])


def _area(polygon: Array) -> float:
    x, y = polygon.T if len(polygon) else (np.zeros(1), np.zeros(1))
    return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2)
