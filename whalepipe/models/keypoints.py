"""Keypoints: the small marks of a crop, and how many of them another crop shows in the same arrangement.

RootSIFT (Lowe 2004, "Distinctive image features from scale-invariant keypoints"; Arandjelovic and Zisserman 2012,
"Three things everyone should know to improve object retrieval", section 3) on a crop that is squashed to a square, as
for the embedder: the boxes of two crops of one animal then lie on one another, however it is turned. No weights, so
that it knows every part; it finds marks (pigment, scars, callosities) and says nothing of an animal without.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

METHOD = "rootsift-1"  # changes with anything that changes the points of a crop
SIDE = 256  # pixels of the square
COUNT = 400  # points of one crop at most, the most contrasted first
CONTRAST = 0.02  # least contrast of a point, half of OpenCV's: wet skin is smooth
CLIP, CELLS = 2.0, 8  # of the contrast-limited equalisation of brightness
LENGTH = 128  # numbers of a descriptor
STEPS = 255.0  # a descriptor is kept in bytes
RATIO = 0.85  # a match must be this much nearer than the next best (Lowe 2004, section 7.1)
TOLERANCE = 6.4  # pixels by which a matched point may miss its place
FEWEST = 4  # matches through which any two crops can be laid
STRETCH = 3.0  # two crops of one part are not more different in scale
ROUNDS = 500  # of RANSAC at most
PLACES = 4.0  # a point is kept to a quarter of a pixel


@dataclass(frozen=True)
class Keypoints:
    """Points (n, 2) float32, x and y in pixels of the square, and descriptors (n, 128) uint8, 255 x unit vectors."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def packed(self) -> bytes:
        """As bytes: all points in quarters of a pixel (little-endian 16 bits), then all descriptors."""
        places: bytes = np.rint(self.points * PLACES).astype("<u2").tobytes()
        return places + self.descriptors.tobytes()

    @classmethod
    def unpacked(cls, data: bytes) -> "Keypoints":
        """What `packed` packed. Raises ValueError for anything else."""
        count, rest = divmod(len(data), 4 + LENGTH)
        if rest:
            raise ValueError(f"{len(data)} bytes are no whole number of keypoints")
        places = np.frombuffer(data, dtype="<u2", count=2 * count).reshape(count, 2)
        descriptors = np.frombuffer(data, dtype=np.uint8, offset=4 * count).reshape(count, LENGTH)
        return cls((places / PLACES).astype(np.float32), descriptors)


def keypoints(crop: NDArray[np.uint8]) -> Keypoints:
    """The keypoints of a crop, (height, width, 3) uint8 RGB of any size; none where it is a flat tone."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    kind = cv2.INTER_AREA if max(grey.shape) > SIDE else cv2.INTER_CUBIC
    even = cv2.createCLAHE(CLIP, (CELLS, CELLS)).apply(cv2.resize(grey, (SIDE, SIDE), interpolation=kind))
    found, sift = cv2.SIFT.create(nfeatures=COUNT, contrastThreshold=CONTRAST).detectAndCompute(even, None)
    if sift is None:
        return Keypoints(np.zeros((0, 2), dtype=np.float32), np.zeros((0, LENGTH), dtype=np.uint8))
    sums = np.maximum(sift.sum(axis=1, keepdims=True), 1e-9)
    descriptors = np.rint(np.sqrt(sift / sums) * STEPS).astype(np.uint8)[:COUNT]
    points = np.array([p.pt for p in found[:COUNT]], dtype=np.float32).clip(0, SIDE)
    return Keypoints(np.rint(points * PLACES).astype(np.float32) / np.float32(PLACES), descriptors)


def agreeing(first: Keypoints, second: Keypoints) -> int:
    """How many points of two crops are alike and lie alike: 10 and more are rare between two animals.

    Mutually nearest descriptors that pass the ratio test, then the most that one shift, turn and scale explains
    (Fischler and Bolles 1981, "Random sample consensus").
    """
    rows, columns = _alike(first.descriptors, second.descriptors)
    if len(rows) < FEWEST:
        return len(rows)
    turned, kept = cv2.estimateAffinePartial2D(
        first.points[rows],
        second.points[columns],
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE,
        maxIters=ROUNDS,
    )
    if turned is None:
        return 0
    scale = float(np.hypot(turned[0, 0], turned[1, 0]))
    return int(kept.sum()) if 1 / STRETCH <= scale <= STRETCH else 0


def _alike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `first` and of `second` that are one another's nearest, and much nearer than the next."""
    none = np.zeros(0, dtype=np.intp)
    if not len(first) or len(second) < 2:
        return none, none
    scale = np.float32(1 / STEPS**2)
    cosines = (first.astype(np.float32) @ second.T.astype(np.float32)) * scale
    every = np.arange(len(first))
    best = cosines.argmax(axis=1)
    back = cosines.argmax(axis=0)
    nearest = cosines[every, best]
    mutual = back[best] == every
    rows = every[mutual]
    others = cosines[rows]
    others[np.arange(len(rows)), best[rows]] = -np.inf
    # Squared distances of unit vectors, 2 - 2 cos; rounding in bytes may take a cosine a little above 1.
    near = np.maximum(2 - 2 * nearest[rows], 0.0)
    clear = near < RATIO**2 * np.maximum(2 - 2 * others.max(axis=1), 0.0)
    return rows[clear], best[rows[clear]]
