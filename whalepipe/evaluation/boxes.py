"""How good found boxes are, by COCO's rules as pycocotools computes them, with intervals by resampling encounters."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Numbers = npt.NDArray[np.float64]
Interval = tuple[float, float] | None
FIGURES = ("ap50", "ap", "recall", "precision")


@dataclass(frozen=True)
class Sighting:
    """A photo: truths (N, 5) are class, xmin, ymin, xmax, ymax; found (M, 6) the same and the confidence. Pixels."""

    encounter: str  # empty: an encounter of its own
    truths: Numbers
    found: Numbers


class Scores:
    """Boxes matched once, by class and photo; the figures are then taken of any choice of the photos."""

    def __init__(self, sightings: Sequence[Sighting], classes: int, confidence: float, most: int) -> None:
        """`confidence`: at which recall and precision are taken; `most`: boxes of a photo that count."""
        self.confidence, self.photos, self.classes = confidence, len(sightings), classes
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
            self._eval = COCOeval(_coco(sightings, classes, truth=True), _coco(sightings, classes, truth=False), "bbox")
            self._eval.params.areaRng, self._eval.params.areaRngLbl = [[0, 1e10]], ["all"]
            self._eval.params.maxDets = [most]
            self._eval.evaluate()
        self._matched = np.array(self._eval.evalImgs, dtype=object).reshape(classes, len(sightings))

    def figures(self, chosen: npt.NDArray[np.intp], only: int | None = None) -> dict[str, float | None]:
        """AP50, AP, recall and precision on these photos (indices; one may be there twice), of one class or of all.

        AP is the mean over the classes that have boxes. A figure that has no meaning there is None.
        """
        classes = list(range(self.classes)) if only is None else [only]
        matched = self._matched[classes][:, chosen]
        precision = self._accumulate(matched)
        return {"ap50": _mean(precision[0]), "ap": _mean(precision), **self._at_threshold(matched)}

    def _accumulate(self, matched: npt.NDArray[np.object_]) -> Numbers:
        """COCO's precision (10 overlaps from 0.5 to 0.95, 101 recalls, classes); -1 where a class has no box."""
        parameters = self._eval.params
        parameters.catIds, parameters.imgIds = list(range(matched.shape[0])), list(range(matched.shape[1]))
        self._eval._paramsEval = parameters
        self._eval.evalImgs = list(matched.ravel())
        with contextlib.redirect_stdout(io.StringIO()):
            self._eval.accumulate()
        precision: Numbers = self._eval.eval["precision"][:, :, :, 0, 0]
        return precision

    def _at_threshold(self, matched: npt.NDArray[np.object_]) -> dict[str, float | None]:
        right = found = boxes = 0
        for photo in (m for m in matched.ravel() if m is not None):
            sure = np.asarray(photo["dtScores"]) >= self.confidence
            right += int(((photo["dtMatches"][0] > 0) & sure).sum())
            found, boxes = found + int(sure.sum()), boxes + len(photo["gtIds"])
        return {"recall": right / boxes if boxes else None, "precision": right / found if found else None}


def _mean(precision: Numbers) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _coco(sightings: Sequence[Sighting], classes: int, truth: bool) -> Any:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": n} for n in range(len(sightings))],
        "categories": [{"id": n} for n in range(classes)],
        "annotations": _annotations(sightings, truth),
    }
    coco.createIndex()
    return coco


def _annotations(sightings: Sequence[Sighting], truth: bool) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    for image, sighting in enumerate(sightings):
        for row in sighting.truths if truth else sighting.found:
            part, xmin, ymin, xmax, ymax = (float(v) for v in row[:5])
            box = [xmin, ymin, xmax - xmin, ymax - ymin]
            score = {} if truth else {"score": float(row[5])}
            number = len(annotations) + 1  # 0 would mean "not matched"
            annotations.append(
                {"id": number, "image_id": image, "category_id": int(part), "bbox": box, "area": box[2] * box[3]}
                | {"iscrowd": 0, **score}
            )
    return annotations


def groups(encounters: Sequence[str]) -> tuple[list[npt.NDArray[np.intp]], str]:
    """What is drawn anew in a resampling: the photos (indices) of each encounter, or, of one encounter, each photo.

    Returns the groups and their name, "encounters" or "photos". A photo without an encounter is a group of its own.
    """
    keys = [e or f"\0{n}" for n, e in enumerate(encounters)]
    if len(set(keys)) < 2:
        return [np.array([n]) for n in range(len(keys))], "photos"
    together: dict[str, list[int]] = {}
    for n, key in enumerate(keys):
        together.setdefault(key, []).append(n)
    return [np.array(members) for members in together.values()], "encounters"


def resample(count: int, times: int, seed: int) -> npt.NDArray[np.intp]:
    """Draws with replacement of `count` things: (times, count) indices."""
    return np.random.default_rng(seed).integers(0, count, (times, count))


def interval(values: Sequence[float | None]) -> Interval:
    """The middle 95 % of resampled values, to 4 decimals; None where there are none."""
    known = [v for v in values if v is not None]
    if not known:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def score(
    sightings: Sequence[Sighting], parts: Sequence[str], confidence: float, most: int, times: int, seed: int
) -> dict[str, Any]:
    """The figures of all parts together and of each, with intervals from `times` resamplings, to 4 decimals."""
    scores = Scores(sightings, len(parts), confidence, most)
    together, resampled = groups([s.encounter for s in sightings])
    draws = [np.concatenate([together[i] for i in draw]) for draw in resample(len(together), times, seed)]
    whole = _with_intervals(scores, draws, None, sightings)
    each = {part: _with_intervals(scores, draws, n, sightings) for n, part in enumerate(parts)}
    return {**whole, "resampled": resampled, "parts": each}


def _with_intervals(
    scores: Scores, draws: Sequence[npt.NDArray[np.intp]], only: int | None, sightings: Sequence[Sighting]
) -> dict[str, Any]:
    figures = scores.figures(np.arange(scores.photos), only)
    resampled = [scores.figures(draw, only) for draw in draws]
    boxes = sum(int((s.truths[:, 0] == only).sum()) if only is not None else len(s.truths) for s in sightings)
    return {
        **{name: None if value is None else round(value, 4) for name, value in figures.items()},
        "boxes": boxes,
        "intervals": {name: interval([r[name] for r in resampled]) for name in FIGURES},
    }
