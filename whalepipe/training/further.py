"""Going on from finished weights with all that there is: also with what had been held out to measure on.

The network begins as it was finished, its layers behind the backbone included (see whiten.py), and each individual's
centers where its crops lie by then; so a few epochs at a low rate are enough to learn the photos that were kept back.
Figures and calibration stay those of the finished weights: nothing is left to make others with. Or photos that were
held out of known individuals stay held out, and say how often these are known now; new ones are left to nobody.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from whalepipe.errors import WeightsError
from whalepipe.models.embedder import KIND, build, part_of
from whalepipe.models.weights import Weights, fill, find_weights, load_state
from whalepipe.training.crops import Split
from whalepipe.training.lessons import Lessons
from whalepipe.training.whiten import BATCH, shown

JITTER = 0.05  # of a center's length: the sub-centers of an individual must begin apart


def begun(path: Path | None) -> Weights | None:
    """The finished weights to go on from. Raises WeightsError where they are none, or their card has no figures."""
    if path is None:
        return None
    weights = find_weights(str(path), KIND)
    if not weights.card.get("calibration") or not weights.card.get("figures"):
        raise WeightsError(f"{path}: its card has no figures and no calibration to keep")
    return weights


def all_trained(first: Split, measured: bool) -> Split:
    """What is learned in the end of what was parted at first: all, or all but the photos of known individuals."""
    held = first.photos if measured else []
    return Split(sorted({*first.train, *first.photos, *first.individuals} - set(held)), held, [])


def kept_figures(weights: Weights) -> dict[str, Any]:
    """What the new card takes over of the old one, and what it says of that."""
    card = weights.card
    told = {
        "weights": weights.digest,
        "why": "figures and calibration are of these: they learned the same but for what was held out to measure and "
        "to calibrate on, with which these weights were trained further",
    }
    cannot = [
        "be measured on photos of real animals that they were trained on: see figures_of",
        *card.get("cannot", ()),
    ]
    return {
        "calibration": card["calibration"],
        "figures": card["figures"],
        "figures_of": told,
        "retrain_first": card.get("retrain", ""),
        "cannot": list(dict.fromkeys(cannot)),
    }


def as_finished(weights: Weights, backbone: str, drop_path: float) -> torch.nn.Module:
    """The network of finished weights with its first look alone. Raises WeightsError where they do not fit."""
    dimension = int(weights.card.get("dimension", 0))
    network = build(backbone, max(dimension, 1), drop_path=drop_path)
    first = {k: v for k, v in part_of(load_state(weights), 0).items() if not k.startswith("others.")}
    fill(network, first, weights, f"not of the backbone {backbone}")
    return network


@torch.no_grad()
def place_centers(network: Any, loss: Any, those: Lessons, size: int, seed: int) -> None:
    """Put each individual's centers where its crops lie, and have the neck, while it learns, give what it gave.

    While it learns, batch normalisation divides by the spread of a batch; so its scale becomes that spread.
    """
    network.eval()
    starts = range(0, len(those.pictures), BATCH)
    own = torch.cat([network(shown(those.pictures[i : i + BATCH], size)) for i in starts])
    network.neck.weight.mul_(own.std(dim=0))
    network.neck.running_var.mul_(own.var(dim=0))
    sums = torch.zeros(those.people, own.shape[1])
    sums.index_add_(0, torch.from_numpy(those.classes), torch.nn.functional.normalize(own))
    for rows in np.array_split(np.flatnonzero(those.mirrors >= 0), max(1, len(those.mirrors) // BATCH)):
        if len(rows):
            flipped = [np.flip(those.pictures[i], those.axes[i]) for i in rows]
            vectors = torch.nn.functional.normalize(network(shown(np.stack(flipped), size)))
            sums.index_add_(0, torch.from_numpy(those.mirrors[rows]), vectors)
    centers = torch.nn.functional.normalize(sums)
    torch.manual_seed(seed)
    apart = [torch.nn.functional.normalize(torch.randn_like(centers)) for _ in range(loss.sub_centers)]
    # `SubCenterArcFaceLoss` holds the sub-centers of one individual side by side, as columns.
    placed = torch.stack([torch.nn.functional.normalize(centers + JITTER * a) for a in apart], dim=1)
    loss.W.copy_(placed.reshape(-1, centers.shape[1]).T)
