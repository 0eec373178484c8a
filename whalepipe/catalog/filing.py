"""Crops, photos and encounters as rows. What is filed stays: a crop that is nobody's keeps its picture and vectors."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sql

from whalepipe.catalog.database import inserted
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.journal import Journal, Row, current
from whalepipe.catalog.schema import crops, encounters, photos


class Filing:
    """Files crops within one decision; each photo and encounter is looked up once."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._connection = journal, journal.connection
        self._known: dict[tuple[str, ...], int] = {}

    def there(self, origin: str) -> Row | None:
        """The row of a crop; None where it was never filed."""
        return current(self._connection, "crops", origin)

    def file(self, entry: Entry, individual: int, there: Row | None) -> None:
        """Let a crop be of that individual, filed as the entry says; `there`: its row, if it has one."""
        row = {
            "individual_id": individual,
            "crop": entry.crop,
            "part": entry.part,
            "view": entry.view or "unknown",
            "photo_id": self._photo(entry),
            "encounter_id": self._encounter(entry),
        }
        if there is not None:
            self._journal.put("crops", entry.origin, row)
            return
        self._connection.execute(sql.insert(crops), {**row, "origin": entry.origin, "jpeg": entry.jpeg})
        self._journal.note("crops", entry.origin, {**row, "individual_id": None}, row)

    def _photo(self, entry: Entry) -> int | None:
        row = {
            "name": entry.photo,
            "photo_id": entry.photo_id,
            "taken_at": entry.taken_at,
            "latitude": entry.latitude,
            "longitude": entry.longitude,
        }
        return self._number(photos, row, ("name", "photo_id")) if entry.photo else None

    def _encounter(self, entry: Entry) -> int | None:
        row = {"name": entry.encounter, "place": entry.place, "time": entry.taken_at}
        return self._number(encounters, row, ("name",)) if entry.encounter else None

    def _number(self, table: sql.Table, row: Mapping[str, Any], key: tuple[str, ...]) -> int:
        """The number of the row with this key, inserted where there is none."""
        known = (table.name, *(row[name] for name in key))
        if known not in self._known:
            same = [table.c[name] == row[name] for name in key]
            found = self._connection.execute(sql.select(table.c.id).where(*same)).scalar()
            self._known[known] = inserted(self._connection, table, row) if found is None else int(found)
        return self._known[known]
