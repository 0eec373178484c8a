"""What the pages of the audit show, as plain values: the templates and the JSON are two forms of the same."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from whalepipe.catalog.audit import Suspicion
from whalepipe.catalog.entries import Fact, Individual, Kind
from whalepipe.review.audit import Action, Auditing, Remembered, Standing, Status
from whalepipe.review.content import Told, told
from whalepipe.review.desk import Desk
from whalepipe.review.remarks import COMPARED, Remark, remarks

LISTED = 48  # suspicions on a page
TOGETHER = 60  # crops of an individual, those that are suspected first
BELIEVED = (Kind.two_ids, Kind.two_animals)  # whose odds are calibrated
TITLES: Mapping[Kind, str] = {
    Kind.two_ids: "One animal under two ids",
    Kind.two_animals: "Two animals under one id",
    Kind.side: "Wrong side",
    Kind.species: "Wrong species",
    Kind.duplicate: "Nearly the same photo",
}
DECIDED = {"merge", "split", "assign", "remove", "edit", "turn", "dismiss"}  # kinds of decisions that are taken here


@dataclass(frozen=True)
class Doubt:
    """A suspicion in a list."""

    key: str
    kind: Kind
    title: str
    individuals: Sequence[str]
    crops: Sequence[str]
    origins: Sequence[str]
    log_odds: float
    probability: float | None  # of identities: if both were as likely before
    told: str  # the side or species that the crops look like
    evidence: str
    closely: bool  # whether details were looked at, as `identify` does


@dataclass(frozen=True)
class KindCount:
    """How many suspicions of a kind there are."""

    kind: Kind
    title: str
    count: int


@dataclass(frozen=True)
class AuditPage:
    """The suspicions, the worst first, a page of them; none as long as the first audit goes on."""

    status: Status
    counts: Sequence[KindCount] = ()
    doubts: Sequence[Doubt] = ()
    more: bool = False
    offset: int = 0
    last: int = 0  # the last decision that the audit knew of


@dataclass(frozen=True)
class Group:
    """An individual and its crops of the part in question."""

    individual: str
    species: str
    sex: str
    total: int
    crops: Sequence[Fact]
    suspected: Sequence[str]  # origins


@dataclass(frozen=True)
class CasePage:
    """A suspicion and all that helps to decide."""

    doubt: Doubt
    seen: int  # to be sent back with one's decision
    shown: Sequence[Fact]  # the crops that are compared
    groups: Sequence[Group]
    remarks: Sequence[Remark]
    actions: Sequence[Action]  # that make sense; none where it is decided
    chosen: Sequence[str]  # origins of the crops that would go
    called: str  # an id that is free, for the crops that are split off
    before: str  # keys of the suspicions beside it
    after: str
    stands: bool = True  # whether it is still suspected and nobody decided
    decided: Told | None = None  # what somebody decided about it
    status: Status = field(default=Status(looking=False))


def audit_page(auditing: Auditing, kind: Kind | None, offset: int) -> AuditPage:
    """Suspicions of a kind, or all, from `offset` on. Raises CatalogError."""
    standing, status = auditing.standing(), auditing.status
    if standing is None:
        return AuditPage(status)
    if not standing.whole and not status.problem:  # the audit may have ended between the two
        status = replace(status, looking=True)
    counts = Counter(s.kind for s in standing.suspicions)
    wanted = [s for s in standing.suspicions if kind in (None, s.kind)]
    some = [_doubt(s) for s in wanted[offset : offset + LISTED]]
    told = [KindCount(k, title, counts[k]) for k, title in TITLES.items()]
    return AuditPage(status, told, some, len(wanted) > offset + LISTED, offset, standing.last)


def case_page(
    desk: Desk, auditing: Auditing, remembered: Remembered, kind: Kind | None, compared: Sequence[str]
) -> CasePage:
    """A suspicion; `compared` are the origins of the crops to be compared, those of the suspicion where empty.

    Raises CatalogError.
    """
    standing, suspicion = auditing.standing() or Standing((), 0), remembered.suspicion
    stands = any(s.key == suspicion.key for s in standing.suspicions)
    decision = None if stands else auditing.touched(suspicion, remembered.last)
    suspicion = auditing.closely(suspicion) if stands else suspicion
    facts = desk.catalog.facts(suspicion.origins, suspicion.owners)
    groups = _groups(suspicion, facts)
    known = {name: desk.catalog.individual(name) for name in {f.individual for f in facts}}
    shown, (before, after) = _shown(suspicion, groups, compared), beside(auditing, suspicion.key, kind)
    return CasePage(
        doubt=_doubt(suspicion),
        seen=standing.last,
        shown=shown,
        groups=[_group(suspicion, group, known) for group in groups],
        remarks=_remarks(auditing, suspicion.kind, shown, remarks(suspicion.kind, shown, groups, known)),
        actions=_actions(suspicion) if stands else [],
        chosen=_going(suspicion),
        called=_free(suspicion.individuals[0], desk.kinds()),
        before=before,
        after=after,
        stands=stands,
        decided=told(desk, decision) if decision else None,
        status=auditing.status,
    )


def _remarks(auditing: Auditing, kind: Kind, shown: Sequence[Fact], known: Sequence[Remark]) -> list[Remark]:
    """What the vectors of the two crops say, before what else is known of them."""
    said = auditing.alike(*shown) if len(shown) == 2 and kind in COMPARED else ""
    return [*([Remark(said)] if said else []), *known]


def _doubt(s: Suspicion) -> Doubt:
    about = s.key, s.kind, TITLES[s.kind], s.individuals, s.crops, s.origins, s.log_odds
    probability = round(1 / (1 + math.exp(-s.log_odds)), 4) if s.kind in BELIEVED else None
    return Doubt(*about, probability, s.told, s.evidence, s.closely)


def _groups(suspicion: Suspicion, facts: Sequence[Fact]) -> list[list[Fact]]:
    """The crops of each individual, the doubted one first; crops that are another's by now are of none."""
    parts = {f.part for f in facts if f.origin in suspicion.origins}
    found = [[f for f in facts if f.owner == owner and f.part in parts] for owner in suspicion.owners]
    return [group for group in found if group]


