"""Which pixels of a crop an answer hangs on: by hiding them, and by the embedder's own gradients. Needs captum.

Occlusion: a grey square is swept over the crop, and what the score loses is put down to what it hid (Zeiler and Fergus
2014, "Visualizing and understanding convolutional networks", section 4.2). Grad-CAM (Selvaraju et al. 2017, "Grad-CAM:
visual explanations from deep networks via gradient-based localization", equations 1 and 2) of the same score. And what
the last convolution answers to at all, whoever it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe.models.embedder import Picture, Vector, Voter, voted
from whalepipe.models.libraries import imported
from whalepipe.models.species import Head

if TYPE_CHECKING:
    import torch

METHOD = "attribution-1"  # changes with anything that changes the maps
LONGEST = 512  # pixels of the longer side at which the square is swept: no embedder looks at more
GREY = 127.0
SMOOTH = 0.25  # deviation of the Gaussian that smooths the sweep, in sides of the square
BATCH = 16  # crops that are looked at together: memory

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sweep:
    """How the square goes over a crop."""

    side: float = 0.25  # of the square, as a share of that of a square as large as the crop
    steps: int = 2  # to a side of the square, each way

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the square in pixels: less of the one where the crop is lower than that, or narrower."""
        side = max(1, round(self.side * (height * width) ** 0.5))
        return min(side, height), min(side, width)


SWEEP = Sweep()


@dataclass(frozen=True)
class Question:
    """What is asked of a crop: a score of its vector, and how that rises with the vector's numbers."""

    score: Callable[[Vector], Floats]  # (n, dimension) -> (n,)
    slope: Callable[[Vector], Vector]  # (dimension,) -> (dimension,)


@dataclass(frozen=True)
class Maps:
    """Where the answer comes from, each (h, w) float32, of the crop's proportions.

    `occlusion`: what the score loses where a pixel is hidden, below 0 where it gains; `gradcam` and `activation`: from
    0 on, in no unit.
    """

    occlusion: Floats
    gradcam: Floats
    activation: Floats


@dataclass(frozen=True)
class Shares:
    """How much of what speaks for an answer lies on the animal, and how much that could be."""

    attribution: float
    chance: float  # the share of the crop that the animal covers: what a model reaches that looks nowhere
    ceiling: float  # what one reaches that sees nothing but the animal: the square is coarse


def need_library() -> None:
    """Before minutes of work: raises ImportError without what it needs, WhalepipeError where that does not load."""
    for name in ("torchvision", "captum"):  # the networks are built of the first, which loads torch
        imported(name)


def likeness_to(other: Vector) -> Question:
    """The cosine with a unit vector (dimension,): how like the other crop is this one?"""
    return Question(lambda vectors: np.asarray(vectors @ other, np.float32), lambda _: other)


def label(head: Head, name: str) -> Question:
    """A label's logit, less the mean of all labels' logits, in their standard deviations. Raises ValueError."""
    place = list(head.species).index(name)

    def logits(vectors: Vector) -> npt.NDArray[np.float64]:
        return np.asarray(vectors.astype(np.float64) @ head.coefficients.T + head.intercepts)

    def score(vectors: Vector) -> Floats:
        told = logits(vectors)
        return np.asarray((told[:, place] - told.mean(1)) / np.maximum(told.std(1), 1e-12), np.float32)

    def slope(vector: Vector) -> Vector:
        away = logits(vector[None])[0]
        away -= away.mean()
        spread = max(float(away.std()), 1e-12)
        own = np.eye(len(away))[place] - 1 / len(away)
        rise = own / spread - away[place] * away / (len(away) * spread**3)
        return np.asarray(rise @ head.coefficients, np.float32)

    return Question(score, slope)


def maps(voters: Sequence[Voter], crop: Picture, question: Question, device: str = "cpu") -> Maps:
    """All three maps of a crop, (height, width, 3) uint8 RGB, its longer side LONGEST pixels at most.

    Raises ImportError without captum.
    """
    picture = shrunk(crop)
    gradients, activations = seen(voters, picture, question, device)
    return Maps(occlusion(voters, picture, question, device), gradients, activations)


def shrunk(crop: Picture) -> Picture:
    """A crop whose longer side is LONGEST pixels at most."""
    height, width = crop.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8) if scale < 1 else crop


