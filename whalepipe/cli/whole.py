"""`whalepipe evaluate run ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress
from whalepipe.cli.figures import say_figures


def run(
    raw_dir: o.Photos,
    truth: Annotated[
        Path,
        typer.Option("--truth", help="CSV: photo, part, box and individual of every animal; no box: a photo without."),
    ],
    out: o.Out = None,
    catalog: o.CatalogPath = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """Found, kept, named, new told from known, from raw photo to name."""
    from whalepipe.evaluation.whole import evaluate_run
    from whalepipe.job import Job
    from whalepipe.store import origin

    photos = origin(raw_dir)
    folder = o.results_folder(photos, out)
    job = Job(photos, folder, o.configuration(config, settings), o.catalog_path(catalog), device=device.value)
    say_figures(evaluate_run(job, truth, progress=progress(quiet=False)), as_json)
