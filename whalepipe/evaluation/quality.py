"""How good grades are: whether setting the worst aside lowers the error, whether people agree, whether reasons hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from whalepipe.config import Config, QualityConfig
from whalepipe.errors import TableError, WhalepipeError
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.coverage import compared
from whalepipe.evaluation.degrade import Framed
from whalepipe.evaluation.framing import graded, ready
from whalepipe.evaluation.identity import IdentityEvaluation, ranked
from whalepipe.evaluation.marked import marked_alike, told
from whalepipe.evaluation.spoiling import measures_of, spoiling
from whalepipe.evaluation.stock import Pixels, from_folder, named
from whalepipe.models import embedder
from whalepipe.models.cut import Cuts, find_cuts
from whalepipe.models.details import closer_look
from whalepipe.models.distinctive import find_distinctiveness
from whalepipe.models.ensemble import find_embedder
from whalepipe.models.grade import Grader, find_grader, least_grade
from whalepipe.models.weights import Weights
from whalepipe.progress import Progress, silent
from whalepipe.stages.quality import decided, judged
from whalepipe.tables import GradeLabel, Quality

LAPLACIAN_SIDE = 192  # pixels to which crops are brought before their sharpness is compared


@dataclass(frozen=True)
class QualityEvaluation:
    """What to score, and how."""

    config: Config = field(default_factory=Config)
    gallery: tuple[Path, Path] | None = None  # a folder of crops and its table: among whom queries are looked for
    query: tuple[Path, Path] | None = None
    part: str = ""  # what both show
    grades: tuple[Path, Path] | None = None  # a table of `GradeLabel`s and the folder of its photos
    without: tuple[str, ...] = ()  # glob patterns of the encounters, files and halves that are left out
    resamplings: int = 1000  # for the intervals
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class _Judge:
    """What grades and sets aside, as the pipeline does."""

    config: QualityConfig
    weights: Weights
    grader: Grader
    eyes: embedder.Embedder
    cuts: Cuts | None

    def __call__(self, crop: Framed, part: str, look: embedder.Look | None = None) -> Quality:
        """The measures and the grade of a crop, and what speaks most against it; `look` where it was looked at."""
        look = look or self.eyes.look(crop.pixels)
        return judged(measures_of(crop, part, self.cuts), self.grader, part, look)

    def least(self, part: str) -> float:
        """The grade below which a crop of a part is set aside."""
        return least_grade(self.weights, self.config.keep_right, part)

    def decided(self, crop: Framed, part: str) -> Quality:
        """The same, and whether the crop is kept."""
        return decided(self(crop, part), self.least(part), self.config)


def evaluate_quality(options: QualityEvaluation, progress: Progress = silent) -> dict[str, Any]:
    """Returns `finding` where there are gallery and queries, `people` and `spoiled` where there are grades.

    finding: error of the first candidate and how it falls, see `coverage.compared`, by the grade against the embedder's
    response alone, sharpness (variance of the Laplacian), size and chance. people: quadratic weighted kappa of the
    classes, AUC of the grade for `usable`, the shares of good and of poor crops that the grade sets aside;
    `distinctiveness`: of the `crops_marked` of which both say how marked the animal is, rank correlation. spoiled: see
    `spoiling`, of the good crops; absent where there are none.

    Raises TableError, PhotoError, WeightsError, WhalepipeError.
    """
    weights = find_grader(options.config.quality.weights)
    if weights is None:
        raise WhalepipeError("without weights there is no grade to score: leave quality.weights as it is, or name some")
    seen_by = find_embedder(options.config.embed)
    eyes = embedder.Embedder(seen_by, options.device)
    quality = options.config.quality
    judge = _Judge(quality, weights, Grader(weights, eyes.digest), eyes, find_cuts(quality, options.device))
    found: dict[str, Any] = {"weights": weights.digest}
    if options.gallery and options.query:
        found["finding"] = _finding(options.gallery, options.query, seen_by, judge, options, progress)
    if options.grades:
        rows = list(graded(*options.grades, options.without))
        if not rows:
            raise TableError(f"{options.grades[0]}: no crop is left to score")
        found["people"] = _people(rows, judge, options, progress)
        said = [row for row, _ in rows]
        good = [(crop, row.part, row.encounter or row.photo) for row, crop in rows if is_good(row, said)]
        if good:  # where all are poor there is nothing to spoil
            found["spoiled"] = spoiling(good, judge.decided, options.resamplings, options.seed, progress)
    if len(found) == 1:
        raise WhalepipeError("nothing to score: give --gallery and --query with their labels, or --grades")
    return found


def _finding(
    gallery: tuple[Path, Path],
    query: tuple[Path, Path],
    seen_by: Weights,
    judge: _Judge,
    options: QualityEvaluation,
    progress: Progress,
) -> dict[str, Any]:
    known, asked = (from_folder(*both, options.part, options.without).chosen(named) for both in (gallery, query))
    held = {row.individual.strip() for row in known.rows}
    asked = asked.chosen(lambda row: row.individual.strip() in held)
    if not asked.rows:
        raise TableError(f"{asked.source}: no query is of an animal that the gallery holds")
    how = IdentityEvaluation(config=options.config, device=options.device)
    look = closer_look(seen_by, options.config.match, options.device)
    crops = [asked.pixels(place) for place in range(len(asked.rows))]
    seen = [judge.eyes.look(crop) for crop in progress("look", crops)]
    vectors = np.stack([one.vector for one in seen])
    found = ranked(known, asked, options.part, seen_by, judge.eyes, look, how, progress, vectors)
    first = [each[0].shot.individual for each in found]
    wrong = [name != row.individual.strip() for name, row in zip(first, asked.rows, strict=True)]
    scores = _scores(crops, seen, options.part, judge, progress)
    encounters = [row.encounter for row in asked.rows]
    return {"queries": len(wrong), **compared(wrong, scores, encounters, options.resamplings, options.seed)}


def _scores(
    crops: Sequence[Pixels], seen: Sequence[embedder.Look], part: str, judge: _Judge, progress: Progress
) -> dict[str, list[float]]:
    """What each query is graded by: the grade, and what it is to be better than. Chance: all alike."""
    both = list(zip(crops, seen, strict=True))
    rows = [judge(ready(crop), part, look) for crop, look in progress("grade", both)]
    return {
        "grade": [row.grade for row in rows],
        "response": [row.response for row in rows],
        "sharpness": [_laplacian(crop) for crop in crops],
        "size": [float(crop.shape[0] * crop.shape[1]) for crop in crops],
        "chance": [0.0 for _ in crops],
    }


def _laplacian(crop: Pixels) -> float:
    """Variance of the Laplacian, of the whole crop at one size: what is usually taken for sharpness."""
    scale = LAPLACIAN_SIDE / max(crop.shape[:2])
    size = [max(1, round(side * min(1.0, scale))) for side in crop.shape[1::-1]]
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _people(
    rows: Sequence[tuple[GradeLabel, Framed]], judge: _Judge, options: QualityEvaluation, progress: Progress
) -> dict[str, Any]:
    grades = np.array([judge(crop, row.part).grade for row, crop in progress("grade", rows)])
    said = [row for row, _ in rows]
    bars, steps = np.array([judge.least(row.part) for row in said]), judge.weights.card.get("steps", {})
    draws, resampled = redrawn([row.encounter or row.photo for row in said], options.resamplings, options.seed)
    marks = told(rows, find_distinctiveness(options.config.quality, options.device))

    def figures(draw: npt.NDArray[np.intp]) -> dict[str, float | None]:
        those = [said[i] for i in draw]
        return {
            **agreement(those, grades[draw], steps, bars[draw]),
            "distinctiveness": marked_alike(those, marks[draw]),
        }

    drawn, whole = [figures(draw) for draw in draws], figures(np.arange(len(rows)))
    intervals = {name: interval([one[name] for one in drawn]) for name in whole}
    marked = int(np.isfinite(marks).sum())
    return {"crops": len(rows), "crops_marked": marked, **whole, "intervals": intervals, "resampled": resampled}


def agreement(
    said: Sequence[GradeLabel],
    grades: npt.NDArray[np.float64],
    steps: Mapping[str, float],
    least: npt.NDArray[np.float64],
) -> dict[str, float | None]:
    """How far grades (n,) are those of people; None where people said nothing of the kind, or all the same.

    kappa: of classes, weighted by the square of their difference (Cohen 1968, "Weighted kappa"); `steps` gives for each
    class but the lowest the grade from which on it is. The others: see `evaluate_quality`.
    """
    good = np.array([is_good(row, said) for row in said])
    bad = ~good
    return {
        "kappa": _kappa(said, grades, steps),
        "auc_usable": _rounded(roc_auc_score(good, grades)) if good.any() and bad.any() else None,
        "good_set_aside": _rounded(np.mean((grades < least)[good])) if good.any() else None,
        "poor_set_aside": _rounded(np.mean((grades < least)[bad])) if bad.any() else None,
    }


def is_good(row: GradeLabel, among: Sequence[GradeLabel]) -> bool:
    """Whether people called a crop usable, or, where they did not say, gave it the best grade that they gave at all."""
    if row.usable:
        return row.usable == "yes"
    best = max((other.grade for other in among if other.grade is not None), default=None)
    return row.grade is not None and row.grade == best


def _kappa(said: Sequence[GradeLabel], grades: npt.NDArray[np.float64], steps: Mapping[str, float]) -> float | None:
    classes = sorted(float(name) for name in steps)
    theirs = [sum((row.grade or 0.0) >= one for one in classes) for row in said]
    ours = [sum(grade >= steps[f"{one:g}"] for one in classes) for grade in grades]
    if any(row.grade is None for row in said) or len({*theirs, *ours}) < 2:
        return None
    return _rounded(cohen_kappa_score(theirs, ours, weights="quadratic"))


def _rounded(value: float) -> float:
    return round(float(value), 4)
