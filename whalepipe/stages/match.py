"""Rank the catalogue's individuals for each crop, with a probability for each and for `new`."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest
from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.tables import NEW, Crop, Match

VERSION = 1


def match(
    crops: Sequence[Crop],
    vectors: Mapping[str, NDArray[np.float32]],
    gallery: Gallery,
    calibrations: Mapping[str, Calibration],
    weights: str,
    config: MatchConfig,
) -> list[Match]:
    """The `config.candidates` most probable answers for each crop, `new` always among them.

    `vectors` holds a unit vector, (dimension,), for each crop's name, `calibrations` one for each part; `weights` is
    the digest of the weights that made the vectors. Only crops of the same part are compared.
    """
    ranked: dict[str, list[Match]] = {}
    for part in sorted({c.part for c in crops}):
        queries = [c for c in crops if c.part == part]
        found = gallery.nearest(part, np.stack([vectors[c.crop] for c in queries]))
        for crop, nearest in zip(queries, found, strict=True):
            answers = _candidates(nearest, calibrations[part], config)
            ranked[crop.crop] = [_row(crop, i, p, n, weights) for i, (p, n) in enumerate(answers, start=1)]
    return [row for c in crops for row in ranked[c.crop]]


def _candidates(
    nearest: Sequence[Nearest], calibration: Calibration, config: MatchConfig
) -> list[tuple[float, Nearest | None]]:
    """Probability and best crop of each answer, best first; `new` has no crop and is never cut from the list."""
    scores = np.array([n.score for n in nearest], dtype=np.float64)
    known, new = probabilities(calibration.log_ratio(scores), config.prior_new)
    others = list(zip(known, nearest, strict=True))[: max(config.candidates - 1, 0)]
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


def _row(crop: Crop, rank: int, probability: float, nearest: Nearest | None, weights: str) -> Match:
    if nearest is None:
        return Match(crop.crop, rank, NEW, probability, None, "", "", "", weights)
    shot = nearest.shot
    return Match(
        crop.crop, rank, shot.individual, probability, nearest.score, shot.crop, shot.encounter, shot.view, weights
    )
