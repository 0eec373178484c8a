"""What each part of naming individuals brings: a second network, looks at details, test-time views, re-ranking.

Queries are named from a gallery with the pipeline's own functions, each row of the table with one thing more or other
than the row that it is compared with: top-1 of known queries, MAP@5 of all with `new` among the answers, AUROC of new
against known, expected calibration error, milliseconds a query on one thread (the gallery's vectors and details are
held), and the difference to the other row with its 95 % interval, both rows on the same bootstrap draws of queries.
Probabilities are by the card's calibration for the part, but in the row that says otherwise. Re-ranking uses the
other queries, which one query alone does not have, and its distances have no calibration: it has no MAP@5 and no ECE.
Vectors and details are kept in --kept for the next time.

Usage: python scripts/identity_ablation.py --crops DIR --gallery CSV --queries CSV --part head --kept DIR
       [--weights embedder] [--other fluke] [--both] [--views shifted mirrored]
       --both gives the gallery test-time views too, --other names the part whose calibration a row borrows
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.boxes import interval, resample
from whalepipe.evaluation.ranking import Answer, figures
from whalepipe.evaluation.rerank import reranked
from whalepipe.evaluation.stock import Stock, from_folder, has_truth, named
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import CloserLook, Details, closer_look
from whalepipe.models.embedder import KIND, Voter, load_voters, unit_vectors
from whalepipe.models.weights import find_weights
from whalepipe.stages.match import weighed

BATCH = 32
TIMED = 30  # queries that the time of a step is measured on
SHOWN = ("top1", "map5", "auroc_new", "ece")
RANKED = ("top1", "auroc_new")
PLAIN = ("plain",)

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """A line of the table: what was answered, the row that it is compared with, and which figures have a meaning."""

    name: str
    answers: Sequence[Answer]
    milliseconds: float
    above: str = ""
    shown: Sequence[str] = SHOWN


@dataclass(frozen=True)
class Side:
    """Gallery or queries: their crops, vectors by kind of view and network, and details."""

    stock: Stock
    vectors: Mapping[tuple[str, int], Vectors]
    looks: Sequence[Details]

    def by(self, networks: Sequence[int], views: Sequence[str] = PLAIN) -> Vectors:
        """The unit vectors that networks vote with; of several views each network's mean."""
        found = [_unit(np.sum([self.vectors[view, n] for view in views], axis=0)) for n in networks]
        return np.asarray(np.concatenate(found, axis=1) / np.sqrt(len(found)), dtype=np.float32)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--crops", "--gallery", "--queries", "--kept"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--part", required=True)
    parser.add_argument("--weights", default="embedder")
    parser.add_argument("--other", default="fluke")
    parser.add_argument("--both", action="store_true")
    parser.add_argument("--views", nargs="*", choices=["shifted", "mirrored"], default=["shifted", "mirrored"])
    return parser.parse_args()


def _unit(vectors: NDArray[np.float32]) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def moved(crop: Pixels, x: float, y: float, scale: float, degrees: float) -> Pixels:
    """A crop shifted by shares of its sides, scaled and turned about its middle, its edge drawn out."""
    height, width = crop.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (x * width, y * height)
    return np.asarray(cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


VIEWS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "plain": lambda crop: crop,
    "shift": partial(moved, x=0.03, y=-0.03, scale=1.0, degrees=0.0),
    "near": partial(moved, x=0.0, y=0.0, scale=1.06, degrees=4.0),
    "far": partial(moved, x=0.0, y=0.0, scale=0.94, degrees=-4.0),
    "mirror": lambda crop: np.ascontiguousarray(crop[::-1]),
}
MEANS = {"shifted": ("plain", "shift", "near", "far"), "mirrored": ("plain", "mirror")}


