"""What is written of a trained recipe: its tensors, its card, the command that trains it again."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from whalepipe.evaluation.specimens import SpeciesTable
from whalepipe.models.embedder import CLASSIFIER
from whalepipe.training.crops import LabelSet
from whalepipe.training.recipes import recipe as parts
from whalepipe.training.recipes.fitting import Fitted
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.start import AUTO, IMAGENET, NONE
from whalepipe.training.sources import portable


@dataclass(frozen=True)
class RecipeTraining:
    """What to train by, and how."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    work_dir: Path
    recipe: Recipe
    pretrained: str = AUTO
    minutes: float = 0.0
    seed: int = 0
    threads: int = 0
    without: tuple[str, ...] = ()
    held_out: float = 0.15  # share of the individuals that only calibrate and measure
    pseudo: tuple[LabelSet, ...] = ()  # crops without a name
    calibrate: tuple[LabelSet, ...] = ()  # label sets that only calibrate: never trained on
    beside: tuple[Path, ...] = ()  # finished weights that vote beside these, see models/embedder.py
    silhouette: str = "silhouette"
    provenance: Path | None = None


def state_of(fitted: Fitted) -> dict[str, torch.Tensor]:
    """The tensors of the network and of what tells its classes."""
    state = dict(fitted.network.state_dict())
    if fitted.criterion.classifies:
        weight, bias, _ = fitted.criterion.told(len(fitted.plan.names))
        state |= {f"{CLASSIFIER}weight": weight} | ({f"{CLASSIFIER}bias": bias} if bias is not None else {})
    return state


def card_of(kind: str, fitted: Fitted, options: RecipeTraining, told: dict[str, Any], of: str) -> dict[str, Any]:
    """What the card says of how it was trained; `of`: what its classes are."""
    recipe = options.recipe
    classes = {}
    if fitted.criterion.classifies:
        scale = fitted.criterion.told(1)[2]
        classes = {"classes": {"of": of, "names": list(fitted.plan.names), "scale": scale}}
    return {
        "kind": kind,
        "recipe": asdict(recipe),
        "backbone": recipe.backbone.name,
        "architecture": {**fitted.architecture.told(), "drop_path": 0.0},
        "dimension": fitted.network.width,
        "size": recipe.shown.size,
        "sizes": [recipe.shown.size],
        "shown": fitted.shown.told(),
        "began_with": fitted.began,
        "mask_overlap": fitted.mask,
        "epochs": fitted.epochs,
        "minutes": fitted.minutes,
        "own_figures": told,
        **classes,
    }


def words_of(sets: Sequence[LabelSet], calibrate: Sequence[LabelSet] = ()) -> list[str]:
    """The words of a command that name label sets, and those that only calibrate."""
    named = portable([path for one in (*sets, *calibrate) for path in (one.labels, one.crops)])
    words = [named(one.labels) for one in sets]
    for one in sets:
        words += ["--photos", named(one.crops), "--part", one.part]
    for one in calibrate:
        words += ["--calibrate", f"{named(one.labels)}:{named(one.crops)}:{one.part}"]
    return words


def words_of_species(tables: Sequence[SpeciesTable]) -> list[str]:
    """The words of a command that name tables of species."""
    words = words_of([LabelSet(one.labels, one.photos, one.part) for one in tables])
    return words + [w for one in tables for w in ("--species", one.species) if any(t.species for t in tables)]


def command(what: str, words: Sequence[str], options: RecipeTraining) -> str:
    """The command line that trains this again; DATA stands for the folder that holds all that is read."""
    recipe, own = options.recipe, options.recipe
    told = ["whalepipe", "train", what, *words, "--recipe", recipe.name]
    if recipe.name in parts.names():
        own = parts.read_recipe(recipe.name)
    given = {
        "backbone": (recipe.backbone.name, own.backbone.name),
        "size": (recipe.shown.size, own.shown.size),
        "epochs": (recipe.schedule.epochs, own.schedule.epochs),
        "batch": (recipe.schedule.batch, own.schedule.batch),
        "workers": (recipe.schedule.workers, own.schedule.workers),
        "minutes": (options.minutes, 0.0),
        "seed": (options.seed, 0),
    }
    told += [w for name, (value, usual) in given.items() if value != usual for w in (f"--{name}", str(value))]
    if options.pretrained != AUTO:
        known = options.pretrained in (NONE, IMAGENET)
        told += ["--pretrained", options.pretrained if known else Path(options.pretrained).name]
    told += ["--provenance", f"weights/{options.provenance.name}"] if options.provenance else []
    told += [word for path in options.beside for word in ("--beside", f"weights/{path.name}")]
    told += [word for pattern in options.without for word in ("--without", pattern)]
    return shlex.join([*told, "--out", f"weights/{options.out.name}"])
