"""What the pages show, as plain values: the templates and the JSON are two forms of the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from whalepipe.catalog.decisions import Decision
from whalepipe.review.desk import Count, Desk
from whalepipe.review.narrow import Kept, Narrow, narrowed
from whalepipe.review.queue import Wanted
from whalepipe.review.words import in_words
from whalepipe.stages.decided import NAMES, Said
from whalepipe.tables import NEW, UNKNOWN, Match

LISTED = 48  # items on a page of the queue
TOGETHER = 36  # crops of an encounter beside a query, the nearest in time
DECISIONS = 200  # on the page that lists them
EARLIER = 6  # individuals that people named on this card already, offered beside the catalogue's candidates


@dataclass(frozen=True)
class Listed:
    """A crop in a list or a strip."""

    crop: str
    photo: str
    taken_at: str
    part: str
    view: str
    state: str  # the program's
    individual: str  # the program's
    reason: str
    said: Said | None = None  # a person's last word
    relation: str = ""  # to the query: frame, photo, burst, encounter
    frames: int = 1  # crops of the item


@dataclass(frozen=True)
class QueuePage:
    """What waits, a page of it."""

    counts: Sequence[Count]
    items: Sequence[Listed]
    parts: Sequence[str]
    encounters: Sequence[str]
    more: bool  # whether further items follow
    offset: int


@dataclass(frozen=True)
class Candidate:
    """Who a query may be. Its picture is one of the catalogue's, or (`here`) a crop of this run."""

    number: int  # 1, 2, ...: the key that chooses it
    individual: str
    probability: float | None
    picture: str  # a crop's file name
    here: bool
    encounter: str
    view: str
    species: str
    other_side: bool  # the picture and the query show the animal from two sides
    note: str = ""
    place: str = ""  # of the encounter, as the catalogue has it, and its time
    time: str = ""


@dataclass(frozen=True)
class Told:
    """A decision, in words."""

    id: int
    who: str
    made_at: str
    why: str
    kind: str
    text: str
    crop: str  # of the run, if it is about one
    undone: bool
    undoes: int | None


@dataclass(frozen=True)
class Mine:
    """What one decided last, to be taken back: the decisions about the crops of one item, the last one first."""

    photo: str
    said: Said
    decisions: Sequence[int]


@dataclass(frozen=True)
class QueryPage:
    """A query, its candidates and all that helps to decide."""

    query: Listed
    species: str
    encounter: str
    grade: float
    section: str
    shape: float  # width of the crop by its height
    frames: Sequence[Listed]  # all crops that follow this animal through the burst, the query first
    seen: dict[str, int]  # by crop of `frames`: the last decision about it, to be sent back with one's own
    candidates: Sequence[Candidate]
    new: float | None  # probability
    provisional: str  # what a new animal is called if nobody names it
    kept: Sequence[Kept]  # the filters over the candidates
    hidden: int  # candidates that they hide
    strip: Sequence[Listed]
    history: Sequence[Told]
    counts: Sequence[Count]
    before: str  # crops of the items before and after that wait
    after: str
    last: int  # the last decision of all


@dataclass(frozen=True)
class Changes:
    """What was decided since, and how far the tables are."""

    last: int
    written: int
    problem: str
    started: str
    decisions: Sequence[Told] = field(default_factory=list)
    counts: Sequence[Count] = field(default_factory=list)


def queue_page(desk: Desk, wanted: Wanted, offset: int) -> QueuePage:
    """The items that wait from `offset` on."""
    found = list(islice(desk.asked(wanted), offset, offset + LISTED + 1))
    items = [listed(desk, item.first, frames=len(item.crops)) for item in found[:LISTED]]
    return QueuePage(desk.counts, items, desk.index.parts, list(desk.index.encounters), len(found) > LISTED, offset)


def listed(desk: Desk, crop: str, relation: str = "", frames: int = 1) -> Listed:
    """A crop in a list."""
    row = desk.index.frames[crop].row
    told = row.photo, row.taken_at, row.part, row.view, row.state, row.individual, row.reason
    return Listed(crop, *told, desk.said(crop), relation, frames)


def query_page(desk: Desk, crop: str, wanted: Wanted, narrow: Narrow) -> QueryPage:
    """Everything about one query."""
    frame, item = desk.index.frames[crop], desk.item(crop)
    frames = [crop, *(other for other in item.crops if other != crop)]
    before, after = desk.beside(crop, wanted)
    matches = desk.index.candidates.of(crop)
    offered, hidden = narrowed(_candidates(desk, crop, matches), narrow)
    return QueryPage(
        query=listed(desk, crop),
        species=frame.row.species,
        encounter=frame.row.encounter,
        grade=frame.grade,
        section=item.section,
        shape=frame.crop.width / max(frame.crop.height, 1),
        frames=[listed(desk, name, "frame") for name in frames],
        seen={name: desk.seen(name) for name in frames},
        candidates=offered,
        new=next((m.probability for m in matches if m.individual == NEW), None),
        provisional=desk.provisional(crop),
        kept=narrow.kept(),
        hidden=hidden,
        strip=_strip(desk, crop, frames),
        history=[told(desk, d) for d in reversed(desk.catalog.decisions(origin=frame.origin))],
        counts=desk.counts,
        before=before,
        after=after,
        last=desk.last,
    )


