"""The two regressions of `models/grade.py`, fitted, and what they are worth on what each fold leaves out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from whalepipe.models.grade import ANY, FINE, OF_PICTURE, SURE, described, expanded, soundness, standardised
from whalepipe.training.alike import chance
from whalepipe.training.found import grades_left_out, line, parts_found
from whalepipe.training.graded import Example
from whalepipe.training.spoiled import Measures

Numbers = npt.NDArray[np.float64]
Shown = tuple[str, str, Measures]  # a fault, a group, measures

FOLDS = 5
# Of good crops: for each the least grade that keeps it is told.
SHARES = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0)
LEAST_GOOD = 10  # crops of a part that people called usable
OFFSET = 10.0  # what stands for an intercept in the regression, so that it is hardly shrunk
LEAST_SCALE = 1e-3  # of a measure that hardly varies
FAULT_STRENGTH = 1.0  # inverse of the regularisation of the faults, scikit-learn's C


@dataclass(frozen=True)
class Fitted:
    """The arrays of a `Grader`, and what its card tells."""

    mean: Numbers = field(repr=False)
    scale: Numbers = field(repr=False)
    grade: Numbers = field(repr=False)
    grade_at: Numbers = field(repr=False)
    fault: Numbers = field(repr=False)
    fault_at: Numbers = field(repr=False)
    faults: list[str]
    found: dict[str, Numbers] = field(repr=False)  # of each part that nobody graded, see found.py
    kept: dict[str, dict[str, float]]  # by part
    steps: dict[str, float]  # for each class of people's grades but the lowest the grade from which on it is
    figures: dict[str, Any]


def fit(made: Sequence[Example], shown: Sequence[Shown], strength: float, by_people: float) -> Fitted:
    """Fit the fault on examples of each, and the grade on examples of good and bad crops, the spoiled ones among them.

    How sound the picture of an example is, which the grade goes by, is told by a fit of the faults without its fold.
    """
    own = parts_found(made)
    made, looked_for = [e for e in made if e.part not in own], [e for e in made if e.part in own]
    every = [*made, *(_spoilt(*one) for one in shown)]
    numbers = np.array([described(e.measures) for e in every])
    mean, scale = _usual(numbers[: len(made)])
    standard = standardised(numbers, mean, scale)
    pictures = expanded(standard[:, : len(OF_PICTURE)])
    kinds = [name for name, _, _ in shown]
    names, coefficients, intercepts = _fault(pictures[len(made) :], kinds)
    folds = folds_of(every)
    odds = _odds_left_out(pictures, len(made), kinds, folds)
    rows = np.column_stack([standard, soundness(odds, names.index(FINE))])
    slopes, offsets = _grade(rows, every, strength, by_people)
    offset = float(np.mean(list(offsets.values())))
    grades = _grades_left_out(rows, every, folds, strength, by_people)
    told = _faults_told(odds[len(made) :], kinds, names)
    spoilt = {"reason_right": round(float(np.mean(list(told.values()))), 4), "by_fault": told}
    found = {part: line([e for e in looked_for if e.part == part]) for part in own}
    graded, grades = [*every, *looked_for], np.append(grades, grades_left_out(looked_for, folds_of(looked_for)))
    figures = {**figures_of(graded, grades), "faults, crops spoiled on purpose": spoilt}
    kept, steps = kept_of(graded, grades), _steps(made, offsets, offset)
    return Fitted(mean, scale, slopes, np.array([offset]), coefficients, intercepts, names, found, kept, steps, figures)


def folds_of(every: Sequence[Example]) -> npt.NDArray[np.int_]:
    """The fold (n,) of each example; a group is in one."""
    return np.array([int(chance(0, "fold", e.group) * FOLDS) for e in every])


def _spoilt(kind: str, group: str, measures: Measures) -> Example:
    """A crop that was spoiled on purpose, or that of the same that was not, as an example of a bad and a good one."""
    return Example({"hidden": None, "response": None, **measures}, kind == FINE, "spoiled on purpose", group)


def _usual(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Mean and deviation of each feature, of those that were told; 0 and 1 of one that never was."""
    told = np.isfinite(numbers)
    counts = np.maximum(told.sum(axis=0), 1)
    mean = np.where(told, numbers, 0.0).sum(axis=0) / counts
    spread = np.sqrt((np.where(told, numbers - mean, 0.0) ** 2).sum(axis=0) / counts)
    return mean, np.where(told.any(axis=0), spread + LEAST_SCALE, 1.0)


def _grade(
    rows: Numbers, made: Sequence[Example], strength: float, by_people: float
) -> tuple[Numbers, dict[str, float]]:
    """Slopes, and an intercept for each thing that was asked: what is easily found is not better for that."""
    counts = Counter(e.asked for e in made)
    asked = sorted(counts)
    own = np.array([[e.asked == name for name in asked] for e in made], dtype=np.float64) * OFFSET
    weight = np.array([(by_people if e.by_people else 1.0) / counts[e.asked] ** 0.5 for e in made])
    model = LogisticRegression(C=strength, fit_intercept=False, max_iter=5000)
    model.fit(np.hstack([rows, own]), [e.good for e in made], sample_weight=weight / weight.mean())
    slopes = model.coef_[0]
    return slopes[: rows.shape[1]], dict(zip(asked, (OFFSET * slopes[rows.shape[1] :]).tolist(), strict=True))


