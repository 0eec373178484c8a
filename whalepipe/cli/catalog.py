"""`whalepipe catalog ...`: the individuals that a lab knows."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.catalog.names import Twins
from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say, say_row, say_some
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    from whalepipe.catalog.decisions import By
    from whalepipe.catalog.place import Place
    from whalepipe.catalog.store import Catalog
    from whalepipe.enrol import Enrolment

HELP = (
    "The individuals that you know, and who decided what about them. Every change can be undone.\n\n"
    "Example: whalepipe catalog list"
)
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)

Catalogue = Annotated[
    str, typer.Option("--catalog", help="The catalogue: an SQLite file, or postgresql://USER@HOST/DATABASE.")
]
DEFAULT = "catalogue.sqlite"
Who = Annotated[str, typer.Option("--who", help="In whose name.  [default: the one you are logged in with]")]
Why = Annotated[str, typer.Option("--why", help="Why; kept with the decision.")]
TwinIds = Annotated[
    Twins, typer.Option("--twins", help="Ids that differ by case or spaces only: one animal, or two; else refused.")
]


def opened(catalog: str) -> "Catalog":
    """The catalogue of that path or URL."""
    from whalepipe.catalog.store import Catalog

    return Catalog.open(o.catalog_path(catalog) or Path(DEFAULT))


def signed(who: str, why: str) -> "By":
    """In whose name, and why."""
    from whalepipe.catalog.decisions import By

    return By(who, why) if who else By(why=why)


@app.command(help="Add labelled photos or crops.\n\nExample: whalepipe catalog add photos/ --labels who.csv")
def add(
    photos: Annotated[Path, typer.Argument(help="The folder that the labels' paths start from.")],
    labels: Annotated[Path, typer.Option("--labels", help="CSV: photo, individual, a box where there are several.")],
    catalog: Catalogue = DEFAULT,
    crops: Annotated[bool, typer.Option("--crops", help="The files are ready crops: CSV: crop, individual.")] = False,
    part: Annotated[str, typer.Option("--part", help="What ready crops show, such as fluke.")] = "",
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    quiet: o.Quiet = False,
    twins: TwinIds = Twins.ask,
    who: Who = "",
    why: Why = "",
) -> None:
    """Add and say what became of every label."""
    from whalepipe.enrol import Terms, enrol_crops, enrol_photos
    from whalepipe.instruments import Instruments

    path = o.catalog_path(catalog) or Path(DEFAULT)
    if crops and not part:
        raise ConfigError("--crops needs --part, such as --part dorsal_fin")
    instruments = Instruments(o.configuration(config, settings), device.value)
    terms = Terms(signed(who, why), twins)
    if crops:
        done = enrol_crops(path, photos, labels, part, instruments, without or [], progress(quiet), terms)
    else:
        done = enrol_photos(path, photos, labels, instruments, without or [], progress(quiet), terms)
    added(done, path)


def added(done: "Enrolment", place: "Place") -> None:
    """Say what became of every label, and exit: 1 if some could not be used."""
    from whalepipe.catalog.place import called

    say(f"{done.added} crops added to {called(place)}, {done.held} were in it already")
    if done.nameless or done.left_out:
        say(f"left out: {done.nameless} without a name (such as `other` or `unknown`), {done.left_out} by --without")
    if done.problems:
        say(f"{len(done.problems)} labels could not be used:")
        say_some(done.problems)
    raise typer.Exit(1 if done.problems else 0)


@app.command("list", help="Every individual, a line for each part.\n\nExample: whalepipe catalog list")
def list_individuals(catalog: Catalogue = DEFAULT) -> None:
    """Individual, part, number of crops and of encounters."""
    held = opened(catalog)
    summaries = held.summaries()
    for s in summaries:
        say_row(s.individual, s.part, f"{s.crops} crops", f"{s.encounters} encounters", s.species or "unknown")
    for name in sorted({i.name for i in held.individuals()} - {s.individual for s in summaries}):
        say_row(name, "", "0 crops")


@app.command(help="The crops of one individual.\n\nExample: whalepipe catalog show 1056")
def show(
    individual: Annotated[str, typer.Argument(help="Its name in the catalogue.")], catalog: Catalogue = DEFAULT
) -> None:
    """What is known of it, if anything, and a line for each crop."""
    held = opened(catalog)
    known = {k: v for k, v in asdict(held.individual(individual)).items() if k != "name" and v not in ("", None)}
    for name, value in known.items():
        say_row(name, str(value))
    for h in held.holdings(individual):
        say_row(h.crop, h.part, h.view, h.encounter or "no encounter", h.photo)


@app.command(
    help="Fit what a likeness means to your own animals: probabilities of a run then follow from them.\n\n"
    "Example: whalepipe catalog calibrate --catalog catalogue.sqlite --out mine.pt"
)
def calibrate(
    out: Annotated[Path, typer.Option("--out", help="The weights (.pt) to write; their card goes beside them.")],
    catalog: Catalogue = DEFAULT,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only this part; may be repeated.  [default: all that it holds]")
    ] = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    quiet: o.Quiet = False,
) -> None:
    """Fit, and say to how many animals, what it is worth, and how to use it."""
    try:
        from whalepipe.training.recalibrate import Recalibration, recalibrate
    except ImportError as error:
        raise need_extra("train", error) from error

    options = Recalibration(out, tuple(part or ()), o.configuration(config, settings), device.value)
    made, fitted = recalibrate(o.catalog_path(catalog) or Path(DEFAULT), options, progress(quiet))
    for f in fitted:
        cost = "too few for a test" if f.cost is None else f"{f.cost:.3f} by halves that test one another"
        counts = f"{f.entry['individuals']} animals seen in two encounters, {f.entry['crops']} crops"
        say(f"{f.part}: fitted to {counts}; cost {cost}, {f.cost_before:.3f} before (0 sure and right, 1 says nothing)")
    say(f"{made.path}, and its card; use it with --set embed.weights={made.path}")
