"""Measure how well trailing edges are traced, and how well they tell animals apart (whalepipe/models/edge.py).

On rendered animals: (a) how far the traced edge lies from the true one, in parts of the box's height, and how many
crops are traced at all; (b) AUC over pairs of crops, and how often the best of an individual's other crops is the
highest, among 8 individuals and among all. Rendered crops are kept in --kept and read from there the next time. On real
crops, with --crops and --labels (crop, encounter, individual): (c) AUC over pairs from different encounters, pairs of
two crops labelled `other` left out. Intervals are 95 % of bootstrap draws of individuals (rendered) or encounters
(real). --draw OUT.png draws the first 60 traced edges. Times are of the process on one core.

Usage: python scripts/edge_trial.py --part dorsal_fin --kept DIR [--individuals 100] [--shots 4] [--first 6000]
       [--crops ../shared/data/fins/crops --labels ../shared/data/fins/individuals.csv] [--draw OUT.png]
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import window
from whalepipe.evaluation.framing import MARGIN
from whalepipe.evaluation.ranking import auroc
from whalepipe.models.edge import Edge, compare, compare_many, trace
from whalepipe.models.silhouette import KIND, Silhouettes
from whalepipe.models.weights import find_weights
from whalepipe.photos import inside, read_photo
from whalepipe.render import draw_individual, draw_scene, for_training, render_scene, scene_rng
from whalepipe.tables import CropLabel, Detection, read_table
from whalepipe.training.crops import RENDERED_HEIGHT, RENDERED_WIDTH, SPAN, is_name
from whalepipe.training.rendered import STREAM

UNNAMED = "other"  # a crop of some other animal than those named
NEAR = 0.02  # of the box's height: a point of the true edge this near the traced one was found
DRAWS = 200  # of the bootstrap
FEW = 8  # individuals among which one is looked for

Floats = NDArray[np.float64]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["dorsal_fin", "fluke"], required=True)
    parser.add_argument("--silhouette", default="silhouette", help="weights: shipped ones by name, or a path")
    parser.add_argument("--kept", type=Path, help="a folder for rendered crops; none are rendered without it")
    parser.add_argument("--individuals", type=int, default=100)
    parser.add_argument("--shots", type=int, default=4, help="crops of each")
    parser.add_argument("--first", type=int, default=6000, help="number of the first individual in its stream")
    parser.add_argument("--stream", default=STREAM)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crops", type=Path, help="a folder of real crops")
    parser.add_argument("--labels", type=Path, help="their labels: crop, encounter, individual")
    parser.add_argument("--draw", type=Path, help="a PNG to draw traced edges in")
    said = parser.parse_args()
    if bool(said.crops) != bool(said.labels) or not (said.kept or said.crops):
        parser.error("give --kept, or --crops and --labels together")
    return said


def rendered(said: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Crops: `name`, `pixels`, `contour` (n, 2) true and visible, in pixels of the crop, and `height` of the box."""
    for number in range(said.first, said.first + said.individuals):
        animal = draw_individual(said.part, for_training(said.stream), number)
        for shot in range(said.shots):
            path = said.kept / f"{animal.name}-{said.seed}-{shot}.npz"
            if not path.exists():
                _render(said, animal, number, shot, path)
            with np.load(path) as kept:
                yield {"name": animal.name, **{key: kept[key] for key in kept.files}}


def _render(said: argparse.Namespace, animal: Any, number: int, shot: int, path: Path) -> None:
    rng = scene_rng(said.stream, "edge", said.seed, said.part, number, shot)
    years = float(rng.uniform(0, SPAN))
    photo = render_scene(draw_scene(rng, [animal], RENDERED_WIDTH, RENDERED_HEIGHT, years=years))
    truth = photo.truths[0]
    box = Detection("", "", 0, said.part, truth.xmin, truth.ymin, truth.xmax, truth.ymax, 1.0)
    left, top, right, bottom = window(box, MARGIN, RENDERED_WIDTH, RENDERED_HEIGHT)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        pixels=photo.image[top:bottom, left:right],
        contour=truth.contour[truth.visible] - [left, top],
        height=truth.ymax - truth.ymin,
    )


