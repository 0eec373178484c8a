"""`whalepipe evaluate ...`: labels and photos in, figures out, with bootstrap intervals."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, say

app = typer.Typer(
    help="Measure on labelled photos.\n\nExample: whalepipe evaluate detector --help",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(help="Score boxes.\n\nExample: whalepipe evaluate detector --photos photos/ --boxes boxes.csv --json")
def detector(
    photos: Annotated[Path, typer.Option("--photos", help="The folder that the table's paths start from.")],
    boxes: Annotated[Path, typer.Option("--boxes", help="CSV: photo, part, xmin, ymin, xmax, ymax.")],
    negatives: Annotated[list[Path] | None, typer.Option("--negatives", help="Folders without animals.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Score only encounters or photos so named.")] = None,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """AP, recall, precision, false boxes."""
    try:
        from whalepipe.evaluation.detector import DetectorEvaluation, evaluate_detector
    except ImportError as error:
        raise need_extra("train", error) from error
    from whalepipe.models.device import pick_device

    options = DetectorEvaluation(
        config=o.configuration(config, settings).detect,
        negatives=tuple(negatives or ()),
        only=tuple(only or ()),
        without=tuple(without or ()),
        device=pick_device(device.value),
    )
    _say_figures(evaluate_detector(photos, boxes, options), as_json)


def _say_figures(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(figures))
        return
    intervals = figures.get("intervals", {})
    for name, value in figures.items():
        if isinstance(value, float | int | str):
            low_high = intervals.get(name)
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            say(f"{name:<16}{shown}" + (f"  ({low_high[0]:.3f} to {low_high[1]:.3f})" if low_high else ""))