def _candidates(desk: Desk, crop: str, matches: Sequence[Match]) -> list[Candidate]:
    """The catalogue's, the likeliest first, then those whom people named on this card."""
    row, kinds = desk.index.frames[crop].row, desk.kinds()
    denied = {d.after.get("individual") for d in _judged(desk, crop) if d.after.get("verdict") == "different"}
    beside = _named_beside(desk, crop)
    known = [m for m in matches if m.individual != NEW]
    offered = [
        Candidate(
            number,
            m.individual,
            m.probability,
            m.gallery_crop,
            False,
            m.gallery_encounter,
            m.gallery_view or UNKNOWN,
            kinds.get(m.individual, ""),
            _two_sides(row.view, m.gallery_view),
            _note(m.individual, denied, beside),
        )
        for number, m in enumerate(known, start=1)
    ]
    names = {c.individual for c in offered}
    for name, other in _earlier(desk, crop):
        if name not in names and len(names) < len(known) + EARLIER:
            names.add(name)
            shown = desk.index.frames[other].row
            side, kind = _two_sides(row.view, shown.view), kinds.get(name, "")
            about = name, None, other, True, shown.encounter, shown.view, kind, side, _note(name, denied, beside)
            offered.append(Candidate(len(offered) + 1, *about))
    places = desk.catalog.places({c.encounter for c in offered})
    return [replace(c, place=place, time=time) for c in offered for place, time in (places.get(c.encounter, ("", "")),)]


def _two_sides(one: str, other: str) -> bool:
    return UNKNOWN not in (one, other) and "" not in (one, other) and one != other


def _note(name: str, denied: set[str | None], beside: set[str]) -> str:
    if name in denied:
        return "said to be another"
    return "named beside it in this photo: two crops of a photo are two animals" if name in beside else ""


def _judged(desk: Desk, crop: str) -> Iterator[Decision]:
    found = desk.catalog.decisions(origin=desk.index.frames[crop].origin)
    return (d for d in found if d.kind == "judge" and d.undone_by is None)


def _named_beside(desk: Desk, crop: str) -> set[str]:
    """Whom people named in other crops of the same part and photo."""
    row = desk.index.frames[crop].row
    others = (c for c in desk.index.encounters[row.encounter] if c != crop)
    rows = (desk.index.frames[c].row for c in others)
    said = (desk.said(r.crop) for r in rows if (r.photo, r.part) == (row.photo, row.part))
    return {word.individual for word in said if word and word.verdict in NAMES}


def _earlier(desk: Desk, crop: str) -> Iterator[tuple[str, str]]:
    """Individuals that people named on this card, each with a crop: of its encounter first, and the last one first."""
    row = desk.index.frames[crop].row
    named = [(c, word) for c, word in desk.decided() if c != crop and word.verdict in NAMES]
    alike = [(c, word) for c, word in named if desk.index.frames[c].row.part == row.part]
    for here in (True, False):
        for other, word in alike:
            if (desk.index.frames[other].row.encounter == row.encounter) == here:
                yield word.individual, other


def _strip(desk: Desk, crop: str, frames: Sequence[str]) -> list[Listed]:
    """The other crops of the burst and of the encounter, in the order of time, those nearest in time if many."""
    me = desk.index.frames[crop]
    crops = list(desk.index.encounters[me.row.encounter])
    if not me.row.encounter:  # a photo without a time stands alone, but for what else it shows
        crops = [c for c in crops if desk.index.frames[c].row.photo == me.row.photo]
    here = crops.index(crop)
    near = crops[max(0, here - TOGETHER // 2) : here + TOGETHER // 2 + 1]
    return [listed(desk, c, _relation(desk, crop, c, frames)) for c in near if c != crop]


def _relation(desk: Desk, crop: str, other: str, frames: Sequence[str]) -> str:
    one, two = desk.index.frames[crop], desk.index.frames[other]
    if other in frames:
        return "frame"
    if one.row.photo == two.row.photo:
        return "photo"
    return "burst" if one.burst and one.burst == two.burst else "encounter"


def told(desk: Desk, d: Decision) -> Told:
    """A decision in words."""
    crop = desk.index.by_origin.get(d.subject, "")
    about = d.id, d.who, d.made_at, d.why, d.kind
    return Told(*about, in_words(d), crop, d.undone_by is not None, d.undoes)


def mine(desk: Desk, who: str) -> Mine | None:
    """A person's last decision, if she took one."""
    last = next(((crop, word) for crop, word in desk.decided() if word.who == who), None)
    if last is None:
        return None
    crop, word = last
    words = [desk.said(c) for c in desk.item(crop).crops]
    alike = {w.id for w in words if w and w.who == who and _alike(w, word)}
    return Mine(desk.index.frames[crop].row.photo, word, sorted(alike | {word.id}, reverse=True))


def _alike(one: Said, other: Said) -> bool:
    """Of the crops of a new animal the first is `new`, the others are the same."""
    return one.verdict is other.verdict or (one.verdict in NAMES and other.verdict in NAMES)


def changes(desk: Desk, since: int, started: str) -> Changes:
    """What was decided after the decision `since`."""
    found = desk.catalog.decisions(since=since) if desk.last > since else []
    state = desk.last, desk.writer.written, desk.writer.problem, started
    return Changes(*state, [told(desk, d) for d in found], desk.counts)


def decisions_page(desk: Desk) -> list[Told]:
    """The last decisions of the catalogue, the last one first."""
    return [told(desk, d) for d in reversed(desk.catalog.decisions(limit=DECISIONS))]
