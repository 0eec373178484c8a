"""What a training by a recipe is told, and what comes out of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whalepipe.models.architecture import ALEXNET, PLAIN, Architecture
from whalepipe.models.inputs import MEAN, STD, Input
from whalepipe.training.recipes.losses import Criterion
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.sampling import Plan
from whalepipe.training.recipes.start import AUTO

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Fitting:
    """How to run a recipe, beside what it says."""

    work_dir: Path  # checkpoints and log; a run that was stopped goes on from there
    pretrained: str = AUTO  # or none, imagenet, or a file
    minutes: float = 0.0  # above 0: these decide when it is over, not the recipe's epochs
    showings: int = 0  # above 0: so many crops decide, one shown twice counted twice
    seed: int = 0


@dataclass(frozen=True)
class Fitted:
    """A trained recipe."""

    network: Any
    criterion: Criterion
    plan: Plan
    architecture: Architecture
    shown: Input
    began: str  # with which weights
    mask: float | None  # intersection over union of the mask network with the truth of rendered crops
    epochs: int
    minutes: float
    showings: int  # crops that it was shown, one shown twice counted twice

    @property
    def seen(self) -> Input:
        """How it is shown crops that were cleaned before."""
        return replace(self.shown, denoised=False, defogged=False)


def architecture_of(recipe: Recipe) -> Architecture:
    """The network of a recipe."""
    masked = recipe.mask.size if recipe.shown.mask == "fourth_channel" else 0
    head = {k: v for k, v in asdict(recipe.head).items() if k != "whitened"}
    backbone = recipe.backbone
    return Architecture(backbone.name, **head, drop_path=backbone.drop_path, size=recipe.shown.size, masked=masked)


def input_of(recipe: Recipe) -> Input:
    """What a recipe does to every crop."""
    import timm

    cfg = None if recipe.backbone.name in (PLAIN, ALEXNET) else timm.get_pretrained_cfg(recipe.backbone.name)
    mean, std = (cfg.mean, cfg.std) if cfg and recipe.shown.normalised == "own" else (MEAN, STD)
    how = recipe.shown
    return Input(mean, std, how.noise != "kept", how.haze != "kept", recipe.answer.flipped == "mean")
