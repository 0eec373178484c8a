"""Rank the catalogue's individuals for each crop, with a probability for each and for `new`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.models.details import Details, likeness
from whalepipe.tables import NEW, Crop, Match

VERSION = 3
CERTAIN = 18  # keypoints: hardly ever do so many agree on crops of two animals


@dataclass(frozen=True)
class Candidate:
    """An individual of the catalogue, as it looks beside one query."""

    shot: Shot  # the crop that speaks for it
    cosine: float
    line: float  # log LR before it is bent into what may be claimed: what ranks
    log_ratio: float


def match(
    crops: Sequence[Crop],
    vectors: Mapping[str, NDArray[np.float32]],
    gallery: Gallery,
    calibrations: Mapping[str, Calibration],
    weights: str,
    config: MatchConfig,
    details: Callable[[Crop], Details] | None = None,
) -> list[Match]:
    """The `config.ranked` most probable answers for each crop, `new` always among them.

    `vectors` holds a unit vector, (dimension,), for each crop's name, `calibrations` one for each part; `weights` is
    the digest of the weights that made the vectors. Only crops of the same part are compared. `details` gives those
    of a crop, for a closer look at the likeliest individuals; without it vectors alone decide.
    """
    rows = []
    for crop in crops:
        [nearest] = gallery.nearest(crop.part, vectors[crop.crop][None], config.crops_each)
        look = None if details is None else partial(details, crop)
        answers = _answers(weighed(nearest, gallery, look, calibrations[crop.part], config), config)
        rows += [_row(crop, rank, p, found, weights) for rank, (p, found) in enumerate(answers, start=1)]
    return rows


def weighed(
    nearest: Sequence[Nearest],
    gallery: Gallery,
    look: Callable[[], Details] | None,
    calibration: Calibration,
    config: MatchConfig,
) -> list[Candidate]:
    """The individuals that are `nearest` to a query by their vectors, the likeliest first.

    The first `config.looked_at` of them are compared with it detail by detail (`look` gives the query's) where the
    calibration knows what that says.
    """
    cosines = np.array([n.score for n in nearest], dtype=np.float64)
    points, edges = np.full(len(nearest), np.nan), np.full(len(nearest), np.nan)
    shots = [n.shot for n in nearest]
    if look is not None and nearest and gallery.details is not None and calibration.joint is not None:
        mine = look()
        for place, found in enumerate(nearest[: config.looked_at]):
            alike = likeness(mine, [gallery.details(row) for row in found.rows], found.shot.part)
            points[place], edges[place] = max(alike.points), alike.edge
            if points[place] >= CERTAIN:  # else chance says which of the crops has most
                shots[place] = gallery.shots[found.rows[int(np.argmax(alike.points))]]
    lines = calibration.line(cosines, points, edges)
    ratios = calibration.bent(lines)
    candidates = [
        Candidate(shot, float(cosine), round(float(line), 6), float(ratio))
        for shot, cosine, line, ratio in zip(shots, cosines, lines, ratios, strict=True)
    ]
    return sorted(candidates, key=lambda c: (-c.line, -c.cosine, c.shot.individual))


def _answers(candidates: Sequence[Candidate], config: MatchConfig) -> list[tuple[float, Candidate | None]]:
    """Probability of each answer, best first; `new` has no candidate and is never cut from the list."""
    known, new = probabilities(np.array([c.log_ratio for c in candidates], dtype=np.float64), config.prior_new)
    others = list(zip(known, candidates, strict=True))[: max(config.ranked - 1, 0)]
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
