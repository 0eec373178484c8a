"""What a closer look at a crop finds: its small marks and its trailing edge, and how far two crops share them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.config import MatchConfig
from whalepipe.errors import WeightsError
from whalepipe.models import edge, keypoints, silhouette
from whalepipe.models.keypoints import Keypoints, agreeing
from whalepipe.models.silhouette import PARTS, BySilhouettes
from whalepipe.models.weights import Weights, find_weights

MARKS = (len(edge.RADII), edge.POINTS)
AROUND = (5, 7)  # pixels of a silhouette, rows and columns: marks on the outline are the animal's
LEAST_SEEN = 0.05  # of the crop: with less the silhouette failed
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


class CloserLook(BySilhouettes):
    """Finds the details of a crop, by the weights of a silhouette network."""

    @property
    def method(self) -> str:
        """Changes with anything that changes what is found; the exported form finds the same."""
        return f"{keypoints.METHOD} {edge.METHOD} {silhouette.METHOD} {self.weights.digest[:16]}"

    def __call__(self, crop: NDArray[np.uint8], part: str) -> Details:
        """The details of a crop, (height, width, 3) uint8 RGB of any size; of other parts than fins and flukes no edge.

        Raises WeightsError where the weights do not fit.
        """
        if part not in PARTS:
            return Details(keypoints.keypoints(crop))
        seen = self._silhouettes(crop)
        found = edge.trace(crop, part, seen)
        marks = None if found is None else found.marks.astype("<f2").astype(np.float32)  # as they are when unpacked
        return Details(keypoints.keypoints(crop, _animal(seen)), marks)


def _animal(seen: silhouette.Silhouette) -> NDArray[np.bool_] | None:
    """Where the animal is, its outline and a little beyond included; None where hardly any of it was seen."""
    part = (seen.part > 0).astype(np.uint8)
    return cv2.dilate(part, np.ones(AROUND, np.uint8)) > 0 if part.mean() >= LEAST_SEEN else None


def closer_look(
    embedder: Weights, config: MatchConfig, device: str = "cpu", backend: str = "auto"
) -> CloserLook | None:
    """What looks closer at crops; None where that is switched off, or the embedder's card does not say what it counts.

    Raises WeightsError where the card says it of other silhouettes or another method than those at hand.
    """
    known = embedder.card.get("details")
    if not config.looked_at or not known:
        return None
    weights = find_weights(config.silhouette, silhouette.KIND)
    look = CloserLook(weights, device, silhouette.exported_silhouettes(weights, backend, device))
    if look.method != known:
        raise WeightsError(
            f"{embedder.path}: its card says what details count that were found by {known!r}, but this version with "
            f"{config.silhouette!r} finds them by {look.method!r}; name other silhouettes (match.silhouette), train "
            "the embedder again, or compare vectors alone (--set match.looked_at=0)"
        )
    return look


def likeness(query: Details, others: Sequence[Details], part: str) -> Likeness:
    """Compare a crop with one individual's crops of the same part."""
    points = [agreeing(query.keypoints, other.keypoints) for other in others]
    traced = [other.marks for other in others if other.marks is not None]
    if query.marks is None or not traced:
        return Likeness(points, float("nan"))
    return Likeness(points, round(float(edge.shared(query.marks, np.stack(traced), part).max()), 4))
