"""The grade of parts that nobody graded: by how strongly the embedder answers, from whether crops are found again."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from whalepipe.models.grade import by_response
from whalepipe.training.crops import RENDERED
from whalepipe.training.graded import Example

Numbers = npt.NDArray[np.float64]

FLAT = np.zeros(2)  # all alike: where the embedder's answer says nothing, or less to those that are found


def parts_found(made: Sequence[Example]) -> list[str]:
    """The real parts that were looked for and nobody graded, where people graded others: each has its own grade."""
    people = {e.part for e in made if e.by_people}
    real = {e.part for e in made if not e.asked.startswith(RENDERED)}
    return sorted(real - people) if people else []


def line(made: Sequence[Example]) -> Numbers:
    """(2,): slope and intercept of the log odds of being found again over the response, by logistic regression.

    FLAT where all were found or none, or all were answered to alike. A line that falls is none: what the embedder makes
    less of is never the better.
    """
    good = [e.good for e in made]
    response = np.array([[e.measures["response"]] for e in made], dtype=np.float64)
    if len(set(good)) < 2 or len(np.unique(response)) < 2:
        return FLAT
    model = LogisticRegression(C=1e6, max_iter=1000).fit(response, good)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return np.array([slope, intercept]) if slope > 0 else FLAT


def grades_left_out(made: Sequence[Example], folds: npt.NDArray[np.int_]) -> Numbers:
    """The grade (n,) of each example by the line of its part without its fold."""
    parts = np.array([e.part for e in made])
    grades = np.full(len(made), np.nan)
    for part, one in sorted(set(zip(parts.tolist(), folds.tolist(), strict=True))):
        told = line([e for e, fold in zip(made, folds, strict=True) if (e.part, fold != one) == (part, True)])
        for place in np.flatnonzero((parts == part) & (folds == one)).tolist():
            grades[place] = by_response(told, made[place].measures)
    return grades
