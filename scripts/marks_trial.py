"""Measure how well the distinctiveness of dorsal fins is told (whalepipe/models/distinctive.py).

On rendered fins, --individuals of them: (a) its rank correlation with the depths of the notches that they have, of all
crops, of those in plain sight (no fault, less than 0.3 hidden) and of those with each fault, and how alike it is for
one animal's crops (the intraclass correlation of its ranks); (b) how often a crop finds its own animal among the others
by vector and trailing edge, in each third of the crops, the least distinctive first, and what a usual deviation of its
rank adds to the log odds of that where what is known of the picture (hidden, angle, size, fault) is the same. On crops
that people graded, with --grades and --photos: (c) its rank correlation with what they said, and the AUC of very marked
against little. Intervals are 95 % of bootstrap draws of animals (rendered), of photos, and of encounters, where they
are known. Times are of one core.

Usage: python scripts/marks_trial.py [--individuals 60] [--shots 8] [--first 7000] [--seed 1]
       [--grades labels/fins/marks.csv --photos DATA/fins/crops [--without tune]]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from whalepipe.evaluation.framing import graded
from whalepipe.models.calibration import read_calibration
from whalepipe.models.distinctive import PART, distinctiveness
from whalepipe.models.edge import Edge, compare_many, trace
from whalepipe.models.embedder import KIND, Embedder
from whalepipe.models.silhouette import Silhouettes, find_silhouettes
from whalepipe.models.weights import find_weights
from whalepipe.training.exemplars import FAULTS, Exemplar, exemplars

DRAWS = 500  # of the bootstrap
HIDDEN = 0.3  # of the part: with less it is in plain sight

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--individuals", type=int, default=60, help="0: none are rendered")
    parser.add_argument("--shots", type=int, default=8, help="crops of each")
    parser.add_argument("--first", type=int, default=7000, help="number of the first individual in its stream")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--grades", type=Path, help="CSV: photo, part, a box if any, distinctiveness (1 to 3, 0: unknown)"
    )
    parser.add_argument("--photos", type=Path, help="the folder of its photos")
    parser.add_argument("--without", nargs="*", default=[], help="patterns of encounters, photos or halves")
    return parser.parse_args()


def traced(crops: Sequence[Picture]) -> list[Edge | None]:
    """The edges of crops as the pipeline finds them; prints the time."""
    weights, exported = find_silhouettes("silhouette", "auto", "cpu", "quality.silhouette")
    silhouettes = Silhouettes(weights, "cpu", exported)
    silhouettes(crops[0])  # loads
    start = time.process_time()
    edges = [trace(crop, PART, silhouettes(crop)) for crop in crops]
    spent = (time.process_time() - start) / len(crops)
    print(f"traced {np.mean([e is not None for e in edges]):.3f} of {len(crops)} crops, {1000 * spent:.0f} ms a crop")
    return edges


def told(edges: Sequence[Edge | None]) -> Floats:
    """How marked they are (n,), nan where there is no edge."""
    return np.array([np.nan if edge is None else distinctiveness(edge.marks) for edge in edges])


def stated(measure: Callable[[NDArray[np.intp]], float], names: Sequence[str]) -> str:
    """The measure of all rows, and 95 % of it over draws of their groups with replacement."""
    rng, of = np.random.default_rng(0), np.array(names)
    rows = [np.flatnonzero(of == name) for name in sorted(set(names))]
    draws = [measure(np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])) for _ in range(DRAWS)]
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return f"{measure(np.arange(len(of))):.2f} ({low:.2f} to {high:.2f})"


def correlation(a: Floats, b: Floats) -> Callable[[NDArray[np.intp]], float]:
    """The rank correlation of chosen rows."""
    return lambda rows: float(spearmanr(a[rows], b[rows]).statistic) if np.ptp(b[rows]) else float("nan")


def alike(marks: Floats, names: NDArray[np.str_]) -> float:
    """Intraclass correlation of the ranks: the share of their variance that lies between animals."""
    ranks = rankdata(marks)
    own = [ranks[names == name] for name in sorted(set(names.tolist()))]
    sizes = np.array([len(r) for r in own])
    within = sum(((r - r.mean()) ** 2).sum() for r in own) / (len(ranks) - len(own))
    between = (sizes * np.square([r.mean() - ranks.mean() for r in own])).sum() / (len(own) - 1)
    return float((between - within) / (between + (len(ranks) / len(own) - 1) * within))


def found_again(crops: Sequence[Picture], edges: Sequence[Edge | None], names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Whether the crop most like each one, by vector and edge, is of the same animal."""
    weights = find_weights("embedder", KIND)
    embedder, joint = Embedder(weights, "cpu"), read_calibration(weights.card, PART).joint
    assert joint is not None
    vectors = np.stack([embedder.look(crop).vector for crop in crops])
    shared = np.full((len(edges), len(edges)), np.nan)
    rows = [i for i, edge in enumerate(edges) if edge is not None]
    known = [edge for edge in edges if edge is not None]
    for n, (i, edge) in enumerate(zip(rows, known, strict=True)):
        shared[i, rows[:n]] = shared[rows[:n], i] = compare_many(edge, known[:n])
    lines = joint.line(vectors @ vectors.T, np.zeros(shared.shape), shared)
    np.fill_diagonal(lines, -np.inf)
    return np.asarray(names[lines.argmax(1)] == names)


