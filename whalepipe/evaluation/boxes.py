"""How good found boxes are, by COCO's rules as pycocotools computes them, with intervals by resampling encounters."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Numbers = npt.NDArray[np.float64]
Interval = tuple[float, float] | None
ALL = (0.0, 1e10)  # areas
FIGURES = ("ap50", "ap", "recall", "precision")
# How large an animal's part is in the photo: the square root of its box's area as a share of the photo's longer side,
# above the first number and up to the second. A share, because the detector sees every photo at one size, however
# many pixels the camera has; at its 960 pixels these are COCO's small (to 32 squared), medium (to 96 squared), large.
SIZES = {"small": (0.0, 1 / 30), "medium": (1 / 30, 1 / 10), "large": (1 / 10, 1.0)}


@dataclass(frozen=True)
class Sighting:
    """A photo: truths (N, 5) are class, xmin, ymin, xmax, ymax; found (M, 6) the same and the confidence. Pixels."""

    encounter: str  # empty: an encounter of its own
    truths: Numbers
    found: Numbers
    size: tuple[int, int]  # width and height of the picture whose pixels these are
    name: str = ""  # as the table of boxes has it
    path: Path = Path()


class Scores:
    """Boxes matched once, by class and photo; the figures are then taken of any choice of the photos."""

    def __init__(self, sightings: Sequence[Sighting], classes: int, confidence: float, most: int) -> None:
        """`confidence`: at which recall and precision are taken; `most`: boxes of a photo that count."""
        self.confidence, self.photos, self.classes = confidence, len(sightings), classes
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
            self._eval = COCOeval(_coco(sightings, classes, truth=True), _coco(sightings, classes, truth=False), "bbox")
            self._eval.params.areaRng = [list(ALL), *(_areas(s) for s in SIZES.values())]
            self._eval.params.maxDets = [most]
            self._eval.evaluate()
        self._eval.params.areaRng = [list(ALL)]  # from here on one size at a time is given to it
        self._matched = np.array(self._eval.evalImgs, dtype=object).reshape(classes, 1 + len(SIZES), len(sightings))
        self._before = np.cumsum([[0, 0], *([len(s.truths), len(s.found)] for s in sightings)], axis=0)

    def figures(
        self, chosen: npt.NDArray[np.intp], only: int | None = None, size: str | None = None
    ) -> dict[str, float | None]:
        """AP50, AP, recall and precision on these photos (indices; one may be there twice), and how many boxes there.

        Of one class or of all, of one of SIZES or of all. Of a size, as COCO counts: a box that found an animal of
        another size, or nothing and is of another size itself, counts for nothing. AP is the mean over the classes
        that have boxes. A figure that has no meaning there is None.
        """
        classes = list(range(self.classes)) if only is None else [only]
        matched = self._matched[classes, 0 if size is None else 1 + list(SIZES).index(size)][:, chosen]
        precision = self._accumulate(matched)
        return {"ap50": _mean(precision[0]), "ap": _mean(precision), **self._at_threshold(matched)}

    def hits(self, photo: int) -> dict[int, int]:
        """The truths of a photo that a box found at the threshold, at an overlap of 0.5; and which box. Both by row."""
        truths, found = self._before[photo] + 1
        hits: dict[int, int] = {}
        for matched in (m for m in self._matched[:, 0, photo] if m is not None):
            each = zip(matched["dtMatches"][0], matched["dtIds"], matched["dtScores"], strict=True)
            hits |= {int(t - truths): int(f - found) for t, f, sure in each if t > 0 and sure >= self.confidence}
        return hits

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
            counts = (np.asarray(photo["dtScores"]) >= self.confidence) & ~photo["dtIgnore"][0].astype(bool)
            right += int(((photo["dtMatches"][0] > 0) & counts).sum())
            found += int(counts.sum())
            boxes += int((np.asarray(photo["gtIgnore"]) == 0).sum())
        return {
            "recall": right / boxes if boxes else None,
            "precision": right / found if found else None,
            "boxes": boxes,
        }


def areas(corners: Numbers, size: tuple[int, int]) -> Numbers:
    """The area of each box (N, 4), its unit a square on the photo's longer side: (N,)."""
    sides = (corners[:, 2:] - corners[:, :2]) / max(size)
    return np.asarray(sides.prod(axis=1), np.float64)


def of_size(corners: Numbers, size: tuple[int, int], name: str) -> npt.NDArray[np.bool_]:
    """Which boxes (N, 4) of a photo are of this one of SIZES: (N,)."""
    least, most = _areas(SIZES[name])
    area = areas(corners, size)
    return np.asarray((area >= least) & (area <= most))


def _areas(sides: tuple[float, float]) -> list[float]:
    """The areas of a size, both ends among them as COCO has it, but none in two sizes."""
    return [float(np.nextafter(sides[0] ** 2, 1)) if sides[0] else 0.0, sides[1] ** 2 if sides[1] < 1 else ALL[1]]


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
        rows = sighting.truths if truth else sighting.found
        for row, area in zip(rows, areas(rows[:, 1:5], sighting.size).tolist(), strict=True):
            part, xmin, ymin, xmax, ymax = (float(v) for v in row[:5])
            box = [xmin, ymin, xmax - xmin, ymax - ymin]
            score = {} if truth else {"score": float(row[5])}
            number = len(annotations) + 1  # 0 would mean "not matched"
            annotations.append(
                {"id": number, "image_id": image, "category_id": int(part), "bbox": box, "area": area}
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


def redrawn(encounters: Sequence[str], times: int, seed: int) -> tuple[list[npt.NDArray[np.intp]], str]:
    """The things (indices) in each of `times` resamplings of their `groups`, and the name of what was drawn anew."""
    together, resampled = groups(encounters)
    draws = resample(len(together), times, seed)
    return [np.concatenate([together[i] for i in draw]) for draw in draws], resampled


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
    """The figures of all boxes, each part, each size, to 4 decimals, with intervals from `times` resamplings."""
    scores = Scores(sightings, len(parts), confidence, most)
    draws, resampled = redrawn([s.encounter for s in sightings], times, seed)
    whole = _with_intervals(scores, draws)
    each = {part: _with_intervals(scores, draws, only=n) for n, part in enumerate(parts)}
    sizes = {name: _with_intervals(scores, draws, size=name) for name in SIZES}
    return {**whole, "resampled": resampled, "parts": each, "sizes": sizes}


def _with_intervals(
    scores: Scores, draws: Sequence[npt.NDArray[np.intp]], only: int | None = None, size: str | None = None
) -> dict[str, Any]:
    figures = scores.figures(np.arange(scores.photos), only, size)
    resampled = [scores.figures(draw, only, size) for draw in draws]
    return {
        **{name: None if value is None else round(value, 4) for name, value in figures.items()},
        "intervals": {name: interval([r[name] for r in resampled]) for name in FIGURES},
    }
