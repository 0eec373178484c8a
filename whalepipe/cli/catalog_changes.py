"""`whalepipe catalog merge, split, ...`: what people decide about individuals and encounters, and taking it back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whalepipe.catalog.names import Twins
from whalepipe.cli import options as o
from whalepipe.cli.catalog import DEFAULT, Catalogue, TwinIds, Who, Why, opened, signed
from whalepipe.cli.catalog import app as app
from whalepipe.cli.console import say, say_row
from whalepipe.errors import CatalogError

if TYPE_CHECKING:
    from whalepipe.catalog.decisions import Decision

Name = Annotated[str, typer.Argument(help="Its id in the catalogue.")]
Crops = Annotated[list[str], typer.Argument(help="File names of its crops, as `catalog show` lists them.")]


@app.command(
    help="Two ids, one animal: all crops of ONE become crops of OTHER, and ONE ends.\n\n"
    "Example: whalepipe catalog merge 1056 1023 --why 'same notch, 2019 and 2021'"
)
def merge(
    one: Annotated[str, typer.Argument(help="The id that ends.")],
    other: Annotated[str, typer.Argument(help="The id that stays.")],
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Merge and say how to take it back."""
    _say(opened(catalog).merge(one, other, signed(who, why)))


@app.command(
    help="One id, two animals: some crops become those of a new individual.\n\n"
    "Example: whalepipe catalog split 1056 IMG_0412_1f6c0d9a_0.jpg --into 1056b"
)
def split(
    individual: Name,
    crops: Crops,
    into: Annotated[str, typer.Option("--into", help="The id of the new individual.")],
    catalog: Catalogue = DEFAULT,
    twins: TwinIds = Twins.ask,
    who: Who = "",
    why: Why = "",
) -> None:
    """Split and say how to take it back."""
    _say(opened(catalog).split(individual, crops, into, signed(who, why), twins))


