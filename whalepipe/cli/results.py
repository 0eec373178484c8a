"""`report` and `export`: what a run found, shown once more and handed on."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress, say

NAMES = "wildbook, darwincore, mark, rmark, captures, socprog, coco or megadetector"
Results = Annotated[Path, typer.Argument(help="The output folder of `whalepipe run`.")]


class Occasion(StrEnum):
    """What an occasion of a capture history is."""

    encounter = "encounter"
    day = "day"


class More(StrEnum):
    """Crops that are no known animals, but may be written."""

    new = "new"
    unsure = "unsure"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = "Write the report once more, from the tables of a run."
    app.command("report", help=f"{text}\n\nExample: whalepipe report whalepipe-out/card")(report)
    text = "Write the results for another program."
    app.command("export", help=f"{text}\n\nExample: whalepipe export whalepipe-out/card --format mark --part fluke")(
        export
    )


def report(
    out: Results,
    catalog: Annotated[
        str | None, typer.Option("--catalog", help="Where the run's catalogue lies now, if it was moved.")
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Write report.html and results.xlsx."""
    from whalepipe.report.again import write_again

    say(f"results: {write_again(out, o.catalog_path(catalog), progress(quiet))}")


def export(
    out: Results,
    format: Annotated[str, typer.Option("--format", help=f"{NAMES}.")],
    to: Annotated[
        Path | None, typer.Option("--out", help="The file to write; for wildbook a folder.  [default: in OUT]")
    ] = None,
    part: Annotated[str, typer.Option("--part", help="Whose animals, where several parts were seen.")] = "",
    occasions: Annotated[Occasion, typer.Option("--occasions", help="What an occasion is.")] = Occasion.encounter,
    more: Annotated[
        list[More] | None, typer.Option("--with", help="Crops to write beside the identified ones; repeatable.")
    ] = None,
    species: Annotated[str, typer.Option("--species", help="Of animals whose species is not known.")] = "",
    location: Annotated[str, typer.Option("--location", help="Wildbook's id of the place.")] = "",
) -> None:
    """Write the file or folder and say what it has no place for."""
    from whalepipe.export import export as write
    from whalepipe.formats.results.given import Wish

    states = frozenset({"identified", *(each.value for each in more or [])})
    path, notes = write(out, format, to, Wish(part, occasions.value, states, species, location))
    say(f"written to {path}")
    for note in notes:
        say(f"note: {note}")
