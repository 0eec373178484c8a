"""When the photos were taken: how many in each hour, day or week, what they show, and which encounters lie there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from whalepipe.report.axes import DAY, Tick, begins, counts, span_of, time_ticks
from whalepipe.report.cards import Encounter
from whalepipe.stages.listing import in_time
from whalepipe.tables import Photo

WIDTH, LEFT, TOP, PLOT = 720.0, 44.0, 10.0, 150.0  # units: all, where the axis begins, above it, height of the bars
LINE = 14.0  # units of a line of times below the bars
LANE = 18.0  # units of one line of encounters
LANES = 8  # at most: what does not fit lies over the last one
MOST_SPANS = 60
MOST_LABELS = 8
LABEL = 66.0  # units of a day's name
LEAST_WIDE = 16.0  # units of an encounter's bar, for its number
KINDS = ("named", "unnamed", "nothing")  # an animal with a name; animals, but none with a name; no animal


@dataclass(frozen=True)
class Stack:
    """The photos of one span of time."""

    begin: datetime
    label: str
    photos: Mapping[str, int]  # how many of each of KINDS
    encounters: Sequence[int]  # their numbers
    x: float = 0.0
    pieces: Sequence[tuple[str, float, float]] = ()  # kind, y and height, upwards

    @property
    def total(self) -> int:
        """All its photos."""
        return sum(self.photos.values())


@dataclass(frozen=True)
class Stretch:
    """An encounter on the axis of time."""

    encounter: Encounter
    x: float
    width: float
    y: float


@dataclass(frozen=True)
class Timeline:
    """All that the chart shows, in units of the drawing."""

    height: float
    stacks: Sequence[Stack]  # those with photos
    wide: float  # of a stack
    span: str  # what a stack stands for, in words
    times: Sequence[Tick]
    counts: Sequence[Tick]
    stretches: Sequence[Stretch]
    axis: float  # y of the line below the stacks


def timeline(photos: Sequence[Photo], encounters: Sequence[Encounter], found: Mapping[str, str]) -> Timeline | None:
    """The chart; None where no photo has a time. `found` has one of KINDS for each photo with crops.

    Times are those of the cameras' clocks, whatever their offset.
    """
    timed = [(_clock(p.taken_at), p) for p in in_time(photos)]
    if not timed:
        return None
    first, last = min(t for t, _ in timed), max(t for t, _ in timed)
    span = span_of(first, last, MOST_SPANS)
    starts = begins(first, last, span)
    wide = (WIDTH - LEFT) / len(starts)
    stacks = _stacks(timed, encounters, found, starts, span)
    marks = counts(max(s.total for s in stacks))
    axis = TOP + PLOT
    lines = LINE if span >= DAY else 2 * LINE
    ticks = time_ticks(starts, [round(LEFT + i * wide, 1) for i in range(len(starts))], span, MOST_LABELS)
    stretches = _stretches(encounters, starts[0], wide, span)
    lanes = max((s.y for s in stretches), default=-LANE) / LANE + 1
    return Timeline(
        height=axis + lines + lanes * LANE + 14,
        stacks=[_drawn(s, LEFT + ((s.begin - starts[0]) // span) * wide, marks[-1]) for s in stacks],
        wide=round(wide, 2),
        span=_in_words(span),
        times=[t for t in ticks if t.at <= WIDTH - LABEL],
        counts=[Tick(round(axis - PLOT * n / marks[-1], 1), f"{n:,}") for n in marks],
        stretches=[Stretch(s.encounter, s.x, s.width, axis + lines + 10 + s.y) for s in stretches],
        axis=axis,
    )


def _clock(taken_at: str) -> datetime:
    return datetime.fromisoformat(taken_at).replace(tzinfo=None)


def _stacks(
    timed: Sequence[tuple[datetime, Photo]],
    encounters: Sequence[Encounter],
    found: Mapping[str, str],
    starts: Sequence[datetime],
    span: timedelta,
) -> list[Stack]:
    number = {e.name: e.number for e in encounters}
    tally: dict[int, dict[str, int]] = {}
    within: dict[int, set[int]] = {}
    for time, photo in timed:
        place = (time - starts[0]) // span
        kinds = tally.setdefault(place, dict.fromkeys(KINDS, 0))
        kinds[found.get(photo.photo, "nothing")] += 1
        within.setdefault(place, set()).add(number.get(photo.encounter, 0))
    form = "%Y-%m-%d" if span >= DAY else "%Y-%m-%d %H:%M"
    return [Stack(starts[p], starts[p].strftime(form), tally[p], sorted(within[p])) for p in sorted(tally)]


def _drawn(stack: Stack, x: float, highest: int) -> Stack:
    """The stack with its place and pieces, the lowest first."""
    pieces, y = [], TOP + PLOT
    for kind, photos in stack.photos.items():
        height = PLOT * photos / highest
        y -= height
        if photos:
            pieces.append((kind, round(y, 2), round(height, 2)))
    return replace(stack, x=round(x, 2), pieces=pieces)


def _stretches(encounters: Sequence[Encounter], origin: datetime, wide: float, span: timedelta) -> list[Stretch]:
    """Each encounter in the first lane in which it lies beside no other; `y` from the first lane's top."""
    ends: list[float] = []
    found = []
    for encounter in encounters:
        if not encounter.name:
            continue
        begin, end = (LEFT + (_clock(t) - origin) / span * wide for t in (encounter.begins, encounter.ends))
        x = min(begin, WIDTH - LEAST_WIDE)
        width = max(end - begin, LEAST_WIDE)
        lane = next((i for i, until in enumerate(ends) if until <= x), len(ends))
        lane = min(lane, LANES - 1)
        ends[lane : lane + 1] = [x + width + 1]
        found.append(Stretch(encounter, round(x, 2), round(width, 2), lane * LANE))
    return found


def _in_words(span: timedelta) -> str:
    if span == DAY:
        return "day"
    if span == 7 * DAY:
        return "week"
    if span > DAY:
        return f"{span // DAY} days"
    minutes = span // timedelta(minutes=1)
    return {60: "hour"}.get(minutes, f"{minutes} minutes" if minutes < 60 else f"{minutes // 60} hours")
