"""How good names are: crops with labels in, figures out; detection and quality are left out.

Vectors, search and probabilities are those of the pipeline itself. Photos of one burst on both sides, gallery and
queries, would make the figures better than they are: such a split is refused.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.config import Config
from whalepipe.errors import TableError
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.attribution import attributable, attributed
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.leaks import leaks, refuse
from whalepipe.evaluation.ranking import (
    Answer,
    cmc,
    expected_misses,
    figures,
    list_lengths,
    misses,
    reliability,
)
from whalepipe.evaluation.stock import Stock, Vectors, from_folder, has_truth, named
from whalepipe.evaluation.submission import Submission, write_submission
from whalepipe.models import embedder
from whalepipe.models.calibration import read_calibration
from whalepipe.models.details import CloserLook, Details, closer_look
from whalepipe.models.ensemble import find_embedder
from whalepipe.models.weights import Weights
from whalepipe.progress import Progress, silent
from whalepipe.stages.match import Candidate, weighed
from whalepipe.tables import NEW

BY_PHOTOS = {"1": range(1, 2), "2-3": range(2, 4), "4-7": range(4, 8), "8+": range(8, 10**9)}
OF_KNOWN = ("top1", "top5", "top20", "map5")


@dataclass(frozen=True)
class IdentityEvaluation:
    """What to score, and how."""

    config: Config = field(default_factory=Config)  # the weights, and the prior probability of `new`
    without: tuple[str, ...] = ()  # glob patterns of the encounters and crops that are left out
    resamplings: int = 1000  # for the intervals
    seed: int = 0
    device: str = "cpu"
    allow_leaks: bool = False  # score also where nearly the same photo, or an animal's encounter, is on both sides
    attribution: int = 0  # queries of which it is told too how much of what speaks for the answer lies on the animal
    submission: Submission | None = None  # a file to write the first answers into, those without a truth too


def evaluate_identity(
    gallery: Path,
    gallery_labels: Path,
    query: Path,
    query_labels: Path,
    part: str,
    options: IdentityEvaluation,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Name the crops of a query folder from those of a gallery folder; both tables are CSVs of `CropLabel`s.

    As `evaluate_stocks`. Raises TableError, PhotoError, WeightsError.
    """
    known = from_folder(gallery, gallery_labels, part, options.without)
    asked = from_folder(query, query_labels, part, options.without)
    return evaluate_stocks(known, asked, part, options, progress)