def pictures(drawn: Sequence[Exemplar]) -> Floats:
    """What is known of each picture (n, ...), standardised."""
    sides = [np.subtract(e.crop.box[2:], e.crop.box[:2]) for e in drawn]
    faults = [[e.fault == name for name in sorted(set(FAULTS))[1:]] for e in drawn]
    plain = [[e.hidden, e.angle, np.log2(side.prod())] for e, side in zip(drawn, sides, strict=True)]
    known = np.hstack([plain, faults])
    return np.asarray((known - known.mean(0)) / known.std(0))


def report_rendered(said: argparse.Namespace) -> None:
    """Print (a) and (b)."""
    every = exemplars(PART, range(said.first, said.first + said.individuals), said.shots, said.seed, 1)
    edges = traced([e.crop.pixels for e in every])
    names, marks = np.array([e.individual for e in every]), told(edges)
    right = found_again([e.crop.pixels for e in every], edges, names)
    deep = np.array([e.marked for e in every])
    kept = np.isfinite(marks)
    plain = kept & np.array([not e.fault and e.hidden < HIDDEN for e in every])
    for what, which in (("all", kept), ("in plain sight", plain)):
        agrees = stated(correlation(marks[which], deep[which]), names[which].tolist())
        print(f"(a) {what}: {which.sum()} crops, {agrees}; of one animal {alike(marks[which], names[which]):.2f}")
    for fault in sorted({e.fault for e in every}):
        which = kept & np.array([e.fault == fault for e in every])
        print(f"    {fault or 'no fault'}: {which.sum()}, {correlation(marks, deep)(np.flatnonzero(which)):.2f}")
    place = rankdata(marks[kept]) / kept.sum()
    thirds = [right[kept][np.digitize(place, (1 / 3, 2 / 3)) == third].mean() for third in range(3)]
    print("(b) found again:", " ".join(f"{share:.2f}" for share in thirds), f"of all {right[kept].mean():.2f}")
    known = np.column_stack(
        [(place - place.mean()) / place.std(), pictures([e for e, k in zip(every, kept, strict=True) if k])]
    )

    def added(rows: NDArray[np.intp]) -> float:
        return float(LogisticRegression(C=1.0, max_iter=1000).fit(known[rows], right[kept][rows]).coef_[0, 0])

    print("    added to the log odds:", stated(added, names[kept].tolist()))


def report_people(said: argparse.Namespace) -> None:
    """Print (c)."""
    rows = [(row, crop) for row, crop in graded(said.grades, said.photos, said.without) if row.part == PART]
    rows = [(row, crop) for row, crop in rows if row.distinctiveness]
    marks = told(traced([crop.pixels for _, crop in rows]))
    theirs = np.array([-(row.distinctiveness or 0.0) for row, _ in rows])
    for what, names in (
        ("photos", [r.photo for r, _ in rows]),
        ("encounters", [r.encounter or r.photo for r, _ in rows]),
    ):
        kept = np.isfinite(marks)
        groups = np.array(names)[kept].tolist()
        agrees = stated(correlation(marks[kept], theirs[kept]), groups)

        def parted(chosen: NDArray[np.intp], kept: NDArray[np.bool_] = kept) -> float:
            ends = chosen[theirs[kept][chosen] != -2]
            very = theirs[kept][ends] == -1
            return float(roc_auc_score(very, marks[kept][ends])) if 0 < very.sum() < len(very) else float("nan")

        print(f"(c) {kept.sum()} crops, drawn by {what}: {agrees}; very against little {stated(parted, groups)}")
    for grade in sorted(set(theirs.tolist()), reverse=True):
        print(f"    said {-grade:g}: 10, 50, 90 %", np.nanpercentile(marks[theirs == grade], (10, 50, 90)).round(2))


def main() -> None:
    """Measure what was asked for."""
    said = arguments()
    cv2.setNumThreads(1)
    if said.individuals:
        report_rendered(said)
    if said.grades:
        report_people(said)


if __name__ == "__main__":
    main()
