"""The loop that every recipe is trained by: what differs between them are the parts that it is given."""

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from whalepipe.files import write_aside
from whalepipe.models.architecture import ALEXNET, PLAIN, Architecture, create
from whalepipe.models.inputs import MEAN, STD, Input
from whalepipe.training.duration import Tell
from whalepipe.training.recipes.answers import see
from whalepipe.training.recipes.augmentation import pipeline
from whalepipe.training.recipes.losses import Criterion
from whalepipe.training.recipes.mask import learn_mask
from whalepipe.training.recipes.recipe import Loss, Recipe
from whalepipe.training.recipes.sampling import Crops, Plan, Showings, loader, plan
from whalepipe.training.recipes.schedule import Pace, freeze, optimizer_of, set_training
from whalepipe.training.recipes.start import AUTO, begin
from whalepipe.training.rounds import checkpoint
from whalepipe.training.whiten import whiten

BEST = "best.pt"  # in the folder of a run: network and criterion after the best epoch
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Fitting:
    """How to run a recipe, beside what it says."""

    work_dir: Path  # checkpoints and log; a run that was stopped goes on from there
    pretrained: str = AUTO  # or none, or a file
    minutes: float = 0.0  # above 0: these decide when it is over, not the recipe's epochs
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

    @property
    def seen(self) -> Input:
        """How it is shown crops that were cleaned before."""
        return replace(self.shown, denoised=False, defogged=False)


@dataclass
class _Run:
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


def fit(
    crops: Crops,
    rows: Sequence[int],
    watched: Sequence[int],
    recipe: Recipe,
    how: Fitting,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Fitted:
    """Train a recipe on some rows of crops; what it chooses on the way it chooses by the `watched` ones.

    Raises WeightsError where what it begins with is not here.
    """
    torch.manual_seed(how.seed)
    those = plan(crops, rows, recipe.sampling)
    architecture, shown = architecture_of(recipe), input_of(recipe)
    network: Any = create(architecture)
    began = begin(network.backbone, recipe.backbone, how.pretrained, 4 if architecture.masked else 3)
    if recipe.schedule.first == "species":
        how = replace(how, minutes=how.minutes / 2)
        began = _species_first(network, crops, rows, watched, recipe, how, tell)
    counts, dropout = those.counts, 0.0 if recipe.head.dimension else recipe.head.dropout
    criterion = Criterion(recipe.loss, network.width, counts, len(those.kinds), dropout)
    overlap = None
    if architecture.masked:
        overlap = _mask(network, crops, shown, recipe, how, tell)
    run = _start(network, criterion, recipe, how)
    showings = Showings(crops, those, pipeline(recipe.augmentation, recipe.shown.size), _offline(recipe))
    fitted = Fitted(network, criterion, those, architecture, shown, began, overlap, 0, 0.0)
    _train(run, showings, crops, watched, recipe, how, fitted, progress)
    network = _kept(run, how, recipe)
    fitted = replace(fitted, network=network, epochs=run.epoch, minutes=round(run.pace.spent() / 60, 2))
    return _whitened(fitted, crops, rows, recipe) if recipe.head.whitened else fitted


def _offline(recipe: Recipe) -> bool:
    return recipe.sampling.copies > 1 or recipe.sampling.rare > 1


def _species_first(
    network: Any,
    crops: Crops,
    rows: Sequence[int],
    watched: Sequence[int],
    recipe: Recipe,
    how: Fitting,
    tell: Tell | None,
) -> str:
    """Train the same on species, and begin with that backbone."""
    if tell:
        tell("first on species, then on individuals")
    schedule, loss = replace(recipe.schedule, first="individuals"), Loss(softmax=1.0)
    by_species = replace(crops, classes=crops.species)
    before = replace(how, work_dir=how.work_dir / "species")
    fitted = fit(by_species, rows, watched, replace(recipe, schedule=schedule, loss=loss), before, tell=tell)
    network.backbone.load_state_dict(fitted.network.backbone.state_dict())
    return f"{fitted.began}, then {len(fitted.plan.names)} species"


def _mask(network: Any, crops: Crops, shown: Input, recipe: Recipe, how: Fitting, tell: Tell | None) -> float:
    """Teach the mask network, or take it from the folder of a run that did so before."""
    kept = how.work_dir / "mask.pt"
    if kept.is_file():
        state = torch.load(kept, weights_only=True)
        network.mask.load_state_dict(state["mask"])
        network.mask.requires_grad_(False)
        return float(state["overlap"])
    overlap = learn_mask(network.mask, crops.parts[0], shown, recipe.mask, how.seed)
    _save({"mask": network.mask.state_dict(), "overlap": overlap}, kept)
    if tell:
        tell(f"mask: {overlap:.2f} of it agrees with the truth of rendered crops; its VGG19 began with random numbers")
    return overlap


def _start(network: Any, criterion: Criterion, recipe: Recipe, how: Fitting) -> _Run:
    schedule = recipe.schedule
    network.to(memory_format=torch.channels_last)
    freeze(network.backbone, recipe.freezing, 0.0)
    optimizer = optimizer_of(network, criterion, schedule, recipe.loss.rate)
    running = get_ema_multi_avg_fn(schedule.averaged)  # type: ignore[no-untyped-call]
    mean = AveragedModel(network, multi_avg_fn=running, use_buffers=True) if schedule.averaged else None
    run = _Run(network, criterion, optimizer, mean, Pace(schedule, recipe.freezing, how.minutes))
    last = how.work_dir / "last.pt"
    if last.is_file():
        run.restore(torch.load(last, weights_only=True))
    return run


def _train(
    run: _Run,
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
                _save(state, how.work_dir / BEST)
        checkpoint(how.work_dir, run.state(), run.epoch, loss, run.optimizer.param_groups[0]["lr"], found)
        if recipe.schedule.checkpoints == "each":
            _save(run.finished.state_dict(), how.work_dir / f"epoch-{run.epoch:03d}.pt")
        if progress:
            progress(run.epoch, recipe.schedule.epochs, loss)


def _epoch(run: _Run, showings: Showings, recipe: Recipe, how: Fitting, fitted: Fitted) -> tuple[float, float]:
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


def _kept(run: _Run, how: Fitting, recipe: Recipe) -> Any:
    """The network of the epoch that the recipe keeps, its criterion put back too."""
    best = how.work_dir / BEST
    if recipe.schedule.keep == "best" and best.is_file():
        state = torch.load(best, weights_only=True)
        run.finished.load_state_dict(state["network"])
        run.criterion.load_state_dict(state["criterion"])
    return run.finished


def _whitened(fitted: Fitted, crops: Crops, rows: Sequence[int], recipe: Recipe) -> Fitted:
    """The backbone as it was trained, with layers behind it that are computed from what it gives (see whiten.py)."""
    dimension = min(recipe.head.whitened, len(rows) - 1)
    architecture = replace(fitted.architecture, dimension=dimension, hidden=0, neck="norm", drop_path=0.0)
    finished: Any = create(architecture)
    learned = fitted.network.state_dict()
    finished.load_state_dict({k: v for k, v in learned.items() if not k.startswith(("linear.", "neck."))}, strict=False)
    whiten(finished, crops.pictures[list(rows)], [recipe.shown.size], fitted.seen)
    none = Criterion(Loss(), dimension, fitted.plan.counts, 0)  # what was learned fits these vectors no longer
    return replace(fitted, network=finished, architecture=architecture, criterion=none)


def _save(state: dict[str, Any], path: Path) -> None:
    out = io.BytesIO()
    torch.save(state, out)
    write_aside(path, out.getvalue())
