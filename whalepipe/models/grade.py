"""The grade of a crop, 0 to 1, from its measures, and which fault lowered it: regressions, arrays in, arrays out.

The grade is the share of crops like this one that are found again among others of their animal, as the training had
it; a second regression, fitted on crops that were spoiled on purpose, tells what is wrong with one that is not good.
A part that nobody graded, but whose crops were looked for, has a line of its own over the embedder's response alone: no
measure of the picture told which heads of right whales are found again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.arrays import load_arrays
from whalepipe.models.weights import Weights, find_weights

KIND = "quality"
OF_PICTURE = (
    "size",
    "sharpness",
    "motion",
    "exposure",
    "light",
    "edge",
    "glare",
    "contrast",
    "noise",
    "squares",
    "written",
    "completeness",
)  # what tells faults
FEATURES = (*OF_PICTURE, "hidden", "response")  # what tells the grade, beside how sound the picture is
LOGARITHMIC = frozenset({"size", "noise", "squares"})  # twice as much counts alike wherever it begins
FARTHEST = 4.0  # deviations: a measure beyond is taken for one there
ARRAYS = ("mean", "scale", "grade", "grade_at", "fault", "fault_at")
HIDDEN = "hidden."  # how the names begin of the arrays that tell what is hidden of a part
FOUND = "found."  # how the names begin of those that grade a part which nobody graded
ANY = "any"  # part, where a card knows nothing of a crop's own
FINE = "fine"  # the name of no fault
SOUNDEST = 4.0  # log odds of no fault beyond which none is more sound
SURE = 1e-4  # of the grade's ends: it is never quite 0 or 1

Numbers = npt.NDArray[np.float64]


def described(measures: Mapping[str, float | None]) -> Numbers:
    """The measures of one crop, by their names, as FEATURES (F,); what was not told is not a number."""
    values = [np.nan if (value := measures[name]) is None else float(value) for name in FEATURES]
    return np.array([np.log2(v + 1.0) if name in LOGARITHMIC else v for name, v in zip(FEATURES, values, strict=True)])


def standardised(numbers: Numbers, mean: Numbers, scale: Numbers) -> Numbers:
    """Features (n, F) in deviations from their mean, none beyond FARTHEST; what was not told is as usual."""
    return np.asarray(np.nan_to_num(np.clip((numbers - mean) / scale, -FARTHEST, FARTHEST)))


def expanded(standard: Numbers) -> Numbers:
    """Standardised measures (n, F), their squares and their products of two: (n, F + F (F + 1) / 2)."""
    one, other = np.triu_indices(standard.shape[1])
    return np.concatenate([standard, standard[:, one] * standard[:, other]], axis=1)


def soundness(odds: Numbers, fine: int) -> Numbers:
    """Log odds (n,) that nothing is wrong with a picture, from those of each kind (n, K), of which `fine` is none."""
    most = odds.max(axis=1, keepdims=True)
    shares = np.exp(odds - most)
    wrong = np.delete(shares, fine, axis=1).sum(axis=1)
    told = np.log(np.maximum(shares[:, fine], 1e-12) / np.maximum(wrong, 1e-12))
    return np.asarray(np.clip(told, -SOUNDEST, SOUNDEST))


@dataclass(frozen=True)
class Verdict:
    """Of one crop: `grade` 0 to 1, and how probable each fault is, by name; they add up to 1."""

    grade: float
    faults: Mapping[str, float]


def lines_of(arrays: Mapping[str, npt.NDArray[Any]], kind: str = HIDDEN) -> dict[str, Numbers]:
    """The lines of a kind, HIDDEN or FOUND, among the arrays of quality weights, by part."""
    told = {name: array.astype(np.float64) for name, array in arrays.items() if name.startswith(kind)}
    return {name.removeprefix(kind): array for name, array in told.items()}


def by_response(line: Numbers, measures: Mapping[str, float | None]) -> float:
    """The grade by a line (2,), slope and intercept, over the embedder's response."""
    return float(1 / (1 + np.exp(-(line[0] * (measures["response"] or 0.0) + line[1]))))


