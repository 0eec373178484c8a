"""`whalepipe catalog audit, dismiss`: what looks wrong in the catalogue."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from whalepipe.catalog.entries import Kind
from whalepipe.cli import options as o
from whalepipe.cli.catalog import DEFAULT, Catalogue, Who, Why, opened, signed
from whalepipe.cli.catalog import app as app
from whalepipe.cli.console import progress, say, say_row

INNER = ("owners", "looks")  # what the program alone needs of a suspicion


@app.command(
    help="What looks wrong, the worst first: one animal under two ids, two under one, wrong side or species, nearly "
    "the same photo twice.\n\nExample: whalepipe catalog audit --kind two-ids --kind two-animals"
)
def audit(
    catalog: Catalogue = DEFAULT,
    kind: Annotated[list[Kind] | None, typer.Option("--kind", help="Only these; repeatable.  [default: all]")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_json: o.Json = False,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    quiet: o.Quiet = False,
) -> None:
    """A line for each suspicion: its key, log odds, individuals, crops, evidence."""
    from whalepipe.evaluation.audit import audit

    place = o.catalog_path(catalog) or Path(DEFAULT)
    found = audit(place, o.configuration(config, settings), device.value, kind or tuple(Kind), progress(quiet))
    if as_json:
        told = [{name: v for name, v in asdict(s).items() if name not in INNER} for s in found[:limit]]
        say(json.dumps({"found": len(found), "suspicions": told}, ensure_ascii=False))
        return
    for s in found[:limit]:
        say_row(s.key, f"{s.log_odds:.1f}", " / ".join(s.individuals), " ".join(s.crops), s.evidence)
    if len(found) > limit:
        say(f"{len(found) - limit} more; --limit shows them")
    if found:
        say("`whalepipe catalog dismiss KEY` takes one that is right as it is off the list")
    else:
        say("nothing looks wrong")


@app.command(
    help="Take a suspicion of `audit` off the list: it is right as it is.\n\n"
    "Example: whalepipe catalog dismiss two-ids-1f3a9c02d1e4 --why 'mother and calf'"
)
def dismiss(
    key: Annotated[str, typer.Argument(help="Its key, as `catalog audit` lists it.")],
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Dismiss it and say how to take that back."""
    made = opened(catalog).dismiss(key, signed(who, why))
    say(f"decision {made.id}: {key} is dismissed; `whalepipe catalog undo {made.id}` takes it back")
