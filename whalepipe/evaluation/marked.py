"""Whether people find those animals marked that are said to be."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from whalepipe.evaluation.degrade import Framed
from whalepipe.models.distinctive import PART
from whalepipe.tables import GradeLabel

Numbers = npt.NDArray[np.float64]
Tell = Callable[[npt.NDArray[np.uint8]], float | None]


def told(rows: Sequence[tuple[GradeLabel, Framed]], tell: Tell | None) -> Numbers:
    """How marked the animal in each crop is (n,); nan where that is not told, or people did not say."""
    asked = [bool(row.distinctiveness) and row.part == PART for row, _ in rows]
    found = [tell(crop.pixels) if tell and ask else None for (_, crop), ask in zip(rows, asked, strict=True)]
    return np.array([np.nan if one is None else one for one in found], np.float64)


def marked_alike(said: Sequence[GradeLabel], marks: Numbers) -> float | None:
    """Rank correlation of what is told (n,) with what people said, 1 where all stand in their order.

    None where fewer than two crops, or all alike, are left.
    """
    both = np.isfinite(marks)
    theirs = np.array([-(row.distinctiveness or 0.0) for row in said])[both]
    if len(set(theirs.tolist())) < 2 or len(set(marks[both].tolist())) < 2:
        return None
    return round(float(spearmanr(theirs, marks[both]).statistic), 4)
