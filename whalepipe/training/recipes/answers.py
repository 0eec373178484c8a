"""What a trained recipe says of crops that it was not trained on, and how often that is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.species import chance_criterion
from whalepipe.models.inputs import Input
from whalepipe.models.species import softmax
from whalepipe.training.recipes.losses import Criterion
from whalepipe.training.recipes.recipe import Answer
from whalepipe.training.whiten import BATCH

TOPS = (1, 3, 5, 20)
RESAMPLINGS = 1000
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """What a network makes of N crops: vectors (N, width), logits (N, classes) or None where it has none."""

    raw: npt.NDArray[np.float32]
    logits: Numbers | None

    @property
    def vectors(self) -> Numbers:
        """Of unit length."""
        wide = self.raw.astype(np.float64)
        return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


@torch.inference_mode()
def see(
    network: Any, criterion: Criterion, pictures: npt.NDArray[np.uint8], size: int, shown: Input, classes: int
) -> Seen:
    """Vectors and logits of crops (N, size, size, 3), the logits of the first `classes`."""
    network.eval()
    criterion.eval()
    vectors, logits = [], []
    for start in range(0, len(pictures), BATCH):
        tensor = shown.tensor(list(pictures[start : start + BATCH]), size)
        every = [network(tensor), *([network(tensor.flip(3))] if shown.flipped else [])]
        vectors.append(torch.stack(every).mean(dim=0))
        if criterion.classifies:
            logits.append(torch.stack([criterion.logits(v)[:, :classes] for v in every]).mean(dim=0))
    return Seen(torch.cat(vectors).numpy(), torch.cat(logits).double().numpy() if logits else None)


def scores(known: Seen, labels: Sequence[int], asked: Seen, how: Answer, classes: int) -> Numbers:
    """How much each class is the answer, (queries, classes): more is likelier; what the classes add up to differs."""
    if how.by == "classifier" and asked.logits is not None:
        return softmax(asked.logits)
    if how.by == "vote":
        voters = KNeighborsClassifier(min(how.neighbours, len(labels)), weights="distance", metric=how.distance)
        told = voters.fit(known.vectors, labels).predict_proba(asked.vectors)
        out = np.zeros((len(asked.vectors), classes))
        out[:, voters.classes_] = told
        return out
    near = nearest(known, labels, asked, how, classes)
    if how.by == "blend" and asked.logits is not None:
        # The logits are brought to the span of cosines.
        cosines = asked.logits / max(float(np.abs(asked.logits).max()), 1e-9)
        return np.asarray(how.blend * near + (1 - how.blend) * cosines)
    return near


def nearest(known: Seen, labels: Sequence[int], asked: Seen, how: Answer, classes: int) -> Numbers:
    """For each class how near its nearest crop is among the `neighbours` that are nearest of all; -2: none is."""
    search = NearestNeighbors(n_neighbors=min(how.neighbours, len(labels)), metric=how.distance)
    distances, rows = search.fit(known.vectors).kneighbors(asked.vectors)
    out = np.full((len(asked.vectors), classes), -2.0)
    which = np.asarray(labels)[rows]
    np.maximum.at(out, (np.arange(len(rows))[:, None], which), 1 - distances)
    return out


def figures(given: Numbers, truths: Sequence[int], groups: Sequence[str], trained: Sequence[int]) -> dict[str, Any]:
    """Top-1, 3, 5 and 20, MAP@5, AUC, accuracy with the chance criterion, and their 95 % intervals.

    `given` as `scores` gives them; `truths`: the class of each query; `groups`: what is drawn anew for the intervals;
    `trained`: the class of each training crop. auc: one class against the others, their mean over the classes that are
    asked for; None where there is one alone.
    """
    true = np.asarray(truths)
    own = given[np.arange(len(true)), true]
    # Of those with an equal score half are taken to be before it.
    ranks = 1 + (given > own[:, None]).sum(axis=1) + ((given == own[:, None]).sum(axis=1) - 1) / 2
    draws, resampled = redrawn(groups, RESAMPLINGS, 0)
    whole = _of_ranks(ranks)
    samples = [_of_ranks(ranks[draw]) for draw in draws]
    return {
        **{name: round(value, 4) for name, value in whole.items()},
        "auc": _auc(given, true),
        "chance_criterion": round(chance_criterion([str(one) for one in trained]), 4),
        "intervals": {name: interval([s[name] for s in samples]) for name in whole},
        "resampled": resampled,
        "queries": len(true),
        "classes": len(set(trained)),
    }


def of_strangers(vectors: Numbers, names: Sequence[str], groups: Sequence[str], asked: Sequence[int]) -> dict[str, Any]:
    """How often the nearest crop of another group is of the same individual, and the 95 % interval of that.

    `vectors` (N, width) of unit length, their individuals and groups of near-duplicates; `asked`: rows that are
    queries, where their individual has another group too. Individuals are drawn anew for the interval.
    """
    who, where, rows = np.asarray(names), np.asarray(groups), np.asarray(asked)
    others = (who[rows][:, None] == who) & (where[rows][:, None] != where)
    rows = rows[others.any(axis=1)]
    if not len(rows):
        return {"strangers_top1": None, "strangers_interval": None, "strangers": 0}
    cosines = np.where(where[rows][:, None] == where, -2.0, vectors[rows] @ vectors.T)
    right = who[cosines.argmax(axis=1)] == who[rows]
    draws, _ = redrawn([str(name) for name in who[rows]], RESAMPLINGS, 0)
    spread = interval([float(right[draw].mean()) for draw in draws])
    return {"strangers_top1": round(float(right.mean()), 4), "strangers_interval": spread, "strangers": len(rows)}


def _of_ranks(ranks: Numbers) -> dict[str, float]:
    tops = {f"top{k}": float(np.mean(ranks <= k)) for k in TOPS}
    return {**tops, "map5": float(np.mean(np.where(ranks <= 5, 1 / ranks, 0.0)))}


def _auc(given: Numbers, true: npt.NDArray[np.intp]) -> float | None:
    asked = np.unique(true)
    if len(asked) < 2:
        return None
    return round(float(np.mean([roc_auc_score(true == one, given[:, one]) for one in asked])), 4)
