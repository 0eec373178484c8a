"""What a cosine means: fitted on individuals that the embedder never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from whalepipe.models.calibration import Calibration

Numbers = npt.NDArray[np.float64]
LEAST = 10  # pairs of either kind; with fewer nothing is fitted


@dataclass(frozen=True)
class Evidence:
    """Best cosines of queries with an individual's other crops: with their own, and with each other individual's."""

    same: Numbers
    different: Numbers


def evidence(vectors: npt.NDArray[np.float32], names: Sequence[str], groups: Sequence[int | str]) -> Evidence:
    """Compare every crop, as a query, with every individual's crops of other groups (encounters, bursts).

    `vectors` (n, dimension) are of unit length. A name that is empty marks a crop of nobody known: it is a query that
    differs from every individual, and no individual itself.
    """
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    who, kinds = np.array(names, dtype=object), np.array(groups, dtype=object)
    same: list[float] = []
    different: list[float] = []
    for individual in sorted(set(names) - {""}):
        mine = who == individual
        for i in range(len(names)):
            others = mine & (kinds != kinds[i])
            if others.any():
                (same if mine[i] else different).append(float(cosines[i, others].max()))
    return Evidence(np.array(same), np.array(different))


def fit(found: Evidence, strength: float = 30.0) -> Calibration | None:
    """Logistic regression with both kinds weighted alike; None where there is too little to fit, or it falls.

    `strength` is the inverse of the ridge penalty on the slope: with little evidence the slope stays small. Cosines
    differ by tenths, so that a penalty that suits numbers around 1 would allow no slope at all.
    """
    if min(len(found.same), len(found.different)) < LEAST:
        return None
    scores = np.concatenate([found.same, found.different])[:, None]
    labels = np.concatenate([np.ones(len(found.same)), np.zeros(len(found.different))])
    weights = np.where(labels == 1, 0.5 / len(found.same), 0.5 / len(found.different))
    # Weights that add up to the number of the rarer kind: the penalty is felt as if there were only so many pairs.
    weights *= 2 * min(len(found.same), len(found.different))
    model = LogisticRegression(C=strength).fit(scores, labels, sample_weight=weights)
    slope, intercept = round(float(model.coef_[0, 0]), 3), round(float(model.intercept_[0]), 3)
    return Calibration(slope, intercept) if slope > 0 else None


def card_entry(calibration: Calibration, found: Evidence, source: str) -> Mapping[str, object]:
    """What the weights' card says of a calibration."""
    return {
        "slope": calibration.slope,
        "intercept": calibration.intercept,
        "pairs_same": len(found.same),
        "pairs_different": len(found.different),
        "source": source,
    }
