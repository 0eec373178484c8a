"""Recipes on the command line: training by one, listing them, comparing several."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, say
from whalepipe.cli.train import options as t
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    from whalepipe.models.weights import Weights
    from whalepipe.training.recipes.card import RecipeTraining
    from whalepipe.training.recipes.recipe import Recipe

Name = Annotated[
    str | None,
    typer.Option("--recipe", help="Train as others published it: a name of `train --list-recipes`, or a .yaml file."),
]
Pretrained = Annotated[
    str,
    typer.Option(
        "--pretrained", help="What its backbone begins with: auto (as the recipe says), none, imagenet, file."
    ),
]
Backbone = Annotated[str | None, typer.Option("--backbone", help="Another backbone than the recipe's.")]
Minutes = Annotated[float, typer.Option("--minutes", min=0, help="Train a recipe so long, not its epochs.")]
Showings = Annotated[
    int, typer.Option("--showings", min=0, help="Show each recipe so many crops, whatever it calls an epoch.")
]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes that change crops for a recipe.")]
Pseudo = Annotated[
    list[str] | None,
    typer.Option("--pseudo-labels", help="TABLE:FOLDER:PART of crops to name and train on too: never test photos."),
]
SHOWN = ("top1", "top3", "top5", "top20", "map5", "auc", "chance_criterion", "queries", "classes")


def whole(
    ctx: typer.Context,
    list_recipes: Annotated[
        bool, typer.Option("--list-recipes", help="List the trainings that others published and that run here.")
    ] = False,
    compared: Annotated[
        list[str] | None, typer.Option("--compare", help="Recipes to compare on one split; repeat it, or use commas.")
    ] = None,
    labels: Annotated[
        list[Path] | None, typer.Option("--labels", help="CSV tables: crop, encounter, individual.")
    ] = None,
    photos: t.Crops = None,
    part: t.Parts = None,
    out: Annotated[Path, typer.Option("--out", help="The folder for table, plot and trainings.")] = Path("comparison"),
    minutes: Minutes = 0.0,
    showings: Showings = 0,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each recipe.")] = 1,
    pretrained: Pretrained = "auto",
    backbone: Backbone = None,
    epochs: t.Epochs = None,
    size: t.Size = None,
    batch: t.Batch = None,
    workers: Workers = None,
    threads: t.Threads = 0,
    without: o.Without = None,
) -> None:
    """Make weights from your own labels, or compare how others make them.

    Example: whalepipe train --compare whalepipe,sperm-whale-winner --labels who.csv --photos crops/ --part fluke
    """
    if list_recipes:
        _say_recipes()
    elif compared:
        names = [name for text in compared for name in text.split(",") if name]
        every = tuple(chosen(name, backbone, size, epochs, batch, workers) for name in names)
        try:
            from whalepipe.training.recipes.compare import Comparison, compare, in_words
        except ImportError as error:
            raise need_extra("train", error) from error
        options = Comparison(every, out, seeds, minutes, showings, pretrained, threads, tuple(without or ()))
        say(in_words(compare(t.label_sets(labels, photos, part), options, say)))
        say(f"{out / 'comparison.csv'}, comparison.txt and comparison.png beside it")
    elif ctx.invoked_subcommand is None:
        raise ConfigError("give a command (train --help lists them), --list-recipes, or --compare with recipes")


def _say_recipes() -> None:
    """Each recipe, and the published result that it follows."""
    from whalepipe.training.recipes.recipe import names, read_recipe

    for recipe in map(read_recipe, names()):
        says = f"; {recipe.says}" if recipe.says else ""
        say(f"{recipe.name:<26}{recipe.backbone.name:<24}{recipe.follows}{says}")


def chosen(
    name: str, backbone: str | None, size: int | None, epochs: int | None, batch: int | None, workers: int | None
) -> "Recipe":
    """A recipe with what the command line says otherwise. Raises ConfigError."""
    from whalepipe.training.recipes.recipe import changed, read_recipe

    return changed(read_recipe(name), backbone=backbone, size=size, epochs=epochs, batch=batch, workers=workers)


def refuse_without_recipe(**given: object) -> None:
    """Options that mean nothing without --recipe. Raises ConfigError."""
    for name, value in given.items():
        if value:
            raise ConfigError(f"--{name.replace('_', '-')} goes with --recipe only")


def refuse_with_recipe(**given: object) -> None:
    """Options of the own training that a recipe would not heed. Raises ConfigError."""
    for name, value in given.items():
        if value not in (None, 0, [], False):
            raise ConfigError(f"--{name.replace('_', '-')} does not go with --recipe: the recipe says it")


def say_trained(made: "Weights", figures: dict[str, Any]) -> None:
    """The recipe's own figures on what it held out, and where the weights are."""
    intervals = figures.get("intervals") or {}
    for name in SHOWN:
        if figures.get(name) is not None:
            spread = intervals.get(name)
            say(f"{name:<20}{figures[name]}" + (f"  ({spread[0]:.3f} to {spread[1]:.3f})" if spread else ""))
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")


def by_recipe(
    recipe: "Recipe",
    out: Path,
    work_dir: Path | None,
    pretrained: str,
    minutes: float,
    seed: int,
    threads: int,
    without: list[str] | None,
    provenance: Path | None,
) -> "RecipeTraining":
    """What both kinds of training by a recipe are told."""
    from whalepipe.training.recipes.card import RecipeTraining

    return RecipeTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        recipe=recipe,
        pretrained=pretrained,
        minutes=minutes,
        seed=seed,
        threads=threads,
        without=tuple(without or ()),
        provenance=provenance,
    )
