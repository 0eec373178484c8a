"""Suspicions about the catalogue, decided through the page and the interface."""

import time
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from tests import fakes
from tests.review.audits import audited
from tests.review.conftest import Open, Opened
from whalepipe.catalog.database import AwayError
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Fact, Individual, Kind
from whalepipe.errors import CatalogError
from whalepipe.models.species import Told
from whalepipe.review.audit import Auditing
from whalepipe.review.remarks import remarks

BEN = By("Ben")
HTML = {"accept": "text/html"}


@pytest.fixture
def page(review: Open, tmp_path: Path, fake_models: fakes.Calls) -> Opened:  # noqa: ARG001
    return review(job=audited(tmp_path / "audited"))


def found(page: Opened, **query: str) -> dict[str, dict[str, Any]]:
    """The suspicions by kind and individuals."""
    listed = page.said("/api/audit", **query)
    for _ in range(200):
        if not listed["status"]["looking"]:
            break
        time.sleep(0.1)
        listed = page.said("/api/audit", **query)
    assert listed["counts"], listed["status"]
    return {" ".join([d["kind"], *d["individuals"]]): d for d in listed["doubts"]}


def post(page: Opened, key: str, action: str, who: str = "Ana", **more: Any) -> Any:
    seen = more.pop("seen", None) or page.said(f"/api/audit/{key}")["seen"]
    return page.client.post(f"/api/audit/{key}", json={"action": action, "seen": seen, "who": who, **more})


def test_what_was_planted_is_listed_the_worst_first(page: Opened) -> None:
    names = ["two-animals B C", "duplicate E", "two-ids A A-again", "side D", "two-ids B C"]
    assert list(found(page)) == names
    assert list(found(page, kind="two-ids")) == ["two-ids A A-again", "two-ids B C"]
    text = page.client.get("/audit", headers=HTML).text
    assert text.index("Two animals under one id") < text.index("its likest fellow speaks against it")
    assert '<a href="/audit" aria-current="page">Audit</a>' in text
    assert '<a href="/audit">Audit</a>' in page.client.get("/", headers=HTML).text


def test_one_animal_under_two_ids_is_merged_into_the_id_that_was_chosen(page: Opened) -> None:
    doubt = found(page)["two-ids A A-again"]
    made = post(page, doubt["key"], "merge", keep="A-again", why="the notch").json()
    assert (made["text"], made["who"], made["why"]) == ("A is A-again", "Ana", "the notch")
    assert len(page.service.desk.catalog.holdings("A-again")) == 5
    assert "two-ids A A-again" not in found(page)


def test_crops_of_another_animal_are_split_off_or_moved(page: Opened) -> None:
    catalog, doubt = page.service.desk.catalog, found(page)["two-animals B C"]
    case = page.said(f"/api/audit/{doubt['key']}")
    assert (case["chosen"], case["called"], case["actions"]) == (["B 23"], "B-2", ["split", "move", "dismiss"])
    split = post(page, doubt["key"], "split", crops=["B 23"], called="B-2").json()
    assert split["text"] == "1 crop of B now B-2" and len(catalog.holdings("B-2")) == 1
    assert page.client.post("/api/undo", json={"decision": split["id"]}).status_code == 200
    moved = post(page, doubt["key"], "move", crops=["B 23"], keep="C").json()
    assert moved["text"] == "1 crop of B now C" and len(catalog.holdings("C")) == 3


def test_a_wrong_side_is_corrected(page: Opened) -> None:
    doubt = found(page)["side D"]
    assert doubt["told"] == "left"
    assert post(page, doubt["key"], "correct").json()["text"] == "1 crop of D seen from the left"
    assert [h.view for h in page.service.desk.catalog.holdings("D")] == ["left", "left"]
    assert "side D" not in found(page)


