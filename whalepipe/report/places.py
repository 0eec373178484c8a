"""Where the photos were taken: a map without tiles, drawn from the positions that the cameras wrote.

Plate carrée with its standard parallel through the middle of the positions (Snyder 1987, "Map projections: a working
manual", chapter 12): distances hold along that parallel, and over a study area of 100 km everywhere to 1 or 2 %.
No coastline is drawn: one that is small enough to travel with the page is kilometres off at this scale.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whalepipe.report.axes import Tick
from whalepipe.report.cards import Encounter
from whalepipe.stages.listing import in_time
from whalepipe.tables import Photo

WIDTH, LEAST_HEIGHT, MOST_HEIGHT, MARGIN = 720.0, 260.0, 480.0, 40.0  # of the drawing's units
KM_PER_DEGREE = 111.195  # of latitude; mean radius of the Earth (IUGG)
KM_PER_MILE = 1.852  # international nautical mile
LEAST_SPAN = 0.01  # degrees shown at least: positions of a pocket GPS are not better than tens of metres
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)  # degrees
LINES = 9  # of the graticule, at most, each way
CELL = 4.0  # units: photos nearer than this are one dot
NUMBERED = 60  # encounters: more are marked without their numbers, which would lie on one another
RADIUS = 10.0  # units, of a mark with a number


@dataclass(frozen=True)
class Dot:
    """Photos taken at one place."""

    x: float
    y: float
    says: str
    named: bool  # whether any of them shows an animal with a name


@dataclass(frozen=True)
class Track:
    """The photos of one encounter in their order, and the place of its mark."""

    encounter: Encounter
    path: str  # points of a line
    x: float
    y: float
    from_x: float  # where it begins
    from_y: float
    latitude: float | None  # of its first photo with a position
    longitude: float | None


@dataclass(frozen=True)
class Bar:
    """A length on the map."""

    length: float
    label: str


@dataclass(frozen=True)
class SeaMap:
    """All that the map shows, in units of the drawing, y downwards."""

    width: float
    height: float
    meridians: Sequence[Tick]
    parallels: Sequence[Tick]
    tracks: Sequence[Track]
    dots: Sequence[Dot]
    bars: Sequence[Bar]
    numbered: bool
    middle: str  # the parallel on which the scale holds
    far: bool  # whether it does not hold nearly everywhere
    placed: int  # photos
    without: int  # photos without a position


class _View:
    """From degrees to units of the drawing."""

    def __init__(self, longitudes: Sequence[float], latitudes: Sequence[float]) -> None:
        self.west = west_of(longitudes)
        lons, lats = [self.unwrapped(lon) for lon in longitudes], latitudes
        self.lon, self.lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
        self.shrink = max(math.cos(math.radians(self.lat)), 0.02)
        across = max((max(lons) - min(lons)) * self.shrink, LEAST_SPAN)
        along = max(max(lats) - min(lats), LEAST_SPAN)
        self.scale = min((WIDTH - 2 * MARGIN) / across, (MOST_HEIGHT - 2 * MARGIN) / along)  # units a degree
        self.height = round(min(max(along * self.scale + 2 * MARGIN, LEAST_HEIGHT), MOST_HEIGHT))

    def unwrapped(self, longitude: float) -> float:
        """The longitude east of the westernmost position: the map may lie across 180 degrees."""
        return self.west + (longitude - self.west) % 360

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        """x and y."""
        x = WIDTH / 2 + (self.unwrapped(longitude) - self.lon) * self.shrink * self.scale
        return round(x, 1), round(self.height / 2 - (latitude - self.lat) * self.scale, 1)

    def lines(self) -> tuple[list[Tick], list[Tick]]:
        """Meridians and parallels that cross the map."""
        wide, high = WIDTH / self.scale / self.shrink, self.height / self.scale
        step = next((s for s in STEPS if wide / s <= LINES and high / s <= LINES), STEPS[-1])
        meridians = [
            Tick(WIDTH / 2 + (d - self.lon) * self.shrink * self.scale, degrees((d + 180) % 360 - 180, "E", "W", step))
            for d in _multiples(self.lon - wide / 2, self.lon + wide / 2, step)
        ]
        parallels = [
            Tick(self.height / 2 - (d - self.lat) * self.scale, degrees(d, "N", "S", step))
            for d in _multiples(self.lat - high / 2, self.lat + high / 2, step)
            if abs(d) <= 90
        ]
        return meridians, parallels

    def bars(self) -> list[Bar]:
        """A round length in kilometres and one in nautical miles, each a quarter of the map at most."""
        return [self._bar(KM_PER_DEGREE, "km"), self._bar(KM_PER_DEGREE / KM_PER_MILE, "nautical miles")]

    def _bar(self, per_degree: float, name: str) -> Bar:
        longest = WIDTH / 4 / self.scale * per_degree
        power = 10.0 ** math.floor(math.log10(longest))
        length = next(f * power for f in (5, 2, 1) if f * power <= longest)
        return Bar(round(length / per_degree * self.scale, 1), f"{length:g} {name if length != 1 else name[:-1]}")


def west_of(longitudes: Sequence[float]) -> float:
    """The longitude at which the shortest arc that holds all of them begins, going east."""
    around = sorted({lon % 360 for lon in longitudes})
    gaps = [(around[i] - around[i - 1]) % 360 or 360.0 for i in range(len(around))]
    west = around[max(range(len(gaps)), key=lambda i: gaps[i])]
    return west - 360 if west >= 180 else west


def degrees(value: float, positive: str, negative: str, step: float) -> str:
    """`44.05° N`, with as many decimals as the step between two lines has."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{abs(value):.{decimals}f}°\u00a0{positive if value >= 0 else negative}"


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def sea_map(
    photos: Sequence[Photo], encounters: Sequence[Encounter], named: Mapping[str, Sequence[str]]
) -> SeaMap | None:
    """The map of all photos with a position; None where none has. `named` has the individuals of photos, in words."""
    usable = [p for p in photos if p.usable]
    placed = [(p, p.longitude, p.latitude) for p in usable if p.longitude is not None and p.latitude is not None]
    if not placed:
        return None
    view = _View([lon for _, lon, _ in placed], [lat for _, _, lat in placed])
    spots = {p.photo: view.place(lon, lat) for p, lon, lat in placed}
    meridians, parallels = view.lines()
    tracks = _tracks(spots, photos, encounters, view.height)
    middle = degrees(view.lat, "N", "S", 0.1)
    far = view.height / view.scale > 2
    drawn = WIDTH, view.height, meridians, parallels, tracks, _dots(spots, named), view.bars()
    return SeaMap(*drawn, len(tracks) <= NUMBERED, middle, far, len(placed), len(usable) - len(placed))