def _group(suspicion: Suspicion, crops: Sequence[Fact], known: Mapping[str, Individual]) -> Group:
    one = known.get(crops[0].individual, Individual(crops[0].individual))
    first = sorted(crops, key=lambda f: f.origin not in suspicion.origins)[:TOGETHER]
    suspected = [o for o in suspicion.origins if o in {f.origin for f in crops}]
    return Group(one.name, one.species, one.sex, len(crops), first, suspected)


def _shown(suspicion: Suspicion, groups: Sequence[Sequence[Fact]], compared: Sequence[str]) -> list[Fact]:
    """The two crops that are compared: those asked for, else the suspicion's, else a fellow beside."""
    by_origin = {f.origin: f for group in groups for f in group}
    asked = [by_origin[o] for o in compared if o in by_origin]
    found = [by_origin[o] for o in suspicion.origins if o in by_origin]
    ordered = list(dict.fromkeys([*asked, *found, *by_origin.values()]))
    return ordered[:2]


def beside(auditing: Auditing, key: str, kind: Kind | None) -> tuple[str, str]:
    """The keys of the suspicions before and after one, of a kind or of all; empty where there is none."""
    standing = auditing.standing() or Standing((), 0)
    keys = [s.key for s in standing.suspicions if kind in (None, s.kind)]
    if key not in keys:
        return "", keys[0] if keys else ""
    here = keys.index(key)
    return keys[here - 1] if here else "", keys[here + 1] if here + 1 < len(keys) else ""


def _actions(suspicion: Suspicion) -> list[Action]:
    two = len(suspicion.individuals) == 2
    found = {
        Kind.two_ids: [Action.merge],
        Kind.two_animals: [Action.split, *([Action.move] if two else [])],
        Kind.side: [Action.correct, Action.remove],
        Kind.species: [Action.correct, Action.remove],
        Kind.duplicate: [Action.remove, *([Action.merge] if two else [])],
    }
    return [*found[suspicion.kind], Action.dismiss]


def _going(suspicion: Suspicion) -> Sequence[str]:
    """The crops that are doubted themselves: of two that are nearly the same the second."""
    places = {Kind.two_animals: slice(1), Kind.side: slice(1), Kind.duplicate: slice(1, 2)}
    return suspicion.origins[places.get(suspicion.kind, slice(0))]


def _free(name: str, known: Iterable[str]) -> str:
    """An id that nobody has, for a part of an individual."""
    taken = {each.casefold() for each in known}
    number = 2
    while f"{name}-{number}".casefold() in taken:
        number += 1
    return f"{name}-{number}"


def mine(desk: Desk, who: str) -> Told | None:
    """The last decision of a person, where it was one that is taken on these pages and holds."""
    last = next((d for d in reversed(desk.catalog.decisions(limit=LISTED)) if d.who == who), None)
    holds = last is not None and last.kind in DECIDED and last.undone_by is None
    return told(desk, last) if last and holds else None
