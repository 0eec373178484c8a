"""What a closer look at a crop finds: its small marks and its trailing edge, and how far two crops share them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models import edge, keypoints
from whalepipe.models.keypoints import Keypoints, agreeing

METHOD = f"{keypoints.METHOD} {edge.METHOD}"  # changes with anything that changes what is found in a crop
# Width and height, pixels, to which a crop is brought before its edge is traced, whatever its proportions: those of
# one animal's crops differ with its attitude, and the embedder sees them squashed too.
SHAPES = {"fluke": (288, 144), "dorsal_fin": (288, 262)}
MARKS = (len(edge.RADII), edge.POINTS)
WITHOUT, WITH = b"\0", b"\1"


@dataclass(frozen=True)
class Details:
    """Keypoints, and the marks (2, 128) float32 of the trailing edge (`edge.Edge.marks`); None where none is plain."""

    keypoints: Keypoints
    marks: NDArray[np.float32] | None = None

    def packed(self) -> bytes:
        """As bytes: whether there are marks, these as little-endian 16-bit floats, the keypoints."""
        marks = WITHOUT if self.marks is None else WITH + self.marks.astype("<f2").tobytes()
        return marks + self.keypoints.packed()

    @classmethod
    def unpacked(cls, data: bytes) -> "Details":
        """What `packed` packed. Raises ValueError for anything else."""
        if data[:1] == WITHOUT:
            return cls(Keypoints.unpacked(data[1:]))
        end = 1 + 2 * MARKS[0] * MARKS[1]
        if data[:1] != WITH or len(data) < end:
            raise ValueError("the bytes do not begin as details of a crop do")
        marks = np.frombuffer(data[1:end], dtype="<f2").reshape(MARKS).astype(np.float32)
        return cls(Keypoints.unpacked(data[end:]), marks)


@dataclass(frozen=True)
class Likeness:
    """How far a crop and an individual's crops share details."""

    points: Sequence[int]  # keypoints that agree, for each of the individual's crops
    edge: float  # what the trailing edges share, at most; nan where they could not be compared


def details(crop: NDArray[np.uint8], part: str) -> Details:
    """The details of a crop, (height, width, 3) uint8 RGB of any size; of other parts than fins and flukes no edge."""
    found = None
    if part in SHAPES:
        kind = cv2.INTER_AREA if max(crop.shape[:2]) > max(SHAPES[part]) else cv2.INTER_LINEAR
        found = edge.trace(np.asarray(cv2.resize(crop, SHAPES[part], interpolation=kind), dtype=np.uint8), part)
    marks = None if found is None else found.marks.astype("<f2").astype(np.float32)  # as they are when unpacked
    return Details(keypoints.keypoints(crop), marks)


def likeness(query: Details, others: Sequence[Details], part: str) -> Likeness:
    """Compare a crop with one individual's crops of the same part."""
    points = [agreeing(query.keypoints, other.keypoints) for other in others]
    traced = [other.marks for other in others if other.marks is not None]
    if query.marks is None or not traced:
        return Likeness(points, float("nan"))
    return Likeness(points, round(float(edge.shared(query.marks, np.stack(traced), part).max()), 4))
