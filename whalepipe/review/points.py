"""Which small marks two crops share, to be drawn: those that the pipeline counts when it compares them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whalepipe.instruments import Instruments
from whalepipe.models.keypoints import Keypoints, pairs

Pixels = NDArray[np.uint8]
KEPT = 256  # crops whose keypoints stay in memory, 55 kB each


@dataclass(frozen=True)
class Shared:
    """Marks that agree: x and y on the first crop, x and y on the second, in shares of each."""

    pairs: list[tuple[float, float, float, float]]
    said: str = ""  # why there are none to show, where the comparison is switched off


class Points:
    """Finds the marks of crops, one at a time: models are not made for two threads."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._lock = Lock()
        self._kept = lru_cache(KEPT)(self._found)

    def shared(self, first: tuple[str, ...], second: tuple[str, ...], part: str, read: "Read") -> Shared:
        """What two crops of a part share; `read` gives the pixels of what `first` and `second` name."""
        with self._lock:
            if self._instruments.closer_look is None:
                return Shared([], "closer looks are switched off (match.looked_at=0), or the embedder knows none")
            one, other = self._kept(first, part, read), self._kept(second, part, read)
        return Shared([(x, y, u, v) for x, y, u, v in pairs(one, other).astype(float).round(4).tolist()])

    def _found(self, name: tuple[str, ...], part: str, read: "Read") -> Keypoints:
        look = self._instruments.closer_look
        assert look is not None
        return look(read(name), part).keypoints


Read = Callable[[tuple[str, ...]], Pixels]
