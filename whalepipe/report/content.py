"""What the page says, taken from the tables of a run: plain values for the template, no markup, no pictures."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whalepipe.catalog.entries import Summary
from whalepipe.catalog.place import open_catalog
from whalepipe.explain.table import read_explained
from whalepipe.job import Job
from whalepipe.photos import as_text
from whalepipe.pipeline import Tables
from whalepipe.report.cards import Candidate, Card, Encounter, Group, Why
from whalepipe.report.pictures import Source
from whalepipe.report.repeat import Repeat, repeat
from whalepipe.report.season import Season, season_of
from whalepipe.report.trust import Instrument, instruments
from whalepipe.stages.listing import in_time
from whalepipe.store import titled
from whalepipe.summary import OF_FILES, summarize, told
from whalepipe.tables import NEW, UNKNOWN, Ledger, Match, Photo, Species, by_crop

SHOWN_CANDIDATES = 3


@dataclass(frozen=True)
class Facts:
    """When, where and with what the photos were taken."""

    first: str
    last: str
    cameras: Sequence[str]
    area: str
    without_time: int


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    title: str
    facts: Facts
    summary: dict[str, Any]
    named_wrong: float  # expected number of wrong names, if the probabilities hold
    newcomers: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # by part, fewest and most new animals
    expected: Mapping[str, str] = field(default_factory=dict)  # of each part's lists of candidates, where asked for
    encounters: Sequence[Encounter] = ()
    season: Season = field(default_factory=Season)
    known: Sequence[Group] = ()
    new: Sequence[Group] = ()
    unsure: Mapping[str, Sequence[Card]] = field(default_factory=dict)  # by encounter
    rejected: Mapping[str, Sequence[Card]] = field(default_factory=dict)  # by reason
    without: Mapping[str, Sequence[Ledger]] = field(default_factory=dict)  # state -> rows of files without a crop
    instruments: Sequence[Instrument] = ()
    repeat: Repeat | None = None

    def sources(self) -> list[Source]:
        """Every picture, each once, in the order of the page."""
        shown: list[Source | None] = []
        for group in (*self.known, *self.new):
            shown += [c.source for c in (group.best,) if c]
            shown += [source for card in group.cards for source in (card.source, *(why.source for why in card.why))]
            shown += [c.source for c in group.others]
        for card in (c for cards in self.unsure.values() for c in cards):
            shown += [card.source, *(c.source for c in card.candidates), *(why.source for why in card.why)]
        for card in (c for cards in self.rejected.values() for c in cards):
            shown += [card.source, *(why.source for why in card.why)]
        return list(dict.fromkeys(source for source in shown if source))


def page_of(job: Job, tables: Tables, made_with: Mapping[str, Any]) -> Page:
    """The page of a run."""
    catalog = open_catalog(job.catalog)
    held = {(s.individual, s.part): s for s in (catalog.summaries() if catalog else ())}
    ranked = by_crop(sorted(tables.matches, key=lambda m: m.rank))
    time = {p.photo: number for number, p in enumerate(in_time(tables.photos))}
    rows = sorted((r for r in tables.ledger if r.crop), key=lambda r: (time.get(r.photo, len(time)), r.photo, r.crop))
    grades = {q.crop: q.grade for q in tables.quality}
    why = _explained(job, made_with)
    cards = [
        Card(r, Source(r.crop), _few(ranked.get(r.crop, ())), grades.get(r.crop, 0.0), why.get(r.crop, ()))
        for r in rows
    ]
    species = {s.crop: s for s in tables.species if s.rank == 1}
    groups = [_groups(cards, state, ranked, species, held) for state in ("identified", "new")]
    encounters = _encounters(tables.photos, rows, [*groups[0], *groups[1]])
    return Page(
        title=as_text(titled(job.raw_dir)),
        facts=_facts(tables.photos),
        summary=summarize(tables.ledger),
        named_wrong=_named_wrong(cards),
        newcomers=tables.between,
        expected={part: told(promise) for part, promise in tables.expected.items()},
        encounters=encounters,
        season=season_of(tables.photos, encounters, rows, [*groups[0], *groups[1]], tables.newcomers),
        known=groups[0],
        new=groups[1],
        unsure=_by(cards, "unsure", lambda c: c.row.encounter),
        rejected=_commonest(_by(cards, "rejected", lambda c: _kind(c.row.reason))),
        without={s: [r for r in tables.ledger if r.state == s] for s in OF_FILES},
        instruments=instruments(job),
        repeat=repeat(job, tables.photos, made_with, held.values()),
    )


def _explained(job: Job, made_with: Mapping[str, Any]) -> dict[str, list[Why]]:
    """The explanations of each crop that were made with this run's embedder."""
    found: dict[str, list[Why]] = {}
    for row in read_explained(job.out):
        if row.weights == made_with.get("embedder"):
            found.setdefault(row.crop, []).append(Why(row, Source(row.picture, explains=True)))
    return found


def _named_wrong(cards: Sequence[Card]) -> float:
    probabilities = [c.row.probability for c in cards if c.row.state == "identified"]
    return sum(1 - p for p in probabilities if p is not None)