def traced(crops: Sequence[NDArray[np.uint8]], said: argparse.Namespace) -> list[Edge | None]:
    """The edges of crops; prints the time."""
    silhouettes = Silhouettes(find_weights(said.silhouette, KIND))
    start = time.process_time()
    edges = [trace(pixels, said.part, silhouettes(pixels)) for pixels in crops]
    spent = (time.process_time() - start) / max(len(crops), 1)
    share = np.mean([edge is not None for edge in edges])
    print(f"traced {share:.3f} of {len(crops)} crops, {1000 * spent:.1f} ms a crop")
    return edges


def compared(edges: Sequence[Edge | None]) -> Floats:
    """Similarity of each two edges (n, n), nan where one is missing; prints the time."""
    scores = np.full((len(edges), len(edges)), np.nan)
    start, pairs = time.process_time(), 0
    rows = [i for i, edge in enumerate(edges) if edge is not None]
    known = [edge for edge in edges if edge is not None]
    for n, (i, edge) in enumerate(zip(rows, known, strict=True)):
        scores[i, rows[:n]] = scores[rows[:n], i] = compare_many(edge, known[:n])
        pairs += n
    print(f"{1000 * (time.process_time() - start) / max(pairs, 1):.3f} ms a pair, many at once", end=", ")
    start = time.process_time()
    for edge in known[:50]:
        compare(known[0], edge)
    print(f"{1000 * (time.process_time() - start) / max(len(known[:50]), 1):.2f} ms one by one")
    return scores


def interval(measure: Callable[[list[int]], float], groups: Sequence[str], seed: int = 0) -> str:
    """95 % of the measure over draws of groups with replacement; it is given the rows of those drawn."""
    rng, names = np.random.default_rng(seed), sorted(set(groups))
    rows = {name: [i for i, g in enumerate(groups) if g == name] for name in names}
    values = []
    for _ in range(DRAWS):
        value = measure([i for name in rng.choice(names, len(names)) for i in rows[name]])
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, (2.5, 97.5))
    return f"[{low:.3f}, {high:.3f}]"


def pairs_auc(scores: Floats, names: Sequence[str], groups: Sequence[str], traced_only: bool) -> Callable[..., float]:
    """AUC over the pairs of chosen rows, of different groups and not both unnamed; a pair not traced scores 0."""
    kinds, of = np.array(names), np.array(groups)

    def measure(rows: list[int]) -> float:
        a, b = (np.array(rows)[side] for side in np.triu_indices(len(rows), 1))
        score = scores[a, b]
        use = (of[a] != of[b]) & ((kinds[a] != UNNAMED) | (kinds[b] != UNNAMED))
        use &= np.isfinite(score) if traced_only else True
        same = kinds[a[use]] == kinds[b[use]]
        if same.all() or not same.any():
            return float("nan")
        return float(auroc(np.nan_to_num(score[use]), same) or 0.0)

    return measure


def top1(scores: Floats, names: Sequence[str], among: int, seed: int = 0) -> list[float]:
    """For each crop, how often an own other crop is the highest among so many individuals; 0 where it has no edge."""
    rng, kinds = np.random.default_rng(seed), np.array(names)
    others = {name: np.array(sorted(set(names) - {name})) for name in set(names)}
    rates = []
    for i, name in enumerate(names):
        own = np.nan_to_num(scores[i, (kinds == name) & (np.arange(len(names)) != i)], nan=-np.inf).max()
        best = {n: np.nan_to_num(scores[i, kinds == n], nan=-np.inf).max() for n in others[name]}
        rounds = 1 if among > len(others[name]) else 20
        draws = [rng.choice(others[name], min(among - 1, len(best)), replace=False) for _ in range(rounds)]
        rates.append(float(np.mean([own > max(best[n] for n in draw) for draw in draws])))
    return rates


