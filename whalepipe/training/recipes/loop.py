"""The loop that every recipe is trained by, epoch after epoch, with its checkpoints."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from whalepipe.files import write_aside
from whalepipe.models.inputs import Input
from whalepipe.training.recipes.answers import see
from whalepipe.training.recipes.fitting import Fitted, Fitting, Progress
from whalepipe.training.recipes.losses import Criterion
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.sampling import Crops, Showings, loader
from whalepipe.training.recipes.schedule import Pace, freeze, optimizer_of, set_training
from whalepipe.training.rounds import checkpoint, running_mean

BEST = "best.pt"  # in the folder of a run: network and criterion after the best epoch


@dataclass
class Run:
    """What an epoch changes, and a checkpoint holds."""

    network: Any
    criterion: Criterion
    optimizer: torch.optim.Optimizer
    mean: AveragedModel | None
    pace: Pace
    epoch: int = 0

    @property
    def finished(self) -> Any:
        """The network to use: its running mean, where there is one."""
        return self.mean.module if self.mean else self.network

    def _parts(self) -> dict[str, Any]:
        both = {"network": self.network, "criterion": self.criterion, "optimizer": self.optimizer}
        return {**both, "mean": self.mean} if self.mean else both

    def state(self) -> dict[str, Any]:
        memory = {**self.pace.memory, "spent": self.pace.spent()}
        return {"epoch": self.epoch, "memory": memory, **{k: v.state_dict() for k, v in self._parts().items()}}

    def restore(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.epoch, self.pace.memory = int(state["epoch"]), dict(state["memory"])


def start(network: Any, criterion: Criterion, recipe: Recipe, how: Fitting) -> Run:
    schedule = recipe.schedule
    network.to(memory_format=torch.channels_last)
    freeze(network.backbone, recipe.freezing, 0.0)
    optimizer = optimizer_of(network, criterion, schedule, recipe.loss.rate)
    running = running_mean(schedule.averaged)
    mean = AveragedModel(network, multi_avg_fn=running, use_buffers=True) if schedule.averaged else None
    run = Run(network, criterion, optimizer, mean, Pace(schedule, recipe.freezing, how.minutes, how.showings))
    last = how.work_dir / "last.pt"
    if last.is_file():
        run.restore(torch.load(last, weights_only=True))
    return run


def train(
    run: Run,
    showings: Showings,
    crops: Crops,
    watched: Sequence[int],
    recipe: Recipe,
    how: Fitting,
    fitted: Fitted,
    progress: Progress | None,
) -> None:
    while not run.pace.over(run.epoch):
        loss, right = _epoch(run, showings, recipe, how, fitted)
        found = {"trained on top1": right}
        if watched:
            found |= _watch(run.finished, crops, watched, recipe, fitted)
            if run.pace.saw(run.epoch, found["held-out loss"]):
                state = {"network": run.finished.state_dict(), "criterion": run.criterion.state_dict()}
                save(state, how.work_dir / BEST)
        checkpoint(how.work_dir, run.state(), run.epoch, loss, run.optimizer.param_groups[0]["lr"], found)
        if recipe.schedule.checkpoints == "each":
            save(run.finished.state_dict(), how.work_dir / f"epoch-{run.epoch:03d}.pt")
        if progress:
            progress(run.epoch, recipe.schedule.epochs, loss)


def _epoch(run: Run, showings: Showings, recipe: Recipe, how: Fitting, fitted: Fitted) -> tuple[float, float]:
    """One round; mean loss, and the share of crops that the classifier had right (0 where there is none)."""
    seed = 1000 * how.seed + run.epoch
    torch.manual_seed(seed)
    losses, right = [], []
    batches = loader(showings, fitted.plan, recipe, seed)
    steps = max(1, len(batches))
    for step, (pictures, labels, species) in enumerate(batches):
        done = run.pace.done(run.epoch, step, steps)
        if done >= 1:
            break
        freeze(run.network.backbone, recipe.freezing, done)
        set_training(run.network)
        run.criterion.train()
        run.pace.rate(run.optimizer, done)
        run.pace.memory["shown"] += len(pictures)
        vectors = run.network(_shown(pictures, fitted.shown))
        loss = run.criterion(vectors, labels, species)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        if run.mean:
            run.mean.update_parameters(run.network)
        losses.append(float(loss.detach()))
        if run.criterion.classifies:
            right += (run.criterion.logits(vectors.detach()).argmax(dim=1) == labels).tolist()
    run.epoch += 1
    return float(np.mean(losses or [0.0])), float(np.mean(right or [0.0]))


def _shown(pictures: torch.Tensor, how: Input) -> torch.Tensor:
    """Changed crops (n, 3, size, size) uint8 as the network takes them."""
    mean, std = (torch.tensor(x)[:, None, None] * 255.0 for x in (how.mean, how.std))
    return ((pictures.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def _watch(network: Any, crops: Crops, rows: Sequence[int], recipe: Recipe, fitted: Fitted) -> dict[str, float]:
    """Loss, and where there is a classifier its accuracy, on watched crops."""
    number = {name: n for n, name in enumerate(fitted.plan.names)}
    kinds = {name: n for n, name in enumerate(fitted.plan.kinds)}
    labels = torch.tensor([number[crops.classes[i]] for i in rows])
    species = torch.tensor([kinds.get(crops.species[i], 0) for i in rows])
    seen = see(
        network, fitted.criterion, crops.pictures[list(rows)], recipe.shown.size, fitted.seen, fitted.plan.classes
    )
    with torch.inference_mode():
        found = {"held-out loss": float(fitted.criterion(torch.from_numpy(seen.raw), labels, species))}
    if seen.logits is not None:
        found["held-out top1"] = float((torch.from_numpy(seen.logits).argmax(dim=1) == labels).float().mean())
    return found


def kept(run: Run, how: Fitting, recipe: Recipe) -> Any:
    """The network of the epoch that the recipe keeps, its criterion put back too."""
    best = how.work_dir / BEST
    if recipe.schedule.keep == "best" and best.is_file():
        state = torch.load(best, weights_only=True)
        run.finished.load_state_dict(state["network"])
        run.criterion.load_state_dict(state["criterion"])
    return run.finished


def save(state: dict[str, Any], path: Path) -> None:
    out = io.BytesIO()
    torch.save(state, out)
    write_aside(path, out.getvalue())
