"""`whalepipe train detector ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, say
from whalepipe.cli.train import options as t


def detector(
    out: t.Weights,
    labels: t.Labels = None,
    photos: t.Photos = None,
    work_dir: t.WorkDir = None,
    base: Annotated[
        Path | None, typer.Option("--base", help="To begin with: weights, tensors, or an Ultralytics checkpoint.")
    ] = None,
    architecture: Annotated[
        str, typer.Option("--architecture", help="Ultralytics' YAML file.  [default: the base's, or yolov5n.yaml]")
    ] = "",
    negatives: Annotated[list[Path] | None, typer.Option("--negatives", help="Folders without animals.")] = None,
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered photos to train on beside the real ones.")] = 0,
    pasted: Annotated[int, typer.Option("--pasted", help="Photos of rendered animals in real seas.")] = 0,
    seas: Annotated[list[Path] | None, typer.Option("--seas", help="Folders of photos to take the seas from.")] = None,
    seas_boxes: Annotated[
        list[Path] | None, typer.Option("--seas-boxes", help="All boxes of each --seas, in the same order.")
    ] = None,
    mine: Annotated[int, typer.Option("--mine", help="Epochs more, with what was taken for an animal.")] = 0,
    mine_labelled: Annotated[
        bool, typer.Option("--mine-labelled", help="Mine the tables' photos too: all animals must have their box.")
    ] = False,
    without: o.Without = None,
    provenance: t.Provenance = None,
    epochs: t.Epochs = None,
    held_out: Annotated[
        float | None,
        typer.Option("--held-out", help="Share of the photos, by encounter, to score each epoch on; 0: none."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option("--patience", help="Epochs without a better score until it stops; 0: it does not.")
    ] = None,
    weather: Annotated[
        float | None, typer.Option("--weather", help="How often haze, glare and blur: times the usual; 0: never.")
    ] = None,
    size: t.Size = None,
    batch: t.Batch = None,
    freeze: t.Freeze = None,
    seed: t.Seed = 0,
    threads: t.Threads = 0,
    device: o.DeviceName = o.Device.cpu,
) -> None:
    """Fine-tune and say where the weights are."""
    from whalepipe.training.detector import DetectorTraining, train_detector

    options = DetectorTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        base=base,
        architecture=architecture,
        negatives=tuple(negatives or ()),
        rendered=rendered,
        pasted=pasted,
        seas=t.seas_of(seas or [], seas_boxes or []),
        mine=mine,
        mine_labelled=mine_labelled,
        without=tuple(without or ()),
        provenance=provenance,
        seed=seed,
        threads=threads,
        device=device.value,
        **t.given(
            epochs=epochs,
            held_out=held_out,
            patience=patience,
            weather=weather,
            size=size,
            batch=batch,
            freeze=freeze,
        ),
    )
    try:
        made = train_detector(t.pairs(labels or [], photos or []), options, t.say_epoch, say)
    except ImportError as error:
        raise need_extra("train", error) from error
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")
