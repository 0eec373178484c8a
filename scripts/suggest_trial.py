"""Measure what `labels suggest` offers (whalepipe/suggest.py): which boxes, and in which order.

On photos with boxes, found by weights that have not seen them: (a) for several least confidences, how many of the drawn
boxes are among those written (overlap 0.5, same part) and how many written ones are to be deleted; (b) for several
measures of uncertainty, how many of the detector's errors at its threshold (boxes missed, false boxes) lie in the first
third of the photos in that order, and AUC of photos with an error against those without.

Usage: python scripts/suggest_trial.py --fold WEIGHTS PHOTOS BOXES PATTERNS [--fold ...]
       PATTERNS, with commas between: encounters or photos that these weights were trained without ('IMG_49,fb_*')
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whalepipe.boxes import overlap
from whalepipe.config import DetectConfig, PhotosConfig
from whalepipe.evaluation.ranking import auroc
from whalepipe.models.detector import KIND, Detector
from whalepipe.models.weights import find_weights
from whalepipe.photos import Found, describe, read_photo
from whalepipe.stages.detect import detect, drawn
from whalepipe.suggest import LEAST, uncertainty
from whalepipe.tables import BoxLabel, Detection, fits, read_table

CONFIDENCES = (0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.01)
CONFIG = DetectConfig()
Measure = Callable[[list[float]], float]
MEASURES: dict[str, Measure] = {
    "largest, even odds at the threshold (shipped)": lambda sure: uncertainty(sure, CONFIG.confidence),
    "sum, even odds at the threshold": lambda sure: sum(uncertainty([one], CONFIG.confidence) for one in sure),
    "mean, even odds at the threshold": lambda sure: float(
        np.mean([uncertainty([one], CONFIG.confidence) for one in sure] or [0.0])
    ),
    "largest, even odds at 0.5": lambda sure: uncertainty(sure, 0.5),
    "sum, even odds at 0.5": lambda sure: sum(uncertainty([one], 0.5) for one in sure),
    "1 - the surest box": lambda sure: 1 - max(sure, default=0.0),
}


@dataclass(frozen=True)
class Looked:
    """A photo's boxes, a person's and the detector's."""

    truths: list[Detection]
    found: list[Detection]

    def counts(self, confidence: float) -> tuple[int, int]:
        """How many drawn boxes are among those found at this confidence, and how many of these are false."""
        free, right = list(self.truths), 0
        kept = [d for d in self.found if d.confidence >= confidence]
        for box in sorted(kept, key=lambda d: -d.confidence):
            best = max((t for t in free if t.part == box.part), key=lambda t: overlap(t, box), default=None)
            if best is not None and overlap(best, box) >= 0.5:
                free.remove(best)
                right += 1
        return right, len(kept) - right

    @property
    def errors(self) -> int:
        """Boxes missed and false boxes at the detector's own threshold."""
        right, false = self.counts(CONFIG.confidence)
        return len(self.truths) - right + false


def look(weights: str, photos: Path, boxes: Path, patterns: Sequence[str]) -> list[Looked]:
    """The photos of one fold."""
    detector = Detector(find_weights(weights, KIND))
    labels: dict[str, list[BoxLabel]] = {}
    for row in read_table(boxes, BoxLabel, aliases=True):
        if fits(patterns, row.encounter, row.photo, Path(row.photo).name):
            labels.setdefault(row.photo, []).append(row)
    done = []
    for name, rows in sorted(labels.items()):
        photo = describe(Found(name, photos / name), PhotosConfig())
        pixels = read_photo(photos / name, CONFIG.size)
        found = detect(photo, pixels, detector, replace(CONFIG, confidence=LEAST))
        done.append(Looked(drawn(photo, rows), found))
    return done


def report(looked: Sequence[Looked]) -> None:
    """Print (a) and (b)."""
    total = sum(len(photo.truths) for photo in looked)
    print(f"{len(looked)} photos, {total} boxes")
    for confidence in CONFIDENCES:
        right, false = np.sum([photo.counts(confidence) for photo in looked], axis=0)
        print(f"  from {confidence:<5} {right} found, {false} to delete ({false / len(looked):.2f} a photo)")
    errors = np.array([photo.errors for photo in looked])
    third = len(looked) // 3
    print(f"  {errors.sum()} errors in {(errors > 0).sum()} photos; in the first {third} photos, and AUC:")
    for name, measure in MEASURES.items():
        values = np.array([measure([d.confidence for d in photo.found]) for photo in looked])
        order = np.argsort(-values, kind="stable")
        auc = auroc(values.tolist(), (errors > 0).tolist())
        print(f"  {name:<48}{errors[order[:third]].sum():>4}  {'' if auc is None else f'{auc:.2f}'}")


def main() -> None:
    """Each fold, then all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", nargs=4, action="append", required=True)
    every: list[Looked] = []
    for weights, photos, boxes, patterns in parser.parse_args().fold:
        looked = look(weights, Path(photos), Path(boxes), patterns.split(","))
        report(looked)
        every += looked
    report(every)


if __name__ == "__main__":
    main()
