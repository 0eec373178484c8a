"""Keypoints: the small marks of a crop, and how many of them another crop shows in the same arrangement.

RootSIFT (Lowe 2004, "Distinctive image features from scale-invariant keypoints"; Arandjelovic and Zisserman 2012,
"Three things everyone should know to improve object retrieval", section 3) on a crop that is squashed to a square, as
for the embedder. Crops are upright and each ends where its part does, so a mark of one lies about where the other has
it, as large and as it stands: descriptors are not turned, and only marks that lie near one another are compared, which
leaves out most that are alike by chance. No weights, so that it knows every part; it finds marks (pigment, scars,
callosities) and says nothing of an animal without.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

METHOD = "rootsift-2"  # changes with anything that changes the points of a crop
SIDE = 256  # pixels of the square
COUNT = 400  # points of one crop at most, the most contrasted first
CONTRAST = 0.02  # least contrast of a point, half of OpenCV's: wet skin is smooth
CLIP, CELLS = 2.0, 8  # of the contrast-limited equalisation of brightness
LENGTH = 128  # numbers of a descriptor
STEPS = 255.0  # a descriptor is kept in bytes
NEAR = 64.0  # pixels within which a mark of one crop is looked for in the other: boxes and attitudes differ
SCALES = 2.0  # times as large, at most, a mark may be
RATIO = 0.9  # a match must be this much nearer than the next best there (Lowe 2004, section 7.1)
TOLERANCE = 6.4  # pixels by which a matched point may miss its place
FEWEST = 4  # matches through which any two crops can be laid
STRETCH = 3.0  # two crops of one part are not more different in scale
ROUNDS = 500  # of RANSAC at most
PLACES = 4.0  # a point is kept to a quarter of a pixel, its size too


@dataclass(frozen=True)
class Keypoints:
    """Points (n, 3) float32: x, y and size in pixels of the square; descriptors (n, 128) uint8, 255 x unit vectors."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def packed(self) -> bytes:
        """As bytes: all points in quarters of a pixel (little-endian 16 bits), then all descriptors."""
        places: bytes = np.rint(self.points * PLACES).astype("<u2").tobytes()
        return places + self.descriptors.tobytes()

    @classmethod
    def unpacked(cls, data: bytes) -> "Keypoints":
        """What `packed` packed. Raises ValueError for anything else."""
        count, rest = divmod(len(data), 6 + LENGTH)
        if rest:
            raise ValueError(f"{len(data)} bytes are no whole number of keypoints")
        places = np.frombuffer(data, dtype="<u2", count=3 * count).reshape(count, 3)
        descriptors = np.frombuffer(data, dtype=np.uint8, offset=6 * count).reshape(count, LENGTH)
        return cls((places / PLACES).astype(np.float32), descriptors)


