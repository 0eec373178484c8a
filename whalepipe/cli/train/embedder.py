"""`whalepipe train embedder ...`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, say
from whalepipe.cli.train import options as t
from whalepipe.cli.train import recipes as r


def embedder(
    labels: Annotated[list[Path] | None, typer.Argument(help="CSV tables: crop, encounter, individual.")] = None,
    photos: t.Crops = None,
    part: t.Parts = None,
    calibrate: Annotated[
        list[str] | None, typer.Option("--calibrate", help="TABLE:FOLDER:PART to calibrate on, never to train on.")
    ] = None,
    out: t.Weights = Path("embedder.pt"),
    work_dir: t.WorkDir = None,
    base: t.Base = None,
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", help="Finished weights that vote beside these: their mean counts.")
    ] = None,
    further: Annotated[
        Path | None,
        typer.Option(
            "--further",
            help="Finished weights to go on from with all real crops, the held-out too; their figures are kept.",
        ),
    ] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="With --further: photos held out stay so, and are measured on.")
    ] = False,
    silhouette: Annotated[str, typer.Option("--silhouette", help="Weights to look closer with.")] = "silhouette",
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered individuals of each part.")] = 0,
    shots: Annotated[int | None, typer.Option("--shots", help="Photos of each rendered individual.")] = None,
    take: Annotated[int | None, typer.Option("--take", help="Rendered crops of each part in an epoch.")] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", help="Parts to mirror: fluke, dorsal_fin, head (seen from above, pointing sideways)."),
    ] = None,
    hide: Annotated[
        float | None, typer.Option("--hide", help="Share of the crops in which a rectangle is covered.")
    ] = None,
    without: o.Without = None,
    provenance: t.Provenance = None,
    epochs: t.Epochs = None,
    until: Annotated[
        int, typer.Option("--until", help="Stop after so many epochs, with the running mean of the weights.")
    ] = 0,
    size: t.Size = None,
    look: Annotated[
        list[int] | None, typer.Option("--look", help="Also look at crops at this size, once trained: for small marks.")
    ] = None,
    smallest: Annotated[
        float | None, typer.Option("--smallest", help="Show batches at sides from this share of --size on.")
    ] = None,
    batch: t.Batch = None,
    freeze: t.Freeze = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Of learning, at its highest.")] = None,
    seed: t.Seed = 0,
    threads: t.Threads = 0,
    recipe: r.Name = None,
    pretrained: r.Pretrained = "auto",
    backbone: r.Backbone = None,
    minutes: r.Minutes = 0.0,
    workers: r.Workers = None,
    pseudo: r.Pseudo = None,
) -> None:
    """Train, measure and calibrate on what was held out, and say where the weights are."""
    try:
        from whalepipe.training.embedder import STRENGTH, EmbedderTraining, train_embedder
        from whalepipe.training.recipes.train import train_by_recipe
    except ImportError as error:
        raise need_extra("train", error) from error
    sets = t.label_sets(labels, photos, part)
    if recipe:
        r.refuse_with_recipe(base=base, further=further, measured=measured, rendered=rendered, shots=shots)
        r.refuse_with_recipe(
            mirror=mirror, hide=hide, look=look, smallest=smallest, freeze=freeze, rate=rate, take=take, until=until
        )
        by = r.chosen(recipe, backbone, size, epochs, batch, workers)
        told = r.by_recipe(by, out, work_dir, pretrained, minutes, seed, threads, without, provenance)
        nameless = t.named_sets("--pseudo-labels", pseudo)
        told = replace(told, silhouette=silhouette, pseudo=nameless, beside=tuple(beside or ()))
        told = replace(told, calibrate=t.named_sets("--calibrate", calibrate))
        r.say_trained(*train_by_recipe(sets, told, t.say_epoch, say))
        return
    r.refuse_without_recipe(backbone=backbone, minutes=minutes, workers=workers, pseudo_labels=pseudo)
    r.refuse_without_recipe(pretrained=pretrained != "auto")
    options = EmbedderTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        base=base,
        beside=tuple(beside or ()),
        further=further,
        measured=measured,
        until=until,
        silhouette=silhouette,
        calibrate=t.named_sets("--calibrate", calibrate),
        rendered=rendered,
        without=tuple(without or ()),
        seed=seed,
        threads=threads,
        provenance=provenance,
        mirrored=tuple(mirror) if mirror else EmbedderTraining.mirrored,
        sizes=tuple(look or ()),
        strength=STRENGTH if hide is None else replace(STRENGTH, hidden=hide),
        **t.given(shots=shots, take=take, epochs=epochs, size=size, smallest=smallest, batch=batch, freeze=freeze),
        **t.given(learning_rate=rate),
    )
    made = train_embedder(sets, options, t.say_epoch, say)
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")
