"""A person's verdict about one crop of a run, and what it does to the catalogue."""

import sqlalchemy as sql

from whalepipe.catalog import people
from whalepipe.catalog.decisions import ConflictError, Decision, Judgement, Standing, Verdict
from whalepipe.catalog.filing import Filing
from whalepipe.catalog.journal import Journal, Row, current, last_about
from whalepipe.catalog.names import Twins
from whalepipe.catalog.schema import crops, individuals, verdicts
from whalepipe.errors import CatalogError

AFFIRM = (Verdict.same, Verdict.new)
NAMING = (*AFFIRM, Verdict.different)


def judge(journal: Journal, judgement: Judgement, seen: int | None, twins: Twins, where: str) -> Decision:
    """Note the verdict and do what it demands; see store.Catalog.judge."""
    connection, origin, verdict = journal.connection, judgement.origin, judgement.verdict
    _refuse_senseless(judgement)
    _refuse_unseen(connection, origin, seen)
    before = _told(connection, origin)
    number = _whom(journal, judgement, twins, where)
    standing, owner = current(connection, "verdicts", origin), people.owner(connection, origin)
    if verdict in AFFIRM and number is not None:
        _take_in(journal, judgement, number)
    elif owner is not None and (owner == number or (standing and standing["verdict"] in AFFIRM)):
        # Denied of this very individual, or there only by a verdict that this one replaces.
        journal.put("crops", origin, {**(current(connection, "crops", origin) or {}), "individual_id": None})
    denies = number if verdict is Verdict.different else None
    journal.put("verdicts", origin, {"verdict": verdict.value, "individual_id": denies}, always=True)
    return journal.close("judge", origin, before, _told(connection, origin))


def standings(connection: sql.Connection, *wanted: sql.ColumnElement[bool]) -> list[Standing]:
    """The verdicts that hold, in the order of their origins."""
    number = sql.case((verdicts.c.verdict.in_(AFFIRM), crops.c.individual_id), else_=verdicts.c.individual_id)
    query = (
        sql.select(verdicts.c.origin, verdicts.c.verdict, sql.func.coalesce(individuals.c.name, ""))
        .outerjoin_from(verdicts, crops, crops.c.origin == verdicts.c.origin)
        .outerjoin(individuals, individuals.c.id == number)
        .where(*wanted)
        .order_by(verdicts.c.origin)
    )
    return [Standing(origin, Verdict(verdict), name) for origin, verdict, name in connection.execute(query)]


def _told(connection: sql.Connection, origin: str) -> Row:
    """What holds of a crop, in words."""
    held_as = people.named(connection, people.owner(connection, origin))
    told = {"held_as": held_as} if held_as else {}
    for standing in standings(connection, verdicts.c.origin == origin):
        told |= {"verdict": standing.verdict.value, "individual": standing.individual}
    return told


def _refuse_senseless(judgement: Judgement) -> None:
    verdict, entry = judgement.verdict, judgement.entry
    if (judgement.individual != "") != (verdict in NAMING):
        names = "names no individual" if judgement.individual else "needs an individual"
        raise CatalogError(f"the verdict {verdict.value!r} {names}; nothing was changed")
    if entry is not None and entry.origin != judgement.origin:
        raise CatalogError("the crop to add is another than the one judged; nothing was changed")


def _refuse_unseen(connection: sql.Connection, origin: str, seen: int | None) -> None:
    last = last_about(connection, origin)
    if seen is not None and last is not None and last.id > seen:
        raise ConflictError(f"somebody decided in the meantime: decision {last.said}; nothing was changed", last)


def _whom(journal: Journal, judgement: Judgement, twins: Twins, where: str) -> int | None:
    if judgement.verdict not in NAMING:
        return None
    if judgement.verdict is not Verdict.new:
        return people.known(journal.connection, judgement.individual, where)
    name = people.unused(journal.connection, judgement.individual, twins)
    return journal.make(people.fresh(name, judgement.entry.species if judgement.entry else ""))


def _take_in(journal: Journal, judgement: Judgement, number: int) -> None:
    filing, origin, entry = Filing(journal), judgement.origin, judgement.entry
    there = filing.there(origin)
    if entry is not None and (there is None or there["individual_id"] is None):
        filing.file(entry, number, there)
    elif there is None:
        raise CatalogError(f"no crop {origin!r} is in the catalogue, and none was given; nothing was changed")
    else:
        journal.put("crops", origin, {**there, "individual_id": number})
