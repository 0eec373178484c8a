"""What was decided since somebody looked: so that nobody overwrites another's decision unseen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sql

from whalepipe.catalog.decisions import ConflictError
from whalepipe.catalog.journal import decision, matters
from whalepipe.catalog.schema import changes, decisions


@dataclass(frozen=True)
class Seen:
    """What a person looked at before she decided: crops by their origins, individuals by their numbers, a suspicion."""

    last: int  # the last decision that was taken in
    origins: Collection[str] = ()
    owners: Collection[int] = ()
    suspicion: str = ""


@dataclass(frozen=True)
class Since:
    """The last decision about each crop, individual and suspicion that was touched. Notes and the like do not count."""

    origins: Mapping[str, int] = field(default_factory=dict)
    owners: Mapping[int, int] = field(default_factory=dict)
    suspicions: Mapping[str, int] = field(default_factory=dict)

    def touched(self, seen: Seen) -> int | None:
        """The last decision about what was seen; None where there is none."""
        found = [self.origins.get(o) for o in seen.origins] + [self.owners.get(o) for o in seen.owners]
        return max((n for n in (*found, self.suspicions.get(seen.suspicion)) if n is not None), default=None)


def since(connection: sql.Connection, last: int, about: Seen | None = None) -> Since:
    """What differs now from what it was after the decision `last`: what was done and taken back since does not.

    `about`: only what concerns what somebody saw.
    """
    holds = decisions.c.undone_by.is_(None), sql.or_(decisions.c.undoes.is_(None), decisions.c.undoes <= last)
    query = (
        sql.select(changes)
        .join_from(changes, decisions, decisions.c.id == changes.c.decision_id)
        .where(changes.c.decision_id > last, *holds, *([_about(about)] if about else []))
        .order_by(changes.c.decision_id)
    )
    touched: dict[str, dict[str, int]] = {"crops": {}, "dismissals": {}, "individuals": {}}
    owners: dict[int, int] = {}
    for row in connection.execute(query):
        taken_back = row.kind == "dismissals" and row.after is None  # the suspicion is what it was
        if matters(row.kind, row.before, row.after) and not taken_back:
            touched[row.kind][row.row] = row.decision_id
            owners |= {who: row.decision_id for who in (row.was, row.became) if who is not None}
    return Since(touched["crops"], owners, touched["dismissals"])


def _about(seen: Seen) -> sql.ColumnElement[bool]:
    of_them = changes.c.was.in_(seen.owners), changes.c.became.in_(seen.owners)
    return sql.or_(*of_them, changes.c.row.in_((*seen.origins, seen.suspicion)))


def refuse_unseen(connection: sql.Connection, seen: Seen | None) -> None:
    """Raise ConflictError where somebody decided about what a person saw after she saw it."""
    number = since(connection, seen.last, seen).touched(seen) if seen else None
    if number is not None:
        found = decision(connection, number)
        raise ConflictError(f"somebody decided in the meantime: decision {found.said}; nothing was changed", found)
