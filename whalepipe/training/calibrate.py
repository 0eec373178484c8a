"""What a cosine means: fitted on individuals that the embedder never saw."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration, Joint, entry_of, grown
from whalepipe.models.details import Details, likeness

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
    # For each of `same` and of `different` the keypoints that agree and what trailing edges share (nan: not compared),
    # (n, 2); None: nobody looked at details.
    same_details: Numbers | None = None
    different_details: Numbers | None = None


def evidence(
    vectors: npt.NDArray[np.float32],
    names: Sequence[str],
    groups: Sequence[int | str],
    looks: Sequence[Details] | None = None,
    part: str = "",
    most: int | None = None,
) -> Evidence:
    """Compare every crop, as a query, with every individual's crops of other groups (encounters, bursts).

    `vectors` (n, dimension) are of unit length, `looks` the crops' details. A name that is empty marks a crop of
    nobody known: it is a query that differs from every individual, and no individual itself. `most`: about how many
    queries are compared with another individual than their own, drawn by chance; None: all of them.
    """
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    who, kinds = np.array(names, dtype=object), np.array(groups, dtype=object)
    found: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    told, pairs = set(), set()
    individuals = sorted(set(names) - {""})
    share = 1.0 if most is None else most / max(len(individuals) * len(names), 1)
    drawn = np.random.default_rng(0).random((len(individuals), len(names))) < share
    for individual, compared in zip(individuals, drawn, strict=True):
        mine = who == individual
        for i in np.flatnonzero(mine | compared).tolist():
            others = np.flatnonzero(mine & (kinds != kinds[i]))
            if len(others):
                found[bool(mine[i])].append(_compared(i, others, cosines[i], looks, part))
                if mine[i]:
                    told.add(individual)
                else:
                    pairs.add(frozenset((individual, who[i] or f"nameless {kinds[i]}")))
    same, different = (np.array(found[kind], dtype=np.float64).reshape(-1, 3) for kind in (True, False))
    if looks is None:
        return Evidence(same[:, 0], different[:, 0], len(told), len(pairs))
    return Evidence(same[:, 0], different[:, 0], len(told), len(pairs), same[:, 1:], different[:, 1:])


def _compared(
    query: int, others: npt.NDArray[np.intp], cosines: Numbers, looks: Sequence[Details] | None, part: str
) -> tuple[float, float, float]:
    """Highest cosine of a query with one individual's crops, and what it shares with the nearest of them."""
    nearest = others[np.argsort(-cosines[others], kind="stable")][: MatchConfig().crops_each]
    best = float(cosines[nearest[0]])
    if looks is None:
        return best, np.nan, np.nan
    alike = likeness(looks[query], [looks[j] for j in nearest], part)
    return best, float(max(alike.points)), alike.edge


def pooled(found: Sequence[Evidence]) -> Evidence:
    """Evidence of several label sets of one part."""

    def details(given: Sequence[Numbers | None]) -> Numbers | None:
        looked = [d for d in given if d is not None]
        return np.concatenate(looked) if len(looked) == len(given) else None

    return Evidence(
        np.concatenate([e.same for e in found]),
        np.concatenate([e.different for e in found]),
        sum(e.individuals for e in found),
        sum(e.pairs for e in found),
        details([e.same_details for e in found]),
        details([e.different_details for e in found]),
    )


def fit(found: Evidence, strength: float = 30.0) -> Calibration | None:
    """Logistic regression with both kinds weighted alike; None where there is too little to fit, or it falls.

    `strength` is the inverse of the ridge penalty on the slope: with little evidence the slope stays small. Cosines
    differ by tenths, so that a penalty that suits numbers around 1 would allow no slope at all. The bounds are what
    as many animals can show: a thing that never happened with n of them may yet happen once in n + 1. How little alike
    one animal's crops may be, its individuals tell; how much alike those of two animals may be, its pairs of animals,
    unless there are so few individuals that nobody knows whether others are like them.
    """
    line = _regressed(found.same[:, None], found.different[:, None], strength)
    if line is None or line[0] <= 0 or not found.individuals or not found.pairs:
        return None
    slope, intercept = line
    many = found.pairs if found.individuals >= FEW else found.individuals
    least, most = (round(float(np.log(n + 1)), 3) for n in (found.individuals, many))
    return Calibration(slope, intercept, -least, most, fit_joint(found, strength))


