"""`whalepipe evaluate ...`: labels and photos in, figures out, with bootstrap intervals."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress
from whalepipe.cli.figures import say_figures
from whalepipe.cli.grading import quality
from whalepipe.cli.whole import run
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    from whalepipe.evaluation.identity import IdentityEvaluation
    from whalepipe.evaluation.stock import Stock


class DatasetSplit(StrEnum):
    """How a data set is parted into gallery and queries."""

    open = "open"
    closed = "closed"
    disjoint = "disjoint"
    original = "original"


class SubmissionForm(StrEnum):
    """Whose columns and whose word for a new individual."""

    happywhale = "happywhale"
    humpback = "humpback"


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
    say_figures(found, as_json)


@app.command(
    help="Score names on crops.\n\nExample: whalepipe evaluate identity --gallery known/ --gallery-labels known.csv "
    "--query later/ --query-labels later.csv --part fluke"
)
def identity(
    part: Part,
    gallery: o.Gallery = None,
    gallery_labels: o.GalleryLabels = None,
    query: o.Query = None,
    query_labels: Annotated[
        Path | None, typer.Option("--query-labels", help="CSV; whom the gallery lacks is new.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Instead: a data set of the package wildlife-datasets, by its name.")
    ] = None,
    root: Annotated[Path | None, typer.Option("--root", help="The folder that its files lie in.")] = None,
    split: Annotated[
        DatasetSplit,
        typer.Option("--split", help="How it is parted into gallery and queries; original: as its makers did."),
    ] = DatasetSplit.open,
    held_out: Annotated[
        float, typer.Option("--held-out", min=0.01, max=0.99, help="The share of encounters and individuals asked for.")
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="Of all that is drawn by chance.")] = 0,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Score although nearly the same photos lie on both sides.")
    ] = False,
    submission: Annotated[
        Path | None, typer.Option("--submission", help="Write the five first answers as Kaggle's contests want them.")
    ] = None,
    attribution: Annotated[
        bool, typer.Option("--attribution", help="Say too how much of what speaks for the answers lies on the animal.")
    ] = False,
    form: Annotated[
        SubmissionForm, typer.Option("--submission-form", help="Of which contest.")
    ] = SubmissionForm.happywhale,
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """Top-1, MAP@5, new against known, calibration, misses by length of the list."""
    from whalepipe.evaluation.attribution import QUERIES
    from whalepipe.evaluation.identity import evaluate_stocks
    from whalepipe.evaluation.stock import from_folder
    from whalepipe.evaluation.submission import Submission

    written = Submission(submission, form.value) if submission else None
    options = replace(
        _identity_options(without, config, settings, device),
        seed=seed,
        allow_leaks=allow_leaks,
        submission=written,
        attribution=QUERIES if attribution else 0,
    )
    each = progress(quiet=False)
    if dataset and root and not (gallery or gallery_labels or query or query_labels):
        sides = _parted(dataset, root, part, split, held_out, options)
    elif gallery and gallery_labels and query and query_labels and not (dataset or root):
        folders = (gallery, gallery_labels), (query, query_labels)
        known, asked = (from_folder(*both, part, options.without) for both in folders)
        sides = known, asked
    else:
        raise ConfigError(
            "give --gallery, --gallery-labels, --query and --query-labels, or --dataset and --root in their place"
        )
    try:
        say_figures(evaluate_stocks(*sides, part, options, each), as_json)
    except ImportError as error:
        raise need_extra("explain", error) from error


def _parted(
    name: str, root: Path, part: str, split: DatasetSplit, held_out: float, options: "IdentityEvaluation"
) -> "tuple[Stock, Stock]":
    from whalepipe.evaluation.splits import Split
    from whalepipe.evaluation.splits import split as parted
    from whalepipe.evaluation.wildlife import load

    try:
        found = load(name, root, part, options.config.crop.margin, options.without)
    except ImportError as error:
        raise need_extra("wildlife", error) from error
    if split == DatasetSplit.original:
        return found.original()
    return parted(found.stock, Split(split.value), held_out, options.seed, progress(quiet=False))


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
    from whalepipe.evaluation.pairs import evaluate_pairs

    options = _identity_options(without, config, settings, device)
    say_figures(evaluate_pairs(crops, labels, part, options, progress(quiet=False)), as_json)


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
    say_figures(found, as_json)


def _identity_options(
    without: list[str] | None, config: Path | None, settings: list[str] | None, device: o.Device
) -> "IdentityEvaluation":
    from whalepipe.evaluation.identity import IdentityEvaluation
    from whalepipe.models.device import pick_device

    whole = o.configuration(config, settings)
    return IdentityEvaluation(config=whole, without=tuple(without or ()), device=pick_device(device.value))


app.command(
    help="Score grades.\n\nExample: whalepipe evaluate quality --grades graded.csv --graded-photos photos/ --json"
)(quality)
app.command(
    help="Score a whole run.\n\nExample: whalepipe evaluate run card/ --truth truth.csv --catalog known.sqlite"
)(run)