def evaluate_stocks(
    known: Stock, asked: Stock, part: str, options: IdentityEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """Name the crops of one stock from those of another.

    An individual that the gallery lacks, and a query labelled `other` or `new`, counts as new; a query labelled
    `unknown` is not scored. Returns top1, top5, top20 (of known queries, `new` not among the candidates), map5 (of all,
    `new` among the answers), auroc_new, baks, baus, ece, log_loss_skill (against base rates), fnr_at_k and
    expected_fnr_at_k (by the probabilities alone), k_for_miss_rate, cmc (of known queries: the share found among the
    first 1, 2, ... candidates), reliability (of the first answers, by bins of their probability), by_gallery_photos,
    `intervals` (95 %, by resampling encounters), leaks and counts; without a truth counts alone; `attribution` where
    that is asked for (see `attributed`).
    Raises TableError (also where there are leaks that are not allowed), PhotoError, WeightsError.
    """
    if options.attribution:
        attributable(part)
    known, asked = known.chosen(named), asked if options.submission else asked.chosen(has_truth)
    if not known.rows or not asked.rows:
        raise TableError(f"{(asked if known.rows else known).source}: no crop of {part} is left to score")
    weights = find_embedder(options.config.embed)
    leaked = leaks(known, asked, progress)
    if leaked and not options.allow_leaks:
        raise refuse(known, asked, leaked)
    look = closer_look(weights, options.config.match, options.device)
    model = embedder.Embedder(weights, options.device)
    found = ranked(known, asked, part, weights, model, look, options, progress)
    if options.submission:
        write_submission(options.submission, asked.rows, found, options.config.match.prior_new)
    return {
        **_figures(known, asked, found, options),
        **_looks(known, asked, found, part, model, options, progress),
        "leaks": len({query for query, _ in leaked}),
        "queries": len(asked.rows),
        "gallery_crops": len(known.rows),
        "gallery_individuals": len({r.individual.strip() for r in known.rows}),
        **made_with(weights, look),
    }


def _looks(
    known: Stock,
    asked: Stock,
    found: Sequence[Sequence[Candidate]],
    part: str,
    model: embedder.Embedder,
    options: IdentityEvaluation,
    progress: Progress,
) -> dict[str, Any]:
    if not options.attribution:
        return {}
    return {"attribution": attributed(known, asked, found, part, model, options, progress)}


def ranked(
    known: Stock,
    asked: Stock,
    part: str,
    weights: Weights,
    model: embedder.Embedder,
    look: CloserLook | None,
    options: IdentityEvaluation,
    progress: Progress = silent,
    vectors: Vectors | None = None,
) -> list[list[Candidate]]:
    """Every individual of a stock for each crop of another, the likeliest first. Raises PhotoError, WeightsError.

    `model` is the embedder of these `weights`; `vectors` are those of the crops asked for, where they are known.
    """
    calibration, match = read_calibration(weights.card, part), options.config.match
    shots = [Shot(r.crop, r.individual.strip(), part, r.encounter, r.view) for r in known.rows]
    held_by, asked_by = (looked(look, stock, part) for stock in (known, asked))
    store = Gallery(shots, known.vectors(model, progress), details=held_by)
    sought = asked.vectors(model, progress) if vectors is None else vectors
    nearest = store.nearest(part, sought, match.crops_each)
    return [
        weighed(one, store, asked_by and partial(asked_by, i), calibration, match)
        for i, one in progress("match", list(enumerate(nearest)))
    ]


def _figures(
    known: Stock, asked: Stock, found: Sequence[Sequence[Candidate]], options: IdentityEvaluation
) -> dict[str, Any]:
    told = [i for i, row in enumerate(asked.rows) if has_truth(row)]
    if not told:
        return {}
    rows = [asked.rows[i] for i in told]
    answers, encounters = (
        answered([found[i] for i in told], rows, options.config.match.prior_new),
        [row.encounter for row in rows],
    )
    photos = Counter(r.individual.strip() for r in known.rows)
    return {
        **scored(answers, encounters, options),
        "cmc": cmc([a for a in answers if a.known]),
        "reliability": [
            {name: round(value, 4) for name, value in row.items()}
            for row in reliability([a.best for a in answers], [a.right for a in answers])
        ],
        "by_gallery_photos": _by_photos(answers, encounters, photos, options),
    }


def _by_photos(
    answers: Sequence[Answer], encounters: Sequence[str], photos: Mapping[str, int], options: IdentityEvaluation
) -> dict[str, dict[str, Any]]:
    """Figures of known queries by the number of photos that the gallery has of them; only numbers that there are."""
    found = {}
    for name, numbers in BY_PHOTOS.items():
        mine = [i for i, a in enumerate(answers) if a.known and photos[a.individual] in numbers]
        if mine:
            every = scored([answers[i] for i in mine], [encounters[i] for i in mine], options)
            spread = {key: every["intervals"][key] for key in OF_KNOWN}
            found[name] = {"queries": len(mine), **{key: every[key] for key in OF_KNOWN}, "intervals": spread}
    return found


def made_with(weights: Weights, look: CloserLook | None) -> dict[str, str]:
    """The digests of what the figures were made with."""
    return {"weights": weights.digest, "silhouette": look.weights.digest if look else ""}


def looked(look: CloserLook | None, stock: Stock, part: str) -> Callable[[int], Details] | None:
    """What finds the details of a row's crop, once; None where nobody looks."""
    return None if look is None else cache(lambda place: look(stock.pixels(place), part))


def scored(answers: Sequence[Answer], encounters: Sequence[str], options: IdentityEvaluation) -> dict[str, Any]:
    """All figures of these answers, to 4 decimals, with intervals by resampling the queries' encounters."""
    draws, resampled = redrawn(encounters, options.resamplings, options.seed)
    samples = [figures([answers[i] for i in draw]) for draw in draws]
    whole = figures(answers)
    known = [a for a in answers if a.known]
    return {
        **{name: None if value is None else round(value, 4) for name, value in whole.items()},
        "fnr_at_k": misses(known),
        "expected_fnr_at_k": expected_misses(answers),
        "k_for_miss_rate": list_lengths(known),
        "intervals": {name: interval([s[name] for s in samples]) for name in whole},
        "resampled": resampled,
        "known": len(known),
        NEW: len(answers) - len(known),
    }
