"""Whether the embedder looks at the animal: how much of what speaks for its answers lies on it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from whalepipe.errors import ConfigError, TableError
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.stock import Stock
from whalepipe.models import attribution
from whalepipe.models.animal import Animal, find_animal
from whalepipe.models.embedder import Embedder
from whalepipe.models.silhouette import PARTS
from whalepipe.progress import Progress
from whalepipe.stages.match import Candidate

if TYPE_CHECKING:
    from whalepipe.evaluation.identity import IdentityEvaluation

QUERIES = 40  # that are looked at: each is embedded some sixty times, with a square in it


def attributable(part: str) -> None:
    """Raises ConfigError for a part whose outline nothing tells, ImportError without captum."""
    if part not in PARTS:
        raise ConfigError(f"--attribution needs to know where the animal is, which is told of {' and '.join(PARTS)}")
    attribution.need_library()


def attributed(
    known: Stock,
    asked: Stock,
    found: Sequence[Sequence[Candidate]],
    part: str,
    model: Embedder,
    options: "IdentityEvaluation",
    progress: Progress,
) -> dict[str, Any]:
    """Of queries drawn by chance, each beside its first candidate: the share of attribution on the animal.

    `attribution` by occlusion, and `gradcam`; `chance`, the share of the crop that the animal covers; `ceiling`, what
    an embedder of which nothing but the animal counts would have; `above_chance`, attribution less chance. Means, with
    95 % intervals by resampling encounters. The animal is where the silhouette network says. `without_outline` counts
    queries of which it made out hardly anything. Raises TableError where that is so of all, PhotoError, WeightsError.
    """
    places = {(row.individual.strip(), row.crop): place for place, row in enumerate(known.rows)}
    animal = find_animal(options.config.match.silhouette, options.device)
    drawn = np.random.default_rng(options.seed).permutation(len(asked.rows))[: options.attribution]
    rows, encounters = [], []
    for query in progress("attribution", [int(place) for place in sorted(drawn)]):
        shot = found[query][0].shot
        other = known.pixels(places[shot.individual, shot.crop])
        row = _shares(asked, query, attribution.likeness_to(model(other)), part, model, animal, options.device)
        if row:
            rows.append(row)
            encounters.append(asked.rows[query].encounter)
    if not rows:
        raise TableError(f"{asked.source}: in none of {len(drawn)} crops could the animal's outline be made out")
    return _figures(rows, encounters, options) | {"crops": len(rows), "without_outline": len(drawn) - len(rows)}


def _shares(
    asked: Stock,
    query: int,
    question: attribution.Question,
    part: str,
    model: Embedder,
    animal: Animal,
    device: str,
) -> dict[str, float]:
    """The shares of one query; empty where its animal was not made out, or nothing speaks for the answer."""
    crop = asked.pixels(query)
    mask = animal(crop, part)
    if mask is None:
        return {}
    maps = attribution.maps(model.voters, crop, question, device)
    told = attribution.bounded(maps.occlusion, mask)
    if told is None:
        return {}
    above = told.attribution - told.chance
    return {**asdict(told), "above_chance": above, "gradcam": attribution.share(maps.gradcam, mask) or 0.0}


def _figures(
    rows: Sequence[dict[str, float]], encounters: Sequence[str], options: "IdentityEvaluation"
) -> dict[str, Any]:
    draws, resampled = redrawn(encounters, options.resamplings, options.seed)
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        **{name: round(float(each.mean()), 4) for name, each in values.items()},
        "resampled": resampled,
        "intervals": {name: interval([float(each[d].mean()) for d in draws]) for name, each in values.items()},
    }
