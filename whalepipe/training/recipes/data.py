"""Labelled crops as a recipe is shown them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whalepipe.errors import TableError
from whalepipe.training.crops import Labelled, bursts, is_name
from whalepipe.training.recipes.fitting import input_of
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.sampling import Crops


def as_crops(labelled: Sequence[Labelled], recipe: Recipe) -> Crops:
    """Label sets as a recipe is shown them, their individuals as classes."""
    how, size = input_of(recipe), recipe.shown.size
    pictures = np.stack([how.clean(p, size) for one in labelled for p in one.pictures])
    groups = [f"{one.name}/{_first(one, group)}" for one in labelled for group in bursts(one)]
    return Crops(
        pictures,
        [name for one in labelled for name in one.individuals],
        [name for one in labelled for name in one.species or [""] * len(one.crops)],
        groups,
        [one.part for one in labelled for _ in one.crops],
    )


def _first(one: Labelled, row: int) -> str:
    """A group is known by its first file: a photo's crops of several parts, called alike, are then of one."""
    return Path(one.crops[row]).stem


def named(one: Labelled) -> Labelled:
    """The crops whose label names an individual."""
    return one.chosen([i for i, name in enumerate(one.individuals) if is_name(name)])


def check_species(crops: Crops, recipe: Recipe) -> None:
    """Raises TableError where a recipe learns or parts by species, and a crop has none."""
    wanted = recipe.loss.species or recipe.schedule.first == "species"
    if wanted and "" in crops.species:
        raise TableError(f"the recipe {recipe.name} learns species too: give each crop one in a column `species`")
