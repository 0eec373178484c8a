"""Rank the catalogue's individuals for each crop, with a probability for each and for `new`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest, Rest, Shot
from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.models.details import Details, likeness
from whalepipe.models.species import Sure
from whalepipe.tables import NEW, Crop, Match

VERSION = 4
CERTAIN = 18  # keypoints: hardly ever do so many agree on crops of two animals
NOTHING: Mapping[str, str] = MappingProxyType({})
UNSURE: Mapping[str, Sure] = MappingProxyType({})


@dataclass(frozen=True)
class Candidate:
    """An individual of the catalogue, as it looks beside one query."""

    shot: Shot  # the crop that speaks for it
    cosine: float
    line: float  # log LR before it is bent into what may be claimed: what ranks
    log_ratio: float
    share: float = 1.0  # how much it counts: less where its species is surely another than the query's


@dataclass(frozen=True)
class Unlisted:
    """Individuals whose crops were not looked at for one query, as those look that stand for them."""

    log_ratios: NDArray[np.float64]
    shares: NDArray[np.float64]
    each: float  # how many one of them stands for


NOBODY = Unlisted(np.zeros(0), np.zeros(0), 1.0)


def match(
    crops: Sequence[Crop],
    vectors: Mapping[str, NDArray[np.float32]],
    gallery: Gallery,
    calibrations: Mapping[str, Calibration],
    weights: str,
    config: MatchConfig,
    details: Callable[[Crop], Details] | None = None,
    species: Mapping[str, Sure] = UNSURE,
    kinds: Mapping[str, str] = NOTHING,
) -> list[Match]:
    """The `config.ranked` most probable answers for each crop, `new` always among them.

    `vectors` holds a unit vector, (dimension,), for each crop's name, `calibrations` one for each part; `weights` is
    the digest of the weights that made the vectors. Only crops of the same part are compared. `details` gives those
    of a crop, for a closer look at the likeliest individuals; without it vectors alone decide.

    `species`, by crop, are those that are sure, `kinds` those of individuals, as far as they are known: one of another
    species counts as much less as the crop's is sure. None is left out.
    """
    rows = []
    for crop in crops:
        look, calibration = None if details is None else partial(details, crop), calibrations[crop.part]
        seen, most = species.get(crop.crop), max(config.ranked, config.looked_at)
        less = _shares(kinds, seen, kinds)
        found = gallery.search(crop.part, vectors[crop.crop], config.crops_each, most, less.keys())
        nearest = found.nearest
        shares = _shares((n.shot.individual for n in nearest), seen, kinds)
        if shares:
            nearest = _likely(nearest, shares, calibration.slope)
        candidates = restricted(weighed(nearest, gallery, look, calibration, config), shares)
        others = _unlisted(found.rest, calibration, seen, kinds) if found.rest else NOBODY
        answers = enumerate(_answers(candidates, config, others), start=1)
        rows += [_row(crop, rank, p, answer, weights) for rank, (p, answer) in answers]
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


def _shares(names: Iterable[str], sure: Sure | None, kinds: Mapping[str, str]) -> dict[str, float]:
    """How much the individuals count that are surely of another species than the query; the others count fully."""
    if sure is None:
        return {}
    return {name: sure.others for name in names if kinds.get(name, sure.species) != sure.species}


def _likely(nearest: Sequence[Nearest], shares: Mapping[str, float], slope: float) -> list[Nearest]:
    """The likeliest first with their species in mind: to them go the closer looks."""
    return sorted(nearest, key=lambda n: -slope * n.score - log(shares.get(n.shot.individual, 1.0)))


def restricted(candidates: Sequence[Candidate], shares: Mapping[str, float]) -> list[Candidate]:
    """The candidates, those that `shares` names counting as much as it says, the likeliest first."""
    if not shares:
        return list(candidates)
    counted = [replace(c, share=shares.get(c.shot.individual, 1.0)) for c in candidates]
    # Near the bound of what may be claimed ratios are equal but for a rounding, and the line ranks.
    return sorted(counted, key=lambda c: (-round(c.log_ratio + log(c.share), 6), -c.line, -c.cosine, c.shot.individual))


def _unlisted(rest: Rest, calibration: Calibration, sure: Sure | None, kinds: Mapping[str, str]) -> Unlisted:
    """What is said of individuals that no one looks at closer, by their best crops."""
    shares = _shares(rest.individuals, sure, kinds)
    counted = np.array([shares.get(name, 1.0) for name in rest.individuals])
    return Unlisted(calibration.bent(calibration.line(rest.scores)), counted, rest.each)


def _answers(
    candidates: Sequence[Candidate], config: MatchConfig, others: Unlisted
) -> list[tuple[float, Candidate | None]]:
    """Probability of each answer, best first; `new` has no candidate and is never cut from the list."""
    ratios, shares = (np.array([getattr(c, name) for c in candidates], np.float64) for name in ("log_ratio", "share"))
    stand_for = np.repeat([1.0, others.each], [len(ratios), len(others.shares)])
    ratios, shares = np.concatenate([ratios, others.log_ratios]), np.concatenate([shares, others.shares])
    known, new = probabilities(ratios, config.prior_new, shares, stand_for)
    listed = list(zip(known, candidates, strict=False))[: max(config.ranked - 1, 0)]
    return sorted([(new, None), *listed], key=lambda answer: -answer[0])


def probabilities(
    log_ratios: NDArray[np.float64],
    prior_new: float,
    shares: NDArray[np.float64] | None = None,
    stand_for: NDArray[np.float64] | None = None,
) -> tuple[list[float], float]:
    """P(individual) for each individual of the catalogue, and P(new), by Bayes' rule; they add up to 1.

    `log_ratios` (n,) are log P(score | same) - log P(score | different) of each individual's best crop. Before the
    crop is looked at it is new with `prior_new`, and each known individual is as likely as any other, or as its
    share (n,), above 0 to 1, has it: as if the catalogue held only those that count. Where none counts fully, it holds
    nobody of the species, and what they lack is lost to them. `stand_for` (n,): of how many each is one; 1 without.
    """
    if len(log_ratios) == 0:
        return [], 1.0
    counted, times = (np.ones(len(log_ratios)) if n is None else n for n in (shares, stand_for))
    held = (counted * times).sum() if counted.max() == 1 else times.sum()
    weights = np.exp(log_ratios) * counted * (1.0 - prior_new) / held
    total = prior_new + (weights * times).sum()
    return [round(float(w / total), 4) for w in weights], round(float(prior_new / total), 4)


def _row(crop: Crop, rank: int, probability: float, found: Candidate | None, weights: str) -> Match:
    if found is None:
        return Match(crop.crop, rank, NEW, probability, None, "", "", "", weights)
    shot = found.shot
    return Match(
        crop.crop, rank, shot.individual, probability, found.cosine, shot.crop, shot.encounter, shot.view, weights
    )
