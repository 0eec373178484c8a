"""A training by a recipe, from its beginning to the finished network: what differs are the parts that it is given."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from whalepipe.models.architecture import create
from whalepipe.models.inputs import Input
from whalepipe.training.duration import Tell
from whalepipe.training.recipes.augmentation import pipeline
from whalepipe.training.recipes.fitting import Fitted, Fitting, Progress, architecture_of, input_of
from whalepipe.training.recipes.loop import kept, save, start, train
from whalepipe.training.recipes.losses import Criterion
from whalepipe.training.recipes.mask import learn_mask
from whalepipe.training.recipes.recipe import Loss, Recipe
from whalepipe.training.recipes.sampling import Crops, Showings, plan
from whalepipe.training.recipes.start import begin
from whalepipe.training.whiten import whiten


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
    began = begin(network.backbone, recipe.backbone, how.pretrained)
    if recipe.schedule.first == "species":
        how = replace(how, minutes=how.minutes / 2, showings=how.showings // 2)
        began = _species_first(network, crops, rows, watched, recipe, how, tell)
    counts, dropout = those.counts, 0.0 if recipe.head.dimension else recipe.head.dropout
    criterion = Criterion(recipe.loss, network.width, counts, those.counts_of_species, dropout)
    overlap = None
    if architecture.masked:
        overlap = _mask(network, crops, shown, recipe, how, tell)
    run = start(network, criterion, recipe, how)
    showings = Showings(crops, those, pipeline(recipe.augmentation, recipe.shown.size), _offline(recipe))
    fitted = Fitted(network, criterion, those, architecture, shown, began, overlap, 0, 0.0, 0)
    train(run, showings, crops, watched, recipe, how, fitted, progress)
    network = kept(run, how, recipe)
    spent, shown_so_far = round(run.pace.spent() / 60, 2), int(run.pace.memory["shown"])
    fitted = replace(fitted, network=network, epochs=run.epoch, minutes=spent, showings=shown_so_far)
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
    file = how.work_dir / "mask.pt"
    if file.is_file():
        state = torch.load(file, weights_only=True)
        network.mask.load_state_dict(state["mask"])
        network.mask.requires_grad_(False)
        return float(state["overlap"])
    overlap = learn_mask(network.mask, crops.parts[0], shown, recipe.mask, how.seed)
    save({"mask": network.mask.state_dict(), "overlap": overlap}, file)
    if tell:
        tell(f"mask: {overlap:.2f} of it agrees with the truth of rendered crops; its VGG19 began with random numbers")
    return overlap


def _whitened(fitted: Fitted, crops: Crops, rows: Sequence[int], recipe: Recipe) -> Fitted:
    """The backbone as it was trained, with layers behind it that are computed from what it gives (see whiten.py)."""
    dimension = min(recipe.head.whitened, len(rows) - 1)
    architecture = replace(fitted.architecture, dimension=dimension, hidden=0, neck="norm", drop_path=0.0)
    finished: Any = create(architecture)
    learned = fitted.network.state_dict()
    finished.load_state_dict({k: v for k, v in learned.items() if not k.startswith(("linear.", "neck."))}, strict=False)
    whiten(finished, crops.pictures[list(rows)], [recipe.shown.size], fitted.seen)
    # What was learned of classes fits these vectors no longer.
    none = Criterion(Loss(), dimension, fitted.plan.counts, fitted.plan.counts_of_species)
    return replace(fitted, network=finished, architecture=architecture, criterion=none)