def _steps(made: Sequence[Example], offsets: dict[str, float], offset: float) -> dict[str, float]:
    """Where a crop is as likely as not in a class or a better one: its own intercept says how far from the grade's."""
    classes = {e.asked: e.step for e in made if e.step is not None}
    return {f"{step:g}": round(1 / (1 + float(np.exp(offsets[name] - offset))), 4) for name, step in classes.items()}


def _grades_left_out(
    rows: Numbers, made: Sequence[Example], folds: npt.NDArray[np.int_], strength: float, by_people: float
) -> Numbers:
    """The grade of each example by a fit without its fold; groups stay whole."""
    grades = np.full(len(made), np.nan)
    for one in range(FOLDS):
        rest = [e for e, fold in zip(made, folds, strict=True) if fold != one]
        if len({e.good for e in rest}) == 2:
            slopes, offsets = _grade(rows[folds != one], rest, strength, by_people)
            offset = float(np.mean(list(offsets.values())))
            grades[folds == one] = 1 / (1 + np.exp(-(rows[folds == one] @ slopes + offset)))
    return np.asarray(np.clip(grades, SURE, 1 - SURE))


def figures_of(made: Sequence[Example], grades: Numbers) -> dict[str, Any]:
    """For each thing that was asked: how many, how many good, and the AUC of the grade; of unspoiled crops too."""
    found: dict[str, Any] = {}
    for name in sorted({e.asked for e in made}):
        for natural in (True, False):
            rows = [i for i, e in enumerate(made) if e.asked == name and (e.natural or not natural)]
            good, told = [made[i].good for i in rows], grades[rows]
            if len(set(good)) == 2 and np.isfinite(told).all():
                key = name if natural else f"{name}, spoiled ones too"
                auc = round(float(roc_auc_score(good, told)), 4)
                found[key] = {"crops": len(rows), "good": sum(good), "auc": auc}
    return found


def kept_of(made: Sequence[Example], grades: Numbers) -> dict[str, dict[str, float]]:
    """For each part the grade below which crops are set aside so that each of SHARES of the good ones is kept.

    Good are those that people called usable; of a part that has fewer than LEAST_GOOD of them, those that were found
    again, some of them by luck. Under ANY that of all parts, for parts that nothing is known of.
    """
    good = [i for i, e in enumerate(made) if e.good and e.natural and e.part and np.isfinite(grades[i])]
    kept = {}
    for part in (ANY, *sorted({made[i].part for i in good})):
        mine = [i for i in good if part in (ANY, made[i].part)]
        people = [i for i in mine if made[i].by_people and made[i].step is None]
        chosen = np.sort(grades[people if len(people) >= LEAST_GOOD else mine])
        kept[part] = {str(share): round(_at(chosen, 1 - share), 4) for share in SHARES}
    return kept


def _at(grades: Numbers, share: float) -> float:
    """The grade (n,), rising, below which no more than this share lies; 0 of none."""
    return float(grades[int(share * len(grades))]) if len(grades) else 0.0


def _fault(rows: Numbers, kinds: Sequence[str]) -> tuple[list[str], Numbers, Numbers]:
    """Kinds in their order, coefficients (K, P) and intercepts (K,); fine pictures weigh as much as all faults."""
    fine = sum(kind == FINE for kind in kinds)
    weights = [len(kinds) / (2 * (fine if kind == FINE else len(kinds) - fine)) for kind in kinds]
    model = LogisticRegression(C=FAULT_STRENGTH, max_iter=2000, tol=1e-3).fit(rows, list(kinds), sample_weight=weights)
    return [str(name) for name in model.classes_], model.coef_, model.intercept_


def _odds_left_out(pictures: Numbers, first: int, kinds: Sequence[str], folds: npt.NDArray[np.int_]) -> Numbers:
    """The log odds of each kind (n, K) by fits without the fold; the examples of kinds are the rows from `first` on."""
    odds = np.zeros((len(pictures), len(set(kinds))))
    named = np.array(kinds)
    for one in sorted(set(folds.tolist())):
        rest = folds[first:] != one
        if set(named[rest]) == set(kinds):
            _, coefficients, intercepts = _fault(pictures[first:][rest], named[rest].tolist())
            odds[folds == one] = pictures[folds == one] @ coefficients.T + intercepts
    return odds


def _faults_told(odds: Numbers, kinds: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """The share of each fault's examples that are told rightly among the faults."""
    asked = odds.copy()
    asked[:, names.index(FINE)] = -np.inf  # asked only where something is wrong
    right: dict[str, list[bool]] = {}
    for kind, told in zip(kinds, asked.argmax(axis=1), strict=True):
        right.setdefault(kind, []).append(names[told] == kind)
    return {kind: round(float(np.mean(found)), 4) for kind, found in sorted(right.items()) if kind != FINE}
