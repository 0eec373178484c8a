"""The two regressions of `models/grade.py`, fitted, and what they are worth on what each fold leaves out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from whalepipe.models.grade import FINE, OF_PICTURE, SURE, described, expanded, standardised
from whalepipe.training.alike import chance
from whalepipe.training.graded import Example
from whalepipe.training.spoiled import Measures

Numbers = npt.NDArray[np.float64]
Shown = tuple[str, str, Measures]  # a fault, a group, measures

FOLDS = 5
SHARES = (
    0.8,
    0.9,
    0.95,
    0.97,
    0.98,
    0.99,
    0.995,
    1.0,
)  # of good crops, for which the least grade that keeps it is told
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
    kept: dict[str, float]
    steps: dict[str, float]  # for each class of people's grades but the lowest the grade from which on it is
    figures: dict[str, Any]


def fit(made: Sequence[Example], shown: Sequence[Shown], strength: float, by_people: float) -> Fitted:
    """Fit the grade on examples of good and bad crops, the fault on examples of each."""
    numbers = np.array([described(e.measures) for e in made])
    spoilt = np.array([described({"hidden": None, "response": None, **m}) for _, _, m in shown])
    mean, scale = _usual(numbers)
    mine = standardised(numbers, mean, scale)
    theirs = expanded(standardised(spoilt, mean, scale)[:, : len(OF_PICTURE)])
    slopes, offsets = _grade(mine, made, strength, by_people)
    offset = float(np.mean(list(offsets.values())))
    left_out = _grades_left_out(mine, made, strength, by_people)
    names, coefficients, intercepts = _fault(theirs, [name for name, _, _ in shown])
    right = _faults_left_out(theirs, shown)
    figures = {"grade": _figures(made, left_out), "fault": right}
    return Fitted(
        mean,
        scale,
        slopes,
        np.array([offset]),
        coefficients,
        intercepts,
        names,
        _kept(made, left_out),
        _steps(made, offsets, offset),
        figures,
    )


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


def _grades_left_out(rows: Numbers, made: Sequence[Example], strength: float, by_people: float) -> Numbers:
    """The grade of each example by a fit without its fold; groups stay whole."""
    fold = np.array([int(chance(0, "fold", e.group) * FOLDS) for e in made])
    grades = np.full(len(made), np.nan)
    for one in range(FOLDS):
        rest = [e for e, f in zip(made, fold, strict=True) if f != one]
        if len({e.good for e in rest}) == 2:
            slopes, offsets = _grade(rows[fold != one], rest, strength, by_people)
            offset = float(np.mean(list(offsets.values())))
            grades[fold == one] = 1 / (1 + np.exp(-(rows[fold == one] @ slopes + offset)))
    return np.asarray(np.clip(grades, SURE, 1 - SURE))


def _figures(made: Sequence[Example], grades: Numbers) -> dict[str, Any]:
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


def _kept(made: Sequence[Example], grades: Numbers) -> dict[str, float]:
    """The grade below which crops are set aside so that at least each of SHARES of the good ones is kept.

    Of each thing that was asked the lowest such grade counts: the promise is to hold for all of them.
    """
    by_asked: dict[str, list[float]] = {}
    for e, grade in zip(made, grades, strict=True):
        if e.good and e.natural and np.isfinite(grade):
            by_asked.setdefault(e.asked, []).append(float(grade))
    return {
        str(share): round(min((float(np.quantile(g, 1 - share)) for g in by_asked.values()), default=0.0), 4)
        for share in SHARES
    }


def _fault(rows: Numbers, names: Sequence[str]) -> tuple[list[str], Numbers, Numbers]:
    model = LogisticRegression(C=FAULT_STRENGTH, max_iter=5000).fit(rows, list(names))
    return [str(name) for name in model.classes_], model.coef_, model.intercept_


def _faults_left_out(rows: Numbers, shown: Sequence[Shown]) -> dict[str, Any]:
    """The share of each fault's examples that are told rightly among the faults, by a fit without their fold."""
    fold = np.array([int(chance(0, "fold", group) * FOLDS) for _, group, _ in shown])
    names = np.array([name for name, _, _ in shown])
    right: dict[str, list[bool]] = {}
    for one in sorted(set(fold.tolist())):
        if len(set(names[fold != one])) < 2:
            continue
        classes, coefficients, intercepts = _fault(rows[fold != one], names[fold != one].tolist())
        odds = rows[fold == one] @ coefficients.T + intercepts
        odds[:, classes.index(FINE)] = -np.inf  # asked only where something is wrong
        for name, told in zip(names[fold == one], odds.argmax(axis=1), strict=True):
            right.setdefault(str(name), []).append(classes[told] == name)
    return {name: round(float(np.mean(found)), 4) for name, found in sorted(right.items()) if name != FINE}
