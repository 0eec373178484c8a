"""How good a detector is on photos with boxes, and how often it sees an animal where there is none."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from whalepipe.config import DetectConfig, PhotosConfig
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation.boxes import Numbers, Sighting, interval, of_size, resample, score
from whalepipe.models.detector import Box, Detector, load_detector
from whalepipe.models.tiles import pays
from whalepipe.photos import ENDINGS, Found, as_text, describe, read_photo, upright_size
from whalepipe.progress import Progress, silent
from whalepipe.stages.detect import drawn
from whalepipe.tables import BoxLabel, fits, read_table

LEAST = 0.001  # the curve of precision over recall needs the unsure boxes too


@dataclass(frozen=True)
class DetectorEvaluation:
    """What to score, and how."""

    config: DetectConfig = field(default_factory=DetectConfig)  # weights, size, and the confidence they operate at
    negatives: tuple[Path, ...] = ()  # folders of photos without animals
    only: tuple[str, ...] = ()  # glob patterns of the encounters and photos that are scored; empty: all
    without: tuple[str, ...] = ()  # and of those that are not
    resamplings: int = 300  # for the intervals
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Looked:
    """What a detector found."""

    parts: tuple[str, ...]  # what it knows, in the order of its classes
    sightings: list[Sighting]  # on the photos with boxes; its unsure boxes too
    alarms: list[Sighting] | None  # on photos without animals, at the configuration's confidence; None: none were given


def evaluate_detector(
    photos: Path, boxes: Path, options: DetectorEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """Score a detector on the photos that a table of boxes names: `look`, then `figures`, which say what comes back."""
    return figures(look(photos, boxes, options, progress), options)


def look(photos: Path, boxes: Path, options: DetectorEvaluation, progress: Progress = silent) -> Looked:
    """Let a detector look at the photos that a table of boxes names, and at those of `negatives`.

    Raises TableError, WeightsError, PhotoError (a photo cannot be read).
    """
    detector = load_detector(options.config, options.device)
    labels = _chosen(boxes, options)
    empty = [(root, path) for root in options.negatives for path in _pictures(root)]
    sightings = [_sighting(photos, name, rows, detector, options.config) for name, rows in progress("detect", labels)]
    alarms = [_alarm(root, path, detector, options.config) for root, path in progress("negatives", empty)]
    return Looked(detector.parts, sightings, alarms if options.negatives else None)


def figures(looked: Looked, options: DetectorEvaluation) -> dict[str, Any]:
    """How good the boxes are; a photo with an empty row is scored as empty.

    The detector's own boxes are scored: those that the pipeline then drops because they lie in another one still count
    as false.

    Returns ap50 and ap (COCO's, mean over the parts that have boxes), recall and precision (at the configuration's
    confidence, overlap 0.5), boxes, false_per_100 (boxes in 100 photos of `negatives`; None without), `intervals`
    (95 %, by resampling encounters; `resampled` says "photos" where there is but one), the same for each of `parts`
    and of `sizes` (evaluation/boxes.py says what they are), photos, negatives, and the settings.
    """
    config = options.config
    most, times, seed = config.max_boxes, options.resamplings, options.seed
    result = score(looked.sightings, looked.parts, config.confidence, most, times, seed)
    _add_false(result, looked, options)
    return {**result, "photos": len(looked.sightings), "negatives": len(looked.alarms or ()), **_setting(options)}


def find(path: Path, detector: Detector, config: DetectConfig) -> tuple[list[Box], tuple[int, int]]:
    """The boxes in a photo, read as the pipeline reads it, and the width and height at which it was read.

    Raises PhotoError naming the file.
    """
    try:
        pixels = read_photo(path, config.size)
        closer = (partial(read_photo, path),) if pays(*upright_size(path), config) else ()
        return detector(pixels, config, *closer), (pixels.shape[1], pixels.shape[0])
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error


def _setting(options: DetectorEvaluation) -> dict[str, Any]:
    config = options.config
    return {"weights": config.weights, "size": config.size, "confidence": config.confidence}


def _chosen(boxes: Path, options: DetectorEvaluation) -> list[tuple[str, list[BoxLabel]]]:
    """The labels of each photo to be scored, by its name. Raises TableError where none is left."""
    rows = [r for r in read_table(boxes, BoxLabel, aliases=True) if _wanted(r, options)]
    if not rows:
        raise TableError(f"{boxes}: no photo is left to score")
    rows.sort(key=lambda r: r.photo)
    return [(photo, list(group)) for photo, group in groupby(rows, key=lambda r: r.photo)]


def _wanted(row: BoxLabel, options: DetectorEvaluation) -> bool:
    names = row.encounter, row.photo, Path(row.photo).name
    return (not options.only or fits(options.only, *names)) and not fits(options.without, *names)


def _sighting(root: Path, name: str, rows: list[BoxLabel], detector: Detector, config: DetectConfig) -> Sighting:
    photo = describe(Found(name, root / name), PhotosConfig())
    if photo.error:
        raise PhotoError(f"{root / name}: {photo.error}")
    size = photo.width or 0, photo.height or 0
    truths = [(_part(d.part, name, detector), d.xmin, d.ymin, d.xmax, d.ymax) for d in drawn(photo, rows)]
    found, _ = find(root / name, detector, replace(config, confidence=min(LEAST, config.confidence)))
    boxes = np.array(truths, np.float64).reshape(-1, 5)
    return Sighting(rows[0].encounter, boxes, as_rows(found, size, detector), size, name, root / name)


def _alarm(root: Path, path: Path, detector: Detector, config: DetectConfig) -> Sighting:
    found, size = find(path, detector, config)
    name = as_text(path.relative_to(root.parent).as_posix())
    return Sighting("", np.empty((0, 5)), as_rows(found, size, detector), size, name, path)


def _part(part: str, name: str, detector: Detector) -> int:
    if part not in detector.parts:
        raise TableError(f"a box of {name}: this detector does not know the part {part!r}, only {detector.parts}")
    return detector.parts.index(part)


def as_rows(boxes: list[Box], size: tuple[int, int], detector: Detector) -> Numbers:
    """Boxes as a Sighting has them, (N, 6), in pixels of a picture of this width and height."""
    width, height = size
    rows = [
        (detector.parts.index(b.part), b.xmin * width, b.ymin * height, b.xmax * width, b.ymax * height, b.confidence)
        for b in boxes
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def _pictures(root: Path) -> Iterator[Path]:
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not found:
        raise TableError(f"{root}: no photos there to score")
    yield from found


def _add_false(result: dict[str, Any], looked: Looked, options: DetectorEvaluation) -> None:
    """Put false boxes per 100 photos into the figures of all boxes, of each part and of each size."""
    alarms = looked.alarms
    if alarms is None:
        for into in (result, *result["parts"].values(), *result["sizes"].values()):
            into["false_per_100"] = into["intervals"]["false_per_100"] = None
        return
    _put_false(result, [len(a.found) for a in alarms], options)
    for number, part in enumerate(looked.parts):
        _put_false(result["parts"][part], [(a.found[:, 0] == number).sum() for a in alarms], options)
    for size, into in result["sizes"].items():
        _put_false(into, [of_size(a.found[:, 1:5], a.size, size).sum() for a in alarms], options)


def _put_false(into: dict[str, Any], counts: list[int], options: DetectorEvaluation) -> None:
    """The figure and its interval, from the number of false boxes in each photo."""
    each = 100 * np.array(counts, np.float64)
    draws = resample(len(each), options.resamplings, options.seed)
    into["false_per_100"] = round(float(each.mean()), 4)
    bounds = interval(each[draws].mean(axis=1).tolist())
    if not each.any():  # however often they are drawn again; so of photos with a false box, as Wilson 1927 has it
        bounds = (0.0, round(100 * float(binomtest(0, len(each)).proportion_ci(method="wilson").high), 4))
    into["intervals"]["false_per_100"] = bounds
