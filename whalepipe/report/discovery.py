"""How many animals were known after how many photos: the discovery curve of each part, with its doubt."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from whalepipe.report.axes import Tick, counts
from whalepipe.report.cards import Encounter
from whalepipe.stages.decide import Newcomers
from whalepipe.stages.listing import in_time
from whalepipe.tables import Ledger, Photo

WIDTH, LEFT, RIGHT, TOP, PLOT = 720.0, 44.0, 12.0, 24.0, 190.0  # units of the drawing
NUMBERED = 14.0  # units between two encounters, at least, for both to have their number


@dataclass(frozen=True)
class Counted:
    """How many animals were seen until some photo."""

    known: int = 0  # of the catalogue
    new: int = 0  # as they are named
    fewest: int = 0  # new ones, if crops are taken for one animal as soon as that is barely possible
    most: int = 0  # and only where it is nearly certain

    @property
    def named(self) -> int:
        """All animals with a name."""
        return self.known + self.new

    @property
    def least(self) -> int:
        """All, with the fewest new ones."""
        return self.known + self.fewest

    @property
    def largest(self) -> int:
        """All, with the most new ones."""
        return self.known + self.most


@dataclass(frozen=True)
class Point:
    """What was known at the end of an encounter, and where that is drawn."""

    encounter: Encounter
    photos: int  # taken so far
    counted: Counted
    x: float
    y: float
    numbered: bool


@dataclass(frozen=True)
class Curve:
    """The curve of one part, in units of the drawing."""

    part: str
    height: float
    line: str  # points of the named animals' steps
    band: str  # points around what lies between the fewest and the most; empty where they are the same
    points: Sequence[Point]
    photos: Sequence[Tick]
    animals: Sequence[Tick]
    axis: float  # y of the axis of photos
    late: int  # animals seen only in photos without a time, which are not drawn
    unsure: int  # crops that are counted nowhere


Corners = Sequence[tuple[float, float]]
At = Callable[[float, float], tuple[float, float]]  # from photos and animals to units


def curves(
    photos: Sequence[Photo],
    encounters: Sequence[Encounter],
    ledger: Sequence[Ledger],
    newcomers: Mapping[str, Newcomers],
) -> list[Curve]:
    """A curve for each part of which an animal has a name in a photo with a time."""
    place = {p.photo: i for i, p in enumerate(in_time(photos))}
    ends = _ends(photos, encounters)
    parts = sorted({r.part for r in ledger if r.individual and r.photo in place})
    return [_curve(part, [r for r in ledger if r.part == part], place, ends, newcomers.get(part)) for part in parts]


def _ends(photos: Sequence[Photo], encounters: Sequence[Encounter]) -> list[tuple[Encounter, int]]:
    """Each encounter with the number of photos taken until its end."""
    last = {p.encounter: i for i, p in enumerate(in_time(photos), 1)}
    return [(e, last[e.name]) for e in encounters if e.name in last]


def _curve(
    part: str,
    rows: Sequence[Ledger],
    place: Mapping[str, int],
    ends: Sequence[tuple[Encounter, int]],
    newcomers: Newcomers | None,
) -> Curve:
    firsts = _firsts(rows, place)
    so_far = _so_far(rows, firsts, place, newcomers)
    photos = ends[-1][1]
    marks = counts(max(c.largest for c in so_far.values()))
    scale_x, scale_y = (WIDTH - LEFT - RIGHT) / photos, PLOT / marks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        return round(LEFT + x * scale_x, 1), round(TOP + PLOT - y * scale_y, 1)

    line = _stairs([(n, c.named) for n, c in so_far.items()], photos)
    low = _stairs([(n, c.least) for n, c in so_far.items()], photos)
    high = _stairs([(n, c.largest) for n, c in so_far.items()], photos)
    named = {r.individual for r in rows if r.individual}
    return Curve(
        part=part,
        height=TOP + PLOT + 40,
        line=_path(line, at),
        band=_path([*high, *reversed(low)], at) if low != high else "",
        points=_points(ends, so_far, at),
        photos=[Tick(at(n, 0)[0], f"{n:,}") for n in counts(photos) if n <= photos],
        animals=[Tick(at(0, n)[1], f"{n:,}") for n in marks],
        axis=TOP + PLOT,
        late=len(named - firsts.keys()),
        unsure=sum(r.state == "unsure" for r in rows),
    )


def _firsts(rows: Sequence[Ledger], place: Mapping[str, int]) -> dict[str, tuple[int, str]]:
    """Of each named animal, how many photos were taken until it was first seen, and its state."""
    firsts: dict[str, tuple[int, str]] = {}
    for row in rows:
        if row.individual and row.photo in place:
            seen = place[row.photo] + 1, row.state
            firsts[row.individual] = min(firsts.get(row.individual, seen), seen)
    return firsts


def _so_far(
    rows: Sequence[Ledger],
    firsts: Mapping[str, tuple[int, str]],
    place: Mapping[str, int],
    newcomers: Newcomers | None,
) -> dict[int, Counted]:
    """What was known after so many photos, in their order, wherever that changes."""
    of_crop = {r.crop: place[r.photo] + 1 for r in rows if r.photo in place and r.state == "new"}
    known = [n for n, state in firsts.values() if state != "new"]
    new = [n for n, state in firsts.values() if state == "new"]
    few = [of_crop[c] for c in newcomers.fewest if c in of_crop] if newcomers else new
    many = [of_crop[c] for c in newcomers.most if c in of_crop] if newcomers else new
    found = {0: Counted()}
    for n in sorted({*known, *new, *few, *many}):
        named = _until(n, new)
        found[n] = Counted(_until(n, known), named, min(_until(n, few), named), max(_until(n, many), named))
    return found


def _until(n: int, firsts: Iterable[int]) -> int:
    return sum(first <= n for first in firsts)


def _stairs(values: Corners, end: int) -> Corners:
    """Corners of a line that stays level until the next value, up to `end`."""
    corners = [values[0]]
    for x, y in values[1:]:
        if y != corners[-1][1]:
            corners += [(x, corners[-1][1]), (x, y)]
    return [*corners, (end, corners[-1][1])]


def _points(ends: Sequence[tuple[Encounter, int]], so_far: Mapping[int, Counted], at: At) -> list[Point]:
    points: list[Point] = []
    free = 0.0
    for encounter, photos in ends:
        counted = so_far[max(n for n in so_far if n <= photos)]
        x, y = at(photos, counted.named)
        numbered = x >= free
        free = x + NUMBERED if numbered else free
        points.append(Point(encounter, photos, counted, x, y, numbered))
    return points


def _path(corners: Corners, at: At) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in (at(*corner) for corner in corners))
