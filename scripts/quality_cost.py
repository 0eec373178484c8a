"""Measure what it costs to grade a crop on one core: its measures, its grade, and how it meets the frame.

Of the crops of a folder, each taken as the pipeline cuts it (a margin of 10 % around the box), milliseconds of one core
for each of: measures, grade and reason; where a box ends at the photo's frame, its silhouette. Reading the file and the
vector are not counted: the pipeline has both by then. Each crop is measured --rounds times, and its quickest counts.

Usage: python scripts/quality_cost.py FOLDER [--part dorsal_fin] [--most 200] [--rounds 3]
"""

import argparse
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from whalepipe.config import QualityConfig
from whalepipe.evaluation.framing import ready
from whalepipe.evaluation.spoiling import measures_of
from whalepipe.models.cut import find_cuts
from whalepipe.models.embedder import KIND, Look
from whalepipe.models.grade import Grader, find_grader
from whalepipe.models.weights import find_weights
from whalepipe.photos import read_photo
from whalepipe.stages.quality import judged

ENDINGS = (".jpg", ".jpeg", ".png")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of crops")
    parser.add_argument("--part", default="dorsal_fin")
    parser.add_argument("--most", type=int, default=200, help="crops, the first by name")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def quickest(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of processor time of the quickest round."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(1000 * (time.process_time() - begun))
    return min(times)


def main() -> None:
    """Print medians, means and the slowest."""
    said = arguments()
    cv2.setNumThreads(1)
    weights, embedder = find_grader("quality"), find_weights("embedder", KIND)
    cuts = find_cuts(QualityConfig(), "cpu")
    if weights is None or cuts is None:
        raise SystemExit("the shipped weights are missing")
    grader = Grader(weights, embedder.digest)
    look = Look(np.full(512, 512**-0.5, np.float32), 1.0)
    paths = sorted(p for p in said.folder.iterdir() if p.suffix.lower() in ENDINGS)
    crops = [ready(read_photo(path)) for path in islice(paths, said.most)]
    cuts(said.part, crops[0].pixels, crops[0].box)
    told = {"measures": [], "grade and reason": [], "silhouette": [], "all three, where a box ends at the frame": []}
    for crop in crops:
        row = measures_of(crop, said.part, None)
        measures = quickest(lambda crop=crop: measures_of(crop, said.part, None), said.rounds)
        grade = quickest(lambda row=row: judged(row, grader, said.part, look), said.rounds)
        # a copy each time, because the last answer is kept
        silhouette = quickest(lambda crop=crop: cuts(said.part, crop.pixels.copy(), crop.box), said.rounds)
        for name, cost in zip(told, (measures, grade, silhouette, measures + grade + silhouette), strict=True):
            told[name].append(cost)
    side = np.median([np.sqrt(crop.pixels.size / 3) for crop in crops])
    print(f"{len(crops)} crops, {side:.0f} pixels on the median (square root of the area), part {said.part}")
    for name, times in told.items():
        print(
            f"{name}: median {np.median(times):.1f}, mean {np.mean(times):.1f}, most {np.max(times):.1f} ms of one core"
        )


if __name__ == "__main__":
    main()
