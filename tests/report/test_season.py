"""The charts of the report: map, timeline, discovery curves, who was seen in which encounter."""

import itertools
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.report import seasons
from whalepipe.report.axes import counts, span_of
from whalepipe.report.cards import Encounter
from whalepipe.report.content import Page, page_of
from whalepipe.report.discovery import curves
from whalepipe.report.matrix import COLUMNS, matrix
from whalepipe.report.places import RADIUS, degrees, sea_map, west_of
from whalepipe.report.timeline import timeline
from whalepipe.stages.decide import Newcomers
from whalepipe.tables import Ledger, Photo

MADE_WITH = {"whalepipe": "0", "embedder": "e" * 64, "catalogue": "r"}


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return page_of(*seasons.small(tmp_path), MADE_WITH)


def photo(name: str, taken_at: str = "", place: tuple[float, float] | None = None, encounter: str = "e") -> Photo:
    latitude, longitude = place or (None, None)
    return Photo(name, name, 6, 4, taken_at, latitude, longitude, encounter=encounter if taken_at else "")


def encounter(number: int, begins: str = "2026-07-03T08:00:00", ends: str = "") -> Encounter:
    return Encounter(f"{number}", begins, ends or begins, 1, {}, {}, number)


def test_the_map_shows_where_each_encounter_begins_and_who_was_there(page: Page) -> None:
    places = page.season.places
    assert places is not None
    assert [(t.encounter.number, t.latitude, t.longitude) for t in places.tracks] == [(1, 44.0, -8.5), (2, 44.04, -8.5)]
    assert places.tracks[0].encounter.says == (
        "Encounter 1, 2026-07-03 08:00 to 08:30, 4 photos. fluke: Mn-1, Mn-2, new-1"
    )
    assert [t.label.replace("\u00a0", " ") for t in places.parallels] == [f"44.0{i}° N" for i in range(0, 8, 2)]
    assert [b.label for b in places.bars] == ["2 km", "1 nautical mile"]
    # 2 km of 7.8 km between the first and the last photo, which lie 400 units apart
    assert places.bars[0].length == pytest.approx(400 * 2 / (0.07 * 111.195), abs=0.1)
    north, south = min(d.y for d in places.dots), max(d.y for d in places.dots)
    assert (south - north, places.placed, places.without) == (400.0, 8, 1)
    assert {d.says for d in places.dots if d.named} >= {"0.jpg: fluke Mn-1", "3.jpg: fluke new-1"}


def test_a_map_may_lie_across_the_date_line() -> None:
    assert (west_of([179.9, -179.9]), west_of([-28.0, -27.5]), west_of([10.0])) == (179.9, -28.0, 10.0)
    places = sea_map([photo("a", place=(-18.0, 179.9)), photo("b", place=(-18.0, -179.9))], [], {})
    assert places is not None
    assert [t.label for t in places.meridians][1::2] == ["179.95°\u00a0E", "179.95°\u00a0W"]
    assert sorted(d.x for d in places.dots) == [40.0, 680.0]


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(-8.5, 0.5, "8.5° W"), (44.05, 0.05, "44.05° E"), (-0.0, 1.0, "0° E"), (12, 20, "12° E")],
)
def test_degrees_have_as_many_decimals_as_their_step(value: float, step: float, text: str) -> None:
    assert degrees(value, "E", "W", step).replace("\u00a0", " ") == text


def test_marks_at_one_place_lie_beside_each_other_and_on_the_map() -> None:
    photos = [photo(f"{n}", f"2026-07-{n + 1:02}T08:00:00", (44.0, -8.5), f"{n}") for n in range(20)]
    places = sea_map(photos, [encounter(n) for n in range(20)], {})
    assert places is not None
    spots = [(t.x, t.y) for t in places.tracks]
    near = min(abs(complex(*a) - complex(*b)) for i, a in enumerate(spots) for b in spots[:i])
    assert near > 2 * RADIUS
    assert all(0 < x < places.width and 0 < y < places.height for x, y in spots)


def test_without_positions_times_and_names_there_are_no_charts(tmp_path: Path) -> None:
    job, tables = seasons.small(tmp_path)
    tables.photos = [replace(p, latitude=None, longitude=None, taken_at="", encounter="") for p in tables.photos]
    tables.ledger = [
        replace(r, individual="", encounter="") for r in tables.ledger if r.state not in ("identified", "new")
    ]
    season = page_of(job, tables, MADE_WITH).season
    assert (season.places, season.timeline, list(season.curves), list(season.matrix)) == (None, None, [], [])


def test_the_timeline_counts_photos_by_what_they_show(page: Page) -> None:
    line = page.season.timeline
    assert line is not None
    assert (line.span, [(t.label, t.below) for t in line.times][:2]) == (
        "15 minutes",
        [("08:00", "2026-07-03"), ("09:30", "")],
    )
    shown = [(s.label[11:], *s.photos.values(), list(s.encounters)) for s in line.stacks]
    assert shown[:2] == [("08:00", 2, 0, 0, [1]), ("08:15", 1, 0, 0, [1])]
    assert shown[-1] == ("19:00", 0, 2, 0, [2])
    assert sum(s.total for s in line.stacks) == 8
    assert [s.encounter.number for s in line.stretches] == [1, 2]


