"""`whalepipe review OUT`: the page on which a person decides."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = (
        "Decide who is seen, on a web page: decisions go into the catalogue and the tables.\n\n"
        "Example: whalepipe review whalepipe-out/card"
    )
    app.command("review", help=text)(review)


def review(
    out: Annotated[Path, typer.Argument(help="The results of a run.")],
    catalog: Annotated[
        str | None, typer.Option("--catalog", help="Where decisions go; made if there is none.  [default: the run's]")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; beyond this computer, who asks must know the token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: any that is free.", min=0, max=65535)] = 8765,
    token: Annotated[
        str, typer.Option("--token", envvar="WHALEPIPE_TOKEN", help="The token; made up if it is needed and not given.")
    ] = "",
    who: Annotated[str, typer.Option("--who", help="Who decides; each browser may say another.  [default: you]")] = "",
) -> None:
    """Serve until Ctrl-C."""
    try:
        from whalepipe.review.serve import Address, serve
    except ImportError as error:
        raise need_extra("review", error) from error
    from whalepipe.report.again import read_job

    job = read_job(out)
    job = replace(job, catalog=o.catalog_path(catalog) or job.catalog)
    say("the page: (Ctrl-C ends it; every decision is kept)")
    serve(job, Address(host, port, token), who, say)
