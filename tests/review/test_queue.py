"""What is asked, in which order, and which crops are one question."""

from dataclasses import replace

import pytest

from tests.review.cards import Plan, plans
from tests.review.conftest import Open, Opened
from whalepipe.catalog.decisions import By
from whalepipe.catalog.store import Catalog
from whalepipe.review.content import Candidate
from whalepipe.review.narrow import Narrow, narrowed
from whalepipe.tables import NEW


def asked(page: Opened, **query: str) -> list[tuple[str, int]]:
    """The photos that are asked about, and how many crops each question has."""
    return [(i["photo"][8:10], i["frames"]) for i in page.said("/api/queue", **query)["items"]]


def test_unsure_before_new_before_names_to_confirm_before_what_was_set_aside(review: Open) -> None:
    page = review(plans("rejected", "identified", "new", "unsure"))
    assert asked(page) == [("03", 1), ("02", 1), ("01", 1), ("00", 1)]
    counts = {c["section"]: (c["total"], c["open"]) for c in page.said("/api/queue")["counts"]}
    assert counts == {"unsure": (1, 1), "new": (1, 1), "confirm": (1, 1), "rejected": (1, 1)}


def test_the_answer_that_tells_most_is_asked_for_first(review: Open) -> None:
    even = Plan("unsure", 1, ranked=(("Mn-1", 0.5), ("Mn-2", 0.5)))  # 1 bit
    nearly = Plan("unsure", 0, ranked=(("Mn-1", 0.7), (NEW, 0.3)))  # 0.88 bits
    open_to_all = Plan("unsure", 2, ranked=(("Mn-1", 0.3), (NEW, 0.3)))  # 1.57 bits, 0.4 not listed
    assert asked(review([nearly, even, open_to_all])) == [("02", 1), ("01", 1), ("00", 1)]


def test_the_least_sure_of_the_new_and_of_the_names_and_the_best_of_the_rejected_come_first(review: Open) -> None:
    new = [Plan("new", n, ranked=((NEW, p), ("Mn-1", 1 - p))) for n, p in enumerate((0.95, 0.81))]
    named = [Plan("identified", n, ranked=(("Mn-1", p), (NEW, 1 - p))) for n, p in ((2, 0.9), (3, 0.81), (4, 0.96))]
    aside = [Plan("rejected", n, grade=g) for n, g in ((5, 0.1), (6, 0.4))]
    # 04 is named with 0.96: nobody is asked to confirm it.
    assert [photo for photo, _ in asked(review(new + named + aside))] == ["01", "00", "03", "02", "06", "05"]


def test_crops_that_follow_one_animal_through_a_burst_are_one_question_the_best_shown(review: Open) -> None:
    burst = [Plan("unsure", 0, grade=0.5), Plan("unsure", 0, grade=0.9), Plan("unsure", 1)]
    page = review(burst)
    assert sorted(asked(page)) == [("01", 2), ("02", 1)]
    frames = page.said(f"/api/crops/{page.crops[1]}")["frames"]
    assert [f["crop"] for f in frames] == [page.crops[1], page.crops[0]]


def test_two_crops_of_one_photo_are_two_animals(review: Open) -> None:
    two = [Plan("unsure", 0, photo="IMG_000000.jpg"), Plan("unsure", 0, photo="IMG_000000.jpg")]
    assert asked(review(two)) == [("00", 1), ("00", 1)]


def test_other_lists_of_candidates_are_other_animals(review: Open) -> None:
    other = Plan("unsure", 0, ranked=(("Mn-1", 0.5), (NEW, 0.5)))
    assert len(asked(review([Plan("unsure", 0), other]))) == 2


def test_a_decision_takes_its_question_off_and_unsure_puts_it_last(review: Open) -> None:
    page = review(plans("unsure", "unsure", "new"))
    assert page.decide(page.crops[0], "unsure").status_code == 200
    assert [photo for photo, _ in asked(page)] == ["01", "02", "00"]
    assert page.decide(page.crops[1], "same", "Mn-2").status_code == 200
    assert [photo for photo, _ in asked(page)] == ["02", "00"]
    assert page.said("/api/queue")["counts"][0] == {"section": "unsure", "title": "Unsure", "total": 2, "open": 0}


def test_a_denied_candidate_leaves_the_question_open(review: Open) -> None:
    page = review(plans("unsure"))
    page.decide(page.crops[0], "different", "Mn-2")
    assert asked(page) == [("00", 1)]
    first, second = page.said(f"/api/crops/{page.crops[0]}")["candidates"]
    assert (first["individual"], first["note"]) == ("Mn-2", "said to be another")
    assert (second["individual"], second["note"]) == ("Mn-1", "")


def test_the_queue_is_narrowed_by_section_part_side_and_encounter(review: Open) -> None:
    right = replace(Plan("new", 150), view="right")
    page = review([Plan("unsure", 0), Plan("unsure", 120), right])
    assert asked(page, section="new") == [("02", 1)]
    assert asked(page, seen_side="right") == [("02", 1)]
    assert asked(page, part="fluke") == []
    later = page.said("/api/queue")["encounters"][1]
    assert asked(page, encounter=later) == [("01", 1), ("02", 1)]


def test_candidates_are_narrowed_by_what_the_catalogue_knows_of_their_encounter(review: Open) -> None:
    page = review(plans("unsure"))
    offered = f"/api/crops/{page.crops[0]}"

    def shown(**query: str) -> tuple[int, int, list[str]]:
        """How many candidates are shown and hidden, and by which filters."""
        told = page.said(offered, **query)
        return len(told["candidates"]), told["hidden"], [kept["label"] for kept in told["kept"]]

    assert shown(place="azores") == (0, 2, ["place"])
    assert shown(place="2025-06") == (2, 0, ["place"])  # the encounter's name
    assert shown(since="2025-06-02") == (0, 2, ["from"])
    edited = {"place": "Azores, Pico", "time": "2025-08"}
    Catalog.open(page.job.catalog).edit_encounter("2025-06-01T09:00:00", edited, By("Ana", "a log book"))
    assert shown(place="azores") == (2, 0, ["place"])
    assert shown(since="2025-08-31", until="2025-08-31") == (2, 0, ["from", "to"])  # some day of that month
    assert shown(until="2025-07-31") == (0, 2, ["to"])
    assert {(c["place"], c["time"]) for c in page.said(offered)["candidates"]} == {("Azores, Pico", "2025-08")}


@pytest.mark.parametrize(("encounter", "shown"), [("0412", 1), ("1056-north", 1), ("2025-06-01T09:00:00", 0)])
def test_the_name_of_an_encounter_is_a_day_only_where_it_begins_with_one(encounter: str, shown: int) -> None:
    of_it = Candidate(1, "Mn-1", 0.5, "a.jpg", False, encounter, "left", "", False)
    assert len(narrowed([of_it], Narrow(since="2026-01-01"))[0]) == shown


def test_the_next_question_follows_the_order_and_begins_anew_at_the_end(review: Open) -> None:
    page = review(plans("unsure", "unsure", "new"))
    beside = {c: (p["before"], p["after"]) for c in page.crops for p in [page.said(f"/api/crops/{c}")]}
    a, b, c = page.crops
    assert beside == {a: ("", b), b: (a, c), c: (b, a)}


def test_a_long_queue_comes_in_pages(review: Open) -> None:
    page = review(plans(*["unsure"] * 60))
    first, second = page.said("/api/queue"), page.said("/api/queue", offset=48)
    assert (len(first["items"]), first["more"], len(second["items"]), second["more"]) == (48, True, 12, False)
