"""How good names are: crops with labels in, figures out; detection and quality are left out.

Vectors, search and probabilities are those of the pipeline itself. Photos of one burst on both sides, gallery and
queries, make the figures better than they are: split by encounter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.config import Config
from whalepipe.enrol import NO_NAMES
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation.boxes import groups, interval, resample
from whalepipe.evaluation.ranking import (
    LISTS,
    Answer,
    auroc,
    auroc_sorted,
    expected_misses,
    figures,
    list_lengths,
    misses,
)
from whalepipe.models import embedder
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import CloserLook, Details, closer_look, likeness
from whalepipe.models.weights import Weights, find_weights
from whalepipe.photos import inside, read_photo
from whalepipe.progress import Progress, silent
from whalepipe.stages.match import Candidate, probabilities, weighed
from whalepipe.tables import NEW, CropLabel, read_table

Vectors = npt.NDArray[np.float32]
PLAIN = Calibration(1.0, 0.0)  # ranks as the cosine does
# Labels that say who it is not: a query so labelled is new to every gallery. Other non-names say nothing.
NEW_NAMES = frozenset({"other", "new", "new_whale", "new_individual"})


@dataclass(frozen=True)
class IdentityEvaluation:
    """What to score, and how."""

    config: Config = field(default_factory=Config)  # the weights, and the prior probability of `new`
    without: tuple[str, ...] = ()  # glob patterns of the encounters and crops that are left out
    resamplings: int = 1000  # for the intervals
    seed: int = 0
    device: str = "cpu"


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

    An individual that the gallery lacks, and a query labelled `other` or `new`, counts as new; a query labelled
    `unknown` is left out. Returns top1, top5, top20 (of known queries, `new` not among the candidates), map5 (of all,
    `new` among the answers), auroc_new, baks, baus, ece, log_loss_skill (against base rates), fnr_at_k and
    expected_fnr_at_k (by the probabilities alone),
    k_for_miss_rate, `intervals` (95 %, by resampling encounters) and counts.
    Raises TableError, PhotoError, WeightsError.
    """
    held = [r for r in _rows(gallery_labels, part, options) if r.individual.strip().lower() not in NO_NAMES]
    asked = [r for r in _rows(query_labels, part, options) if _has_truth(r)]
    if not held or not asked:
        raise TableError(f"{query_labels if held else gallery_labels}: no crop of {part} is left to score")
    weights = find_weights(options.config.embed.weights, embedder.KIND)
    model = embedder.Embedder(weights, options.device)
    calibration, match = read_calibration(weights.card, part), options.config.match
    look = closer_look(weights, match, options.device)
    shots = [Shot(r.crop, r.individual.strip(), part, r.encounter, r.view) for r in held]
    held_by, asked_by = (_looked(look, *given, part) for given in ((gallery, held), (query, asked)))
    store = Gallery(shots, embed_folder(gallery, held, model, progress), details=held_by)
    nearest = store.nearest(part, embed_folder(query, asked, model, progress), match.crops_each)
    found = [
        weighed(one, store, asked_by and partial(asked_by, i), calibration, match)
        for i, one in progress("match", list(enumerate(nearest)))
    ]
    answers = answered(found, asked, match.prior_new)
    counts = {"queries": len(asked), "gallery_crops": len(held), "gallery_individuals": len(store.individuals(part))}
    return {**scored(answers, [r.encounter for r in asked], options), **counts, **_made_with(weights, look)}


