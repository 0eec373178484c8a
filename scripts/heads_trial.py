"""What tells, of a crop alone, whether the embedder's whale will be found? Signals that a grade might go by, measured.

For heads of right whales that were held out of the embedder's training (the split that `train embedder` writes): of
known whales' queries whether the first candidate is right, vectors and details together, as `identify` has it; of all
whales that the embedder never saw whether a crop's nearest vector, near-duplicates left out, is its own animal's.
Signals: how long the vector of each network is at each of its sizes, and on the mean (`response`); how alike vectors
are of the crop and of the crop mirrored, turned, nearer, shifted, blurred, brighter and at half its size; how many
keypoints there are, and in the middle; the measures of the picture. Nothing of the gallery is a signal. For each is
printed: its AUC, and by how much of itself the error falls where the worst fifth is set aside; for known whales in two
halves, by individual: choose on the first, score on the second; for unseen whales in all.

Usage: python scripts/heads_trial.py --photos DATA/rightwhale/crops --labels DATA/rightwhale/individuals.csv
       --gallery work/rightwhale-gallery.csv --query work/rightwhale-query.csv [--part head] [--most 0]
       --most takes so many crops of each kind, to try it
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from whalepipe.config import Config
from whalepipe.evaluation.coverage import FIFTH, at
from whalepipe.evaluation.framing import ready
from whalepipe.evaluation.identity import IdentityEvaluation, ranked
from whalepipe.evaluation.stock import Stock, from_folder, named
from whalepipe.models.details import closer_look
from whalepipe.models.embedder import KIND, Embedder, Looks, exported_looks, torch_looks
from whalepipe.models.exported import find_exported
from whalepipe.models.keypoints import SIDE, keypoints
from whalepipe.models.quality import measure
from whalepipe.models.weights import Weights, find_weights
from whalepipe.training.alike import chance
from whalepipe.training.crops import LabelSet, bursts, load

Picture = NDArray[np.uint8]
Signals = dict[str, float]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("photos", "labels", "gallery", "query"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--part", default="head")
    parser.add_argument("--most", type=int, default=0)
    return parser.parse_args()


def laid(crop: Picture, degrees: float = 0.0, zoom: float = 1.0, shift: float = 0.0) -> Picture:
    """The crop turned about its middle, nearer, and moved to the right by a share of its width."""
    height, width = crop.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom)
    matrix[0, 2] += shift * width
    return np.asarray(cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


CHANGES: Mapping[str, Callable[[Picture], Picture]] = {
    "mirrored": lambda crop: np.ascontiguousarray(crop[:, ::-1]),
    "turned": lambda crop: laid(crop, degrees=8),
    "turned back": lambda crop: laid(crop, degrees=-8),
    "nearer": lambda crop: laid(crop, zoom=1.15),
    "shifted": lambda crop: laid(crop, shift=0.06),
    "blurred": lambda crop: np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.5), np.uint8),
    "brighter": lambda crop: np.round((crop / 255) ** 0.7 * 255).astype(np.uint8),
    "half as large": lambda crop: np.asarray(
        cv2.resize(crop, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    ),
}


def signals(crop: Picture, looks: Looks) -> Signals:
    """What is told of a crop, by name."""
    first = raw(crop, looks)
    lengths = [float(np.linalg.norm(one) / np.sqrt(one.size)) for one in first]
    alike = {name: likeness(first, raw(change(crop), looks)) for name, change in CHANGES.items()}
    points = keypoints(crop).points[:, :2]
    middle = (np.abs(points - SIDE / 2).max(axis=1, initial=0) < SIDE / 4).sum()
    shown = ready(crop)
    return {
        **{f"length of vector {number + 1}": length for number, length in enumerate(lengths)},
        "response": float(np.mean(lengths)),
        **{f"alike, {name}": value for name, value in alike.items()},
        "alike, the least": min(alike.values()),
        "keypoints": float(len(points)),
        "keypoints in the middle": float(middle),
        **asdict(measure(shown.pixels, shown.box)),
    }


def raw(crop: Picture, looks: Looks) -> list[NDArray[np.float32]]:
    """The vectors of all networks and sizes, of any length."""
    return [one.ravel() for looked in looks(crop) for one in looked]


def likeness(first: Sequence[NDArray[np.float32]], second: Sequence[NDArray[np.float32]]) -> float:
    """The mean cosine, look by look."""
    both = zip(first, second, strict=True)
    return float(np.mean([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in both]))


def known_right(said: argparse.Namespace, weights: Weights) -> tuple[Stock, list[bool]]:
    """The queries of known whales, and whether the first candidate is right."""
    config = Config()
    gallery, asked = (from_folder(said.photos, table, said.part).chosen(named) for table in (said.gallery, said.query))
    held = {row.individual for row in gallery.rows}
    asked = asked.chosen(lambda row: row.individual in held)
    asked = asked.placed(range(min(said.most or len(asked.rows), len(asked.rows))))
    look, eyes = closer_look(weights, config.match), seeing(weights)
    found = ranked(gallery, asked, said.part, weights, eyes, look, IdentityEvaluation(config=config))
    right = [one[0].shot.individual == row.individual for one, row in zip(found, asked.rows, strict=True)]
    return asked, right


def unseen_right(said: argparse.Namespace, weights: Weights) -> tuple[Stock, list[bool]]:
    """The crops of whales that the gallery does not hold, and whether the nearest of the others is of its animal."""
    every = load(LabelSet(said.labels, said.photos, said.part), 64)
    trained = {row.individual for row in from_folder(said.photos, said.gallery, said.part).rows}
    rows = [i for i, who in enumerate(every.individuals) if who not in trained][: said.most or None]
    groups, names = np.array(bursts(every))[rows], np.array(every.individuals)[rows]
    files = {every.crops[i] for i in rows}
    stock = from_folder(said.photos, said.labels, said.part).chosen(lambda row: row.crop in files)
    vectors = stock.vectors(seeing(weights), lambda _, those: those)
    likenesses = np.where(groups[:, None] != groups, vectors @ vectors.T, -2.0)
    nearest = names[likenesses.argmax(axis=1)] == names
    can = [bool((names[groups != group] == name).any()) for group, name in zip(groups, names, strict=True)]
    return stock.placed(np.flatnonzero(can).tolist()), nearest[can].tolist()


def seeing(weights: Weights) -> Embedder:
    """The embedder, by its exported form where it is there."""
    return Embedder(weights, "cpu", find_exported(weights, "auto", "cpu", needed=False))


def told(name: str, values: NDArray[np.float64], right: NDArray[np.bool_]) -> str:
    """AUC, and the share of the error that goes with the worst fifth; of few crops of one kind nothing."""
    wrong = (~right).astype(np.float64)
    if len(set(wrong.tolist())) < 2:
        return f"{name}: -"
    return f"{name}: AUC {roc_auc_score(right, values):.2f}, {1 - at(wrong, values, FIFTH) / wrong.mean():.0%}"


def main() -> None:
    """Measure and print."""
    said = arguments()
    cv2.setNumThreads(1)
    weights = find_weights("embedder", KIND)
    form = find_exported(weights, "auto", "cpu", needed=False)
    looks = exported_looks(weights, form) if form else torch_looks(seeing(weights).voters, "cpu")
    sets: dict[str, tuple[list[Signals], NDArray[np.bool_]]] = {}
    for kind, (stock, right) in {"known": known_right(said, weights), "unseen": unseen_right(said, weights)}.items():
        every = [signals(stock.pixels(place), looks) for place in range(len(stock.rows))]
        half = np.array([chance(0, "half", row.individual) < 0.5 for row in stock.rows])
        for name, those in (
            {"first half": half, "second half": ~half} if kind == "known" else {"all": half | ~half}
        ).items():
            chosen = [each for each, one in zip(every, those, strict=True) if one]
            sets[f"{kind}, {name}"] = chosen, np.array(right)[those]
    for name, (_, right) in sets.items():
        print(f"{name}: {len(right)} crops, found {np.mean(right):.3f}")
    for signal in next(iter(sets.values()))[0][0]:
        parts = (told(name, np.array([each[signal] for each in every]), right) for name, (every, right) in sets.items())
        print(f"{signal}; {'; '.join(parts)}")


if __name__ == "__main__":
    main()