def test_a_wrong_species_is_corrected(review: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(tmp_path / "fake-weights", monkeypatch.setattr)
    likely = Told([("Tursiops truncatus", 0.9), ("Orcinus orca", 0.1)], near=True)
    monkeypatch.setattr("whalepipe.instruments.find_species", lambda *_: lambda *_: likely)
    page = review(job=audited(tmp_path / "audited"))
    doubt = found(page, kind="species")["species A"]
    assert (doubt["told"], doubt["log_odds"]) == ("Tursiops truncatus", 2.197)
    assert post(page, doubt["key"], "correct").json()["text"] == "A is Tursiops truncatus"
    assert page.service.desk.catalog.individual("A").species == "Tursiops truncatus"
    assert found(page, kind="species") == {}


def test_one_of_two_photos_that_are_nearly_the_same_is_removed(page: Opened) -> None:
    doubt = found(page)["duplicate E"]
    assert page.said(f"/api/audit/{doubt['key']}")["chosen"] == ["E 50 again"]
    post(page, doubt["key"], "remove", crops=["E 50 again"])
    assert [h.origin for h in page.service.desk.catalog.holdings("E")] == ["E 50", "E 51"]


def test_what_is_right_as_it_is_does_not_come_back_unless_that_is_taken_back(page: Opened) -> None:
    before = list(found(page))
    key = found(page)["two-ids A A-again"]["key"]
    dismissed = post(page, key, "dismiss", why="mother and calf").json()
    assert dismissed["text"] == "right as it is: two animals"
    page.service.desk.catalog.rename("F", "G", BEN)  # so that the catalogue is looked through again
    assert list(found(page)) == [name for name in before if name != "two-ids A A-again"]
    assert page.client.post("/api/undo", json={"decision": dismissed["id"]}).status_code == 200
    assert list(found(page)) == before


@pytest.mark.parametrize("other", ["merge", "assign", "rename", "dismiss"])
def test_nobody_overwrites_what_another_decided_unseen(page: Opened, other: str) -> None:
    catalog, doubt = page.service.desk.catalog, found(page)["two-ids A A-again"]
    seen = page.said(f"/api/audit/{doubt['key']}")["seen"]
    ben = {
        "merge": lambda: catalog.merge("A-again", "A", BEN),
        "assign": lambda: catalog.assign("A", ["A-1.jpg"], "C", BEN),
        "rename": lambda: catalog.rename("A", "Z", BEN),
        "dismiss": lambda: catalog.dismiss(doubt["key"], BEN),
    }[other]()
    refused = post(page, doubt["key"], "merge", keep="A", seen=seen)
    assert refused.status_code == 409 and f"{other} " in refused.json()["error"] and "by Ben" in refused.json()["error"]
    form = {"action": "merge", "keep": "A", "seen": seen}
    shown = page.form(f"/audit/{doubt['key']}", **form)
    assert shown.status_code == 409 and "decided before you" in shown.text and "Ben" in shown.text
    assert catalog.decisions()[-1].id == ben.id
    catalog.undo(ben.id, By("Ben"))  # as it was: nothing stands in the way any more
    assert post(page, doubt["key"], "merge", keep="A", seen=seen).status_code == 200


def test_a_decision_about_others_stands_in_nobodys_way(page: Opened) -> None:
    doubt = found(page)["two-ids A A-again"]
    seen = page.said(f"/api/audit/{doubt['key']}")["seen"]
    page.service.desk.catalog.rename("F", "G", BEN)
    page.service.desk.catalog.edit("A", {"notes": "seen by Ben"}, BEN)
    assert post(page, doubt["key"], "merge", keep="A", seen=seen).status_code == 200


def test_the_form_decides_leads_on_and_is_taken_back(page: Opened) -> None:
    keys = [d["key"] for d in found(page).values()]
    seen = page.said(f"/api/audit/{keys[2]}")["seen"]
    form = {"action": "merge", "keep": "A", "seen": seen}
    answer = page.form(f"/audit/{keys[2]}", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/audit/{keys[3]}")
    after = page.client.get(f"/audit/{keys[3]}", headers=HTML).text
    assert "You decided: <b><bdi>A-again is A</bdi></b>" in after
    made = page.service.desk.catalog.decisions()[-1]
    back = page.form("/audit-undo", decision=made.id)
    assert (back.status_code, back.headers["location"]) == (303, f"/audit/{keys[2]}")
    assert len(page.service.desk.catalog.holdings("A-again")) == 2
    assert "two-ids A A-again" in found(page)


def test_a_catalogue_that_cannot_be_reached_for_a_moment(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the decision nothing is decided, and the page says so; after it, what was decided is not called lost."""
    doubts, catalog, said = found(page), page.service.desk.catalog, []
    case = page.said(f"/api/audit/{doubts['side D']['key']}")

    def away(*_: Any) -> Any:
        said.append(True)
        raise AwayError("cannot be used now")

    form = {"action": "correct", "seen": case["seen"]}
    with monkeypatch.context() as patch:
        patch.setattr(catalog, "turn", away)
        answer = page.form(f"/audit/{doubts['side D']['key']}", **form)
        assert answer.status_code == 503 and "cannot be used now" in answer.text
        assert 'name="action"' in answer.text and said
    monkeypatch.setattr(page.service.desk, "refresh", away)
    body = {"action": "dismiss", "seen": case["seen"]}
    assert page.client.post(f"/api/audit/{doubts['duplicate E']['key']}", json=body).status_code == 200
    assert page.form(f"/audit/{doubts['side D']['key']}", **form).status_code == 303
    assert [d.kind for d in catalog.decisions()] == ["add", "dismiss", "turn"]


def test_what_makes_no_sense_is_refused_and_changes_nothing(page: Opened) -> None:
    doubts, last = found(page), page.service.desk.catalog.decisions()[-1].id
    key = doubts["two-ids A A-again"]["key"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("merge", {"keep": "C"}), ("merge", {}), ("correct", {}), ("remove", {}), ("remove", {"crops": ["C 30"]}),
        ("remove", {"crops": ["A 0", "A-again 10"]}), ("split", {"crops": ["A 0"], "called": "C"}),
        ("move", {"crops": ["A 0"], "keep": "nobody"}), ("split", {"crops": ["A 0"], "called": "NA"}),
    ]  # fmt: skip
    for action, more in asked:
        assert post(page, key, action, **more).status_code == 422, (action, more)
    assert post(page, "two-ids-000000000000", "dismiss", seen=1).status_code == 404
    assert page.client.get("/audit/two-ids-000000000000", headers=HTML).status_code == 404
    forged = {"action": "merge", "keep": "A", "seen": last, "form": "guessed"}
    assert page.client.post(f"/audit/{key}", data=forged).status_code == 403
    foreign = {"origin": "https://evil.example"}
    body = {"action": "dismiss", "seen": last}
    assert page.client.post(f"/api/audit/{key}", json=body, headers=foreign).status_code == 403
    assert page.client.post(f"/audit/{key}", data=body, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert page.service.desk.catalog.decisions()[-1].id == last


def test_the_catalogue_says_what_speaks_for_and_against(page: Opened) -> None:
    doubts = found(page)
    case = page.said(f"/api/audit/{doubts['two-animals B C']['key']}")
    assert [f["origin"] for f in case["shown"]] == ["B 23", "C 30"]
    remarks = [(r["speaks"], r["text"]) for r in case["remarks"]]
    assert remarks[0] == ("", "these two crops: cosine 1.00, by vectors alone 21,400 to 1 for one animal")
    assert ("", "both crops are of one encounter") in remarks
    assert ("", "556 km in 2 hours: faster than any of them swims") in remarks
    catalog = page.service.desk.catalog
    catalog.edit("A", {"sex": "female", "died": "2025-12"}, BEN)
    catalog.edit("A-again", {"sex": "male"}, BEN)
    case = page.said(f"/api/audit/{doubts['two-ids A A-again']['key']}")
    assert [(r["speaks"], r["text"]) for r in case["remarks"] if r["speaks"]] == [
        ("against", "A is female, A-again is male"),
        ("against", "A died in 2025-12, A-again was seen on 2026-06-01"),
    ]
    pair = page.said(f"/api/audit/{doubts['two-ids A A-again']['key']}", crop=["A 2", "A-again 11"])["shown"]
    assert [f["origin"] for f in pair] == ["A 2", "A-again 11"]


@pytest.mark.parametrize(("encounter", "said"), [("2026-06-01T10:00:00", 1), ("pod 7", 0), ("9", 0)])
def test_nobody_was_seen_after_death_on_a_day_that_is_none(encounter: str, said: int) -> None:
    facts = [
        Fact(n, name, f"{name}.jpg", n, name, "dorsal_fin", "left", encounter, "", "", "", None, None)
        for n, name in enumerate("AB")
    ]
    known = {"A": Individual("A", died="2025-12"), "B": Individual("B")}
    assert len(remarks(Kind.two_ids, (), [facts[:1], facts[1:]], known)) == said


def test_pictures_are_known_by_origin_and_by_nothing_else(page: Opened) -> None:
    whole = page.client.get("/held/whole", params={"origin": "E 50"})
    assert whole.headers["content-type"] == "image/jpeg" and whole.content[:2] == b"\xff\xd8"
    assert page.client.get("/held/small", params={"origin": "E 50"}).headers["content-type"] == "image/webp"
    for origin in ("../x", "", "E 5", "/etc/passwd"):
        assert page.client.get("/held/whole", params={"origin": origin}).status_code == 404


def test_the_picture_of_a_crop_that_is_taken_back_into_the_catalogue_is_there_again(page: Opened) -> None:
    catalog, asked = page.service.desk.catalog, {"origin": "E 50"}
    removed = catalog.remove("E", BEN, ["E 50"])
    assert page.client.get("/held/small", params=asked).status_code == 404
    catalog.undo(removed.id, BEN)
    assert page.client.get("/held/small", params=asked).status_code == 200


def test_the_catalogue_is_looked_through_once_until_it_changes(page: Opened, fake_models: fakes.Calls) -> None:
    found(page)
    embedded = fake_models.embedded
    first = page.service.auditing._found
    found(page)
    page.client.get("/audit", headers=HTML)
    assert page.service.auditing._found is first
    page.service.desk.catalog.rename("F", "G", BEN)
    found(page)
    assert page.service.auditing._found is not first and fake_models.embedded == embedded


def test_doubts_of_identity_are_there_while_pictures_are_still_looked_at(
    page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = Event()

    def slow(self: fakes.Sides, crop: fakes.Pixels) -> float | None:
        assert going.wait(60)
        return tell(self, crop)

    tell = fakes.Sides.__call__
    monkeypatch.setattr(fakes.Sides, "__call__", slow)
    listed = page.said("/api/audit")
    while listed["status"]["step"] != "pictures" or not listed["counts"]:
        time.sleep(0.01)
        listed = page.said("/api/audit")
    assert [" ".join([d["kind"], *d["individuals"]]) for d in listed["doubts"]] == [
        "two-animals B C", "two-ids A A-again", "two-ids B C"
    ]  # fmt: skip
    text = page.client.get("/audit", headers=HTML).text
    assert "More may be found: pictures: " in text and "Nothing looks wrong" not in text
    going.set()
    assert "side D" in found(page), page.said("/api/audit")["status"]


def test_what_pictures_tell_is_told_once_and_kept(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    first = found(page)

    def again(*_: Any) -> Any:
        raise AssertionError("told a second time")

    monkeypatch.setattr(fakes.Sides, "__call__", again)
    monkeypatch.setattr("whalepipe.evaluation.audit.difference_hash", again)
    started = Auditing(page.service.desk.catalog, page.service.desk.job)  # as when the server starts again
    while started.status.looking or started.standing() is None:
        time.sleep(0.01)
    standing = started.standing()
    assert standing is not None and {s.key for s in standing.suspicions} == {d["key"] for d in first.values()}


def test_what_stood_in_the_way_of_an_audit_is_said_however_long_it_took(
    page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: Any) -> Any:
        time.sleep(0.05)
        raise CatalogError("its crop 17 is damaged")

    true = page.service.auditing._auditor
    monkeypatch.setattr("whalepipe.review.audit.PATIENCE_S", 0.0)
    monkeypatch.setattr(page.service.auditing, "_auditor", SimpleNamespace(stages=damaged))
    text, ends = "", time.monotonic() + 5
    while "its crop 17 is damaged" not in text and time.monotonic() < ends:
        text = page.client.get("/audit", headers=HTML).text
    assert "its crop 17 is damaged" in text and "http-equiv" not in text  # nor is it tried again and again unasked
    monkeypatch.setattr(page.service.auditing, "_auditor", true)
    assert found(page) and "is damaged" not in page.client.get("/audit", headers=HTML).text


def test_names_and_reasons_are_text(page: Opened) -> None:
    evil = "<script>alert(1)</script>"
    catalog = page.service.desk.catalog
    catalog.rename("A", evil, BEN)
    doubt = found(page)[f"two-ids {evil} A-again"]
    post(page, found(page)["side D"]["key"], "dismiss", who=evil, why=evil)
    page.client.cookies.set("whalepipe-who", "%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    for address in ("/audit", f"/audit/{doubt['key']}", "/decisions"):
        text = page.client.get(address, headers=HTML).text
        assert evil not in text and "&lt;script&gt;" in text, address


def test_every_decision_can_be_taken_back_where_all_are_listed(page: Opened) -> None:
    made = post(page, found(page)["side D"]["key"], "correct").json()
    text = page.client.get("/decisions", headers=HTML).text
    assert "1 crop of D seen from the left" in text and f"Take back decision {made['id']}" in text
    assert 'Take back decision 1"' not in text  # that is the whole catalogue
    assert page.form("/undo", decision=made["id"], back="log").headers["location"] == "/decisions"
    assert "side D" in found(page), page.said("/api/audit")["status"]
