"""Crops, photos and encounters as rows. What is filed stays: a crop that is nobody's keeps its picture and vectors."""

from typing import Any

import sqlalchemy as sql

from whalepipe.catalog.database import inserted
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.schema import crops, encounters, photos


def filed(connection: sql.Connection, entry: Entry) -> dict[str, Any]:
    """The row of a crop, as `journal.Row`, but for its individual; a crop that is not there is filed as nobody's."""
    row = {
        "crop": entry.crop,
        "part": entry.part,
        "view": entry.view or "unknown",
        "photo_id": _photo(connection, entry),
        "encounter_id": _encounter(connection, entry),
    }
    if connection.execute(sql.select(crops.c.id).where(crops.c.origin == entry.origin)).scalar() is None:
        inserted(connection, crops, {**row, "individual_id": None, "origin": entry.origin, "jpeg": entry.jpeg})
    return row


def _photo(connection: sql.Connection, entry: Entry) -> int | None:
    if not entry.photo:
        return None
    same = photos.c.name == entry.photo, photos.c.photo_id == entry.photo_id
    found = connection.execute(sql.select(photos.c.id).where(*same)).scalar()
    row = {
        "name": entry.photo,
        "photo_id": entry.photo_id,
        "taken_at": entry.taken_at,
        "latitude": entry.latitude,
        "longitude": entry.longitude,
    }
    return inserted(connection, photos, row) if found is None else int(found)


def _encounter(connection: sql.Connection, entry: Entry) -> int | None:
    if not entry.encounter:
        return None
    found = connection.execute(sql.select(encounters.c.id).where(encounters.c.name == entry.encounter)).scalar()
    row = {"name": entry.encounter, "place": entry.place, "time": entry.taken_at}
    return inserted(connection, encounters, row) if found is None else int(found)
