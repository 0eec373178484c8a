"""Turn a crop into a vector that is near the vectors of other crops of the same animal."""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whalepipe.models.embedder import Embedder

VERSION = 2


@dataclass(frozen=True)
class Vector:
    """A unit vector as text, base64 of little-endian 32-bit floats, and how strongly the embedder answered."""

    values: str
    response: float = 1.0  # see models/embedder.py

    @classmethod
    def of(cls, values: NDArray[np.float32], response: float = 1.0) -> "Vector":
        return cls(base64.b64encode(values.astype("<f4").tobytes()).decode(), response)

    @property
    def array(self) -> NDArray[np.float32]:
        """(dimension,) float32."""
        return np.frombuffer(base64.b64decode(self.values), dtype="<f4").astype(np.float32)


def embed(pixels: NDArray[np.uint8], embedder: Embedder) -> list[Vector]:
    """The vector of one crop, (height, width, 3) uint8 RGB."""
    found = embedder.look(pixels)
    return [Vector.of(found.vector, found.response)]
