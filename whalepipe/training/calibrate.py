"""What a cosine means: fitted on individuals that the embedder never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration, Joint, grown
from whalepipe.models.keypoints import Keypoints, agreeing

Numbers = npt.NDArray[np.float64]
FEW = 5  # individuals: fewer say nothing of others
LEAST = 10  # pairs of either kind; with fewer nothing is fitted


@dataclass(frozen=True)
class Evidence:
    """Best cosines of queries with an individual's other crops: with their own, and with each other individual's."""

    same: Numbers
    different: Numbers
    individuals: int = 0  # whose own cosines these are
    pairs: int = 0  # of two different animals that were compared; of the nameless each encounter counts as one
    same_points: Numbers | None = None  # keypoints that agree, for each of `same`; None: nobody looked
    different_points: Numbers | None = None


def evidence(
    vectors: npt.NDArray[np.float32],
    names: Sequence[str],
    groups: Sequence[int | str],
    details: Sequence[Keypoints] | None = None,
) -> Evidence:
    """Compare every crop, as a query, with every individual's crops of other groups (encounters, bursts).

    `vectors` (n, dimension) are of unit length, `details` the crops' keypoints. A name that is empty marks a crop of
    nobody known: it is a query that differs from every individual, and no individual itself.
    """
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    who, kinds = np.array(names, dtype=object), np.array(groups, dtype=object)
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    told, pairs = set(), set()
    for individual in sorted(set(names) - {""}):
        mine = who == individual
        for i in range(len(names)):
            others = np.flatnonzero(mine & (kinds != kinds[i]))
            if len(others):
                found[bool(mine[i])].append(_compared(i, others, cosines[i], details))
                if mine[i]:
                    told.add(individual)
                else:
                    pairs.add(frozenset((individual, who[i] or f"nameless {kinds[i]}")))
    same, different = (np.array(found[kind], dtype=np.float64).reshape(-1, 2) for kind in (True, False))
    looked = details is not None
    return Evidence(
        same[:, 0],
        different[:, 0],
        len(told),
        len(pairs),
        same[:, 1] if looked else None,
        different[:, 1] if looked else None,
    )


def _compared(
    query: int, others: npt.NDArray[np.intp], cosines: Numbers, details: Sequence[Keypoints] | None
) -> tuple[float, float]:
    """Highest cosine of a query with one individual's crops; most keypoints that agree among the nearest of them."""
    nearest = others[np.argsort(-cosines[others], kind="stable")][: MatchConfig().crops_each]
    points = 0 if details is None else max(agreeing(details[query], details[j]) for j in nearest)
    return float(cosines[nearest[0]]), float(points)


def pooled(found: Sequence[Evidence]) -> Evidence:
    """Evidence of several label sets of one part."""

    def points(given: Sequence[Numbers | None]) -> Numbers | None:
        looked = [p for p in given if p is not None]
        return np.concatenate(looked) if len(looked) == len(given) else None

    return Evidence(
        np.concatenate([e.same for e in found]),
        np.concatenate([e.different for e in found]),
        sum(e.individuals for e in found),
        sum(e.pairs for e in found),
        points([e.same_points for e in found]),
        points([e.different_points for e in found]),
    )


def fit(found: Evidence, strength: float = 30.0) -> Calibration | None:
    """Logistic regression with both kinds weighted alike; None where there is too little to fit, or it falls.

    `strength` is the inverse of the ridge penalty on the slope: with little evidence the slope stays small. Cosines
    differ by tenths, so that a penalty that suits numbers around 1 would allow no slope at all. The bounds are what
    as many animals can show: a thing that never happened with n of them may yet happen once in n + 1. How little alike
    one animal's crops may be, its individuals tell; how much alike those of two animals may be, its pairs of animals,
    unless there are so few individuals that nobody knows whether others are like them.
    """
    line = _regressed([(found.same, found.different)], strength)
    if line is None or not found.individuals or not found.pairs:
        return None
    many = found.pairs if found.individuals >= FEW else found.individuals
    least, most = (round(float(np.log(n + 1)), 3) for n in (found.individuals, many))
    slope, intercept = line
    return Calibration(slope, intercept, -least, most, _joint(found, strength))


