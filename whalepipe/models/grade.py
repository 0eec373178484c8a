"""The grade of a crop, 0 to 1, from its measures, and which fault lowered it: two regressions, arrays in, arrays out.

The grade is the share of crops like this one that are found again among others of their animal, as the training had
it; a second regression, fitted on crops that were spoiled on purpose, tells what is wrong with one that is not good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.weights import Weights, find_weights, load_state

KIND = "quality"
FEATURES = (
    "size",
    "sharpness",
    "motion",
    "exposure",
    "light",
    "contrast",
    "noise",
    "squares",
    "written",
    "completeness",
    "response",
)
SEEN = len(FEATURES) - 1  # so many of them, the first, are of the picture alone, without the embedder's response
LOGARITHMIC = frozenset({"size", "noise", "squares"})  # twice as much counts alike wherever it begins
FARTHEST = 4.0  # deviations: a measure beyond is taken for one there
ARRAYS = ("mean", "scale", "grade", "grade_at", "fault", "fault_at")
SURE = 1e-4  # of the grade's ends: it is never quite 0 or 1

Numbers = npt.NDArray[np.float64]


def described(measures: Mapping[str, float]) -> Numbers:
    """The measures of one crop, by their names, as FEATURES (F,), the last of them the embedder's response."""
    values = [float(measures[name]) for name in FEATURES]
    return np.array([np.log2(v + 1.0) if name in LOGARITHMIC else v for name, v in zip(FEATURES, values, strict=True)])


def expanded(standard: Numbers) -> Numbers:
    """Standardised measures (n, F), their squares and their products of two: (n, F + F (F + 1) / 2)."""
    near = np.clip(standard, -FARTHEST, FARTHEST)
    one, other = np.triu_indices(near.shape[1])
    return np.concatenate([near, near[:, one] * near[:, other]], axis=1)


@dataclass(frozen=True)
class Verdict:
    """Of one crop: `grade` 0 to 1, and how probable each fault is, by name; they add up to 1."""

    grade: float
    faults: Mapping[str, float]


class Grader:
    """Grades crops by the weights of `train quality`."""

    def __init__(self, weights: Weights) -> None:
        """Read the two regressions. Raises WeightsError where the file does not fit its card."""
        state, card = load_state(weights), weights.card
        self.digest = weights.digest
        self.faults: tuple[str, ...] = tuple(card.get("faults", ()))
        try:
            arrays = {name: state[name].double().numpy() for name in ARRAYS}
        except KeyError as error:
            raise WeightsError(f"{weights.path}: no tensor {error} is in it") from error
        wide, of_picture = (expanded(np.zeros((1, count))).shape[1] for count in (len(FEATURES), SEEN))
        shapes = [(len(FEATURES),)] * 2 + [(wide,), (1,), (len(self.faults), of_picture), (len(self.faults),)]
        if [a.shape for a in arrays.values()] != shapes or not self.faults:
            raise WeightsError(f"{weights.path}: its tensors do not fit its card and this version's measures")
        self._arrays = arrays

    def __call__(self, measures: Mapping[str, float]) -> Verdict:
        """The verdict on a crop with these measures (their names are FEATURES)."""
        arrays = self._arrays
        standard = ((described(measures) - arrays["mean"]) / arrays["scale"])[None]
        [row], [of_picture] = expanded(standard), expanded(standard[:, :SEEN])
        grade = 1 / (1 + np.exp(-(row @ arrays["grade"] + arrays["grade_at"][0])))
        odds = arrays["fault"] @ of_picture + arrays["fault_at"]
        shares = np.exp(odds - odds.max())
        shares /= shares.sum()
        told = {name: round(float(share), 4) for name, share in zip(self.faults, shares, strict=True)}
        return Verdict(round(float(np.clip(grade, SURE, 1 - SURE)), 4), told)


def least_grade(weights: Weights, kept: float) -> float:
    """The grade below which crops are set aside so that this share of those that would be named rightly is kept.

    The card has the shares. Raises WeightsError where it has none.
    """
    told: Any = weights.card.get("kept")
    try:
        shares = sorted((float(share), float(grade)) for share, grade in told.items())
        return float(np.interp(kept, [s for s, _ in shares], [g for _, g in shares]))
    except (AttributeError, TypeError, ValueError) as error:
        raise WeightsError(f"{weights.path}: its card does not say which grade keeps which share of crops") from error


def find_grader(name: str) -> Weights | None:
    """The weights that grade, None where `name` is "none". Raises WeightsError, which says how to go without."""
    if name == "none":
        return None
    try:
        return find_weights(name, KIND)
    except WeightsError as error:
        raise WeightsError(f"{error}; without it, by limits alone: --set quality.weights=none") from error