def fit_joint(found: Evidence, strength: float = 30.0) -> Joint | None:
    """The line through cosines and details; a detail that says the opposite of what it should is left out.

    None where nobody looked at details, there is too little to fit, or the cosine falls.
    """
    if found.same_details is None or found.different_details is None:
        return None
    columns = {"cosine", "points", "edge"}
    while True:
        line = _regressed(
            _scores(found.same, found.same_details, columns),
            _scores(found.different, found.different_details, columns),
            strength,
        )
        if line is None or line[0] <= 0:
            return None
        joint = Joint(*line)
        falling = {name for name in columns if getattr(joint, name) < 0}
        if not falling:
            return joint
        columns -= falling


def _scores(cosines: Numbers, details: Numbers, columns: Collection[str]) -> Numbers:
    """What `Joint` weighs, (n, 4), in its order; 0 what is left out."""
    points, edges = details.T
    traced = ~np.isnan(edges) & ("edge" in columns)
    scores = [cosines, grown(points) * ("points" in columns), np.where(traced, np.nan_to_num(edges), 0.0), traced]
    return np.stack(scores, axis=1).astype(np.float64)


def _regressed(same: Numbers, different: Numbers, strength: float) -> tuple[float, ...] | None:
    """Slopes and intercept of scores (n, scores) of one animal against those of two; None where there are too few."""
    if min(len(same), len(different)) < LEAST:
        return None
    labels = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weights = np.where(labels == 1, 0.5 / len(same), 0.5 / len(different))
    # Weights that add up to the number of the rarer kind: the penalty is felt as if there were only so many pairs.
    weights *= 2 * min(len(same), len(different))
    model = LogisticRegression(C=strength).fit(np.concatenate([same, different]), labels, sample_weight=weights)
    return tuple(round(float(number), 3) for number in (*model.coef_[0], model.intercept_[0]))


def cost(calibration: Calibration, found: Evidence) -> float:
    """What the log LRs that a calibration claims cost, in bits, both kinds weighted alike.

    0: always right and sure; 1: what saying nothing costs. Cllr of Brümmer and du Preez 2006, section 4.
    """

    def claimed(cosines: Numbers, details: Numbers | None) -> Numbers:
        points, edges = (None, None) if details is None else details.T
        return np.asarray(calibration.bent(calibration.line(cosines, points, edges)))

    same, different = claimed(found.same, found.same_details), claimed(found.different, found.different_details)
    return float((np.logaddexp(0, -same).mean() + np.logaddexp(0, different).mean()) / np.log(4))


def card_entry(calibration: Calibration, found: Evidence, source: str) -> Mapping[str, object]:
    """What the weights' card says of a calibration."""
    return {
        **entry_of(calibration),
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

    Where a part has fewer than FEW real animals, its line is fitted to its real and rendered ones together, and is no
    steeper and no earlier even than the default: rendered animals are easier than real ones. Its bounds are what its
    few real ones can show; where it has none, the default's.
    """
    real = [s for s in found if not s.rendered]
    default = _fitted(real)
    result: dict[str, Mapping[str, object]] = {}
    for part in sorted({s.part for s in found}):
        every = [s for s in found if s.part == part]
        entry = _fitted([s for s in real if s.part == part])
        drawn = any(s.rendered for s in every)
        if drawn and default and (entry is None or entry[1].individuals < FEW):
            together = _fitted(every)
            entry = _flattened(together, default, entry or default) if together else entry
        elif entry is None:
            entry = _fitted(every)
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


def _flattened(entry: Fitted, default: Fitted, bounds: Fitted) -> Fitted:
    own, base, bound = entry[0], default[0], bounds[0]
    slope = min(own.slope, base.slope)
    even = max(-c.intercept / c.slope for c in (own, base))
    text = f"{entry[2]}; flattened to what real crops of other parts gave, since rendered animals are easier"
    share, later = slope / own.slope, even + own.intercept / own.slope
    joint = own.joint and Joint(*(round(share * number, 3) for number in astuple(own.joint)))
    joint = joint and replace(joint, intercept=round(joint.intercept - later * joint.cosine, 3))
    return Calibration(slope, round(-even * slope, 3), bound.least, bound.most, joint), entry[1], text