def _joint(found: Evidence, strength: float) -> Joint | None:
    """The line through cosines and keypoints; None where nobody looked at these, or more of them mean less alike."""
    if found.same_points is None or found.different_points is None:
        return None
    points = grown(found.same_points), grown(found.different_points)
    line = _regressed([(found.same, found.different), points], strength)
    return Joint(*line) if line else None


def _regressed(scores: Sequence[tuple[Numbers, Numbers]], strength: float) -> tuple[float, ...] | None:
    """Slope of each score, given for one animal and for two, and the intercept; None where any of them falls."""
    same, different = (np.stack(values, axis=1) for values in zip(*scores, strict=True))
    if min(len(same), len(different)) < LEAST:
        return None
    labels = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weights = np.where(labels == 1, 0.5 / len(same), 0.5 / len(different))
    # Weights that add up to the number of the rarer kind: the penalty is felt as if there were only so many pairs.
    weights *= 2 * min(len(same), len(different))
    model = LogisticRegression(C=strength).fit(np.concatenate([same, different]), labels, sample_weight=weights)
    slopes = [round(float(s), 3) for s in model.coef_[0]]
    return None if min(slopes) <= 0 else (*slopes, round(float(model.intercept_[0]), 3))


def card_entry(calibration: Calibration, found: Evidence, source: str) -> Mapping[str, object]:
    """What the weights' card says of a calibration."""
    joint = {"joint": asdict(calibration.joint)} if calibration.joint else {}
    return {
        "slope": calibration.slope,
        "intercept": calibration.intercept,
        **joint,
        "least": calibration.least,
        "most": calibration.most,
        "individuals": found.individuals,
        "pairs_same": len(found.same),
        "pairs_different": len(found.different),
        "source": source,
    }


@dataclass(frozen=True)
class Source:
    """Where evidence on a part came from."""

    part: str
    name: str
    rendered: bool
    evidence: Evidence


def calibrations(found: Sequence[Source]) -> dict[str, Mapping[str, object]]:
    """What the card says: a calibration for each part with evidence, and a default from all real ones together.

    Where a part has but rendered animals behind it, it is no steeper and no earlier even than the default, and has its
    bounds: rendered animals are easier than real ones.
    """
    real = [s for s in found if not s.rendered]
    default = _fitted(real)
    result: dict[str, Mapping[str, object]] = {}
    for part in sorted({s.part for s in found}):
        entry = _fitted([s for s in real if s.part == part])
        if entry is None:
            entry = _fitted([s for s in found if s.part == part])
            entry = _flattened(entry, default) if entry and default else entry
        if entry:
            result[part] = card_entry(*entry)
    if default:
        return {"default": card_entry(*default), **result}
    return {"default": next(iter(result.values())), **result} if result else {}


Fitted = tuple[Calibration, Evidence, str]


def _fitted(sources: Sequence[Source]) -> Fitted | None:
    if not sources:
        return None
    together = pooled([s.evidence for s in sources])
    calibration = fit(together)
    return (calibration, together, "; ".join(f"{s.name}, not trained on" for s in sources)) if calibration else None


def _flattened(entry: Fitted, default: Fitted) -> Fitted:
    own, base = entry[0], default[0]
    slope = min(own.slope, base.slope)
    even = max(-c.intercept / c.slope for c in (own, base))
    text = f"{entry[2]}; flattened to what real crops of other parts gave, since rendered animals are easier"
    return Calibration(slope, round(-even * slope, 3), base.least, base.most, _moved(own, base)), entry[1], text


def _moved(own: Calibration, base: Calibration) -> Joint | None:
    """What keypoints count on real crops of other parts, where cosines lie as they do on this one."""
    if own.joint is None or base.joint is None:
        return None
    later = max(0.0, base.intercept / base.slope - own.intercept / own.slope)
    return replace(base.joint, intercept=round(base.joint.intercept - later * base.joint.cosine, 3))
