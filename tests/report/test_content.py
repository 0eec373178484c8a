from pathlib import Path

import pytest

from tests import fakes
from tests.report import seasons
from whalepipe.report.content import Page, page_of
from whalepipe.report.pictures import Source
from whalepipe.report.words import percent, span


@pytest.fixture
def page(tmp_path: Path, fake_models: fakes.Calls) -> Page:  # noqa: ARG001
    job, tables = seasons.small(tmp_path)
    return page_of(job, tables, {"whalepipe": "0", "embedder": "e" * 64, "catalogue": "r"})


def test_an_animal_has_its_crops_its_best_picture_and_who_else_it_may_be(page: Page) -> None:
    first, second = page.known
    assert (first.individual, first.part, [c.row.crop for c in first.cards]) == ("Mn-1", "fluke", ["c0.jpg", "c1.jpg"])
    assert first.most == 0.9
    assert first.best and first.best.source == Source("k.jpg", "Mn-1")
    assert [(c.individual, c.probability) for c in first.others] == [("Mn-2", 0.06)]
    assert (first.species, first.common_name) == seasons.HUMPBACK
    assert first.held and (first.held.crops, first.held.encounters) == (1, 1)
    assert (second.individual, second.others) == ("Mn-2", [])


def test_a_new_animal_has_the_nearest_of_the_catalogue_beside_it(page: Page) -> None:
    [new] = page.new
    assert (new.individual, new.best, new.held) == ("new-1", None, None)
    assert [(c.individual, c.probability) for c in new.others] == [("Mn-2", 0.1), ("Mn-1", 0.05)]


def test_an_unsure_crop_has_three_candidates_and_new_in_their_order(page: Page) -> None:
    assert list(page.unsure) == ["second"]
    [card] = page.unsure["second"]
    assert [c.individual for c in card.candidates] == ["Mn-2", "new", "Mn-1", "Mn-3"]
    assert [c.source is None for c in card.candidates] == [False, True, False, False]


def test_what_was_set_aside_stands_under_its_reason_the_commonest_first(page: Page) -> None:
    found = [(reason, [c.row.crop for c in cards]) for reason, cards in page.rejected.items()]
    assert found == [("too small", ["c5.jpg", "c6.jpg"]), ("cut off by the photo's edge", ["c7.jpg"])]
    assert {state: len(rows) for state, rows in page.without.items()} == dict.fromkeys(page.without, 1)


def test_encounters_say_who_was_seen_in_their_order(page: Page) -> None:
    first, second, loose = page.encounters
    assert (first.name, first.begins, first.ends) == ("first", "2026-07-03T08:00:00", "2026-07-03T08:30:00")
    assert {part: [g.individual for g in groups] for part, groups in first.seen.items()} == {
        "fluke": ["Mn-1", "Mn-2", "new-1"]
    }
    assert (second.photos, dict(second.states), second.seen) == (4, {"unsure": 1, "rejected": 3}, {})
    assert (loose.name, loose.photos) == ("", 1)


def test_the_page_counts_how_many_names_are_likely_wrong(page: Page) -> None:
    assert page.named_wrong == pytest.approx(0.1 + 0.3 + 0.001)


def test_when_where_and_with_what(page: Page) -> None:
    facts = page.facts
    assert span((facts.first, facts.last)) == "2026-07-03 08:00 to 19:10"
    assert facts.area.replace("\u00a0", " ") == "44.00 to 44.07° N, 8.50° W"
    assert (list(facts.cameras), facts.without_time) == (["Canon"], 1)


def test_every_picture_is_asked_for_once(page: Page) -> None:
    sources = page.sources()
    assert len(sources) == len(set(sources)) == 8 + 3


def test_what_is_needed_to_repeat_it(page: Page, tmp_path: Path) -> None:
    assert page.repeat is not None
    assert page.repeat.command == (
        f"whalepipe run {tmp_path}/card --out {tmp_path}/out --catalog {tmp_path}/whales.sqlite"
    )
    facts = dict(page.repeat.facts)
    now = "changed since: its pictures and numbers are those of now"  # no run was made with this catalogue
    assert facts["Catalogue"] == f"whales.sqlite: 4 individuals, 4 crops; revision r, {now}"
    assert facts["Weights, embedder"] == "sha256 " + "e" * 64
    assert facts["Photos"].startswith("8 files; sha256")
    settings = {s.name: (s.value, s.default) for s in page.repeat.settings}
    assert settings["match.new_at"] == ("0.8", "")


@pytest.mark.parametrize(
    ("probability", "text"), [(None, ""), (0.004, "< 1 %"), (0.5, "50 %"), (0.994, "99 %"), (1.0, "> 99 %")]
)
def test_no_probability_reads_as_certain(probability: float | None, text: str) -> None:
    assert percent(probability) == text
