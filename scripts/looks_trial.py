"""What looks at the whole frame bring, and what they cost: fins found, their boxes, false boxes, megapixels a photo.

Each set of looks is a row: shares of `detect.size` with the least length of the boxes that are taken from each, as
`LOOKS` of models/detector.py has them (`1:0,0.667:0.06,0.5:0.4`). Folds are as for scripts/detector_folds.py; flukes
and negatives of the first fold are looked at too. A look's time goes with its pixels, so megapixels are what it costs.

Usage: PYTHONPATH=. python scripts/looks_trial.py --data DATA --fold A.pt 'IMG_49' 'n0[1]*' --looks SET [SET ...]
"""

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from detector_folds import PARTS, look_at

from whalepipe.config import DetectConfig
from whalepipe.evaluation.detector import DetectorEvaluation, Looked, figures, look
from whalepipe.models import detector
from whalepipe.models.tiles import Picture, Seen

FLUKES = "fb_*,kg_*,hw_*"
Looks = tuple[tuple[float, float], ...]


class Remembered:
    """Looks that were taken already, of the same weights at the same picture and size; and what all of them cost."""

    def __init__(self) -> None:
        self.megapixels, self._taken = 0.0, dict[Any, Seen]()
        self._take = detector.Detector._look

    def __call__(self, one: detector.Detector, image: Picture, size: int) -> Seen:
        """The look that is taken, or was."""
        height, width = image.shape[:2]
        self.megapixels += (size / max(height, width)) ** 2 * height * width / 1e6
        key = id(one._network), hashlib.sha1(image.tobytes()).digest(), image.shape, size
        if key not in self._taken:
            self._taken[key] = self._take(one, image, size)
        return self._taken[key]


def parsed(text: str) -> Looks:
    """Looks as they are given on the command line."""
    return tuple((float(share), float(least)) for share, least in (one.split(":") for one in text.split(",")))


def row(data: Path, folds: list[list[str]], settings: DetectConfig, remembered: Remembered) -> str:
    """Look and count."""
    remembered.megapixels = 0.0
    seen = [look_at(data, *fold, settings) for fold in folds]
    pictures = sum(len(tiled.sightings) + len(tiled.alarms) + len(other.alarms) for tiled, other in seen)
    cost = remembered.megapixels / pictures
    fins = figures(Looked(PARTS, [s for tiled, _ in seen for s in tiled.sightings], None), DetectorEvaluation(settings))
    options = DetectorEvaluation(replace(settings, weights=folds[0][0]), only=tuple(FLUKES.split(",")))
    flukes = figures(look(data / "flukes" / "photos", data / "flukes" / "boxes.csv", options), options)
    alarms = [[sum(len(a.found) for fold in seen for a in fold[i].alarms or ()) for i in (0, 1)]]
    said = [f"{part[name]:.3f}" for part in (fins, flukes) for name in ("ap50", "ap", "recall", "precision")]
    return "  ".join([f"{cost:.3f} MP", *said[:4], "|", *said[4:], "|", f"{alarms[0][0]} {alarms[0][1]}"])


def main() -> None:
    """A row for each set of looks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fold", nargs=3, action="append", required=True, metavar=("WEIGHTS", "LEFT_OUT", "NEGATIVES"))
    parser.add_argument("--looks", nargs="+", required=True)
    asked = parser.parse_args()
    remembered, loaded = Remembered(), dict[str, detector.Detector]()
    load = detector.load_detector

    def once(config: DetectConfig, device: str) -> detector.Detector:
        if config.weights not in loaded:
            loaded[config.weights] = load(config, device)
        return loaded[config.weights]

    print("cost      fins: AP50, AP, found, right | flukes | false boxes on tiles, elsewhere")
    for text in asked.looks:
        with (
            patch.object(detector, "LOOKS", parsed(text)),
            patch.object(detector.Detector, "_look", lambda one, image, size: remembered(one, image, size)),
            patch("whalepipe.evaluation.detector.load_detector", once),
        ):
            print(row(asked.data, asked.fold, DetectConfig(), remembered), text, flush=True)


if __name__ == "__main__":
    main()
