"""One decision: the rows that it changes, as they were and as they become, written with the change itself."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sql

from whalepipe.catalog.database import inserted
from whalepipe.catalog.decisions import By, Decision
from whalepipe.catalog.schema import changes, crops, decisions, dismissals, encounters, individuals, settings, verdicts
from whalepipe.errors import CatalogError

Row = Mapping[str, Any]  # of a table, without its key and what never changes
KEYS: Mapping[str, sql.Column[Any]] = {
    t.name: key
    for t, key in (
        (individuals, individuals.c.id),
        (encounters, encounters.c.name),
        (crops, crops.c.origin),
        (verdicts, verdicts.c.origin),
        (dismissals, dismissals.c.suspicion),
    )
}
LASTING = {"id", "origin", "jpeg"}
SEEN = {"individuals": {"name", "species"}, "crops": {c.name for c in crops.c} - LASTING}  # by those who match
AUDITED = {**SEEN, "dismissals": {"kind"}}


class Journal:
    """Changes rows within a transaction and notes each; `close` makes one decision of them all."""

    def __init__(self, connection: sql.Connection, by: By) -> None:
        self.connection = connection
        self._by = by
        self._changes: dict[tuple[str, str], tuple[Row | None, Row | None]] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing was changed yet."""
        return not self._changes

    def make(self, row: Row) -> int:
        """A new individual; its number."""
        number = inserted(self.connection, individuals, row)
        self._changes["individuals", str(number)] = None, current(self.connection, "individuals", str(number))
        return number

    def put(self, kind: str, row: str, after: Row | None, always: bool = False) -> None:
        """Let a row of the table `kind` become `after` (None: end). Noted where it changes, or `always`."""
        before = current(self.connection, kind, row)
        if before == after and not always:
            return
        key = KEYS[kind]
        if after is None:
            self.connection.execute(sql.delete(key.table).where(key == typed(key, row)))
        elif before is None:
            self.connection.execute(sql.insert(key.table), {key.name: typed(key, row), **after})
        elif before != after:
            self.connection.execute(sql.update(key.table).where(key == typed(key, row)).values(**after))
        self.note(kind, row, before, after)

    def note(self, kind: str, row: str, before: Row | None, after: Row | None) -> None:
        """Note a change that was made of a row."""
        first, _ = self._changes.get((kind, row), (before, None))
        self._changes[kind, row] = first, after

    def close(self, kind: str, subject: str, before: Row, after: Row, undoes: int | None = None) -> Decision:
        """Write the decision."""
        row: dict[str, Any] = {
            "made_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": self._by.who,
            "why": self._by.why,
            "kind": kind,
            "subject": subject,
            "before": dict(before),
            "after": dict(after),
            "undoes": undoes,
        }
        number = inserted(self.connection, decisions, row)
        rows = [_change(number, *key, *values) for key, values in self._changes.items()]
        if rows:
            self.connection.execute(sql.insert(changes), rows)
        if any(_seen(kind, *values) for (kind, _), values in self._changes.items()):
            _revise(self.connection)
        return Decision(number, **row)


def current(connection: sql.Connection, kind: str, row: str) -> Row | None:
    """A row as it is now; None where there is none."""
    found = connection.execute(_row_of(kind), {"row": typed(KEYS[kind], row)}).mappings().first()
    return None if found is None else dict(found)


@cache
def _row_of(kind: str) -> sql.Select[Any]:
    key = KEYS[kind]
    columns = [c for c in key.table.columns if c.name not in LASTING and c is not key]
    return sql.select(*columns).where(key == sql.bindparam("row"))


def typed(key: sql.Column[Any], row: str) -> Any:
    """The key of a row as its column holds it."""
    return int(row) if isinstance(key.type, sql.Integer) else row


def decision(connection: sql.Connection, number: int) -> Decision:
    """The decision of that number. Raises CatalogError where there is none."""
    found = connection.execute(sql.select(decisions).where(decisions.c.id == number)).mappings().first()
    if found is None:
        raise CatalogError(f"there is no decision {number}; `whalepipe catalog log` lists them")
    return Decision(**found)


def last_about(connection: sql.Connection, origin: str) -> Decision | None:
    """The last decision that concerns a crop."""
    number = connection.execute(
        sql.select(sql.func.max(changes.c.decision_id)).where(
            changes.c.row == origin, changes.c.kind.in_(("crops", "verdicts"))
        )
    ).scalar()
    return None if number is None else decision(connection, number)


def listed(connection: sql.Connection, wanted: Sequence[sql.ColumnElement[bool]], limit: int) -> list[Decision]:
    """The last `limit` decisions of which all that is `wanted` is true, the oldest first."""
    query = sql.select(decisions).where(*wanted).order_by(decisions.c.id.desc()).limit(limit)
    return [Decision(**row) for row in connection.execute(query).mappings()][::-1]


def _change(number: int, kind: str, row: str, before: Row | None, after: Row | None) -> dict[str, Any]:
    def whose(values: Row | None) -> int | None:
        if values is None:
            return None
        return int(row) if kind == "individuals" else values.get("individual_id")

    return {
        "decision_id": number,
        "kind": kind,
        "row": row,
        "before": before and dict(before),
        "after": after and dict(after),
        "was": whose(before),
        "became": whose(after),
    }


def _seen(kind: str, before: Row | None, after: Row | None) -> bool:
    """Whether a change is of something that the gallery shows."""
    return _differ(before, after, SEEN.get(kind, ()))


def matters(kind: str, before: Row | None, after: Row | None) -> bool:
    """Whether a change is of something that an audit goes by."""
    return _differ(before, after, AUDITED.get(kind, ()))


def _differ(before: Row | None, after: Row | None, names: Iterable[str]) -> bool:
    return any((before or {}).get(name) != (after or {}).get(name) for name in names)


def _revise(connection: sql.Connection) -> None:
    connection.execute(sql.delete(settings).where(settings.c.name == "revision"))
    connection.execute(sql.insert(settings), {"name": "revision", "value": uuid.uuid4().hex})
