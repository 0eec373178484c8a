"""What the embedder is shown: whose each crop is, and whose its mirror image; what an epoch takes; a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from whalepipe.training.augment import Strength, augmented
from whalepipe.training.crops import Labelled, Split, is_rendered

LEFT_RIGHT, TOP_BOTTOM = 1, 0  # axes of a picture (height, width, 3)
STRIDE = 32  # pixels of the input for one place of a backbone's last map


@dataclass(frozen=True)
class Mirror:
    """What a part's mirror image shows."""

    axis: int
    another: bool  # animal: its halves differ


# A mirrored fin shows the same nicks, as from its other side. A head seen from above points one way, left or right, in
# all crops of a set, and goes on to do so with its two sides exchanged. Of other parts nobody knows.
MIRRORS = {
    "fluke": Mirror(LEFT_RIGHT, another=True),
    "dorsal_fin": Mirror(LEFT_RIGHT, another=False),
    "head": Mirror(TOP_BOTTOM, another=True),
}


@dataclass(frozen=True)
class Lessons:
    """N training crops: pictures (N, size, size, 3), the class of each, that of its mirror image (-1: none), along
    which axis it is mirrored, and the part of which it is a rendered one ("": it is real)."""

    pictures: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int64]
    mirrors: npt.NDArray[np.int64]
    axes: npt.NDArray[np.int64]
    rendered: npt.NDArray[np.str_]

    @property
    def people(self) -> int:
        """How many classes there are, mirrored individuals among them."""
        return max(int(self.mirrors.max()), int(self.classes.max())) + 1


def lessons(labelled: Sequence[Labelled], splits: Sequence[Split], mirrored: Sequence[str]) -> Lessons:
    """The crops to train on of each label set; those of the parts `mirrored` are mirrored too."""
    numbers: dict[tuple[str, str, bool], int] = {}
    classes, mirrors, axes = [], [], []
    for one, rows in zip(labelled, splits, strict=True):
        mirror = MIRRORS[one.part] if one.part in mirrored else None
        for i in rows.train:
            who = (one.name, one.individuals[i])
            classes.append(numbers.setdefault((*who, False), len(numbers)))
            mirrors.append(numbers.setdefault((*who, mirror.another), len(numbers)) if mirror else -1)
            axes.append(mirror.axis if mirror else LEFT_RIGHT)
    pictures = np.concatenate([one.pictures[rows.train] for one, rows in zip(labelled, splits, strict=True)])
    drawn = [one.part if is_rendered(one) else "" for one in labelled]
    rendered = np.repeat(drawn, [len(rows.train) for rows in splits])
    return Lessons(pictures, np.array(classes), np.array(mirrors), np.array(axes), rendered)


def taken(rendered: npt.NDArray[np.str_], most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Rows of an epoch: all real crops, and `most` rendered ones of each part, by chance; 0: all.

    Of rendered crops there can be any number; taken anew each epoch, many can be seen and the real ones as often.
    """
    if not most:
        return np.arange(len(rendered))
    rows = []
    for part in np.unique(rendered):
        some = np.flatnonzero(rendered == part)
        rows.append(rng.choice(some, most, replace=False) if part and most < len(some) else some)
    return np.concatenate(rows)


def _side(size: int, smallest: float, rng: np.random.Generator) -> int:
    """Of the pictures of one batch, pixels: a multiple of STRIDE from `smallest` times `size` to `size`; or `size`."""
    least, most = int(np.ceil(size * smallest / STRIDE)), size // STRIDE
    return int(rng.integers(least, most, endpoint=True)) * STRIDE if smallest < 1 and least <= most else size


def batch(
    those: Lessons,
    rows: npt.NDArray[np.intp],
    size: int,
    smallest: float,
    strength: Strength,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of these rows, changed and half of them mirrored: (n, side, side, 3) uint8, and the class of each.

    `side` is `size`, or with `smallest` below 1 any multiple of STRIDE from that share of it on: marks are then known
    near and far (Touvron et al. 2019, "Fixing the train-test resolution discrepancy", section 3).
    """
    flipped = (rng.random(len(rows)) < 0.5) & (those.mirrors[rows] >= 0)
    side = _side(size, smallest, rng)
    made = [augmented(those.pictures[i], side, rng, strength) for i in rows]
    shown = [np.flip(p, axis) if f else p for p, f, axis in zip(made, flipped, those.axes[rows].tolist(), strict=True)]
    wanted = np.where(flipped, those.mirrors[rows], those.classes[rows])
    return torch.from_numpy(np.stack(shown)), torch.from_numpy(wanted)