def _dots(spots: Mapping[str, tuple[float, float]], named: Mapping[str, Sequence[str]]) -> list[Dot]:
    cells: dict[tuple[int, int], list[str]] = {}
    for photo, (x, y) in spots.items():
        cells.setdefault((round(x / CELL), round(y / CELL)), []).append(photo)
    dots = []
    for photos in cells.values():
        seen = sorted({who for photo in photos for who in named.get(photo, ())})
        x, y = spots[photos[0]]
        count = f"{len(photos)} photos" if len(photos) > 1 else photos[0]
        dots.append(Dot(x, y, f"{count}: {', '.join(seen)}" if seen else f"{count}: nobody named", bool(seen)))
    return sorted(dots, key=lambda d: d.named)  # those with a name lie on top


def _tracks(
    spots: Mapping[str, tuple[float, float]],
    photos: Sequence[Photo],
    encounters: Sequence[Encounter],
    height: float,
) -> list[Track]:
    members: dict[str, list[Photo]] = {}
    for photo in in_time(photos):
        if photo.photo in spots and photo.encounter:
            members.setdefault(photo.encounter, []).append(photo)
    shown = [e for e in encounters if e.name in members]
    marks: list[tuple[float, float]] = []
    tracks = []
    for encounter in shown:
        mine = members[encounter.name]
        way = _thinned([spots[p.photo] for p in mine])
        mark = _free(way[0], marks, height) if len(shown) <= NUMBERED else way[0]
        marks.append(mark)
        path = " ".join(f"{x:g},{y:g}" for x, y in way) if len(way) > 1 else ""
        tracks.append(Track(encounter, path, *mark, *way[0], mine[0].latitude, mine[0].longitude))
    return tracks


def _thinned(way: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without the points that lie nearly on the one before."""
    kept = [way[0]]
    for point in way[1:]:
        if math.dist(point, kept[-1]) >= CELL / 2:
            kept.append(point)
    return kept


def _free(at: tuple[float, float], taken: Sequence[tuple[float, float]], height: float) -> tuple[float, float]:
    """The place on the map nearest to `at`, on rings around it, where a mark lies on no other; `at` if none is free."""
    rings = [(0.0, 0)] + [(2.2 * RADIUS * ring, turn) for ring in range(1, 5) for turn in range(12)]
    for far, turn in rings:
        angle = math.radians(30 * turn - 90)
        x, y = round(at[0] + far * math.cos(angle), 1), round(at[1] + far * math.sin(angle), 1)
        inside = RADIUS < x < WIDTH - RADIUS and RADIUS < y < height - RADIUS
        if inside and all(math.dist((x, y), other) > 2.1 * RADIUS for other in taken):
            return x, y
    return at
