"""How a recipe's training goes: which weights move and how fast, for how long, and which epoch is kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from whalepipe.models.architecture import stages
from whalepipe.training.recipes.recipe import Freezing, Schedule
from whalepipe.training.rounds import set_rate

PLATEAU = 0.2  # times this is the rate once nothing gets better
AT_FIRST = {"factor": 1.0, "best": float("inf"), "epoch": 0.0, "spent": 0.0, "shown": 0.0}
Optimizer = torch.optim.Optimizer
KINDS: dict[str, Callable[..., Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda groups, **more: torch.optim.SGD(groups, momentum=0.9, nesterov=True, **more),
}


def optimizer_of(network: nn.Module, criterion: nn.Module, how: Schedule, centers: float) -> Optimizer:
    """Steps for all weights that may ever move; those of the criterion `centers` times as large."""
    mask: Any = getattr(network, "mask", None)
    fixed = {id(p) for p in mask.parameters()} if mask else set()
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in fixed], "lr": how.rate, "share": 1.0},
        {"params": list(criterion.parameters()), "lr": how.rate, "share": centers},
    ]
    return KINDS[how.optimizer]([g for g in groups if g["params"]], weight_decay=how.decay)


def freeze(backbone: Any, how: Freezing, done: float) -> list[str]:
    """Still the stages that the recipe keeps at this share of the training; returns the names of what is still."""
    every = stages(backbone)
    count = max(len(every) - how.but_last, 0) if how.but_last else how.first
    still = set() if _thawed(how, done) else {name for stage in every[:count] for name in stage}
    for name, weight in backbone.named_parameters():
        weight.requires_grad_(name not in still)
    return sorted(still)


def _thawed(how: Freezing, done: float) -> bool:
    return how.until < 1 and done >= how.until


def set_training(network: Any) -> None:
    """Training mode, but for layers whose weights are still: their batch normalisation would go on moving."""
    network.train()
    for layer in network.modules():
        own = list(layer.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own):
            layer.eval()
    if hasattr(network, "mask"):
        network.mask.eval()


@dataclass
class Pace:
    """The rate, when to stop, and which epoch was the best; what it remembers is plain, for a checkpoint."""

    how: Schedule
    freezing: Freezing
    minutes: float = 0.0  # above 0: these decide when it is over, not the epochs
    showings: int = 0  # above 0: so many crops, one shown twice counted twice, decide
    memory: dict[str, float] = field(default_factory=lambda: dict(AT_FIRST))
    _begun: float = field(default_factory=time.monotonic)

    def spent(self) -> float:
        """Seconds of training, those before a kill too."""
        return self.memory["spent"] + time.monotonic() - self._begun

    def done(self, epoch: int, step: int, steps: int) -> float:
        """The share of the training that is over, 0 to 1."""
        if self.showings:
            return min(self.memory["shown"] / self.showings, 1.0)
        if self.minutes:
            return min(self.spent() / (60 * self.minutes), 1.0)
        return min((epoch * steps + step) / (self.how.epochs * steps), 1.0)

    def rate(self, optimizer: Optimizer, done: float) -> None:
        """Set the rate at this share of the training."""
        thawed = self.freezing.then if _thawed(self.freezing, done) else 1.0
        rate = self.how.rate * self.memory["factor"] * thawed
        if self.how.shape == "cosine":
            set_rate(optimizer, done, rate)
            return
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)

    @property
    def watches(self) -> bool:
        """Whether anything is chosen by what is found on watched crops."""
        return self.how.shape == "plateau" or self.how.stop > 0 or self.how.keep == "best"

    def saw(self, epoch: int, loss: float) -> bool:
        """Note the loss on watched crops after this epoch (from 1); True where it is the best so far."""
        if loss < self.memory["best"]:
            self.memory |= {"best": loss, "epoch": float(epoch)}
            return True
        since = epoch - int(self.memory["epoch"])
        if self.how.shape == "plateau" and since % self.how.patience == 0:
            self.memory["factor"] *= PLATEAU
        return False

    def over(self, epoch: int) -> bool:
        """Whether training ends after this epoch (from 1)."""
        if self.how.stop and epoch - int(self.memory["epoch"]) >= self.how.stop:
            return True
        return self.done(epoch, 0, 1) >= 1.0
