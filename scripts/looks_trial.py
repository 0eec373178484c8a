"""What looks at the whole frame bring, and what they cost: animals found, how well, false boxes, megapixels a photo.

Looks are given as shares of `detect.size`, each with the least length of the boxes that are taken from it, as `LOOKS`
of models/detector.py has them: 1:0,0.667:0.06,0.5:0.4 for instance. With /0.005 after them a coarser look is taken only
where a finer one gives a box for it so high a score (`SUSPECTED`), else always. A look's time goes with its pixels, so
megapixels (closer looks counted in) are what it costs. Photos under one name are scored together, each with the weights
that were trained without them; ONLY are the encounters and photos that count (`*` for all, several with commas).

Usage: PYTHONPATH=. python scripts/looks_trial.py --looks SET [SET ...] --on NAME WEIGHTS PHOTOS BOXES ONLY [--on ...]
       [--negatives WEIGHTS FOLDER]
"""

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from whalepipe.config import DetectConfig
from whalepipe.evaluation.boxes import Sighting
from whalepipe.evaluation.detector import DetectorEvaluation, Looked, figures, find, look
from whalepipe.models import detector
from whalepipe.models.tiles import Picture, Seen
from whalepipe.photos import ENDINGS

SHOWN = ("ap50", "ap", "recall", "precision")
Looks = tuple[tuple[float, float], ...]


class Remembered:
    """Looks that were taken already, of the same weights at the same picture and size; and what all of them cost."""

    def __init__(self) -> None:
        self.megapixels, self._taken = 0.0, dict[Any, Seen]()
        self._take = detector.Detector._looks

    def looks(self, one: detector.Detector, images: Sequence[Picture], size: int) -> list[Seen]:
        """The looks that are taken, or were."""
        return [self._look(one, image, size) for image in images]

    def _look(self, one: detector.Detector, image: Picture, size: int) -> Seen:
        height, width = image.shape[:2]
        self.megapixels += (size / max(height, width)) ** 2 * height * width / 1e6
        key = id(one), hashlib.sha1(image.tobytes()).digest(), image.shape, size
        if key not in self._taken:
            [self._taken[key]] = self._take(one, [image], size)
        return self._taken[key]


def parsed(text: str) -> Looks:
    """Looks as they are given on the command line."""
    return tuple((float(share), float(least)) for share, least in (one.split(":") for one in text.split(",")))


def scored(sets: list[list[str]], remembered: Remembered) -> list[str]:
    """The figures of each name."""
    sightings: dict[str, list[Sighting]] = defaultdict(list)
    before: dict[str, float] = defaultdict(float)
    parts: dict[str, tuple[str, ...]] = {}
    for name, weights, photos, boxes, only in sets:
        remembered.megapixels = 0.0
        options = DetectorEvaluation(DetectConfig(weights=weights), only=tuple(only.split(",")))
        looked = look(Path(photos), Path(boxes), options)
        sightings[name] += looked.sightings
        parts[name] = looked.parts
        before[name] += remembered.megapixels
    rows = []
    for name, seen in sightings.items():
        found = figures(Looked(parts[name], seen, None), DetectorEvaluation())
        told = " ".join(f"{found[key]:.3f}" for key in SHOWN)
        rows.append(f"{name}: {told} at {before[name] / len(seen):.2f} MP")
    return rows


def false_boxes(weights: str, folder: Path, remembered: Remembered) -> str:
    """How many boxes there are on photos without animals."""
    remembered.megapixels, config = 0.0, DetectConfig(weights=weights)
    tell = detector.load_detector(config, "cpu")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    boxes = sum(len(find(path, tell, config)[0]) for path in paths)
    return f"{boxes} false boxes in {len(paths)} at {remembered.megapixels / len(paths):.2f} MP"


def main() -> None:
    """A row for each set of looks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--looks", nargs="+", required=True)
    parser.add_argument("--on", nargs=5, action="append", required=True)
    parser.add_argument("--negatives", nargs=2)
    asked = parser.parse_args()
    remembered, load = Remembered(), detector.load_detector

    @cache
    def once(weights: str) -> detector.Detector:
        return load(replace(DetectConfig(), weights=weights), "cpu")

    print("each: AP50, AP, found, right")
    for each in asked.looks:
        text, _, suspected = each.partition("/")
        with (
            patch.object(detector, "SUSPECTED", float(suspected or 0)),
            patch.object(detector, "LOOKS", parsed(text)),
            patch.object(detector.Detector, "_looks", lambda *given: remembered.looks(*given)),
            patch.object(detector, "load_detector", lambda config, _: once(config.weights)),
            patch("whalepipe.evaluation.detector.load_detector", lambda config, _: once(config.weights)),
        ):
            rows = scored(asked.on, remembered)
            if asked.negatives:
                rows.append(false_boxes(asked.negatives[0], Path(asked.negatives[1]), remembered))
            print(each, *rows, sep="\n    ", flush=True)


if __name__ == "__main__":
    main()