def evaluate_pairs(
    crops: Path, labels: Path, part: str, options: IdentityEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """One animal or two? Over all pairs of crops from different encounters; an empty encounter differs from all.

    Each pair is compared by its vectors and, where the calibration knows what they say, its details.

    A pair of two crops whose labels are no names (`other`, ...) is left out; of one such and one name, it is two
    animals. Returns auc, pairs, same, different, intervals (95 %, by resampling encounters), resampled.
    Raises TableError, PhotoError, WeightsError.
    """
    rows = [r for r in _rows(labels, part, options) if _has_truth(r)]
    if not rows:
        raise TableError(f"{labels}: no crop of {part} is left to score")
    weights = find_weights(options.config.embed.weights, embedder.KIND)
    model = embedder.Embedder(weights, options.device)
    vectors = embed_folder(crops, rows, model, progress)
    calibration = read_calibration(weights.card, part)
    look = closer_look(weights, options.config.match, options.device)
    seen = _looked(look, crops, rows, part)
    looks = [seen(i) for i in progress("details", range(len(rows)))] if seen and calibration.joint else None
    return {**verified(vectors, rows, options, calibration, looks, part), **_made_with(weights, look)}


def embed_folder(folder: Path, rows: Sequence[CropLabel], model: embedder.Embedder, progress: Progress) -> Vectors:
    """Unit vectors, (rows, dimension) float32, of crops in a folder. Raises PhotoError naming the file."""
    vectors = []
    for row in progress("embed", rows):
        try:
            vectors.append(model(read_photo(inside(folder, row.crop))))
        except PhotoError as error:
            raise PhotoError(f"{folder / row.crop}: {error}") from error
    return np.stack(vectors)


def _rows(labels: Path, part: str, options: IdentityEvaluation) -> list[CropLabel]:
    def wanted(row: CropLabel) -> bool:
        names = (row.encounter, row.crop)
        left_out = any(fnmatchcase(name, pattern) for name in names for pattern in options.without)
        return row.part in ("", part) and not left_out

    return [r for r in read_table(labels, CropLabel, aliases=True) if wanted(r)]


def _has_truth(row: CropLabel) -> bool:
    name = row.individual.strip().lower()
    return name in NEW_NAMES or name not in NO_NAMES


def _made_with(weights: Weights, look: CloserLook | None) -> dict[str, str]:
    return {"weights": weights.digest, "silhouette": look.weights.digest if look else ""}


def _looked(
    look: CloserLook | None, folder: Path, rows: Sequence[CropLabel], part: str
) -> Callable[[int], Details] | None:
    """What finds the details of a row's crop, once; None where nobody looks."""
    return None if look is None else cache(lambda row: look(read_photo(inside(folder, rows[row].crop)), part))


def answered(found: Sequence[Sequence[Candidate]], rows: Sequence[CropLabel], prior_new: float) -> list[Answer]:
    """The answer to each query: `found` has every individual, the likeliest first; `rows` say who it is."""
    held = {c.shot.individual for c in found[0]} if found else set()
    known = [r.individual.strip() in held for r in rows]
    share_new = 1 - float(np.mean(known))
    return [
        _answer(candidates, row.individual.strip(), is_known, prior_new, share_new)
        for candidates, row, is_known in zip(found, rows, known, strict=True)
    ]


def _answer(
    candidates: Sequence[Candidate], individual: str, known: bool, prior_new: float, share_new: float
) -> Answer:
    ratios = np.array([c.log_ratio for c in candidates], dtype=np.float64)
    each, new = probabilities(ratios, prior_new)
    names = [c.shot.individual for c in candidates]
    # `new` stands before individuals that are no more probable, as in the pipeline.
    place_new = 1 + sum(p > new for p in each)
    rank = names.index(individual) + 1 if known else None
    place = place_new if rank is None else rank + (rank >= place_new)
    return Answer(
        individual=individual,
        known=known,
        rank=rank,
        place=place,
        probability=new if rank is None else each[rank - 1],
        best=max(new, each[0]),
        newness=-float(np.logaddexp.reduce(ratios)),
        base=(1 - share_new) / len(names) if known else share_new,
        beyond=tuple(round(sum(each[k:]), 4) for k in (0, *LISTS)),
    )


def scored(answers: Sequence[Answer], encounters: Sequence[str], options: IdentityEvaluation) -> dict[str, Any]:
    """All figures of these answers, to 4 decimals, with intervals by resampling the queries' encounters."""
    together, resampled = groups(encounters)
    draws = resample(len(together), options.resamplings, options.seed)
    samples = [figures([answers[i] for g in draw for i in together[g]]) for draw in draws]
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


def verified(
    vectors: Vectors,
    rows: Sequence[CropLabel],
    options: IdentityEvaluation,
    calibration: Calibration = PLAIN,
    looks: Sequence[Details] | None = None,
    part: str = "",
) -> dict[str, Any]:
    """`evaluate_pairs` of vectors, (rows, dimension) of unit length, and of the crops' details where these count."""
    together, resampled = groups([r.encounter for r in rows])
    group = np.empty(len(rows), dtype=np.intp)
    for number, members in enumerate(together):
        group[members] = number
    first, second, scores, same = _pairs(vectors, rows, calibration, looks, part)
    samples = []
    for draw in resample(len(together), options.resamplings, options.seed):
        times = np.bincount(draw, minlength=len(together)).astype(np.float64)
        # A pair is there as often as both of its encounters were drawn.
        samples.append(auroc_sorted(scores, same, times[group[first]] * times[group[second]]))
    auc = auroc(scores.tolist(), same.tolist())
    return {
        "auc": None if auc is None else round(auc, 4),
        "pairs": len(same),
        "same": int(same.sum()),
        "different": int((~same).sum()),
        "intervals": {"auc": interval(samples)},
        "resampled": resampled,
    }


def _pairs(
    vectors: Vectors, rows: Sequence[CropLabel], calibration: Calibration, looks: Sequence[Details] | None, part: str
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Both rows, log LR, and whether it is one animal, of each pair that tells something, in rising order of log LR."""
    names = np.array([_name(r) for r in rows], dtype=object)
    encounters = np.array([r.encounter for r in rows], dtype=object)
    first, second = np.triu_indices(len(rows), 1)
    apart = (encounters[first] != encounters[second]) | (encounters[first] == "")
    told = apart & ((names[first] != "") | (names[second] != ""))
    first, second = first[told], second[told]
    wide = vectors.astype(np.float64)
    cosines = np.round(np.einsum("ij,ij->i", wide[first], wide[second]), 4)
    points = edges = None
    if looks is not None:
        found = [likeness(looks[i], [looks[j]], part) for i, j in zip(first, second, strict=True)]
        points, edges = np.array([f.points[0] for f in found], dtype=float), np.array([f.edge for f in found])
    scores = calibration.line(cosines, points, edges)
    order = np.argsort(scores, kind="stable")
    first, second = first[order], second[order]
    return first, second, scores[order], np.asarray(names[first] == names[second], dtype=np.bool_)


def _name(row: CropLabel) -> str:
    name = row.individual.strip()
    return "" if name.lower() in NO_NAMES else name
