"""`whalepipe train silhouette ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli.console import need_extra, say
from whalepipe.cli.train import options as t


def silhouette(
    out: t.Weights = Path("silhouette.pt"),
    work_dir: t.WorkDir = None,
    rendered: Annotated[int | None, typer.Option("--rendered", help="Rendered photos of each part.")] = None,
    epochs: t.Epochs = None,
    batch: t.Batch = None,
    freeze: t.Freeze = None,
    seed: t.Seed = 0,
    threads: t.Threads = 0,
) -> None:
    """Train, measure on what was held out, and say where the weights are."""
    try:
        from whalepipe.training.silhouette import SilhouetteTraining, train_silhouette
    except ImportError as error:
        raise need_extra("train", error) from error
    options = SilhouetteTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        seed=seed,
        threads=threads,
        **t.given(rendered=rendered, epochs=epochs, batch=batch, freeze=freeze),
    )
    made = train_silhouette(options, t.say_epoch, say)
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")
