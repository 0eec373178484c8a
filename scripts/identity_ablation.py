"""What each part of naming individuals brings: a second network, looks at details, test-time views, re-ranking.

Queries are named from a gallery with the pipeline's own functions, each row of the table with one thing more or other
than the row that it is compared with: top-1 of known queries, MAP@5 of all with `new` among the answers, AUROC of new
against known, expected calibration error, milliseconds a query on one thread (the gallery's vectors and details are
held), and the difference to the other row with its 95 % interval, both rows on the same bootstrap draws of queries.
Probabilities are by the card's calibration for the part, but in the row that says otherwise. Re-ranking uses the
other queries, which one query alone does not have, and its distances have no calibration: it has no MAP@5 and no ECE.
Vectors and details are kept in --kept and read from there the next time.

Usage: python scripts/identity_ablation.py --crops DIR --gallery CSV --queries CSV --part head --kept DIR
       [--weights embedder] [--other fluke] [--both] [--views shifted mirrored]
       --both gives the gallery test-time views too, --other names the part whose calibration the last row borrows
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.boxes import interval, resample
from whalepipe.evaluation.ranking import Answer, figures
from whalepipe.evaluation.stock import Stock, from_folder, has_truth, named
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import CloserLook, Details, closer_look
from whalepipe.models.embedder import KIND, Voter, load_voters, unit_vectors
from whalepipe.models.weights import Weights, find_weights
from whalepipe.stages.match import Candidate, weighed

BATCH = 32
TIMED = 30  # queries that the time of a step is measured on
SHOWN = ("top1", "map5", "auroc_new", "ece")
RANKED = ("top1", "auroc_new")
NEAR, FEW, SHARE = 20, 6, 0.3  # k1, k2 and lambda of Zhong et al. 2017

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

    def by(self, networks: Sequence[int], views: Sequence[str] = ("plain",)) -> Vectors:
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


def milliseconds(step: Callable[[int], object], count: int) -> float:
    """The mean time of a step for one query."""
    begin = time.perf_counter()
    for place in range(min(TIMED, count)):
        step(place)
    return 1000 * (time.perf_counter() - begin) / min(TIMED, count)


def gallery_of(known: Side, vectors: Vectors, part: str) -> Gallery:
    """The known crops to search."""
    shots = [Shot(r.crop, r.individual.strip(), part, r.encounter) for r in known.stock.rows]
    return Gallery(shots, vectors, details=known.looks.__getitem__)


def found_by(
    store: Gallery, nearest: Sequence[Sequence[Nearest]], asked: Side, calibration: Calibration, config: MatchConfig
) -> tuple[list[list[Candidate]], float]:
    """Ranked individuals of each query, and milliseconds of the comparison of details for each."""
    begin = time.perf_counter()
    found = [
        weighed(near, store, partial(asked.looks.__getitem__, i), calibration, config) for i, near in enumerate(nearest)
    ]
    return found, 1000 * (time.perf_counter() - begin) / len(nearest)


def reranked(queries: Vectors, gallery: Vectors) -> Floats:
    """Distances (queries, gallery) by k-reciprocal encoding: Zhong et al. 2017, "Re-ranking person re-identification
    with k-reciprocal encoding", equations 3 to 12."""
    every = np.concatenate([queries, gallery]).astype(np.float64)
    distance = 2 - 2 * every @ every.T
    distance = distance / distance.max(axis=0)
    ranks = np.argsort(distance, axis=1, kind="stable")
    encoded = np.zeros_like(distance)
    for i in range(len(every)):
        mutual = _mutual(ranks, i, NEAR)
        wider = set(mutual.tolist())
        for j in mutual:
            theirs = _mutual(ranks, int(j), NEAR // 2)
            if len(np.intersect1d(theirs, mutual)) > 2 / 3 * len(theirs):
                wider |= set(theirs.tolist())
        chosen = np.array(sorted(wider))
        weights = np.exp(-distance[i, chosen])
        encoded[i, chosen] = weights / weights.sum()
    encoded = np.stack([encoded[ranks[i, :FEW]].mean(axis=0) for i in range(len(every))])
    jaccard = np.zeros((len(queries), len(gallery)))
    held = encoded[len(queries) :]
    for i in range(len(queries)):
        used = np.flatnonzero(encoded[i])
        least = np.minimum(encoded[i, used], held[:, used]).sum(axis=1)
        jaccard[i] = 1 - least / (2 - least)
    return (1 - SHARE) * jaccard + SHARE * distance[: len(queries), len(queries) :]


def _mutual(ranks: NDArray[np.intp], i: int, count: int) -> NDArray[np.intp]:
    """Those of the nearest of i that have i among their own nearest."""
    near = ranks[i, : count + 1]
    return near[(ranks[near, : count + 1] == i).any(axis=1)]


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


def rows_of(
    known: Side, asked: Side, voters: Sequence[Voter], look: CloserLook, weights: Weights, said: argparse.Namespace
) -> list[Row]:
    """Every row of the table."""
    part, config, alone = said.part, MatchConfig(), MatchConfig(looked_at=0)
    calibration, other = (read_calibration(weights.card, p) for p in (part, said.other))
    all_of = range(len(voters))
    count = len(asked.stock.rows)
    embed = [milliseconds(partial(_embed_one, asked.stock, v), count) for v in voters]
    details = milliseconds(lambda i: look(asked.stock.pixels(i), part), count)
    rows: list[Row] = []

    def add(
        name: str, found: Sequence[Sequence[Candidate]], spent: float, above: str, shown: Sequence[str] = SHOWN
    ) -> None:
        rows.append(Row(name, answered(found, asked.stock.rows, config.prior_new), spent, above, shown))

    def search(
        networks: Sequence[int], mine: Sequence[str], theirs: Sequence[str]
    ) -> tuple[Gallery, list[list[Nearest]], float]:
        store, queries = gallery_of(known, known.by(networks, theirs), part), asked.by(networks, mine)
        begin = time.perf_counter()
        near = store.nearest(part, queries, config.crops_each)
        return store, near, 1000 * (time.perf_counter() - begin) / count

    store, near, spent = search([0], ["plain"], ["plain"])
    found, _ = found_by(store, near, asked, calibration, alone)
    add("vectors of one network", found, embed[0] + spent, "")
    store, near, spent = search(all_of, ["plain"], ["plain"])
    found, _ = found_by(store, near, asked, calibration, alone)
    base = sum(embed) + spent
    add(f"vectors of {len(voters)} networks", found, base, "vectors of one network")
    both = rows[-1].name
    found, compared = found_by(store, near, asked, calibration, config)
    add("+ details: as shipped", found, base + details + compared, both)
    borrowed, _ = found_by(store, near, asked, other, config)
    add(f"shipped, calibrated as for {said.other}", borrowed, base + details + compared, "+ details: as shipped")
    for name in said.views:
        views = MEANS[name]
        seen, near_too, spent = search(all_of, views, views if said.both else ["plain"])
        cost = len(views) * sum(embed) + spent
        title = f"{name} views of {'both sides' if said.both else 'queries'}"
        found, _ = found_by(seen, near_too, asked, calibration, alone)
        add(f"vectors, {title}", found, cost, both)
        found, compared = found_by(seen, near_too, asked, calibration, config)
        add(f"shipped, {title}", found, cost + details + compared, "+ details: as shipped")
    begin = time.perf_counter()
    distances = reranked(asked.by(all_of), known.by(all_of))
    more = 1000 * (time.perf_counter() - begin) / count
    found, _ = found_by(store, by_distance(near, store, distances, kept=False), asked, Calibration(1.0, 0.0), alone)
    add("vectors, re-ranked over all queries", found, base + more, both, RANKED)
    found, compared = found_by(store, by_distance(near, store, distances, kept=True), asked, calibration, config)
    add("shipped, looks where re-ranking says", found, base + more + details + compared, "+ details: as shipped")
    return rows


def _embed_one(stock: Stock, voter: Voter, place: int) -> Vectors:
    return unit_vectors(voter.network, [stock.pixels(place)], voter.sizes)


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
    print(
        "| what | "
        + " | ".join(SHOWN)
        + " | ms a query | compared with | "
        + " | ".join(f"Δ {n}" for n in SHOWN)
        + " |"
    )
    print("| --- " * (4 + 2 * len(SHOWN) - 1) + "|")
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
    print(
        f"{len(asked.rows)} queries, {len(known.rows)} crops of {len({r.individual for r in known.rows})} individuals"
    )
    report(rows_of(held, wanted, voters, look, weights, said))


if __name__ == "__main__":
    main()