def side(
    stock: Stock, voters: Sequence[Voter], look: CloserLook, views: Sequence[str], said: argparse.Namespace
) -> Side:
    """All that is needed of one side, from --kept as far as it is there."""
    said.kept.mkdir(parents=True, exist_ok=True)
    start = f"{Path(stock.source).stem}-{look.method.replace(' ', '-')}-{len(stock.rows)}"
    vectors = {}
    for view in views:
        for n, voter in enumerate(voters):
            path = said.kept / f"{start}-{Path(said.weights).stem}-{view}-{n}.npy"
            if not path.exists():
                np.save(path, embedded(stock, voter, VIEWS[view]))
            vectors[view, n] = np.load(path)
    path = said.kept / f"{start}-details.npz"
    if not path.exists():
        every = [look(stock.pixels(i), said.part).packed() for i in range(len(stock.rows))]
        np.savez(path, **{str(i): np.frombuffer(packed, np.uint8) for i, packed in enumerate(every)})
    with np.load(path) as kept:
        return Side(stock, vectors, [Details.unpacked(kept[str(i)].tobytes()) for i in range(len(stock.rows))])


def embedded(stock: Stock, voter: Voter, view: Callable[[Pixels], Pixels]) -> Vectors:
    """One network's unit vectors of one view of every crop."""
    starts = range(0, len(stock.rows), BATCH)
    crops = [[view(stock.pixels(i)) for i in range(s, min(s + BATCH, len(stock.rows)))] for s in starts]
    return np.concatenate([unit_vectors(voter.network, some, voter.sizes) for some in crops])


def by_distance(
    nearest: Sequence[Sequence[Nearest]], store: Gallery, distances: Floats, kept: bool
) -> list[list[Nearest]]:
    """The individuals in the order of their nearest crop by these distances; `kept`: with their cosines as scores."""
    result = []
    for near, row in zip(nearest, distances, strict=True):
        best: dict[str, float] = {}
        for shot, distance in zip(store.shots, row, strict=True):
            best[shot.individual] = min(best.get(shot.individual, np.inf), float(distance))
        given = near if kept else [replace(n, score=1 - best[n.shot.individual]) for n in near]
        result.append(sorted(given, key=lambda n: (best[n.shot.individual], n.shot.individual)))
    return result


@dataclass(frozen=True)
class Search:
    """What was found by vectors: the individuals of each query, the nearest first; milliseconds a query."""

    store: Gallery
    nearest: Sequence[Sequence[Nearest]]
    milliseconds: float


@dataclass(frozen=True)
class Trial:
    """Both sides, and what names the queries."""

    known: Side
    asked: Side
    voters: Sequence[Voter]
    look: CloserLook
    calibration: Calibration
    part: str

    def search(self, networks: Sequence[int], mine: Sequence[str] = PLAIN, theirs: Sequence[str] = PLAIN) -> Search:
        """By vectors of these networks, `mine` the views of the queries and `theirs` of the gallery."""
        shots = [Shot(r.crop, r.individual.strip(), self.part, r.encounter) for r in self.known.stock.rows]
        store = Gallery(shots, self.known.by(networks, theirs), details=self.known.looks.__getitem__)
        begin = time.perf_counter()
        nearest = store.nearest(self.part, self.asked.by(networks, mine), MatchConfig().crops_each)
        spent = self._each(begin) + len(mine) * sum(self.embedding[n] for n in networks)
        return Search(store, nearest, spent)

    def row(self, name: str, above: str, found: Search, closely: bool, calibration: Calibration | None = None) -> Row:
        """The answers of a search, with a closer look or without."""
        config, begin = MatchConfig() if closely else MatchConfig(looked_at=0), time.perf_counter()
        by = calibration or self.calibration
        answers = answered(
            [
                weighed(near, found.store, partial(self.asked.looks.__getitem__, i), by, config)
                for i, near in enumerate(found.nearest)
            ],
            self.asked.stock.rows,
            config.prior_new,
        )
        spent = self._each(begin) + self.looking if closely else 0.0
        return Row(name, answers, found.milliseconds + spent, above)

    def reranked(self, found: Search, networks: Sequence[int], kept: bool) -> Search:
        """The same individuals in the order that re-ranking gives; `kept`: with their cosines, else its own scores."""
        begin = time.perf_counter()
        distances = reranked(self.asked.by(networks), self.known.by(networks))
        nearest = by_distance(found.nearest, found.store, distances, kept)
        return Search(found.store, nearest, found.milliseconds + self._each(begin))

    @cached_property
    def embedding(self) -> list[float]:
        """Milliseconds of each network for a query."""
        stock = self.asked.stock
        return [self._timed(lambda i, v=v: unit_vectors(v.network, [stock.pixels(i)], v.sizes)) for v in self.voters]

    @cached_property
    def looking(self) -> float:
        """Milliseconds that a query's details take to find."""
        return self._timed(lambda i: self.look(self.asked.stock.pixels(i), self.part))

    def _timed(self, step: Callable[[int], object]) -> float:
        begin, count = time.perf_counter(), min(TIMED, len(self.asked.stock.rows))
        for place in range(count):
            step(place)
        return 1000 * (time.perf_counter() - begin) / count

    def _each(self, begin: float) -> float:
        return 1000 * (time.perf_counter() - begin) / len(self.asked.stock.rows)