@dataclass(frozen=True)
class Lines:
    """What tells by the embedder's vector how much of a part is hidden: a line (dimension + 1,) for each part."""

    lines: Mapping[str, Numbers]

    def __call__(self, part: str, vector: npt.NDArray[np.float32]) -> float | None:
        """The share of the part that is under water, behind spray or another animal, 0 to 1.

        None for a part, or a vector, of which nothing is known.
        """
        line = self.lines.get(part)
        if line is None or len(line) != len(vector) + 1:
            return None
        return round(float(np.clip(line[:-1] @ vector + line[-1], 0.0, 1.0)), 3)


class Grader:
    """Grades crops by the weights of `train quality`."""

    def __init__(self, weights: Weights, embedder: str) -> None:
        """Read the regressions. Raises WeightsError where the file does not fit its card.

        `embedder` is the digest of the weights that make the vectors: of another's nothing is told to be hidden, and
        its responses mean nothing.
        """
        loaded, card = load_arrays(weights), weights.card
        self.digest = weights.digest
        self.faults: tuple[str, ...] = tuple(card.get("faults", ()))
        try:
            arrays = {name: loaded[name].astype(np.float64) for name in ARRAYS}
        except KeyError as error:
            raise WeightsError(f"{weights.path}: no tensor {error} is in it") from error
        wide = expanded(np.zeros((1, len(OF_PICTURE)))).shape[1]
        usual, kinds = (len(FEATURES),), len(self.faults)
        shapes = [usual, usual, (len(FEATURES) + 1,), (1,), (kinds, wide), (kinds,)]
        if [a.shape for a in arrays.values()] != shapes or FINE not in self.faults:
            raise WeightsError(f"{weights.path}: its tensors do not fit its card and this version's measures")
        self._arrays = arrays
        of_this = card.get("embedder") == embedder
        self.hidden = Lines(lines_of(loaded) if of_this else {})
        self._found = lines_of(loaded, FOUND) if of_this else {}
        if any(line.shape != (2,) for line in self._found.values()):
            raise WeightsError(f"{weights.path}: a line over the embedder's response has not two numbers")

    def __call__(self, measures: Mapping[str, float | None], part: str) -> Verdict:
        """The verdict on a crop of a part with these measures (their names are FEATURES)."""
        arrays = self._arrays
        standard = standardised(described(measures)[None], arrays["mean"], arrays["scale"])
        odds = expanded(standard[:, : len(OF_PICTURE)]) @ arrays["fault"].T + arrays["fault_at"]
        row = np.append(standard[0], soundness(odds, self.faults.index(FINE)))
        grade = float(1 / (1 + np.exp(-(row @ arrays["grade"] + arrays["grade_at"][0]))))
        if part in self._found:
            grade = by_response(self._found[part], measures)
        shares = np.exp(odds[0] - odds.max())
        told = {name: round(float(s), 4) for name, s in zip(self.faults, shares / shares.sum(), strict=True)}
        return Verdict(round(float(np.clip(grade, SURE, 1 - SURE)), 4), told)


def least_grade(weights: Weights | None, kept: float, part: str) -> float:
    """The grade below which crops of a part are set aside so that this share of the good ones is kept.

    0, so that the grade sets nothing aside, without weights and for a share of 0. The card has the shares. Raises
    WeightsError where it has none.
    """
    if weights is None or not kept:
        return 0.0
    told: Any = weights.card.get("kept")
    try:
        shares = sorted((float(share), float(grade)) for share, grade in told.get(part, told[ANY]).items())
        return float(np.interp(kept, [s for s, _ in shares], [g for _, g in shares]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{weights.path}: its card does not say which grade keeps which share of crops") from error


def find_grader(name: str) -> Weights | None:
    """The weights that grade, None where `name` is "none". Raises WeightsError, which says how to go without."""
    if name == "none":
        return None
    try:
        return find_weights(name, KIND)
    except WeightsError as error:
        raise WeightsError(f"{error}; without it, by limits alone: --set quality.weights=none") from error
