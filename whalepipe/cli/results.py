"""`report` and `export`: what a run found, shown once more and handed on."""

from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress, say

Results = Annotated[Path, typer.Argument(help="The output folder of `whalepipe run`.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = "Write the report once more, from the tables of a run."
    app.command("report", help=f"{text}\n\nExample: whalepipe report whalepipe-out/card")(report)


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
