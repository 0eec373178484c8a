"""Score detectors trained on folds, their boxes pooled, and the false boxes that they see where no animal is.

Each fold is weights, and the encounters and negatives that these were trained without. Pooled are the fins of all
folds' encounters. False boxes are counted at the detector's own threshold on the negatives left out, and on tiles
without a box of the photos left out, each taken for a photo; the bound is Wilson's (1927), 95 %, of tiles with any.

Usage: python scripts/detector_folds.py --data DATA --fold A.pt 'IMG_49' 'n0[1]*' [--fold B.pt 'SB*' 'n0[2]*'] ...
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import binomtest

from whalepipe.config import DetectConfig
from whalepipe.evaluation.detector import DetectorEvaluation, Looked, figures, look
from whalepipe.photos import read_photo
from whalepipe.render.paste import tiles
from whalepipe.tables import fits
from whalepipe.training.boxes import empty, labelled

PARTS = ("fluke", "dorsal_fin")
TILE = (640, 427)  # width and height, pixels, of photos of 1,600


def seas(data: Path, patterns: Sequence[str], folder: Path) -> int:
    """Write the box-free tiles of the photos that the patterns name into a folder; returns how many."""
    number = 0
    for example in labelled(data / "fins" / "boxes.csv", data / "fins" / "photos", PARTS):
        if not fits(patterns, example.encounter, example.name, Path(example.name).name):
            continue
        photo = read_photo(example.path)
        for left, top in tiles(photo, example.boxes[:, 1:], TILE):
            Image.fromarray(photo[top : top + TILE[1], left : left + TILE[0]]).save(folder / f"{number:04d}.png")
            number += 1
    return number


def look_at(data: Path, weights: str, patterns: str, negatives: str, settings: DetectConfig) -> tuple[Looked, Looked]:
    """What weights find on a fold: its photos and its tiles, and again its photos and the negatives left out."""
    options = DetectorEvaluation(replace(settings, weights=weights), only=tuple(patterns.split(",")))
    photos, boxes = data / "fins" / "photos", data / "fins" / "boxes.csv"
    with tempfile.TemporaryDirectory() as folder:
        cut, left_out = Path(folder) / "tiles", Path(folder) / "negatives"
        cut.mkdir()
        left_out.mkdir()
        seas(data, options.only, cut)
        for number, example in enumerate(empty(data / "negatives")):
            if negatives and fits(negatives.split(","), example.name, example.path.name):
                (left_out / f"{number}-{example.path.name}").symlink_to(example.path.resolve())
        looked = look(photos, boxes, replace(options, negatives=tuple(f for f in (cut, left_out) if any(f.iterdir()))))
        alarms = [(a.name.startswith(f"{cut.name}/"), a) for a in looked.alarms or ()]
        on_tiles, elsewhere = ([a for on_tile, a in alarms if on_tile is wanted] for wanted in (True, False))
        return replace(looked, alarms=on_tiles), replace(looked, alarms=elsewhere)


def false(alarms: Sequence[int]) -> str:
    """False boxes, in so many pictures, as people read it."""
    any_ = sum(1 for count in alarms if count)
    bounds = binomtest(any_, len(alarms)).proportion_ci(method="wilson")
    return f"{sum(alarms)} boxes in {any_} of {len(alarms)} ({100 * bounds.low:.1f} to {100 * bounds.high:.1f} %)"


def main() -> None:
    """Look, pool, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fold", nargs=3, action="append", required=True, metavar=("WEIGHTS", "LEFT_OUT", "NEGATIVES"))
    parser.add_argument("--tighten", default="")
    asked = parser.parse_args()
    settings = DetectConfig(**({"tighten": asked.tighten} if asked.tighten else {}))
    seen = [look_at(asked.data, *fold, settings) for fold in asked.fold]
    pooled = Looked(PARTS, [s for tiled, _ in seen for s in tiled.sightings], None)
    found = figures(pooled, DetectorEvaluation(settings))
    kept = {name: found[name] for name in ("ap50", "ap", "recall", "precision", "boxes")}
    print(json.dumps({**kept, "intervals": found["intervals"]}))
    for name, number in (("tiles", 0), ("negatives", 1)):
        alarms = [len(a.found) for fold in seen for a in fold[number].alarms or ()]
        print(name, false(alarms) if alarms else "none left out")
    fins = [s for s in pooled.sightings if len(s.truths)]
    print(f"{len(fins)} photos with {sum(len(s.truths) for s in fins)} fins, {np.unique([s.encounter for s in fins])}")


if __name__ == "__main__":
    main()
