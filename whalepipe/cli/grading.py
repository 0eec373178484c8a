"""`whalepipe evaluate quality ...`."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress
from whalepipe.cli.figures import say_figures
from whalepipe.errors import ConfigError


def quality(
    gallery: o.Gallery = None,
    gallery_labels: o.GalleryLabels = None,
    query: o.Query = None,
    query_labels: Annotated[
        Path | None, typer.Option("--query-labels", help="CSV: crop, encounter, individual.")
    ] = None,
    part: Annotated[str, typer.Option("--part", help="What these crops show, such as fluke.")] = "",
    grades: Annotated[
        Path | None, typer.Option("--grades", help="CSV: photo, box, and grade (higher is better) or usable.")
    ] = None,
    graded_photos: Annotated[Path | None, typer.Option("--graded-photos", help="The folder of its photos.")] = None,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """The error as the worst are set aside, agreement with people, and whether reasons are right."""
    try:
        from whalepipe.evaluation.quality import QualityEvaluation, evaluate_quality
    except ImportError as error:
        raise need_extra("train", error) from error
    from whalepipe.models.device import pick_device

    finding = (gallery, gallery_labels, query, query_labels, part or None)
    if any(finding) and not all(finding):
        raise ConfigError("give --gallery, --gallery-labels, --query, --query-labels and --part together")
    if bool(grades) != bool(graded_photos):
        raise ConfigError("give --graded-photos, the folder of the photos, with --grades")
    options = QualityEvaluation(
        config=o.configuration(config, settings),
        gallery=(gallery, gallery_labels) if gallery and gallery_labels else None,
        query=(query, query_labels) if query and query_labels else None,
        part=part,
        grades=(grades, graded_photos) if grades and graded_photos else None,
        without=tuple(without or ()),
        device=pick_device(device.value),
    )
    say_figures(evaluate_quality(options, progress(quiet=False)), as_json)
