"""One animal or two? Verification over pairs of crops with labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.catalog.names import NO_NAMES
from whalepipe.errors import TableError
from whalepipe.evaluation.boxes import groups, interval, resample
from whalepipe.evaluation.identity import IdentityEvaluation, looked, made_with
from whalepipe.evaluation.ranking import auroc, auroc_sorted
from whalepipe.evaluation.stock import Vectors, from_folder, has_truth
from whalepipe.models import embedder
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import Details, closer_look, likeness
from whalepipe.models.ensemble import find_embedder
from whalepipe.progress import Progress, silent
from whalepipe.tables import CropLabel

PLAIN = Calibration(1.0, 0.0)  # ranks as the cosine does


def evaluate_pairs(
    crops: Path, labels: Path, part: str, options: IdentityEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """One animal or two? Over all pairs of crops from different encounters; an empty encounter differs from all.

    Each pair is compared by its vectors and, where the calibration knows what they say, its details.

    A pair of two crops whose labels are no names (`other`, ...) is left out; of one such and one name, it is two
    animals. Returns auc, pairs, same, different, intervals (95 %, by resampling encounters), resampled.
    Raises TableError, PhotoError, WeightsError.
    """
    stock = from_folder(crops, labels, part, options.without).chosen(has_truth)
    rows = stock.rows
    if not rows:
        raise TableError(f"{labels}: no crop of {part} is left to score")
    weights = find_embedder(options.config.embed)
    vectors = stock.vectors(embedder.Embedder(weights, options.device), progress)
    calibration = read_calibration(weights.card, part)
    look = closer_look(weights, options.config.match, options.device)
    seen = looked(look, stock, part)
    looks = [seen(i) for i in progress("details", range(len(rows)))] if seen and calibration.joint else None
    return {**verified(vectors, rows, options, calibration, looks, part), **made_with(weights, look)}


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
