"""A decision is in the catalogue and in the tables, can be taken back, and is never overwritten unseen."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import check_books, rows
from tests.review.cards import Plan, card, plans
from tests.review.conftest import Open, Opened
from whalepipe.catalog.decisions import By, Judgement, Verdict
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.files import digest

AT_ONCE = int(os.environ.get("WHALEPIPE_AT_ONCE", "60"))  # decisions of two people; 200 take a minute


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest) -> Callable[[], Place | None]:
    """Each test of this file on either kind of database."""
    if request.param == "sqlite":
        return lambda: None
    made: Callable[[], Place | None] = request.getfixturevalue("fresh_url")
    return made


def ledger(page: Opened) -> dict[str, tuple[str, str, str]]:
    """State, individual and reason of each crop, the day of the decision left out."""
    told = {r["crop"]: (r["state"], r["individual"], r["reason"]) for r in rows(page.job.out, "ledger") if r["crop"]}
    return {crop: (s, i, r.rpartition(" on ")[0] if "decided by" in r else r) for crop, (s, i, r) in told.items()}


def test_each_verdict_reaches_the_catalogue_and_the_tables(review: Open) -> None:
    page = review(plans("unsure", "new", "identified", "unsure", "unsure"))
    a, b, c, d, e = page.crops
    page.decide(a, "same", "Mn-2")
    page.decide(b, "new", "Luna")
    page.decide(c, "different", "Mn-1")
    page.decide(d, "unsure")
    page.decide(e, "not_usable")
    assert ledger(page) == {
        a: ("identified", "Mn-2", "decided by Ana"),
        b: ("identified", "Luna", "decided by Ana"),
        c: ("unsure", "", "not Mn-1, decided by Ana"),
        d: ("unsure", "", "decided by Ana"),
        e: ("rejected", "", "decided by Ana"),
    }
    check_books(page.job.out, 5)
    catalog = page.service.desk.catalog
    assert {h.crop for h in catalog.holdings("Luna")} == {b}
    assert a in {h.crop for h in catalog.holdings("Mn-2")}
    [held] = catalog.holdings("Luna")
    assert (held.part, held.view, held.photo) == ("dorsal_fin", "left", "IMG_000001.jpg")
    assert catalog.individual("Luna").species == "Megaptera novaeangliae"
    overrides = [(r["crop"], r["keep"]) for r in rows(page.job.out, "overrides")]
    assert overrides == [(e, "false")]


def test_what_was_set_aside_is_taken_back(review: Open) -> None:
    page = review(plans("rejected", "rejected"))
    a, b = page.crops
    page.decide(a, "unsure")
    page.decide(b, "same", "Mn-1")
    assert [s for s, _, _ in ledger(page).values()] == ["unsure", "identified"]
    assert [(r["crop"], r["keep"]) for r in rows(page.job.out, "overrides")] == [(a, "true"), (b, "true")]


def test_why_is_kept(review: Open) -> None:
    page = review()
    page.decide(page.crops[0], "same", "Mn-1", why="the notch")
    [row] = [r for r in rows(page.job.out, "ledger") if r["crop"] == page.crops[0]]
    assert row["reason"].startswith("decided by Ana on 20") and row["reason"].endswith(": the notch")
    assert row["probability"] == ""


def test_taking_back_leaves_all_as_it_was(review: Open) -> None:
    page = review(plans("unsure", "new", "identified", "rejected"))
    (page.job.out / "overrides.csv").write_text(f"crop,keep,reason\n{page.crops[2]},true,mine\n")
    before = {name: digest(page.job.out / name) for name in ("ledger.csv", "overrides.csv")}
    summary = json.loads((page.job.out / "summary.json").read_text())
    made = [page.decide(crop, verdict, who).json()[0]["id"] for crop, verdict, who in (
        (page.crops[0], "new", "Luna"), (page.crops[1], "not_usable", ""), (page.crops[3], "same", "Mn-1"),
    )]  # fmt: skip
    assert before["ledger.csv"] != digest(page.job.out / "ledger.csv")
    for number in reversed(made):
        assert page.client.post("/api/undo", json={"decision": number, "who": "Ana"}).status_code == 200
    page.settle()
    assert before == {name: digest(page.job.out / name) for name in before}
    assert summary == json.loads((page.job.out / "summary.json").read_text())
    assert "Luna" not in page.said("/api/individuals", q="lun")


def test_a_decision_is_not_overwritten_unseen(review: Open) -> None:
    page = review()
    crop, seen = page.crops[0], page.seen(page.crops[0])
    assert page.decide(crop, "same", "Mn-2", "Ana").status_code == 200
    body = {"verdict": "new", "seen": {crop: seen}, "individual": "Luna", "who": "Ben"}
    answer = page.client.post("/api/decide", json=body)
    assert answer.status_code == 409
    assert "Ana" in answer.json()["error"] or "meantime" in answer.json()["error"]
    assert ledger(page)[crop] == ("identified", "Mn-2", "decided by Ana")
    assert page.client.post("/api/decide", json={**body, "seen": {crop: page.seen(crop)}}).status_code == 200


def test_the_page_shows_who_decided_what_and_asks_again(review: Open) -> None:
    page = review()
    crop = page.crops[0]
    page.decide(crop, "same", "Mn-2", "Ana", why="the notch")
    answer = page.form("/decide", crop=crop, seen=0, verdict="new", called="Luna")
    assert answer.status_code == 409
    assert "Ana" in answer.text and "it is Mn-2" in answer.text and "the notch" in answer.text
    assert f'name="seen" value="{page.seen(crop)}"' in answer.text
    again = page.form("/decide", crop=crop, seen=page.seen(crop), verdict="new", called="Luna")
    assert again.status_code == 303
    assert ledger(page)[crop] == ("identified", "Luna", "decided by Tester")


def test_of_several_crops_none_is_decided_where_one_cannot_be(review: Open) -> None:
    page = review([Plan("unsure", 0), Plan("unsure", 0)])
    page.decide(page.crops[1], "same", "Mn-1")
    body = {"verdict": "same", "seen": dict.fromkeys(page.crops, 0), "individual": "Mn-2"}
    assert page.client.post("/api/decide", json=body).status_code == 409
    assert ledger(page)[page.crops[0]][0] == "unsure"


@pytest.mark.parametrize("together", [True, False])
def test_all_crops_of_the_burst_or_only_the_shown_one(review: Open, together: bool) -> None:
    page = review([Plan("unsure", 0), Plan("unsure", 0), Plan("unsure", 1)])
    fields = {"crop": page.crops[:2], "seen": [0, 0], "verdict": "new", "called": "Luna"}
    answer = page.form("/decide", **fields, **({"together": "all"} if together else {}))
    assert answer.headers["location"] == f"/crops/{page.crops[2]}"
    named = [who for _, who, _ in ledger(page).values()]
    assert named == (["Luna", "Luna", ""] if together else ["Luna", "", ""])


def test_a_form_takes_back_all_that_it_decided(review: Open) -> None:
    page = review([Plan("unsure", 0), Plan("unsure", 0), Plan("unsure", 1)])
    page.form("/decide", crop=page.crops[:2], seen=[0, 0], verdict="new", called="Luna", together="all")
    text = page.client.get(f"/crops/{page.crops[2]}").text
    numbers = [n for n in range(1, 9) if f'name="decision" value="{n}"' in text]
    assert len(numbers) == 2
    assert page.form("/undo", decision=numbers[::-1]).headers["location"] == f"/crops/{page.crops[0]}"
    assert [s for s, _, _ in ledger(page).values()] == ["unsure"] * 3


def test_a_new_animal_of_today_is_offered_from_then_on(review: Open) -> None:
    page = review(plans("new", "unsure"))
    page.decide(page.crops[0], "new", "Luna")
    offered = page.said(f"/api/crops/{page.crops[1]}")["candidates"]
    assert [(c["number"], c["individual"], c["here"]) for c in offered] == [
        (1, "Mn-2", False), (2, "Mn-1", False), (3, "Luna", True),
    ]  # fmt: skip
    assert offered[2]["picture"] == page.crops[0]


def test_who_is_named_beside_it_in_the_photo_is_marked(review: Open) -> None:
    page = review([Plan("unsure", 0, photo="IMG_000000.jpg"), Plan("unsure", 0, photo="IMG_000000.jpg")])
    page.decide(page.crops[0], "same", "Mn-2")
    first = page.said(f"/api/crops/{page.crops[1]}")["candidates"][0]
    assert first["note"] == "named beside it in this photo: two crops of a photo are two animals"


@pytest.mark.parametrize(
    ("verdict", "individual", "why"),
    [("same", "Nobody", "holds no individual"), ("same", "", "needs an individual"), ("new", "Mn-1", "Mn-1"),
     ("new", "mn-1", "differs by case"), ("new", "NA", "is no id"), ("unsure", "Mn-1", "names no individual")],
)  # fmt: skip
def test_what_the_catalogue_refuses_is_said_and_changes_nothing(
    review: Open, verdict: str, individual: str, why: str
) -> None:
    page = review()
    before = ledger(page)
    answer = page.decide(page.crops[0], verdict, individual)
    assert answer.status_code == 422 and why in answer.json()["error"]
    assert ledger(page) == before


def test_what_was_decided_elsewhere_is_seen_and_written(review: Open) -> None:
    page = review()
    frame = page.service.desk.index.frames[page.crops[0]]
    other = Catalog.open(page.job.catalog)
    other.judge(Judgement(frame.origin, Verdict.unsure), By("Ben"))
    other.rename("Mn-1", "Bella", By("Ben"))
    told = page.said("/api/changes", since=0)
    assert [(d["who"], d["text"]) for d in told["decisions"]][-2:] == [
        ("Ben", "cannot be told"), ("Ben", "rename Mn-1"),
    ]  # fmt: skip
    page.settle()
    assert ledger(page)[page.crops[0]] == ("unsure", "", "decided by Ben")


def test_a_renamed_individual_has_its_new_name_in_the_ledger(review: Open) -> None:
    page = review()
    page.decide(page.crops[0], "same", "Mn-1")
    Catalog.open(page.job.catalog).rename("Mn-1", "Bella", By("Ben"))
    page.said("/api/queue")
    page.settle()
    assert ledger(page)[page.crops[0]] == ("identified", "Bella", "decided by Ana")


def test_what_a_kill_kept_from_the_tables_is_written_at_the_next_start(review: Open) -> None:
    page = review()
    old = (page.job.out / "ledger.csv").read_bytes()
    page.decide(page.crops[0], "same", "Mn-1")
    new = (page.job.out / "ledger.csv").read_bytes()
    (page.job.out / "ledger.csv").write_bytes(old)
    again = review(job=page.job)
    again.settle()
    assert (page.job.out / "ledger.csv").read_bytes() == new != old


def test_a_new_run_of_the_card_is_taken_up(review: Open, tmp_path: Path) -> None:
    page = review(plans("unsure"))
    page.decide(page.crops[0], "same", "Mn-1")
    other = card(tmp_path / "other", plans("unsure", "new"))
    for path in (*other.out.glob("*.csv"), *other.out.glob("crops/*")):
        path.replace(page.job.out / path.relative_to(other.out))
    assert [i["photo"] for i in page.said("/api/queue")["items"]] == ["IMG_000001.jpg"]
    page.settle()
    assert ledger(page)[page.crops[0]] == ("identified", "Mn-1", "decided by Ana")


def test_a_full_disk_is_said_and_the_decision_is_kept(review: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    page = review()

    def full(*_: Any) -> None:
        from whalepipe.errors import StorageError

        raise StorageError("cannot write ledger.csv: the disk is full")

    monkeypatch.setattr("whalepipe.review.outputs.write_lines", full)
    monkeypatch.setattr("whalepipe.review.writer.AGAIN_S", 0.05)
    body = {"verdict": "same", "seen": {page.crops[0]: 0}, "individual": "Mn-1"}
    assert page.client.post("/api/decide", json=body).status_code == 200
    assert not page.service.desk.writer.wait(page.service.desk.last, 0.3)
    assert page.client.get("/ready").status_code == 503
    assert "the disk is full" in page.client.get("/").text
    monkeypatch.undo()
    page.settle()
    assert page.client.get("/ready").status_code == 200
    assert ledger(page)[page.crops[0]][1] == "Mn-1"


def test_two_people_at_once_lose_nothing_and_see_each_conflict(review: Open) -> None:
    """Decisions of two people who look at the same crops: each is taken or refused, none is lost."""
    page = review(plans(*["unsure"] * 20))
    taken: list[tuple[str, str]] = []
    refused: list[str] = []

    def work(who: str, order: list[str]) -> None:
        for number in range(AT_ONCE // 2):
            crop = order[number % len(order)]
            seen = page.service.desk.seen(crop)
            body = {"verdict": "same", "seen": {crop: seen}, "individual": f"Mn-{1 + number % 4}", "who": who}
            answer = page.client.post("/api/decide", json=body)
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                taken.append((crop, who))
            else:
                refused.append(answer.json()["error"])

    people = [threading.Thread(target=work, args=(who, page.crops)) for who in ("Ana", "Ben")]
    [p.start() for p in people]
    [p.join() for p in people]
    judged = [d for d in page.service.desk.catalog.decisions() if d.kind == "judge"]
    assert len(taken) + len(refused) == AT_ONCE and len(judged) == len(taken)
    assert all("meantime" in error for error in refused)
    page.settle()
    last = {page.service.desk.index.by_origin[d.subject]: (d.after["individual"], d.who) for d in judged}
    assert {c: (who, reason[11:]) for c, (_, who, reason) in ledger(page).items() if who} == last
