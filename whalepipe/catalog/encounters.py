"""Encounters: what is known of them, and what people may say."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sql

from whalepipe.catalog.entries import Encounter
from whalepipe.catalog.journal import Row, current
from whalepipe.catalog.people import DATE
from whalepipe.catalog.schema import crops, encounters
from whalepipe.errors import CatalogError

FIELDS = ("place", "time")


def listed(connection: sql.Connection, name: str | None = None) -> list[Encounter]:
    """Every encounter, or the one of that name, in the order of their names, with what was seen of animals in it."""
    seen = sql.func.count(sql.distinct(crops.c.individual_id)), sql.func.count(crops.c.individual_id)
    query = (
        sql.select(encounters.c.name, encounters.c.place, encounters.c.time, *seen)
        .outerjoin_from(encounters, crops, crops.c.encounter_id == encounters.c.id)
        .group_by(encounters.c.id)
        .order_by(encounters.c.name)
    )
    query = query if name is None else query.where(encounters.c.name == name)
    return [Encounter(*row) for row in connection.execute(query)]


def told(connection: sql.Connection, names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Place and time of encounters, by their names, as far as the catalogue knows them."""
    query = sql.select(encounters.c.name, encounters.c.place, encounters.c.time).where(encounters.c.name.in_(names))
    return {name: (place, time) for name, place, time in connection.execute(query)}


def known(connection: sql.Connection, name: str, where: str) -> Row:
    """The row of an encounter. Raises CatalogError where the catalogue, called `where`, does not hold it."""
    row = current(connection, "encounters", name)
    if row is None:
        raise CatalogError(f"{where} holds no encounter {name!r}; `whalepipe catalog encounter` lists them")
    return row


def checked(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields that a person gave: a place without spaces around it, a time in ISO 8601. Raises CatalogError."""
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise CatalogError(f"an encounter has no {sorted(unknown)[0]}; it has {' and '.join(FIELDS)}")
    kept = {name: value.strip() for name, value in fields.items()}
    if not kept.get("place", "").isprintable():
        raise CatalogError(f"place {kept['place']!r}: give it in one line; nothing was changed")
    return {name: _time(value) if name == "time" else value for name, value in kept.items()}


def _time(value: str) -> str:
    """A date, its year and month or its year as they are; a time of day with `T` and seconds."""
    try:
        read = datetime.fromisoformat(value) if len(value) >= len("2026-07-03") else None
    except ValueError:
        read = None
    if DATE.fullmatch(value) and (read or len(value) < len("2026-07-03")):
        return value
    if read is None or value[4] + value[7] != "--":  # not 20260703, nor the fifth day of a week
        raise CatalogError(f"time {value!r}: give it as 2026-07-03T08:30, 2026-07-03, 2026-07 or 2026")
    return read.isoformat()
