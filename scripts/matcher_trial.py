"""Do learned keypoints tell animals apart better than the keypoints that ship, in their place or beside them?

Three sets of crops, as `whalepipe train embedder` holds them out (seed 1): "fitted", one half of the individuals never
trained on, among themselves, to choose on and to fit lines to; "measured", the other half, among themselves; and with
--score "scored", that half and the held-out photos of trained individuals beside the gallery. For each query the first
candidates by vectors are compared, up to four crops of each. What counts is the number of matches that one shift, turn
and scale explains; a logistic regression adds it to the cosine, as for the keypoints that ship. Printed are, for the
keypoints that ship, each learned matcher in their place, and beside them: AUC of pairs of query and candidate, the
share of known queries whose first candidate is right, with --score also MAP@5 and AUROC of new against known, and what
is gained on the keypoints that ship, with its 95 % interval over individuals (the same draws); milliseconds of the
processor. A matcher is xfeat, aliked or disk and the side in pixels of the square that a crop is brought to; `+glue`
lets its own network match the points (LighterGlue, LightGlue), else mutual neighbours are matches. What it needs,
`learned_points.py` says. Vectors, points and counts are kept in --kept for the next time.

Usage: python scripts/matcher_trial.py --crops DIR --labels CSV --part head --kept DIR --learned aliked:320 [xfeat:448]
       [--score] [--looked-at 20] [--queries 0]
       --queries takes so many queries of each set by chance, for what is slow; 0: all
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from learned_points import SHIPPED, Learned, Shipped
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Shot
from whalepipe.config import MatchConfig
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.ranking import auroc, figures
from whalepipe.models.calibration import Calibration, grown
from whalepipe.models.embedder import KIND, Embedder
from whalepipe.models.weights import find_weights
from whalepipe.stages.match import Candidate
from whalepipe.tables import CropLabel
from whalepipe.training.calibrate import Evidence, fit
from whalepipe.training.crops import Labelled, LabelSet, bursts, load, split
from whalepipe.training.measure import label_rows

Floats = NDArray[np.float64]
HELD_OUT, SEED, HELD_AT = 0.15, 1, 256  # as the embedder that ships was trained
DRAWS = 300
FITTED, MEASURED, SCORED = "fitted", "measured", "scored"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--crops", "--labels", "--kept"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--part", required=True)
    parser.add_argument("--learned", nargs="*", default=[])
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--looked-at", type=int, default=MatchConfig().looked_at)
    parser.add_argument("--queries", type=int, default=0)
    return parser.parse_args()


@dataclass(frozen=True)
class Beside:
    """A query beside an individual, rows of the crops: those of the individual that are compared, the nearest first."""

    query: int
    individual: str
    crops: Sequence[int]
    cosine: float
    same: bool
    looked: bool  # one of the first candidates


@dataclass
class Stand:
    """All crops of a table, their vectors, and how often the points of two of them agree, as far as asked for."""

    said: argparse.Namespace
    held: Labelled
    groups: Sequence[int]
    vectors: NDArray[np.float32]

    def kept(self, name: str, make: Callable[[], Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        """What `make` makes, from --kept where it is there."""
        path = self.said.kept / f"{name.replace(':', '-')}.npz"
        if not path.exists():
            np.savez(path, **make())
        with np.load(path) as data:
            return {key: data[key] for key in data.files}

    def pairings(self, queries: Sequence[int], pool: Sequence[int]) -> list[Beside]:
        """Each query beside every individual of the pool, its own burst left out, the nearest first."""
        names = np.array(self.held.individuals, dtype=object)
        theirs = {name: np.array([i for i in pool if names[i] == name]) for name in sorted({names[i] for i in pool})}
        met, found = np.array(self.groups), []
        for query in queries:
            cosines = np.round(self.vectors.astype(np.float64) @ self.vectors[query].astype(np.float64), 4)
            each = []
            for name, rows in theirs.items():
                rows = rows[met[rows] != met[query]]
                rows = rows[np.argsort(-cosines[rows], kind="stable")][: MatchConfig().crops_each]
                if len(rows):
                    each.append((float(cosines[rows[0]]), name, rows.tolist()))
            each.sort(key=lambda one: (-one[0], one[1]))
            found += [
                Beside(query, name, rows, cosine, name == names[query], rank < self.said.looked_at)
                for rank, (cosine, name, rows) in enumerate(each)
            ]
        return found

    def counts(self, name: str, part: str, besides: Sequence[Beside]) -> Floats:
        """Matches of each query with the best of an individual's crops, nan where nobody looked; says what it takes."""
        way = Shipped() if name == SHIPPED else Learned(name)
        looked = [b for b in besides if b.looked]
        rows = sorted({row for b in looked for row in (b.query, *b.crops)})

        def points() -> dict[str, NDArray[Any]]:
            begin = time.process_time()
            made = {str(row): way.look(self.held.closer(row)) for row in rows}
            print(f"{name}: {1000 * (time.process_time() - begin) / len(rows):.0f} ms a crop", flush=True)
            return made

        def agreed() -> dict[str, NDArray[Any]]:
            source = name.partition("+")[0]
            seen, begin = self.kept(f"{source}-{part}-{len(looked)}", points), time.process_time()
            best = [max(way.agree(seen[str(b.query)], seen[str(row)]) for row in b.crops) for b in looked]
            pairs = sum(len(b.crops) for b in looked)
            print(f"{name}: {1000 * (time.process_time() - begin) / pairs:.1f} ms a pair", flush=True)
            return {"best": np.array(best, dtype=np.float64)}

        result = np.full(len(besides), np.nan)
        result[[b.looked for b in besides]] = self.kept(f"{name}-{part}-{len(looked)}-counts", agreed)["best"]
        return result