@app.command(
    help="Give crops of one individual to another that there is.\n\n"
    "Example: whalepipe catalog assign 1056 IMG_0412_1f6c0d9a_0.jpg --to 1023"
)
def assign(
    individual: Name,
    crops: Crops,
    to: Annotated[str, typer.Option("--to", help="The id of the individual that they show.")],
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Move and say how to take it back."""
    _say(opened(catalog).assign(individual, crops, to, signed(who, why)))


@app.command(
    help="Take crops out of the catalogue, or an individual with all of its crops.\n\n"
    "Example: whalepipe catalog remove 1056 IMG_0412_1f6c0d9a_0.jpg --why 'no fin'"
)
def remove(
    individual: Name,
    crops: Annotated[list[str] | None, typer.Argument(help="Names of its crops.  [default: all, and itself]")] = None,
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Remove and say how to take it back."""
    _say(opened(catalog).remove(individual, signed(who, why), crops or []))


@app.command(
    help="Say where and when an encounter was; without either, what is known of it, or of all.\n\n"
    "Example: whalepipe catalog encounter 2026-07-03T08:00:00 --place 'Ria de Arousa' --time 2026-07-03T08:20"
)
def encounter(
    name: Annotated[str | None, typer.Argument(help="Its name in the catalogue.  [default: list all]")] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where it was.")] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="When it began: a date and time, a date, its month, or its year.")
    ] = None,
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Change what was given and say how to take it back, or a line for each encounter."""
    fields = {field: value for field, value in (("place", place), ("time", time)) if value is not None}
    if fields and name is None:
        raise CatalogError("name the encounter that this is of; `whalepipe catalog encounter` lists them")
    held = opened(catalog)
    if name is not None and fields:
        _say(held.edit_encounter(name, fields, signed(who, why)))
        return
    for e in held.encounters() if name is None else [held.encounter(name)]:
        seen = f"{e.individuals} individuals", f"{e.crops} crops"
        say_row(e.name, e.time or "no time", e.place or "no place", *seen)


@app.command(help="Give an individual another id.\n\nExample: whalepipe catalog rename new-3fa2 1101")
def rename(
    individual: Name,
    new: Annotated[str, typer.Argument(help="The id from now on.")],
    catalog: Catalogue = DEFAULT,
    twins: TwinIds = Twins.ask,
    who: Who = "",
    why: Why = "",
) -> None:
    """Rename and say how to take it back."""
    _say(opened(catalog).rename(individual, new, signed(who, why), twins))


@app.command(
    help="Note what is known of an individual.\n\nExample: whalepipe catalog edit 1056 --sex female --born 1998"
)
def edit(
    individual: Name,
    species: Annotated[str | None, typer.Option("--species", help="Scientific or common name.")] = None,
    sex: Annotated[str | None, typer.Option("--sex", help="female, male, or nothing.")] = None,
    born: Annotated[str | None, typer.Option("--born", help="A date, its year and month, or its year.")] = None,
    died: Annotated[str | None, typer.Option("--died", help="As --born.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="What else is to be said.")] = None,
    distinctiveness: Annotated[
        float | None, typer.Option("--distinctiveness", help="How marked it is, 0 to 1.")
    ] = None,
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Change the fields that were given and say how to take it back."""
    from whalepipe.taxonomy import accepted

    given: dict[str, Any] = {"sex": sex, "born": born, "died": died, "notes": notes, "distinctiveness": distinctiveness}
    given["species"] = None if species is None else accepted(species)
    fields = {name: value for name, value in given.items() if value is not None}
    if not fields:
        raise CatalogError("say what is known, as --sex female; `whalepipe catalog edit --help` lists all")
    _say(opened(catalog).edit(individual, fields, signed(who, why)))


@app.command(
    help="Say that crops of an individual show another side of it.\n\n"
    "Example: whalepipe catalog turn 1056 IMG_0412_1f6c0d9a_0.jpg --view left"
)
def turn(
    individual: Name,
    crops: Crops,
    view: Annotated[str, typer.Option("--view", help="left, right, ventral, dorsal or unknown.")],
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Correct the side and say how to take it back."""
    _say(opened(catalog).turn(individual, crops, view, signed(who, why)))


@app.command(
    help="Take back a decision, the last one if none is named. Undoing an undo does it again.\n\n"
    "Example: whalepipe catalog undo 17"
)
def undo(
    decision: Annotated[int | None, typer.Argument(help="Its number, as `catalog log` lists them.")] = None,
    catalog: Catalogue = DEFAULT,
    who: Who = "",
    why: Why = "",
) -> None:
    """Undo and say what was undone."""
    held = opened(catalog)
    made = held.undo(decision, signed(who, why))
    undone = held.decision(made.undoes or 0)
    say(f"decision {undone.id} is undone: {undone.kind} {undone.subject}")
    say(f"`whalepipe catalog undo {made.id}` does it again")


@app.command(
    "log", help="Who decided what, when and why, the latest last.\n\nExample: whalepipe catalog log --individual 1056"
)
def log(
    individual: Annotated[str | None, typer.Option("--individual", help="Only what concerns this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many of the latest.")] = 50,
    as_json: o.Json = False,
    catalog: Catalogue = DEFAULT,
) -> None:
    """A line for each decision."""
    found = opened(catalog).decisions(individual=individual, limit=limit)
    if as_json:
        say(json.dumps({"decisions": [asdict(d) for d in found]}, ensure_ascii=False))
        return
    for d in found:
        link = f"undoes {d.undoes}" if d.undoes else ""
        undone = f"undone by {d.undone_by}" if d.undone_by else ""
        told = f"{_told(d.before)} -> {_told(d.after)}"
        say_row(str(d.id), d.made_at[:19], d.who, d.kind, d.subject, told, link + undone, d.why)


def _say(decision: "Decision") -> None:
    told = f"{_told(decision.before)} -> {_told(decision.after)}"
    say(f"decision {decision.id}: {decision.kind} {decision.subject}: {told}")
    say(f"`whalepipe catalog undo {decision.id}` takes it back")


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(_words(name, value) for name, value in values.items()) or "nothing"


def _words(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} {name}"
    if isinstance(value, dict):
        return f"{len(value)} {name}" if name == "individuals" else f"{name} ({_told(value)})"
    return f"{name} {value if value not in ('', None) else 'unknown'}"
