"""Fit what tells species from vectors, and see how it does on what it was not fitted on.

Data are few, so nothing is set aside for good: each individual is left out in turn, its species told from the others,
and temperature and limits are taken from these answers.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from whalepipe.errors import WhalepipeError
from whalepipe.evaluation.specimens import Specimen
from whalepipe.models.species import DECIMALS, Head, softmax

Numbers = npt.NDArray[np.float64]
STRENGTH = 30.0  # inverse of the regularisation (scikit-learn's C) on unit vectors, the examples' weights averaging 1
TEMPERATURES = np.geomspace(0.5, 5.0, 93)
LEAST_SHARE = 0.05  # of the examples that would themselves count as too far from all others
SMALLEST = 1e-4  # probability in the logarithm: probabilities are written with four decimals


@dataclass(frozen=True)
class Examples:
    """N vectors: (N, dimension) of unit length, with species and group (an individual's photos) of each.

    `judged` tells which of them are left out in turn; the others are always fitted on.
    """

    vectors: Numbers
    species: Sequence[str]
    groups: Sequence[str]
    judged: Sequence[bool]

    def chosen(self, rows: npt.NDArray[np.bool_]) -> "Examples":
        """Some of them."""
        kept = [int(i) for i in np.flatnonzero(rows)]
        species, groups = [self.species[i] for i in kept], [self.groups[i] for i in kept]
        return Examples(self.vectors[kept], species, groups, [self.judged[i] for i in kept])


def examples_of(judged: Sequence[Specimen], others: Sequence[Specimen] = ()) -> Examples:
    """Specimens that are left out in turn, and others that are always fitted on."""
    both = [*judged, *others]
    vectors = np.array([s.vector for s in both], dtype=np.float64)
    rows = range(len(both))
    return Examples(vectors, [s.species for s in both], [s.group for s in both], [i < len(judged) for i in rows])


def fit(examples: Examples) -> Head:
    """A head with temperature and limit. Raises WhalepipeError where there are fewer than two species."""
    if len(set(examples.species)) < 2:
        raise WhalepipeError("one species alone cannot be told from others: label at least two for each part")
    species, coefficients, intercepts = _fitted(examples)
    logits, nearest = _answers(examples, species)
    temperature = _temperature(logits, [examples.species[i] for i in judged_rows(examples)], species)
    least = round(float(np.quantile(nearest, LEAST_SHARE)), DECIMALS) if len(nearest) else -1.0
    return Head(species, coefficients / temperature, intercepts / temperature, examples.vectors, least)


def without(examples: Examples, names: Sequence[str], left_out: Collection[str]) -> Examples | None:
    """The examples whose name is not left out; None where fewer than two species remain."""
    rest = examples.chosen(np.array([name not in left_out for name in names]))
    return rest if len(set(rest.species)) >= 2 else None


def judged_rows(examples: Examples) -> list[int]:
    """The rows that are left out in turn."""
    return [i for i, judged in enumerate(examples.judged) if judged]


def _fitted(examples: Examples) -> tuple[list[str], Numbers, Numbers]:
    """Species, coefficients (K, D) and intercepts (K,) of a regression in which every species weighs alike."""
    counts = Counter(examples.species)
    weights = np.array([len(examples.species) / (len(counts) * counts[s]) for s in examples.species])
    mean = np.average(examples.vectors, axis=0, weights=weights)
    model = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-3)
    model.fit(examples.vectors - mean, list(examples.species), sample_weight=weights)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn gives one row for the two
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    return [str(s) for s in model.classes_], coefficients, intercepts - coefficients @ mean


def _answers(examples: Examples, species: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Logits (n, K) and cosine to the nearest example (n,) of each judged row, its group left out.

    A species that nothing of is left has a logit of minus infinity; where fewer than two are left, all are equal.
    """
    logits, nearest = [], []
    cache: dict[str, tuple[list[str], Numbers, Numbers, Numbers]] = {}
    for i in judged_rows(examples):
        group = examples.groups[i]
        if group not in cache:
            rest = without(examples, examples.groups, {group})
            cache[group] = (*_fitted(rest), rest.vectors) if rest else ([], np.empty(0), np.empty(0), np.empty(0))
        names, coefficients, intercepts, others = cache[group]
        row = np.full(len(species), -np.inf if names else 0.0)
        if names:
            row[[species.index(n) for n in names]] = coefficients @ examples.vectors[i] + intercepts
            nearest.append(float((others @ examples.vectors[i]).max()))
        logits.append(row)
    return np.array(logits).reshape(-1, len(species)), np.array(nearest)


def _temperature(logits: Numbers, truths: Sequence[str], species: Sequence[str]) -> float:
    """The temperature under which the log-loss of these answers is least."""
    columns = [species.index(t) for t in truths]
    if not columns:
        return 1.0

    def loss(temperature: float) -> float:
        right = softmax(logits / temperature)[range(len(columns)), columns]
        return float(-np.log(np.maximum(right, SMALLEST)).mean())

    return float(min(TEMPERATURES, key=loss))