@dataclass(frozen=True)
class Way:
    """One way to compare: `line` (pairs,) ranks, `claimed` (pairs,) are log likelihood ratios."""

    name: str
    line: Floats
    claimed: Floats


def calibrated(besides: Sequence[Beside], details: Floats) -> Calibration:
    """The line of cosines and details (pairs, 2), as the embedder's is fitted, to what was looked at."""
    chosen = np.array([b.looked for b in besides])
    same, cosines = np.array([b.same for b in besides]), np.array([b.cosine for b in besides])
    yes, no = chosen & same, chosen & ~same
    individuals = len({b.individual for b, y in zip(besides, yes, strict=True) if y})
    line = fit(Evidence(cosines[yes], cosines[no], individuals, int(no.sum()), details[yes], details[no]))
    assert line is not None and line.joint is not None, "too few pairs to fit a line to"
    return line


def details_of(ways: Sequence[str], counts: Mapping[str, Floats]) -> Floats:
    """What a line weighs of one way's matches, or of two, (pairs, 2): the second's where else the edge's score is."""
    second = grown(counts[ways[1]]) if len(ways) > 1 else np.full(len(counts[ways[0]]), np.nan)
    return np.stack([counts[ways[0]], second], axis=1)


def compared(name: str, besides: Sequence[Beside], line: Calibration, details: Floats) -> Way:
    """What a line says of pairs."""
    found = line.line(np.array([b.cosine for b in besides]), *details.T)
    return Way(name, found, line.bent(found))


Score = Callable[[Way, NDArray[np.intp]], float | None]


def pair_auc(besides: Sequence[Beside], queries: Sequence[int]) -> Score:
    """AUC of what was looked at, each query as often as it was drawn."""
    looked = np.array([b.looked for b in besides])
    same = np.array([b.same for b in besides])[looked]
    place = {query: n for n, query in enumerate(queries)}
    whose = np.array([place[b.query] for b in besides])[looked]

    def score(way: Way, draw: NDArray[np.intp]) -> float | None:
        times = np.bincount(draw, minlength=len(queries)).astype(np.float64)[whose]
        return auroc(way.line[looked].tolist(), same.tolist(), times.tolist())

    return score


def named(stand: Stand, besides: Sequence[Beside], queries: Sequence[int], figure: str) -> Score:
    """One of `evaluation.ranking.figures` of the answers."""
    rows = [CropLabel(stand.held.crops[q], "", stand.held.individuals[q]) for q in queries]
    answers: dict[str, Any] = {}

    def score(way: Way, draw: NDArray[np.intp]) -> float | None:
        if way.name not in answers:
            each: dict[int, list[Candidate]] = {query: [] for query in queries}
            for b, line, ratio in zip(besides, way.line, way.claimed, strict=True):
                each[b.query].append(Candidate(Shot("", b.individual, ""), b.cosine, float(line), float(ratio)))
            found = [sorted(each[q], key=lambda c: (-c.line, -c.cosine, c.shot.individual)) for q in queries]
            answers[way.name] = answered(found, rows, MatchConfig().prior_new)
        return figures([answers[way.name][i] for i in draw])[figure]

    return score


