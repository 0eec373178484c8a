"""How good a detector is on photos with boxes, and how often it sees an animal where there is none."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from whalepipe.config import DetectConfig, PhotosConfig
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation.boxes import Sighting, interval, resample, score
from whalepipe.models.detector import KIND, Box, Detector
from whalepipe.models.tiles import pays
from whalepipe.models.weights import find_weights
from whalepipe.photos import ENDINGS, Found, describe, read_photo, upright_size
from whalepipe.progress import Progress, silent
from whalepipe.stages.detect import drawn
from whalepipe.tables import BoxLabel, Photo, fits, read_table

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


def evaluate_detector(
    photos: Path, boxes: Path, options: DetectorEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """Score a detector on the photos that a table of boxes names; a photo with an empty row is scored as empty.

    Its own boxes are scored: those that the pipeline then drops because they lie in another one still count as false.

    Returns ap50 and ap (COCO's, mean over the parts that have boxes), recall and precision (at the configuration's
    confidence, overlap 0.5), false_per_100 (boxes in 100 photos of `negatives`; None without), photos, boxes, the same
    for each of `parts`, and `intervals` (95 %, by resampling encounters; `resampled` says "photos" where there is but
    one). Raises TableError, WeightsError, PhotoError (a photo cannot be read).
    """
    detector = Detector(find_weights(options.config.weights, KIND), options.device)
    labels = _chosen(boxes, options)
    empty = [path for root in options.negatives for path in _pictures(root)]
    sightings = [_sighting(photos, name, rows, detector, options.config) for name, rows in progress("detect", labels)]
    config = options.config
    result = score(sightings, detector.parts, config.confidence, config.max_boxes, options.resamplings, options.seed)
    alarms = [find(path, detector, config) for path in progress("negatives", empty)]
    _add_false(result, alarms if options.negatives else None, options)
    return {**result, "photos": len(sightings), "negatives": len(alarms), **_setting(options)}


def find(path: Path, detector: Detector, config: DetectConfig) -> list[Box]:
    """The boxes in a photo, read as the pipeline reads it. Raises PhotoError naming the file."""
    try:
        pixels = read_photo(path, config.size)
        closer = (partial(read_photo, path),) if pays(*upright_size(path), config) else ()
        return detector(pixels, config, *closer)
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
    truths = [(_part(d.part, name, detector), d.xmin, d.ymin, d.xmax, d.ymax) for d in drawn(photo, rows)]
    found = find(root / name, detector, replace(config, confidence=min(LEAST, config.confidence)))
    return Sighting(
        rows[0].encounter,
        np.array(truths, np.float64).reshape(-1, 5),
        np.array([_row(box, photo, detector) for box in found], np.float64).reshape(-1, 6),
    )


def _part(part: str, name: str, detector: Detector) -> int:
    if part not in detector.parts:
        raise TableError(f"a box of {name}: this detector does not know the part {part!r}, only {detector.parts}")
    return detector.parts.index(part)


def _row(box: Box, photo: Photo, detector: Detector) -> tuple[float, ...]:
    width, height = photo.width or 0, photo.height or 0
    corners = (box.xmin * width, box.ymin * height, box.xmax * width, box.ymax * height)
    return (detector.parts.index(box.part), *corners, box.confidence)


def _pictures(root: Path) -> Iterator[Path]:
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not found:
        raise TableError(f"{root}: no photos there to score")
    yield from found


def _add_false(result: dict[str, Any], alarms: list[list[Box]] | None, options: DetectorEvaluation) -> None:
    """Put false boxes per 100 photos into the figures of all parts and of each."""
    for part, figures in [(None, result), *result["parts"].items()]:
        if alarms is None:
            figures["false_per_100"] = figures["intervals"]["false_per_100"] = None
            continue
        counts = np.array([sum(part in (None, box.part) for box in boxes) for boxes in alarms], np.float64)
        draws = resample(len(counts), options.resamplings, options.seed)
        figures["false_per_100"] = round(float(100 * counts.mean()), 4)
        figures["intervals"]["false_per_100"] = interval((100 * counts[draws].mean(axis=1)).tolist())
