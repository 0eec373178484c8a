"""What silhouettes tell at the frame: whole animals that touch it from animals that it cuts (whalepipe/models/cut.py).

A frame is moved to the box of each crop that people called usable, on the left, on top and on the right in turn: just
to the box, and so that a share of the box is lost. Printed is for each share how many silhouettes run along the frame
as far as each of some shares of the box's side, for each part and way and in all: of whole ones few should, of those
that are cut many.

Usage: python scripts/cut_trial.py --grades labels/quality/grades.csv --photos DATA [--without score]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from whalepipe.config import QualityConfig
from whalepipe.evaluation.degrade import Framed
from whalepipe.evaluation.framing import graded
from whalepipe.models.cut import TOUCHES, find_cuts

SHARES = (0.0, 0.03, 0.06, 0.1, 0.2, 0.4, 0.6)  # of the box, lost
RUNS = (0.02, TOUCHES, 0.05, 0.1, 1 / 6)  # of the box's side
AWAY = 0.03  # of the box: where the frame was nearer before, the animal may be cut already
SIDES = (0, 1, 2)  # left, top, right


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grades", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[], help="glob patterns of encounters, files and halves")
    return parser.parse_args()


def moved(crop: Framed, share: float, side: int) -> Framed:
    """The crop with its frame at one side of the box, or within it, so that this share of the box is lost."""
    xmin, ymin, xmax, ymax = crop.box
    wide, high = xmax - xmin, ymax - ymin
    if side == 0:
        left = round(xmin + share * wide)
        return Framed(np.ascontiguousarray(crop.pixels[:, left:]), (max(0.0, xmin - left), ymin, xmax - left, ymax))
    if side == 2:
        right = round(xmax - share * wide)
        return Framed(np.ascontiguousarray(crop.pixels[:, :right]), (xmin, ymin, min(xmax, float(right)), ymax))
    top = round(ymin + share * high)
    return Framed(np.ascontiguousarray(crop.pixels[top:]), (xmin, max(0.0, ymin - top), xmax, ymax - top))


def away(crop: Framed) -> Iterator[int]:
    """The sides at which the frame is not at the box yet."""
    width = crop.pixels.shape[1]
    xmin, ymin, xmax, ymax = crop.box
    gaps = (xmin / (xmax - xmin), ymin / (ymax - ymin), (width - xmax) / (xmax - xmin))
    return (side for side in SIDES if gaps[side] >= AWAY)


def main() -> None:
    """Measure and print."""
    said = arguments()
    cv2.setNumThreads(1)
    cuts = find_cuts(QualityConfig(), "cpu")
    if cuts is None:
        raise SystemExit("the shipped silhouettes are missing")
    told: list[tuple[str, float, float]] = []  # part and way, share lost, how far it runs
    for row, crop in graded(said.grades, said.photos, said.without):
        for side in away(crop) if row.usable == "yes" else ():
            for share in SHARES:
                one = moved(crop, share, side)
                along = cuts(row.part, one.pixels, one.box)
                way = f"{row.part}, {'above' if side == 1 else 'left and right'}"
                told.append((way, share, 0.0 if along is None else float(along[side])))
    for way in (*dict.fromkeys(each[0] for each in told), ""):
        print(way or "all")
        for least in RUNS:
            shares = ((s, [runs >= least for w, lost, runs in told if lost == s and way in ("", w)]) for s in SHARES)
            print(f"  {least:.2f} and more: " + ", ".join(f"{s:.0%} lost {np.mean(those):.0%}" for s, those in shares))


if __name__ == "__main__":
    main()