def table(title: str, ways: Sequence[Way], scores: Mapping[str, Score], individuals: Sequence[str]) -> None:
    """Print what each way reaches, and the difference to the first with its interval over individuals."""
    draws, whole = redrawn(individuals, DRAWS, 0)[0], np.arange(len(individuals))
    print(f"\n{title}: {len(individuals)} queries of {len(set(individuals))} individuals")
    print(f"| what | {' | '.join(f'{name} | difference' for name in scores)} |\n|{' --- |' * (1 + 2 * len(scores))}")
    for way in ways:
        cells = [way.name]
        for score in scores.values():
            value, first = score(way, whole) or 0.0, score(ways[0], whole) or 0.0
            gains = [a - b for d in draws for a, b in [(score(way, d), score(ways[0], d))] if a is not None and b]
            low, high = interval(gains) or (0.0, 0.0)
            cells += [f"{value:.3f}", "" if way is ways[0] else f"{value - first:+.3f} ({low:+.3f} to {high:+.3f})"]
        print(f"| {' | '.join(cells)} |", flush=True)


def stand_of(said: argparse.Namespace) -> tuple[Stand, dict[str, list[int]]]:
    """The crops, and the rows of each set."""
    held = load(LabelSet(said.labels, said.crops, said.part), HELD_AT)
    rows = split(held, HELD_OUT, SEED)
    place = {crop: n for n, crop in enumerate(held.crops)}
    measured = {place[row.crop] for row in label_rows(held, rows)[1]} & set(rows.individuals)
    stand = Stand(said, held, bursts(held), np.zeros((0, 0), np.float32))

    def vectors() -> dict[str, NDArray[Any]]:
        model = Embedder(find_weights("embedder", KIND))
        return {"vectors": np.stack([model(held.closer(n)) for n in range(len(held.crops))])}

    stand.vectors = stand.kept("vectors", vectors)["vectors"]
    fitted = [n for n in rows.individuals if n not in measured]
    sets = {"gallery": rows.train, "photos": rows.photos, FITTED: fitted, MEASURED: sorted(measured)}
    return stand, sets


def looked_through(
    stand: Stand, queries: Sequence[int], pool: Sequence[int], part: str
) -> tuple[list[Beside], list[int], dict[str, Floats]]:
    """The pairings of those queries that have a true answer in the pool or, of the gallery, of all; their matches."""
    drawn = np.random.default_rng(0).permutation(len(queries))[: stand.said.queries or None]
    besides = stand.pairings([queries[i] for i in sorted(drawn.tolist())], pool)
    if part != SCORED:
        told = {b.query for b in besides if b.same}
        besides = [b for b in besides if b.query in told]
    counts = {name: stand.counts(name, part, besides) for name in (SHIPPED, *stand.said.learned)}
    return besides, list(dict.fromkeys(b.query for b in besides)), counts


def main() -> None:
    """Fit, and print the tables."""
    said = arguments()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    said.kept.mkdir(parents=True, exist_ok=True)
    stand, sets = stand_of(said)
    ways = [(SHIPPED,), *[way for name in said.learned for way in ((name,), (SHIPPED, name))]]
    asked = {FITTED: (sets[FITTED],) * 2, MEASURED: (sets[MEASURED],) * 2}
    if said.score:
        asked[SCORED] = ([*sets["photos"], *sets[MEASURED]], sets["gallery"])
    lines: dict[str, Calibration] = {}
    for part, (queries, pool) in asked.items():
        besides, chosen, counts = looked_through(stand, queries, pool, part)
        found = []
        for names in ways:
            whose, details = " + ".join(names), details_of(names, counts)
            lines[whose] = lines.get(whose) or calibrated(besides, details)
            found.append(compared(whose, besides, lines[whose], details))
        scores = {"AUC of pairs": pair_auc(besides, chosen)}
        shown = ("top1", "map5", "auroc_new") if part == SCORED else ("top1",)
        scores |= {figure: named(stand, besides, chosen, figure) for figure in shown}
        table(part, found, scores, [stand.held.individuals[q] for q in chosen])


if __name__ == "__main__":
    main()