def test_days_stand_for_themselves_in_a_long_season() -> None:
    photos = [photo(f"{n}", f"2026-{5 + n // 28:02}-{n % 28 + 1:02}T12:00:00", encounter=f"{n}") for n in range(50)]
    encounters = [encounter(n, p.taken_at) for n, p in enumerate(photos)]
    line = timeline(photos, encounters, {"3": "named", "4": "unnamed"})
    assert line is not None and line.span == "day"
    assert [(s.label, *s.photos.values()) for s in line.stacks[3:6]] == [
        ("2026-05-04", 1, 0, 0), ("2026-05-05", 0, 1, 0), ("2026-05-06", 0, 0, 1),
    ]  # fmt: skip
    lanes = {s.y for s in line.stretches}
    assert len(lanes) == 3  # the last one would stand over the edge, and so lies below
    for lane in lanes:
        mine = sorted((s.x, s.x + s.width) for s in line.stretches if s.y == lane)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(mine))


def test_spans_and_counts_are_round() -> None:
    day = datetime(2026, 7, 3)
    spans = [span_of(day, day + timedelta(hours=h), 60) for h in (0, 4, 5, 59, 60, 1000, 24 * 365)]
    assert [s.total_seconds() / 3600 for s in spans] == [1 / 12, 1 / 12, 1 / 6, 1, 2, 24, 7 * 24]
    assert [counts(n) for n in (0, 3, 5, 12, 130)] == [
        [0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5], [0, 5, 10, 15], [0, 50, 100, 150],
    ]  # fmt: skip


def row(number: int, individual: str, state: str = "", part: str = "fluke") -> Ledger:
    state = state or ("new" if individual.startswith("new") else "identified")
    return Ledger(f"{number}", "", "", f"{number // 2}", f"c{number}", part, "", state, "", individual, None, "")


def test_the_curve_rises_with_each_animal_and_keeps_its_doubt() -> None:
    photos = [photo(f"{n}", f"2026-07-03T{8 + n:02}:00:00", encounter=f"{n // 2}") for n in range(6)]
    encounters = [encounter(n) for n in range(3)]
    names = ("Mn-1", "new-a", "Mn-1", "new-b", "Mn-2")
    ledger = [*(row(n, name) for n, name in enumerate(names)), row(5, "", "unsure"), row(1, "new-f", part="dorsal_fin")]
    doubt = {"fluke": Newcomers(["c1"], ["c1", "c3"])}
    fin, fluke = curves(photos, encounters, ledger, doubt)
    told = [(p.photos, p.counted.known, p.counted.new, p.counted.fewest, p.counted.most) for p in fluke.points]
    assert told == [(2, 1, 1, 1, 1), (4, 1, 2, 1, 2), (6, 2, 2, 1, 2)]
    assert (fluke.part, fluke.unsure, fluke.late, fluke.band != "") == ("fluke", 1, 0, True)
    assert [asdict(p.counted) for p in fin.points] == [{"known": 0, "new": 1, "fewest": 1, "most": 1}] * 3
    assert (fin.part, fin.band) == ("dorsal_fin", "")
    assert fin.line == "44,214 265.3,214 265.3,24 708,24"


def test_an_animal_of_photos_without_a_time_is_told_and_not_drawn() -> None:
    photos = [photo("0", "2026-07-03T08:00:00", encounter="0"), photo("9")]
    [curve] = curves(photos, [encounter(0)], [row(0, "Mn-1"), row(9, "Mn-9")], {})
    assert (curve.points[-1].counted.named, curve.late) == (1, 1)


def test_the_matrix_has_the_crops_of_each_animal_in_each_encounter(page: Page) -> None:
    [piece] = page.season.matrix
    assert (piece.part, piece.title, [e.number for e in piece.encounters]) == ("fluke", "encounter 1", [1])
    assert [(r.group.individual, list(r.crops)) for r in piece.rows] == [("Mn-1", [2]), ("Mn-2", [1]), ("new-1", [1])]


def test_a_long_season_is_cut_into_pieces_that_fit_on_paper(tmp_path: Path) -> None:
    page = page_of(*seasons.long(tmp_path, days=15, photos=20, animals=6), MADE_WITH)
    pieces = [p for p in page.season.matrix if p.part == "fluke"]
    assert [len(p.encounters) for p in pieces] == [COLUMNS, 5]  # of 30, one of which shows no fluke of anybody
    assert [p.title for p in pieces] == ["encounters 1 to 24", "encounters 25 to 30"]
    loose = replace(pieces[1], encounters=[*pieces[1].encounters, encounter(0)])
    assert loose.title == "encounters 25 to 30 and photos without a time"
    of_fluke = [c for g in (*page.known, *page.new) if g.part == "fluke" for c in g.cards]
    assert sum(r.total for p in pieces for r in p.rows) == len(of_fluke)
    assert matrix(page.encounters, []) == []
