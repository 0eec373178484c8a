"""Taking a decision back: its rows become what they were, unless something has been built on them since."""

from collections.abc import Sequence

import sqlalchemy as sql

from whalepipe.catalog.decisions import By, ConflictError, Decision
from whalepipe.catalog.journal import Journal, current, decision
from whalepipe.catalog.schema import changes, crops, decisions, individuals, verdicts
from whalepipe.errors import CatalogError

Changes = Sequence[sql.Row[tuple[object, ...]]]
later = sql.alias(changes)


def undo(connection: sql.Connection, number: int, by: By) -> Decision:
    """Take back the decision of that number; undoing an undo is doing again.

    Raises ConflictError naming the later decision that was built on it, CatalogError where it is undone already.
    """
    undone = decision(connection, number)
    if undone.undone_by is not None:
        raise CatalogError(f"decision {number} is undone already, by decision {undone.undone_by}")
    rows = connection.execute(sql.select(changes).where(changes.c.decision_id == number)).all()
    _refuse_built_on(connection, undone, rows)
    journal = Journal(connection, by)
    ended = [r for r in rows if r.kind == "individuals" and r.before is None]
    begun = [r for r in rows if r.kind == "individuals" and r.before is not None]
    for row in (*begun, *(r for r in rows if r.kind != "individuals"), *ended):
        journal.put(row.kind, row.row, row.before, always=True)
    made = journal.close("undo", undone.subject, undone.after, undone.before, number)
    _flip(connection, undone, made.id)
    return made


def last_undoable(connection: sql.Connection) -> int:
    """The last decision that holds and is not itself an undo. Raises CatalogError where there is none."""
    holds = decisions.c.undone_by.is_(None), decisions.c.undoes.is_(None)
    found = connection.execute(sql.select(sql.func.max(decisions.c.id)).where(*holds)).scalar()
    if found is None:
        raise CatalogError("there is nothing to undo")
    return int(found)


def _flip(connection: sql.Connection, undone: Decision, by: int) -> None:
    """Note that it is undone. What it had undone holds again, what that had undone does not, and so on."""
    link: Decision | None = undone
    reason: int | None = by
    while link is not None:
        connection.execute(sql.update(decisions).where(decisions.c.id == link.id).values(undone_by=reason))
        reason = link.id if reason is None else None
        link = decision(connection, link.undoes) if link.undoes else None


def _refuse_built_on(connection: sql.Connection, undone: Decision, rows: Changes) -> None:
    found = _later(connection, undone) or _altered(connection, undone, rows)
    found = found or _in_use(connection, undone, rows) or _taken(connection, rows) or _gone(connection, rows)
    if found is not None:
        built = decision(connection, found)
        raise ConflictError(
            f"decision {undone.id} cannot be undone while decision {built.said} stands, which was built on it; "
            f"undo {built.id} first",
            built,
        )


def _later(connection: sql.Connection, undone: Decision) -> int | None:
    """The last later decision, itself no undo, that holds and concerns the same rows."""
    same_row = sql.and_(later.c.row == changes.c.row, later.c.kind == changes.c.kind)
    query = (
        sql.select(sql.func.max(decisions.c.id))
        .join_from(changes, later, same_row)
        .join(decisions, decisions.c.id == later.c.decision_id)
        .where(changes.c.decision_id == undone.id, later.c.decision_id > undone.id)
        .where(decisions.c.undone_by.is_(None), decisions.c.undoes.is_(None))
    )
    return connection.execute(query).scalar()


def _altered(connection: sql.Connection, undone: Decision, rows: Changes) -> int | None:
    """The decision by which a row is no longer what this one made of it, as one that was undone and done again."""
    altered = [r for r in rows if current(connection, r.kind, r.row) != r.after]
    found = [_last(connection, r.kind, r.row) for r in altered]
    return max((n for n in found if n and n > undone.id), default=None)


def _in_use(connection: sql.Connection, undone: Decision, rows: Changes) -> int | None:
    """The decision that gave a crop to an individual, or spoke of one, that would end."""
    own = {(r.kind, r.row) for r in rows}
    for row in rows:
        if row.kind != "individuals" or row.before is not None:
            continue
        for table in (crops, verdicts):
            query = sql.select(table.c.origin).where(table.c.individual_id == int(row.row))
            users = [o for o in connection.execute(query).scalars() if (table.name, o) not in own]
            found = [_last(connection, table.name, o) for o in users]
            if users:
                return max((n for n in found if n), default=undone.id)
    return None


def _taken(connection: sql.Connection, rows: Changes) -> int | None:
    """The decision that gave an individual the id that another had before."""
    for row in rows:
        if row.kind == "individuals" and row.before is not None:
            name = row.before["name"]
            query = sql.select(individuals.c.id).where(individuals.c.name == name, individuals.c.id != int(row.row))
            owner = connection.execute(query).scalar()
            if owner is not None:
                return _last(connection, "individuals", str(owner))
    return None


def _gone(connection: sql.Connection, rows: Changes) -> int | None:
    """The decision that ended an individual of which a row would be again."""
    own = {r.row for r in rows if r.kind == "individuals"}
    wanted = {str(r.was) for r in rows if r.was is not None} - own
    for number in sorted(wanted):
        if current(connection, "individuals", number) is None:
            return _last(connection, "individuals", number)
    return None


def _last(connection: sql.Connection, kind: str, row: str) -> int | None:
    """The last decision about a row that holds."""
    query = (
        sql.select(sql.func.max(changes.c.decision_id))
        .join_from(changes, decisions, decisions.c.id == changes.c.decision_id)
        .where(changes.c.kind == kind, changes.c.row == row, decisions.c.undone_by.is_(None))
    )
    return connection.execute(query).scalar()
