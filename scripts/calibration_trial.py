"""Measure what fitting the calibration to a lab's own animals brings (`whalepipe catalog calibrate`).

Of labelled crops that the embedder was not trained on, the individuals are halved by chance, again and again: to one
half the calibration is fitted as the command does it, on the other it is scored. There half of the individuals are
known, with every second photo in the gallery and the others as queries; the rest are new. The scores are beside those
of calibrations that the weights' card has, for this part and for others. Crops without an encounter are encounters of
their own. Printed are, over all rounds, what log likelihood ratios of pairs cost (bits: 0 right and sure, 1 says
nothing), expected calibration error and log-loss of the answers, and in how many rounds the fitted one is better.

Usage: python scripts/calibration_trial.py --crops DIR --labels CSV [--not-in CSV] --part head [--beside fluke default]
       --not-in leaves out individuals that this table names, such as the gallery that was trained on.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.config import MatchConfig
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.ranking import Answer, calibration_error, log_loss
from whalepipe.evaluation.stock import from_folder
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import Details, closer_look
from whalepipe.models.embedder import KIND, Embedder
from whalepipe.models.weights import find_weights
from whalepipe.progress import silent
from whalepipe.stages.match import weighed
from whalepipe.tables import CropLabel, read_table
from whalepipe.training.calibrate import Evidence, cost, evidence, fit
from whalepipe.training.crops import is_name
from whalepipe.training.recalibrate import COMPARED

FITTED = "fitted to the other half"


@dataclass(frozen=True)
class Crops:
    """Labelled crops with what was found of each."""

    rows: Sequence[CropLabel]
    vectors: NDArray[np.float32]
    looks: Sequence[Details]
    part: str

    def chosen(self, which: Sequence[int]) -> "Crops":
        """Some of them."""
        return Crops([self.rows[i] for i in which], self.vectors[which], [self.looks[i] for i in which], self.part)

    @property
    def names(self) -> list[str]:
        """Who each shows."""
        return [r.individual for r in self.rows]

    def evidence(self) -> Evidence:
        """As `whalepipe catalog calibrate` gathers it."""
        groups = [r.encounter or f"crop {r.crop}" for r in self.rows]
        return evidence(self.vectors, self.names, groups, self.looks, self.part, COMPARED)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--not-in", type=Path)
    parser.add_argument("--part", required=True)
    parser.add_argument("--beside", nargs="*", default=[], help="other parts of the card, to compare with")
    parser.add_argument("--weights", default="embedder")
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


def halves(names: Sequence[str], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """The rows of a random half of the individuals, and of the others."""
    people = rng.permutation(sorted(set(names)))
    one = set(people[: len(people) // 2].tolist())
    return [i for i, n in enumerate(names) if n in one], [i for i, n in enumerate(names) if n not in one]


def answers(crops: Crops, calibration: Calibration, known: set[str]) -> list[Answer]:
    """Every second crop of the known individuals in the gallery, all others as queries."""
    seen: dict[str, int] = {}
    held, asked = [], []
    for i, name in enumerate(crops.names):
        seen[name] = seen.get(name, 0) + 1
        (held if name in known and seen[name] % 2 else asked).append(i)
    shots = [Shot(crops.rows[i].crop, crops.rows[i].individual, crops.part) for i in held]
    store = Gallery(shots, crops.vectors[held], details=lambda row: crops.looks[held[row]])
    config = MatchConfig()
    nearest = store.nearest(crops.part, crops.vectors[asked], config.crops_each)
    found = [
        weighed(near, store, partial(crops.looks.__getitem__, i), calibration, config)
        for i, near in zip(asked, nearest, strict=True)
    ]
    return answered(found, [crops.rows[i] for i in asked], config.prior_new)


def one_round(crops: Crops, given: Mapping[str, Calibration], number: int) -> dict[str, tuple[float, list[Answer]]]:
    """What pairs cost, and the answers, by each calibration, on the half that nothing was fitted to."""
    rng = np.random.default_rng(number)
    mine, theirs = (crops.chosen(rows) for rows in halves(crops.names, rng))
    fitted = fit(mine.evidence())
    assert fitted is not None, "too little to fit; give more crops"
    people = rng.permutation(sorted(set(theirs.names)))
    known = set(people[: len(people) // 2].tolist())
    held_out = theirs.evidence()
    return {
        name: (cost(calibration, held_out), answers(theirs, calibration, known))
        for name, calibration in {FITTED: fitted, **given}.items()
    }


def report(rounds: Sequence[Mapping[str, tuple[float, list[Answer]]]]) -> None:
    """Print a line for each calibration."""

    def loss(found: Sequence[Answer]) -> float:
        return log_loss([a.probability for a in found])

    def error(found: Sequence[Answer]) -> float:
        return calibration_error([a.best for a in found], [a.right for a in found]) or 0.0

    print(f"{len(rounds)} rounds, {len(rounds[0][FITTED][1])} queries in the first")
    for name in rounds[0]:
        each = [answer for done in rounds for answer in done[name][1]]
        base = np.mean([np.log(1 / a.base) for a in each])
        text = f"{name}: cost {np.mean([d[name][0] for d in rounds]):.3f}, ECE {error(each):.3f}, "
        text += f"log-loss {loss(each):.3f} (base rates {base:.3f})"
        if name != FITTED:
            costs = sum(done[FITTED][0] < done[name][0] for done in rounds)
            losses = sum(loss(done[FITTED][1]) < loss(done[name][1]) for done in rounds)
            errors = sum(error(done[FITTED][1]) < error(done[name][1]) for done in rounds)
            text += f"; the fitted one is better in {costs}, {errors} and {losses} rounds"
        print(text)


def main() -> None:
    """Measure what was asked for."""
    said = arguments()
    cv2.setNumThreads(1)
    trained = {r.individual for r in read_table(said.not_in, CropLabel)} if said.not_in else set()
    stock = from_folder(said.crops, said.labels, said.part)
    stock = stock.chosen(lambda r: is_name(r.individual) and r.individual not in trained)
    weights = find_weights(said.weights, KIND)
    look = closer_look(weights, MatchConfig())
    assert look is not None
    vectors = stock.vectors(Embedder(weights), silent)
    looks = [look(stock.pixels(place), said.part) for place in range(len(stock.rows))]
    crops = Crops(stock.rows, vectors, looks, said.part)
    print(f"{len(stock.rows)} crops of {len(set(crops.names))} individuals")
    given = {f"on the card, {part}": read_calibration(weights.card, part) for part in [said.part, *said.beside]}
    report([one_round(crops, given, number) for number in range(said.rounds)])


if __name__ == "__main__":
    main()
