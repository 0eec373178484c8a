"""Rank the catalogue's individuals for each crop, with a probability for each and for `new`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.models.keypoints import Keypoints, agreeing
from whalepipe.tables import NEW, Crop, Match

VERSION = 2
CERTAIN = 10  # keypoints: hardly ever do so many agree on crops of two animals


@dataclass(frozen=True)
class Candidate:
    """An individual of the catalogue, as it looks beside one query."""

    shot: Shot  # the crop that speaks for it
    cosine: float
    points: float  # keypoints that agree; nan: not looked at
    log_ratio: float


def match(
    crops: Sequence[Crop],
    vectors: Mapping[str, NDArray[np.float32]],
    gallery: Gallery,
    calibrations: Mapping[str, Calibration],
    weights: str,
    config: MatchConfig,
    keypoints: Callable[[Crop], Keypoints] | None = None,
) -> list[Match]:
    """The `config.candidates` most probable answers for each crop, `new` always among them.

    `vectors` holds a unit vector, (dimension,), for each crop's name, `calibrations` one for each part; `weights` is
    the digest of the weights that made the vectors. Only crops of the same part are compared. `keypoints` gives those
    of a crop, for a closer look at the likeliest individuals; without it vectors alone decide.
    """
    rows = []
    for crop in crops:
        [nearest] = gallery.nearest(crop.part, vectors[crop.crop][None], config.crops_each)
        look = None if keypoints is None else lambda crop=crop: keypoints(crop)
        answers = _answers(weighed(nearest, gallery, look, calibrations[crop.part], config), config)
        rows += [_row(crop, rank, p, found, weights) for rank, (p, found) in enumerate(answers, start=1)]
    return rows


def weighed(
    nearest: Sequence[Nearest],
    gallery: Gallery,
    look: Callable[[], Keypoints] | None,
    calibration: Calibration,
    config: MatchConfig,
) -> list[Candidate]:
    """The individuals that are `nearest` to a query by their vectors, the likeliest first.

    The first `config.looked_at` of them are compared with it point by point (`look` gives the query's keypoints) where
    the calibration knows what that says.
    """
    counts = np.full(len(nearest), np.nan)
    shots = [n.shot for n in nearest]
    if look is not None and nearest and gallery.keypoints is not None and calibration.joint is not None:
        mine = look()
        for place, found in enumerate(nearest[: config.looked_at]):
            agreed = [agreeing(mine, gallery.keypoints(row)) for row in found.rows]
            counts[place] = max(agreed)
            if counts[place] >= CERTAIN:  # else chance says which of the crops has most
                shots[place] = gallery.shots[found.rows[int(np.argmax(agreed))]]
    ratios = calibration.log_ratio(np.array([n.score for n in nearest], dtype=np.float64), counts)
    candidates = [
        Candidate(shot, n.score, float(points), float(ratio))
        for shot, n, points, ratio in zip(shots, nearest, counts, ratios, strict=True)
    ]
    return sorted(candidates, key=lambda c: (-round(c.log_ratio, 6), -c.cosine, c.shot.individual))


def _answers(candidates: Sequence[Candidate], config: MatchConfig) -> list[tuple[float, Candidate | None]]:
    """Probability of each answer, best first; `new` has no candidate and is never cut from the list."""
    known, new = probabilities(np.array([c.log_ratio for c in candidates], dtype=np.float64), config.prior_new)
    others = list(zip(known, candidates, strict=True))[: max(config.candidates - 1, 0)]
    return sorted([(new, None), *others], key=lambda answer: -answer[0])


def probabilities(log_ratios: NDArray[np.float64], prior_new: float) -> tuple[list[float], float]:
    """P(individual) for each individual of the catalogue, and P(new), by Bayes' rule; they add up to 1.

    `log_ratios` (n,) are log P(score | same) - log P(score | different) of each individual's best crop. Before the
    crop is looked at it is new with `prior_new`, and each known individual is as likely as any other.
    """
    count = len(log_ratios)
    if count == 0:
        return [], 1.0
    weights = np.exp(log_ratios) * (1.0 - prior_new) / count
    total = prior_new + weights.sum()
    return [round(float(w / total), 4) for w in weights], round(float(prior_new / total), 4)


def _row(crop: Crop, rank: int, probability: float, found: Candidate | None, weights: str) -> Match:
    if found is None:
        return Match(crop.crop, rank, NEW, probability, None, "", "", "", weights)
    shot = found.shot
    return Match(
        crop.crop, rank, shot.individual, probability, found.cosine, shot.crop, shot.encounter, shot.view, weights
    )