def rows_of(trial: Trial, other: Calibration, said: argparse.Namespace) -> list[Row]:
    """Every row of the table."""
    networks = range(len(trial.voters))
    one, all_of = trial.search([0]), trial.search(networks)
    alone, shipped = f"vectors of {len(networks)} networks", "+ details: as shipped"
    rows = [
        trial.row("vectors of one network", "", one, closely=False),
        trial.row(alone, "vectors of one network", all_of, closely=False),
        trial.row(shipped, alone, all_of, closely=True),
        trial.row(f"shipped, calibrated as for {said.other}", shipped, all_of, closely=True, calibration=other),
    ]
    for name in said.views:
        found = trial.search(networks, MEANS[name], MEANS[name] if said.both else PLAIN)
        title = f"{name} views of {'both sides' if said.both else 'queries'}"
        rows += [
            trial.row(f"vectors, {title}", alone, found, closely=False),
            trial.row(f"shipped, {title}", shipped, found, closely=True),
        ]
    again, shortlist = (trial.reranked(all_of, networks, kept) for kept in (False, True))
    own = trial.row("vectors, re-ranked over all queries", alone, again, False, Calibration(1.0, 0.0))
    return [
        *rows,
        replace(own, shown=RANKED),
        trial.row("shipped, looks where re-ranking says", shipped, shortlist, closely=True),
    ]


def difference(row: Row, above: Row, name: str, draws: NDArray[np.intp]) -> str:
    """How much higher a figure is than in the other row, with its interval over the same draws of queries."""

    def of(answers: Sequence[Answer]) -> float | None:
        return figures(answers)[name]

    found = []
    for draw in draws:
        pair = [of([r.answers[i] for i in draw]) for r in (row, above)]
        found.append(None if pair[0] is None or pair[1] is None else pair[0] - pair[1])
    whole = (of(row.answers) or 0.0) - (of(above.answers) or 0.0)
    low_high = interval(found)
    return f"{whole:+.3f} ({low_high[0]:+.3f} to {low_high[1]:+.3f})" if low_high else f"{whole:+.3f}"


def report(rows: Sequence[Row]) -> None:
    """Print the table."""
    by_name = {row.name: row for row in rows}
    draws = resample(len(rows[0].answers), 300, 0)
    columns = ["what", *SHOWN, "ms a query", "compared with", *(f"Δ {name}" for name in SHOWN)]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        values = figures(row.answers)
        cells = [row.name, *(f"{values[n]:.3f}" if n in row.shown else "" for n in SHOWN), f"{row.milliseconds:.0f}"]
        above = by_name.get(row.above)
        cells += [row.above or "-"]
        cells += [difference(row, above, n, draws) if above and n in row.shown else "" for n in SHOWN]
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measure all of it."""
    said = arguments()
    cv2.setNumThreads(1)
    weights = find_weights(said.weights, KIND)
    voters, look = load_voters(weights), closer_look(weights, MatchConfig())
    assert look is not None, "the card does not say what details count"
    known = from_folder(said.crops, said.gallery, said.part).chosen(named)
    asked = from_folder(said.crops, said.queries, said.part).chosen(has_truth)
    more = [view for name in said.views for view in MEANS[name] if view != "plain"]
    held = side(known, voters, look, ["plain", *(more if said.both else [])], said)
    wanted = side(asked, voters, look, ["plain", *more], said)
    calibration, other = (read_calibration(weights.card, part) for part in (said.part, said.other))
    report(rows_of(Trial(held, wanted, voters, look, calibration, said.part), other, said))


if __name__ == "__main__":
    main()