def _candidate(match: Match) -> Candidate:
    source = None if match.individual == NEW else Source(match.gallery_crop, match.individual)
    return Candidate(match.individual, match.probability, source)


def _few(ranked: Sequence[Match]) -> list[Candidate]:
    known = [m for m in ranked if m.individual != NEW][:SHOWN_CANDIDATES]
    return [_candidate(m) for m in ranked if m in known or m.individual == NEW]


def _groups(
    cards: Sequence[Card],
    state: str,
    ranked: Mapping[str, Sequence[Match]],
    species: Mapping[str, Species],
    held: Mapping[tuple[str, str], Summary],
) -> list[Group]:
    grouped: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        if card.row.state == state:
            grouped.setdefault((card.row.part, card.row.individual), []).append(card)
    groups = []
    for (part, individual), members in sorted(grouped.items()):
        most = _most(ranked, members)
        best = most.pop(individual, None)
        others = sorted(most.values(), key=lambda c: -c.probability)
        known = held.get((individual, part))
        scientific, common = _species(members, species, known)
        anchor = "i-" + hashlib.sha256(f"{part}/{individual}".encode()).hexdigest()[:12]
        shown = [c for c in others if c.individual != NEW][:SHOWN_CANDIDATES]
        members.sort(key=lambda card: -card.grade)
        groups.append(Group(anchor, individual, part, state, members, scientific, common, known, best, shown))
    return groups


def _most(ranked: Mapping[str, Sequence[Match]], cards: Sequence[Card]) -> dict[str, Candidate]:
    """Each candidate of these crops, with the most that any of them gave it."""
    most: dict[str, Candidate] = {}
    for card in cards:
        for match in ranked.get(card.row.crop, ()):
            if match.individual not in most or match.probability > most[match.individual].probability:
                most[match.individual] = _candidate(match)
    return most


def _species(cards: Sequence[Card], species: Mapping[str, Species], held: Summary | None) -> tuple[str, str]:
    """Scientific and common name: what the catalogue says, else what most of the crops were taken for."""
    named = Counter(c.row.species for c in cards if c.row.species not in ("", UNKNOWN))
    scientific = held.species if held and held.species else next((s for s, _ in named.most_common(1)), "")
    commons = {s.species: s.common_name for s in species.values() if s.common_name not in ("", UNKNOWN)}
    return scientific, commons.get(scientific, "")


def _encounters(photos: Sequence[Photo], rows: Sequence[Ledger], groups: Sequence[Group]) -> list[Encounter]:
    timed: dict[str, list[Photo]] = {}
    for photo in in_time(photos):
        timed.setdefault(photo.encounter, []).append(photo)
    loose = [p for p in photos if p.usable and not p.encounter]
    if loose:
        timed[""] = loose
    seen: dict[str, dict[str, list[Group]]] = {}
    for group in groups:
        for name in dict.fromkeys(c.row.encounter for c in group.cards):
            seen.setdefault(name, {}).setdefault(group.part, []).append(group)
    states: dict[str, Counter[str]] = {}
    for row in rows:
        states.setdefault(row.encounter, Counter())[row.state] += 1
    return [
        Encounter(name, p[0].taken_at, p[-1].taken_at, len(p), seen.get(name, {}), states.get(name, Counter()), number)
        for number, (name, p) in zip((*range(1, len(timed) + (not loose)), 0), timed.items(), strict=False)
    ]


def _by(cards: Iterable[Card], state: str, key: Any) -> dict[str, list[Card]]:
    grouped: dict[str, list[Card]] = {}
    for card in cards:
        if card.row.state == state:
            grouped.setdefault(key(card), []).append(card)
    return grouped


def _commonest(grouped: Mapping[str, Sequence[Card]]) -> dict[str, Sequence[Card]]:
    return dict(sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0])))


def _kind(reason: str) -> str:
    """A reason without its measure: `too small` of `too small: 54 pixels, 60 are needed`."""
    return reason.partition(":")[0].partition(" on ")[0]


def _facts(photos: Sequence[Photo]) -> Facts:
    timed = in_time(photos)
    cameras = sorted({p.camera for p in photos if p.usable and p.camera})
    first, last = (timed[0].taken_at, timed[-1].taken_at) if timed else ("", "")
    return Facts(first, last, cameras, _area(photos), sum(1 for p in photos if p.usable and not p.taken_at))


def _area(photos: Sequence[Photo]) -> str:
    """The latitudes and longitudes between which the photos were taken; empty where no camera wrote any."""
    places = [(p.latitude, p.longitude) for p in photos if p.latitude is not None and p.longitude is not None]
    if not places:
        return ""
    south, north = min(p[0] for p in places), max(p[0] for p in places)
    west, east = min(p[1] for p in places), max(p[1] for p in places)
    return f"{_span(south, north, 'N', 'S')}, {_span(west, east, 'E', 'W')}"


def _span(low: float, high: float, positive: str, negative: str) -> str:
    ends = [f"{abs(v):.2f}°\u00a0{positive if v >= 0 else negative}" for v in (low, high)]
    if ends[0][-1] == ends[1][-1]:
        ends[0] = ends[0][:-3]
    return ends[1] if low == high else " to ".join(ends)