def occlusion(
    voters: Sequence[Voter], crop: Picture, question: Question, device: str = "cpu", sweep: Sweep = SWEEP
) -> Floats:
    """What the score loses where a grey square hides the crop, (height, width, 3) uint8 RGB: (height, width)."""
    import torch

    def score(pictures: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(question.score(voted(voters, list(pictures.byte().numpy()), device)))

    return _swept(crop.astype(np.float32), score, GREY, sweep)


def _swept(picture: Floats, score: "Callable[[torch.Tensor], torch.Tensor]", hidden: float, sweep: Sweep) -> Floats:
    import torch
    from captum.attr import Occlusion

    height, width, channels = picture.shape
    sides = sweep.sides(height, width)
    lost = Occlusion(score).attribute(
        torch.from_numpy(picture)[None],
        sliding_window_shapes=(*sides, channels),
        strides=(*(max(1, side // sweep.steps) for side in sides), channels),
        baselines=hidden,
        perturbations_per_eval=BATCH,
    )
    deviation = max(SMOOTH * max(sides), 0.5)
    return np.asarray(cv2.GaussianBlur(lost[0, :, :, 0].numpy(), (0, 0), deviation), np.float32)


def seen(voters: Sequence[Voter], crop: Picture, question: Question, device: str = "cpu") -> tuple[Floats, Floats]:
    """Grad-CAM of the score, and the mean answer of the last convolution's channels: (height, width) each.

    Each look at the crop counts in them as much as it does in the vector.
    """
    return gradcam(voters, crop, question, device), _activation(voters, crop, device)


def gradcam(voters: Sequence[Voter], crop: Picture, question: Question, device: str = "cpu") -> Floats:
    """Grad-CAM of the score alone, (height, width). Raises ImportError without captum."""
    [whole] = voted(voters, [crop], device)
    slope, size = question.slope(whole), (crop.shape[1], crop.shape[0])
    found = np.zeros(size[::-1], np.float32)
    for voter, look, start, stop, weight in _looks(voters):
        raised = _raised(voter, look, crop, slope[start:stop] * weight, device)
        found += cv2.resize(raised, size, interpolation=cv2.INTER_LINEAR)
    return found


def _activation(voters: Sequence[Voter], crop: Picture, device: str) -> Floats:
    size = crop.shape[1], crop.shape[0]
    found = np.zeros(size[::-1], np.float32)
    for voter, look, _, _, weight in _looks(voters):
        answered = _answered(voter, look, crop, device)
        found += cv2.resize(answered, size, interpolation=cv2.INTER_LINEAR) * weight**2
    return found


def _looks(voters: Sequence[Voter]) -> Iterator[tuple[Voter, int, int, int, float]]:
    """Each look of each network, the numbers of the vector that it makes, and the length that it has in there."""
    start = 0
    for voter in voters:
        wide: Any = voter.network.width
        for look in range(len(voter.sizes)):
            share = 1 / len(voters) if voter.share is None else voter.share
            yield voter, look, start, start + wide, (share / len(voter.sizes)) ** 0.5
            start += wide


def _raised(voter: Voter, look: int, crop: Picture, slope: Vector, device: str) -> Floats:
    """Grad-CAM of one look, as coarse as the last convolution is."""
    import torch
    from captum.attr import LayerGradCam
    from torch.nn.functional import normalize

    network: Any = voter.network
    rise = torch.from_numpy(slope).to(device)

    def score(pictures: torch.Tensor) -> torch.Tensor:
        return normalize(network(pictures, look)) @ rise

    raised = LayerGradCam(score, network.backbone).attribute(_given(voter, look, crop, device), relu_attributions=True)
    # Gradients are of a mean over the cells: the more there are, the less each has.
    coarse = raised[0, 0] * raised[0, 0].numel()
    return np.asarray(coarse.detach().cpu().numpy(), np.float32)


def _answered(voter: Voter, look: int, crop: Picture, device: str) -> Floats:
    """The channels' mean of one look, as coarse as the last convolution is."""
    from captum.attr import LayerActivation

    network: Any = voter.network
    layer = LayerActivation(lambda pictures: network(pictures, look), network.backbone)
    channels = layer.attribute(_given(voter, look, crop, device))[0].clamp(min=0).mean(0)
    return np.asarray((channels / channels.max().clamp(min=1e-12)).detach().cpu().numpy(), np.float32)


def _given(voter: Voter, look: int, crop: Picture, device: str) -> "torch.Tensor":
    return voter.shown.tensor([crop], voter.sizes[look]).to(device)


def share(of: Floats, mask: Mask) -> float | None:
    """How much of what speaks for the answer in a map (h, w) lies on a mask of any size; None where nothing does."""
    positive = np.maximum(of, 0)
    total = float(positive.sum())
    return float((positive * _on(mask, of.shape)).sum()) / total if total > 0 else None


def _on(mask: Mask, shape: tuple[int, ...]) -> Floats:
    """How much of each pixel of a picture (h, w) a mask of any size covers."""
    return np.asarray(cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA))


def bounded(of: Floats, mask: Mask, sweep: Sweep = SWEEP) -> Shares | None:
    """What of an occlusion map (h, w) by this sweep lies on a mask of any size, and between which bounds.

    None where nothing of the map speaks for the answer, or nothing is on the mask.
    """
    on = _on(mask, of.shape)
    found = share(of, mask)
    if found is None or not mask.any():
        return None
    best = share(_swept(on[..., None], lambda pictures: pictures.sum((1, 2, 3)), 0.0, sweep), mask)
    return Shares(found, float(on.mean()), best or 0.0)
