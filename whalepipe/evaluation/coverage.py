"""Risk against coverage: how wrong the rest is when the worst are set aside first.

Geifman, Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep neural classifiers", section 2: the
risk at a coverage is the error among that share of the answers which were scored best; the area under it is its mean
over all coverages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.evaluation.boxes import interval, redrawn

Numbers = npt.NDArray[np.float64]

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
FIFTH = 0.8  # the coverage at which the worst fifth is set aside


def risks(errors: Numbers, scores: Numbers) -> Numbers:
    """The error (n,) among the best 1, 2, ..., n; answers that were scored alike share theirs, whatever their order."""
    order = np.argsort(-scores, kind="stable")
    of_equals = _shared(errors[order], scores[order])
    return np.asarray(np.cumsum(of_equals) / np.arange(1, len(errors) + 1))


def _shared(errors: Numbers, scores: Numbers) -> Numbers:
    """Errors in falling order of scores, each the mean of those that were scored alike."""
    starts = np.r_[True, scores[1:] != scores[:-1]]
    which = np.cumsum(starts) - 1
    means = np.bincount(which, errors) / np.bincount(which)
    return np.asarray(means[which])


def area(errors: Numbers, scores: Numbers) -> float:
    """The mean of `risks`: the lower the better; by chance it is the error of all."""
    return float(risks(errors, scores).mean())


def at(errors: Numbers, scores: Numbers, coverage: float) -> float:
    """The error among this share of the answers, the best."""
    return float(risks(errors, scores)[max(1, round(coverage * len(errors))) - 1])


def compared(
    errors: Sequence[bool], scores: Mapping[str, Sequence[float]], encounters: Sequence[str], times: int, seed: int
) -> dict[str, Any]:
    """Risk and coverage by each of several scores (higher is better), the first against each of the others, paired.

    Intervals, 95 %, are by resampling encounters. `drop_of_error` is by how much of itself the error falls where the
    first score's worst fifth is set aside.
    """
    wrong = np.array(errors, dtype=np.float64)
    by = {name: np.array(values, dtype=np.float64) for name, values in scores.items()}
    first = next(iter(by))
    draws, resampled = redrawn(encounters, times, seed)
    areas = {name: [area(wrong[d], values[d]) for d in draws] for name, values in by.items()}
    against = {
        name: {
            "difference": round(area(wrong, by[first]) - area(wrong, values), 4),
            "interval": interval([a - b for a, b in zip(areas[first], areas[name], strict=True)]),
        }
        for name, values in by.items()
        if name != first
    }
    return {
        "error": round(float(wrong.mean()), 4),
        "error_at_coverage": {str(c): round(at(wrong, by[first], c), 4) for c in COVERAGES},
        "drop_of_error": _drop(wrong, by[first]),
        "aurc": round(area(wrong, by[first]), 4),
        "aurc_of": {name: round(area(wrong, values), 4) for name, values in by.items() if name != first},
        "against": against,
        "intervals": {
            "error": interval([float(wrong[d].mean()) for d in draws]),
            "aurc": interval(areas[first]),
            "drop_of_error": interval([_drop(wrong[d], by[first][d]) for d in draws]),
        },
        "resampled": resampled,
    }


def _drop(errors: Numbers, scores: Numbers) -> float | None:
    whole = float(errors.mean())
    return round(1 - at(errors, scores, FIFTH) / whole, 4) if whole else None
