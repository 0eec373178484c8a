"""Individuals and their crops, found by name within a transaction."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sql

from whalepipe.catalog.journal import Row, current
from whalepipe.catalog.names import Ids, Twins
from whalepipe.catalog.schema import crops, individuals, verdicts
from whalepipe.errors import CatalogError

SEXES = ("female", "male", "")
DATE = re.compile(r"(\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)?")
UNKNOWN: Mapping[str, Any] = {"species": "", "sex": "", "born": "", "died": "", "notes": "", "distinctiveness": None}


def fresh(name: str, species: str = "") -> Row:
    """The row of a new individual."""
    return {"name": name, **UNKNOWN, "species": species}


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an individual that a person gave, texts without spaces around them. Raises CatalogError."""
    kept = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    for name, value in kept.items():
        fault = _fault(name, value)
        if fault:
            raise CatalogError(f"{name} {value!r}: {fault}; nothing was changed")
    return kept


def _fault(name: str, value: Any) -> str:
    if name not in UNKNOWN:
        return f"an individual has no such field; it has {', '.join(UNKNOWN)}"
    if name == "sex" and value not in SEXES:
        return "give female or male, or nothing where nobody knows"
    if name in ("born", "died") and not DATE.fullmatch(value):
        return "give a date as 1998-07-31, 1998-07 or 1998"
    if name == "distinctiveness" and value is not None and not 0 <= value <= 1:
        return "give a number from 0 to 1"
    return ""


def numbered(connection: sql.Connection, name: str) -> int | None:
    """The number of an individual; None where there is none of that name."""
    return connection.execute(sql.select(individuals.c.id).where(individuals.c.name == name)).scalar()


def numbers(connection: sql.Connection) -> dict[str, int]:
    """The number of every individual, by its name."""
    return {row.name: row.id for row in connection.execute(sql.select(individuals.c.name, individuals.c.id))}


def known(connection: sql.Connection, name: str, where: str) -> int:
    """The number of an individual. Raises CatalogError where the catalogue, called `where`, does not hold it."""
    number = numbered(connection, name)
    if number is None:
        raise CatalogError(f"{where} holds no individual {name!r}")
    return number


def named(connection: sql.Connection, number: int | None) -> str:
    """The name of an individual; empty for None."""
    return "" if number is None else str((current(connection, "individuals", str(number)) or {"name": ""})["name"])


def ids(connection: sql.Connection, twins: Twins = Twins.ask, without: str = "") -> Ids:
    """The ids in use, but for one."""
    names = connection.execute(sql.select(individuals.c.name).order_by(individuals.c.id)).scalars()
    return Ids((name for name in names if name != without), twins)


def unused(connection: sql.Connection, name: str, twins: Twins, without: str = "") -> str:
    """`name` as the id of a new individual. Raises CatalogError where it is none, in use, or hardly another's."""
    meant = ids(connection, twins, without).meant(name)
    if numbered(connection, meant) is not None:
        raise CatalogError(f"there is an individual {meant!r} already; nothing was changed")
    return meant


def held(connection: sql.Connection, number: int, wanted: Sequence[str] = ()) -> list[str]:
    """The origins of an individual's crops: all, or those of the `wanted` file names or origins.

    Raises CatalogError where one is not there, or a name is that of several.
    """
    rows = connection.execute(
        sql.select(crops.c.origin, crops.c.crop).where(crops.c.individual_id == number).order_by(crops.c.id)
    ).all()
    if not wanted:
        return [row.origin for row in rows]
    found: dict[str, list[str]] = {}
    for row in rows:
        for name in {row.crop, row.origin}:
            found.setdefault(name, []).append(row.origin)
    for name in wanted:
        if len(found.get(name, ())) != 1:
            problem = "holds several crops" if name in found else "holds no crop"
            raise CatalogError(f"{named(connection, number)!r} {problem} {name}; nothing was changed")
    return list(dict.fromkeys(found[name][0] for name in wanted))


def owner(connection: sql.Connection, origin: str) -> int | None:
    """The number of the individual that a crop is of; None where it is nobody's or not there."""
    return connection.execute(sql.select(crops.c.individual_id).where(crops.c.origin == origin)).scalar()


def denied(connection: sql.Connection, number: int) -> list[str]:
    """The origins of the crops of which a person said that they are not this individual."""
    query = sql.select(verdicts.c.origin).where(verdicts.c.individual_id == number).order_by(verdicts.c.origin)
    return list(connection.execute(query).scalars())
