"""`whalepipe train species ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say
from whalepipe.cli.train import options as t
from whalepipe.cli.train import recipes as r
from whalepipe.errors import ConfigError


def species(
    labels: Annotated[list[Path], typer.Argument(help="CSV tables: photo or crop, species, individual; boxes if any.")],
    photos: Annotated[list[Path], typer.Option("--photos", help="The folder of each table's photos or crops.")],
    part: Annotated[list[str], typer.Option("--part", help="What to look at in each table's photos or crops.")],
    name: Annotated[
        list[str] | None,
        typer.Option("--species", help='The species of each table without such a column; "" for one with it.'),
    ] = None,
    out: t.Weights = Path("species.pt"),
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered individuals of each part beside the real.")] = 0,
    without: o.Without = None,
    provenance: t.Provenance = None,
    seed: t.Seed = 0,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.cpu,
    recipe: r.Name = None,
    work_dir: t.WorkDir = None,
    pretrained: r.Pretrained = "auto",
    backbone: r.Backbone = None,
    minutes: r.Minutes = 0.0,
    epochs: t.Epochs = None,
    size: t.Size = None,
    batch: t.Batch = None,
    workers: r.Workers = None,
    threads: t.Threads = 0,
) -> None:
    """Fit, measure with each individual left out in turn, and say where the weights are."""
    try:
        from whalepipe.evaluation.specimens import SpeciesTable
        from whalepipe.training.recipes.train import train_species_by_recipe
        from whalepipe.training.species import SpeciesTraining, train_species
    except ImportError as error:
        raise need_extra("train", error) from error
    tables = t.pairs(labels, photos)
    names = name or [""] * len(tables)
    if not len(part) == len(names) == len(tables):
        raise ConfigError(f"{len(tables)} tables of labels: give --part, and --species if at all, once for each")
    every = [SpeciesTable(*table, shows, named) for table, shows, named in zip(tables, part, names, strict=True)]
    if recipe:
        r.refuse_with_recipe(rendered=rendered)
        by = r.chosen(recipe, backbone, size, epochs, batch, workers)
        told = r.by_recipe(by, out, work_dir, pretrained, minutes, seed, threads, without, provenance)
        looks = o.configuration(config, settings)
        r.say_trained(*train_species_by_recipe(every, told, looks, t.say_epoch, say, progress(False)))
        return
    r.refuse_without_recipe(backbone=backbone, minutes=minutes, epochs=epochs, size=size, batch=batch, workers=workers)
    r.refuse_without_recipe(pretrained=pretrained != "auto", work_dir=work_dir, threads=threads)
    options = SpeciesTraining(
        out=out,
        config=o.configuration(config, settings),
        without=tuple(without or ()),
        rendered=rendered,
        seed=seed,
        device=device.value,
        provenance=provenance,
    )
    made = train_species(every, options, progress(False))
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")
