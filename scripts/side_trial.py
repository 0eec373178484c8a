"""Measure how well the side of a dorsal fin is told by its outline (whalepipe/models/side.py), and fit STEEP again.

On rendered fins of animals that no network learned, where the renderer knows the side, and on crops of a folder whose
sides people told (`--crops` and `--sides`, as labels/fins/sides.csv for the crops of 1056 and others; `unknown` ones
are left out). Printed: how many are told from 0.9 on, how many of these rightly, and of all the likelier side. With
--individuals also: how well one animal is told from two by crops of one side, and by crops of both (AUC of pairs from
different encounters, as `whalepipe evaluate pairs`).

Usage: python scripts/side_trial.py [--fins 200] [--crops ../shared/data/fins/crops --sides labels/fins/sides.csv
       --individuals ../shared/data/fins/individuals.csv]
"""

import argparse
import math
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from whalepipe.boxes import window
from whalepipe.config import CropConfig, MatchConfig, ViewConfig
from whalepipe.evaluation.ranking import auroc
from whalepipe.models.calibration import read_calibration
from whalepipe.models.details import closer_look, likeness
from whalepipe.models.embedder import KIND, Embedder
from whalepipe.models.side import LEFT, PART, STEEP, find_sides, lean
from whalepipe.models.weights import find_weights
from whalepipe.photos import read_photo
from whalepipe.render import draw_individual, draw_scene, render_scene, scene_rng
from whalepipe.tables import CropLabel, read_table

STREAM = "sides"
Leans = list[tuple[str, float | None]]  # which side it is, and how far the fin leans to the right


def rendered(count: int, look: object) -> Leans:
    """Fins alone in photos of 960 pixels, an animal each."""
    found: Leans = []
    for number in range(count):
        rng = scene_rng(STREAM, number)
        scene = render_scene(draw_scene(rng, (draw_individual(PART, STREAM, number),), 960, 640))
        for truth in scene.truths:
            left, top, right, bottom = window(truth, CropConfig().margin, 960, 640)
            found.append((truth.view, leaning(scene.image[top:bottom, left:right], look)))
    return found


def leaning(crop: NDArray[np.uint8], look: object) -> float | None:
    """How far the tip leans to the right; None where no fin is seen."""
    return lean(look(np.ascontiguousarray(crop)), crop.shape[1], crop.shape[0])


def told(name: str, leans: Leans, sure_at: float) -> None:
    """Print how right it is."""
    known = [(side, found) for side, found in leans if side in ("left", "right")]
    seen = [(side == LEFT, found) for side, found in known if found is not None]
    margins = np.array([found if left else -found for left, found in seen])
    sure = np.abs(margins) >= math.log(sure_at / (1 - sure_at)) / STEEP
    right, count = int((margins[sure] > 0).sum()), int(sure.sum())
    if not count:
        sys.exit(f"{name}: none of {len(known)} fins is told from {sure_at:g} on")
    bounds = binomtest(right, count).proportion_ci(method="wilson")
    fitted = minimize_scalar(lambda k: np.logaddexp(0, -k * margins).mean(), bounds=(0, 100), method="bounded").x
    print(f"{name}: {len(known)} fins, {count} told from {sure_at:g} on, {right} of these rightly "
          f"({bounds.low:.3f} to {bounds.high:.3f}); the likelier side of all {(margins > 0).sum() / len(known):.3f}; "
          f"fitted {fitted:.1f}, shipped {STEEP:g}")  # fmt: skip


def across(crops: Path, sides: Path, individuals: Path) -> None:
    """Print how well one animal is told from two, by pairs of crops of one side and of both."""
    side = {row.crop: row.view for row in read_table(sides, CropLabel, aliases=True)}
    rows = [r for r in read_table(individuals, CropLabel) if side.get(r.crop) in ("left", "right")]
    weights = find_weights("embedder", KIND)
    embedder, look = Embedder(weights), closer_look(weights, MatchConfig())
    assert look is not None
    pictures = [read_photo(crops / row.crop) for row in rows]
    vectors, details = [embedder(p) for p in pictures], [look(p, PART) for p in pictures]
    found: dict[bool, list[tuple[float, int, float, bool]]] = {True: [], False: []}
    for (i, one), (j, two) in combinations(enumerate(rows), 2):
        names = {one.individual, two.individual}
        if one.encounter != two.encounter and names - {"other"}:  # of two others nobody knows whether they are one
            alike, cosine = likeness(details[i], [details[j]], PART), float(vectors[i] @ vectors[j])
            found[side[one.crop] == side[two.crop]].append((cosine, alike.points[0], alike.edge, len(names) == 1))
    for same, name in ((True, "one side"), (False, "both sides")):
        cosines, points, edges, one_animal = (np.array(column) for column in zip(*found[same], strict=True))
        scores = read_calibration(weights.card, PART).line(cosines, points.astype(float), edges)
        print(f"{name}: {len(scores)} pairs, {one_animal.sum()} of one animal, AUC {auroc(scores, one_animal):.3f}")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fins", type=int, default=200)
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--sides", type=Path)
    parser.add_argument("--individuals", type=Path)
    asked = parser.parse_args()
    sides = find_sides(ViewConfig(), "cpu")
    assert sides is not None
    if asked.fins:
        told("rendered", rendered(asked.fins, sides._silhouettes), ViewConfig().sure_at)
    if asked.crops and asked.sides:
        rows = read_table(asked.sides, CropLabel, aliases=True)
        found = [(row.view, leaning(read_photo(asked.crops / row.crop), sides._silhouettes)) for row in rows]
        told(asked.crops.name, found, ViewConfig().sure_at)
        if asked.individuals:
            across(asked.crops, asked.sides, asked.individuals)


if __name__ == "__main__":
    main()