def report_rendered(said: argparse.Namespace) -> list[tuple[NDArray[np.uint8], Edge | None]]:
    """Print (a) and (b)."""
    crops = list(rendered(said))
    edges = traced([c["pixels"] for c in crops], said)
    off, found = [], []
    for crop, edge in zip(crops, edges, strict=True):
        if edge is not None and len(crop["contour"]) > 1:
            apart = np.linalg.norm(edge.pixels[:, None] - crop["contour"][None, ::2], axis=2) / crop["height"]
            off.append(float(np.median(apart.min(1))))
            found.append(float((apart.min(0) < NEAR).mean()))
    print("(a) median distance, in heights, of 50, 90 and 95 % of crops:", np.percentile(off, (50, 90, 95)).round(4))
    print(f"    crops within 1.5 %: {np.mean(np.array(off) < 0.015):.3f}; of the true edge found: {np.mean(found):.3f}")
    names, scores = [c["name"] for c in crops], compared(edges)
    measure = pairs_auc(scores, names, [str(i) for i in range(len(names))], True)
    print(f"(b) AUC {measure(list(range(len(names)))):.3f} {_by_individual(scores, names)}")
    for among in (FEW, len(set(names))):
        hits = np.array(top1(scores, names, among))
        spread = interval(lambda rows, hits=hits: float(hits[rows].mean()), names)
        print(f"    top-1 among {among}: {hits.mean():.3f} {spread}")
    return [(c["pixels"], e) for c, e in zip(crops, edges, strict=True)]


def _by_individual(scores: Floats, names: Sequence[str]) -> str:
    """The interval of the AUC over draws of individuals: same pairs of each against all its different ones."""
    kinds = np.array(names)
    upper = np.triu(np.ones(scores.shape, np.bool_), 1)
    shares = {}
    different = np.sort(scores[upper & (kinds[:, None] != kinds[None]) & np.isfinite(scores)])
    for name in set(names):
        own = scores[np.ix_(kinds == name, kinds == name)]
        own = own[np.triu(np.ones(own.shape, np.bool_), 1) & np.isfinite(own)]
        shares[name] = np.searchsorted(different, own) / max(len(different), 1)
    chosen = sorted(shares)
    drawn = lambda rows: float(np.concatenate([shares[chosen[i]] for i in rows]).mean())  # noqa: E731
    return interval(drawn, chosen)


def report_real(said: argparse.Namespace) -> list[tuple[NDArray[np.uint8], Edge | None]]:
    """Print (c)."""
    rows = [r for r in read_table(said.labels, CropLabel) if is_name(r.individual) or r.individual == UNNAMED]
    crops = [read_photo(inside(said.crops, r.crop)) for r in rows]
    edges = traced(crops, said)
    scores = compared(edges)
    names, groups = [r.individual for r in rows], [r.encounter or r.crop for r in rows]
    for what, only in (("traced pairs", True), ("all pairs, 0 where not traced", False)):
        measure = pairs_auc(scores, names, groups, only)
        print(f"(c) AUC, {what}: {measure(list(range(len(rows)))):.3f} {interval(measure, groups)}")
    return list(zip(crops, edges, strict=True))


def draw(path: Path, shown: Sequence[tuple[NDArray[np.uint8], Edge | None]]) -> None:
    """Write a sheet of crops with their edges in red; a crop without one is crossed out."""
    side, columns = 240, 10
    tiles = []
    for pixels, edge in shown[:60]:
        scale = side / max(pixels.shape[:2])
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:side, :side]
        tile = np.zeros((side, side, 3), np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        if edge is None:
            cv2.line(tile, (0, 0), (side, side), (255, 0, 0), 1)
        else:
            line = np.round((edge.pixels + 0.5) * scale * 16).astype(np.int32)
            cv2.polylines(tile, [line], False, (255, 0, 0), 1, cv2.LINE_AA, 4)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    sheet = np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
    cv2.imwrite(str(path), sheet[..., ::-1])


def main() -> None:
    """Measure what was asked for."""
    said = arguments()
    cv2.setNumThreads(1)
    shown = []
    if said.kept:
        shown += report_rendered(said)
    if said.crops:
        shown += report_real(said)
    if said.draw:
        draw(said.draw, shown)


if __name__ == "__main__":
    main()
