"""`whalepipe train quality ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say
from whalepipe.cli.train import options as t
from whalepipe.errors import ConfigError


def quality(
    labels: t.Labels = None,
    photos: t.Crops = None,
    part: t.Parts = None,
    grades: Annotated[
        list[Path] | None, typer.Option("--grades", help="CSV: photo, box, and grade (higher is better) or usable.")
    ] = None,
    graded_photos: Annotated[
        list[Path] | None, typer.Option("--graded-photos", help="The folder of each table's graded photos.")
    ] = None,
    asked: Annotated[
        Path | None, typer.Option("--asked", help="CSV: look only for its crops, those the embedder did not learn.")
    ] = None,
    not_in: Annotated[
        Path | None, typer.Option("--not-in", help="CSV: leave out the animals that it names, to be scored on.")
    ] = None,
    onto: Annotated[
        str, typer.Option("--onto", help="Weights to keep as they are: only add parts that nobody graded.")
    ] = "",
    out: t.Weights = Path("quality.pt"),
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered individuals of each part.")] = 0,
    copies: Annotated[int | None, typer.Option("--copies", help="Spoiled copies of each crop looked for.")] = None,
    without: o.Without = None,
    provenance: t.Provenance = None,
    seed: t.Seed = 0,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.cpu,
) -> None:
    """Learn from grades, or from whether crops find their own animal again, what a good crop is."""
    try:
        from whalepipe.training.quality import Grades, QualityTraining, train_quality
    except ImportError as error:
        raise need_extra("train", error) from error
    sets = t.label_sets(labels, photos, part)
    if len(grades or []) != len(graded_photos or []):
        raise ConfigError("give one --graded-photos for each --grades: the folder of its photos")
    if onto and (grades or rendered):
        raise ConfigError("--onto adds parts that nobody graded: leave out --grades and --rendered")
    options = QualityTraining(
        out=out,
        config=o.configuration(config, settings),
        without=tuple(without or ()),
        asked=asked,
        not_in=not_in,
        onto=onto,
        rendered=rendered,
        seed=seed,
        device=device.value,
        provenance=provenance,
        **t.given(copies=copies),
    )
    both = zip(grades or [], graded_photos or [], strict=True)
    made = train_quality(sets, [Grades(*each) for each in both], options, progress(False))
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")
