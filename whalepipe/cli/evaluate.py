"""`whalepipe evaluate ...`: labels and photos in, figures out, with bootstrap intervals."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say

if TYPE_CHECKING:
    from whalepipe.evaluation.identity import IdentityEvaluation

GROUPS = ("parts", "sizes")  # figures that each have all of them again
MAPS = ("fnr_at_k", "expected_fnr_at_k", "k_for_miss_rate", "confused")  # figures, a number each for several settings

Part = Annotated[str, typer.Option("--part", help="What the crops show, such as fluke.")]

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
    page: Annotated[
        Path | None, typer.Option("--page", help="Write an HTML page with pictures of misses and false boxes.")
    ] = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """AP, recall, precision, false boxes, by part and by size of the animal in the photo."""
    try:
        from whalepipe.evaluation.detector import DetectorEvaluation, figures, look
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
    each = progress(quiet=False)
    looked = look(photos, boxes, options, each)
    found = figures(looked, options)
    if page is not None:
        from whalepipe.evaluation.misses import worst
        from whalepipe.report.worst import write_worst

        write_worst(page, "/".join(boxes.parts[-2:]), worst(looked, options), found, each)
    _say_figures(found, as_json)


@app.command(
    help="Score names on crops.\n\nExample: whalepipe evaluate identity --gallery known/ --gallery-labels known.csv "
    "--query later/ --query-labels later.csv --part fluke"
)
def identity(
    gallery: Annotated[Path, typer.Option("--gallery", help="The folder of the known individuals' crops.")],
    gallery_labels: Annotated[Path, typer.Option("--gallery-labels", help="CSV: crop, encounter, individual.")],
    query: Annotated[Path, typer.Option("--query", help="The folder of the crops to name.")],
    query_labels: Annotated[Path, typer.Option("--query-labels", help="CSV; whom the gallery lacks is new.")],
    part: Part,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """Top-1, MAP@5, new against known, calibration, misses by length of the list."""
    from whalepipe.evaluation.identity import evaluate_identity

    options = _identity_options(without, config, settings, device)
    found = evaluate_identity(gallery, gallery_labels, query, query_labels, part, options, progress(quiet=False))
    _say_figures(found, as_json)


@app.command(
    help="One animal or two? Over pairs of crops from different encounters.\n\n"
    "Example: whalepipe evaluate pairs --crops crops/ --labels who.csv --part dorsal_fin"
)
def pairs(
    crops: Annotated[Path, typer.Option("--crops", help="The folder of the crops.")],
    labels: Annotated[Path, typer.Option("--labels", help="CSV: crop, encounter, individual (or `other`).")],
    part: Part,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """AUC of same against different."""
    from whalepipe.evaluation.identity import evaluate_pairs

    options = _identity_options(without, config, settings, device)
    _say_figures(evaluate_pairs(crops, labels, part, options, progress(quiet=False)), as_json)


@app.command(
    help="Score species, of one folder alone: folders betray species.\n\n"
    "Example: whalepipe evaluate species --photos photos/ --labels species.csv --leave-one-out --json"
)
def species(
    photos: Annotated[Path, typer.Option("--photos", help="The folder that the table's paths start from.")],
    labels: Annotated[Path, typer.Option("--labels", help="CSV: photo or crop, species, individual; boxes if any.")],
    part: Part = "dorsal_fin",
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Tell each individual's species from the others of this table.")
    ] = False,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """Accuracy, calibration, the share that is named and how often rightly, what is taken for what."""
    try:
        from whalepipe.evaluation.species import SpeciesEvaluation, evaluate_species
    except ImportError as error:
        raise need_extra("train", error) from error
    from whalepipe.models.device import pick_device

    options = SpeciesEvaluation(
        config=o.configuration(config, settings),
        part=part,
        leave_one_out=leave_one_out,
        without=tuple(without or ()),
        device=pick_device(device.value),
    )
    try:
        found = evaluate_species(photos, labels, options, progress(quiet=False))
    except ImportError as error:
        raise need_extra("train", error) from error
    _say_figures(found, as_json)


def _identity_options(
    without: list[str] | None, config: Path | None, settings: list[str] | None, device: o.Device
) -> "IdentityEvaluation":
    from whalepipe.evaluation.identity import IdentityEvaluation
    from whalepipe.models.device import pick_device

    whole = o.configuration(config, settings)
    return IdentityEvaluation(config=whole, without=tuple(without or ()), device=pick_device(device.value))


def _say_figures(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(figures))
        return
    _say_each(figures)
    for group in GROUPS:
        for name, each in figures.get(group, {}).items():
            say(f"\n{name}")
            _say_each(each)


def _say_each(figures: dict[str, Any]) -> None:
    intervals = figures.get("intervals", {})
    for name, value in figures.items():
        if isinstance(value, float | int | str):
            low_high = intervals.get(name)
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            say(f"{name:<20}{shown}" + (f"  ({low_high[0]:.3f} to {low_high[1]:.3f})" if low_high else ""))
        elif name in MAPS:
            say(f"{name:<20}" + ", ".join(f"{key}: {'none' if v is None else v}" for key, v in value.items()))
