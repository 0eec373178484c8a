"""Photos held out of a detector's training, by whole encounters, on which each epoch is scored: which one to keep, when
to stop.

Prechelt 1998, "Early stopping, but when?", section 2.1: stop when the score has not risen for so many epochs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whalepipe.config import DetectConfig
from whalepipe.evaluation.boxes import Scores, Sighting
from whalepipe.evaluation.detector import LEAST, as_rows
from whalepipe.models.detector import Detector
from whalepipe.models.weights import save_weights
from whalepipe.training.alike import chance, difference_hash, joined, pairs_alike
from whalepipe.training.boxes import corners_of, read_boxes, read_picture

if TYPE_CHECKING:
    import torch

FIGURE = "ap"  # that decides: COCO's AP
JUDGED = f"{FIGURE} held out"  # in the log
FIGURES = ("ap50", "ap", "recall")
MOST = 0.5  # of a table's photos: an encounter that has more of them is never held out


@dataclass(frozen=True)
class Held:
    """A picture held out, and the encounter of its photo, empty where unknown, and the photo's name in its table."""

    picture: Path
    encounter: str
    name: str = ""


def hold_out(
    pictures: Sequence[Path], encounters: Sequence[str], sets: Sequence[int], share: float, seed: int
) -> list[int]:
    """Which pictures (indices) to hold out: about a share of those of each set, by whole encounters.

    `sets` numbers the table or folder of each. What has the same encounter's name, or is nearly the same picture,
    mirrored too, counts as of one encounter, in whichever sets it is. An encounter with more than half of a set's
    pictures is never held out.
    """
    if not share:
        return []
    groups = _together(pictures, encounters)
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    drawn = sorted(members.values(), key=lambda rows: chance(seed, "held out", min(pictures[i].name for i in rows)))
    sizes, held, taken = Counter(sets), set[int](), Counter[int]()
    drawn = [rows for rows in drawn if all(n <= MOST * sizes[s] for s, n in Counter(sets[i] for i in rows).items())]
    for number, size in sorted(sizes.items()):
        mine = [rows for rows in drawn if any(sets[i] == number for i in rows) and not held & set(rows)]
        fitting = [rows for rows in mine if len(rows) <= share * size]
        for rows in fitting or sorted(mine, key=len)[:1]:
            if not fitting or taken[number] + len(rows) <= share * size:
                held |= set(rows)
                taken += Counter(sets[i] for i in rows)
    return sorted(held)


def _together(pictures: Sequence[Path], encounters: Sequence[str]) -> list[int]:
    """The number of each picture's group: the lowest index in it."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(e, i), i) for i, e in enumerate(encounters) if e]
    both = [_hashes(picture) for picture in pictures]
    hashes, mirrored = [h for h, _ in both], [m for _, m in both]
    pairs += [pair for others in (hashes, mirrored) for pair in pairs_alike(hashes, others)]
    return joined(len(pictures), pairs)


def _hashes(picture: Path) -> tuple[int, int]:
    """The difference hash of a picture, and of the same mirrored."""
    shown = read_picture(picture)
    return difference_hash(shown), difference_hash(shown[:, ::-1])


class Jury:
    """Scores weights on what was held out."""

    def __init__(self, held: Sequence[Held], card: Mapping[str, object], size: int, device: str, folder: Path) -> None:
        """`card`: kind, architecture and parts of the weights; `size`: at which the pictures are looked at; `folder`:
        for the weights while they are judged."""
        self.held, self._card, self._device, self._folder = held, card, device, folder
        self._config = DetectConfig(size=size)

    def __call__(self, state: "dict[str, torch.Tensor]") -> dict[str, float]:
        """AP50, AP (COCO's) and recall (at the default confidence) of a detector's tensors; what has no meaning, 0."""
        detector = Detector(save_weights(self._folder / "judged.pt", state, self._card), self._device)
        sightings = [self._sighting(held, detector) for held in self.held]
        scores = Scores(sightings, len(detector.parts), self._config.confidence, self._config.max_boxes)
        figures = scores.figures(np.arange(len(sightings)))
        return {name: round(figures[name] or 0.0, 4) for name in FIGURES}

    def account(self, state: "dict[str, torch.Tensor]", epochs: Sequence[int]) -> dict[str, object]:
        """For the card: what was held out, which epochs it chose, and how good these are there."""
        encounters = len({h.encounter or h.picture.name for h in self.held})
        counts = {"photos": len(self.held), "boxes": sum(len(read_boxes(h.picture)) for h in self.held)}
        note = "these photos chose the epoch, so the figures flatter a little"
        return {**counts, "encounters": encounters, "epochs": list(epochs), **self(state), "note": note}

    def _sighting(self, held: Held, detector: Detector) -> Sighting:
        pixels, boxes = read_picture(held.picture), read_boxes(held.picture)
        size = pixels.shape[1], pixels.shape[0]
        corners = corners_of(boxes, *size)
        config = DetectConfig(size=self._config.size, confidence=LEAST)
        found = as_rows(detector(pixels, config), size, detector)
        return Sighting(held.encounter, np.hstack([boxes[:, :1], corners]), found, size, held.picture.name)


def best_epoch(scores: Mapping[int, float]) -> int | None:
    """The epoch with the highest score, the earliest of several; None without scores."""
    return max(scores, key=lambda epoch: (scores[epoch], -epoch)) if scores else None


def is_over(scores: Mapping[int, float], patience: int) -> bool:
    """Whether the last `patience` epochs brought no better score than the best before; never with a patience of 0."""
    best = best_epoch(scores)
    return bool(patience) and best is not None and max(scores) - best >= patience