def keypoints(crop: NDArray[np.uint8], animal: NDArray[np.bool_] | None = None) -> Keypoints:
    """The keypoints of a crop, (height, width, 3) uint8 RGB of any size; none where it is a flat tone.

    `animal`, of any size, tells where the crop shows the animal: marks of the sea are left out. None: nobody knows.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    kind = cv2.INTER_AREA if max(grey.shape) > SIDE else cv2.INTER_CUBIC
    even = cv2.createCLAHE(CLIP, (CELLS, CELLS)).apply(cv2.resize(grey, (SIDE, SIDE), interpolation=kind))
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST)
    mask = (
        None if animal is None else cv2.resize(animal.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    )
    found, described = sift.compute(even, _upright(sift.detect(even, mask)))
    if described is None or not len(found):
        return Keypoints(np.zeros((0, 3), dtype=np.float32), np.zeros((0, LENGTH), dtype=np.uint8))
    sums = np.maximum(described.sum(axis=1, keepdims=True), 1e-9)
    descriptors = np.rint(np.sqrt(described / sums) * STEPS).astype(np.uint8)
    points = np.array([(*p.pt, p.size) for p in found], dtype=np.float32).clip(0, SIDE)
    return Keypoints(np.rint(points * PLACES).astype(np.float32) / np.float32(PLACES), descriptors)


def _upright(found: Sequence[cv2.KeyPoint]) -> list[cv2.KeyPoint]:
    """The most contrasted of them, once each however many directions it has, and none turned."""
    once = {(p.pt, p.size): cv2.KeyPoint(p.pt[0], p.pt[1], p.size, 0.0, p.response, p.octave) for p in found}
    return sorted(once.values(), key=lambda p: (-p.response, p.pt, p.size))[:COUNT]


def agreeing(first: Keypoints, second: Keypoints) -> int:
    """How many points of two crops are alike and lie alike: 15 and more are rare between two animals."""
    return len(_agreeing(first, second)[0])


def pairs(query: Keypoints, other: Keypoints) -> NDArray[np.float32]:
    """Where the points lie that `agreeing` counts, most alike in place first: (n, 4) float32.

    x and y in the query's crop, x and y in the other's, each from 0 to 1 of its crop's width and height.
    """
    rows, columns = _agreeing(query, other)
    both = np.concatenate([query.points[rows, :2], other.points[columns, :2]], axis=1) / np.float32(SIDE)
    apart = np.linalg.norm(both[:, :2] - both[:, 2:], axis=1)
    return np.asarray(both[np.argsort(apart, kind="stable")], dtype=np.float32)


def _agreeing(first: Keypoints, second: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `first` and of `second` that are alike and lie alike; of fewer than FEWEST the place is not checked.

    Mutually nearest descriptors that pass the ratio test, then the most that one shift, turn and scale explains
    (Fischler and Bolles 1981, "Random sample consensus").
    """
    rows, columns = _alike(first, second)
    if len(rows) < FEWEST:
        return rows, columns
    turned, kept = cv2.estimateAffinePartial2D(
        first.points[rows, :2],
        second.points[columns, :2],
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE,
        maxIters=ROUNDS,
    )
    if turned is None or not 1 / STRETCH <= float(np.hypot(turned[0, 0], turned[1, 0])) <= STRETCH:
        return rows[:0], columns[:0]
    told = kept.ravel().astype(np.bool_)
    return rows[told], columns[told]


def _alike(first: Keypoints, second: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `first` and of `second` that are one another's nearest, and much nearer than the next, there and so."""
    none = np.zeros(0, dtype=np.intp)
    if not len(first.points) or not len(second.points):
        return none, none
    scaled = first.descriptors.astype(np.float32) * np.float32(1 / STEPS**2)
    cosines = scaled @ second.descriptors.astype(np.float32).T  # none is negative: descriptors are counts
    cosines *= _comparable(first.points, second.points)
    every = np.arange(len(cosines))
    best = cosines.argmax(axis=1)
    nearest = cosines[every, best]
    rows = every[(cosines.argmax(axis=0)[best] == every) & (nearest > 0)]
    others = cosines[rows]
    others[np.arange(len(rows)), best[rows]] = 0.0
    # Squared distances of unit vectors, 2 - 2 cos; rounding in bytes may take a cosine a little above 1.
    near = np.maximum(2 - 2 * nearest[rows], 0.0)
    clear = near < RATIO**2 * np.maximum(2 - 2 * others.max(axis=1, initial=0.0), 0.0)
    return rows[clear], best[rows[clear]]


def _comparable(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs of points (n, 3) and (m, 3) lie within NEAR of one another and are about as large: (n, m)."""
    apart = np.square(first[:, None, 0] - second[None, :, 0])
    apart += np.square(first[:, None, 1] - second[None, :, 1])
    sizes = (np.log(np.maximum(points[:, 2], 1.0)) for points in (first, second))
    ratios = np.subtract.outer(*sizes)
    return np.asarray((apart < NEAR**2) & (np.abs(ratios, out=ratios) < np.float32(np.log(SCALES))), dtype=np.bool_)
