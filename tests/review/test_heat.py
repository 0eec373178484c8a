"""What makes a query and its candidate alike: made on demand, one pair at a time, and kept."""

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import fakes
from tests.helpers import mismatched_torchvision
from tests.review.audits import audited
from tests.review.conftest import Open, Opened
from whalepipe.models.attribution import Question
from whalepipe.review.turns import Turns

pytest.importorskip("captum", reason="captum is not installed: pip install 'whalepipe[explain]'")
MADE = "maps"


def corner(_voters: Any, crop: np.ndarray, _question: Question, _device: str) -> np.ndarray:
    """A map in which the upper left quarter speaks for the likeness, the rest not or against it."""
    fakes.CALLS.loaded.append(MADE)
    heat = np.full(crop.shape[:2], -1.0, np.float32)
    heat[: crop.shape[0] // 2, : crop.shape[1] // 2] = 4.0
    return heat


@pytest.fixture
def page(review: Open, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> Opened:  # noqa: ARG001
    monkeypatch.setattr("whalepipe.models.attribution.gradcam", corner)
    monkeypatch.setattr(fakes.Embedder, "voters", (), raising=False)
    return review()


def held_up(patch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Set when a map is begun, and to be set for maps to be made."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(*asked: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return corner(*asked)

    patch.setattr("whalepipe.models.attribution.gradcam", slow)
    return begun, go_on


def ask(page: Opened, crop: int = 0, individual: str = "Mn-1") -> Any:
    other = f"{individual}.jpg" if individual else page.crops[1]
    query = {"crop": page.crops[crop], "other": other, "individual": individual}
    return page.client.get("/api/heat", params=query)


def test_the_map_lies_where_the_likeness_is(page: Opened) -> None:
    told = ask(page).json()
    assert (len(told["first"]), {len(row) for row in told["first"]}) == (21, {32})  # the crop is 240 x 160
    assert told["first"][0][0] == told["first"][9][15] == 1.0
    assert told["first"][0][16] == told["first"][20][0] == 0.0
    assert told["second"] == told["first"]
    assert told["score"] == 1.0  # the fakes see one animal in both


def test_it_is_made_once_and_anew_when_a_picture_changes(page: Opened, fake_models: fakes.Calls) -> None:
    for _ in range(3):
        assert ask(page).status_code == 200
    assert fake_models.loaded.count(MADE) == 2  # of the query, and of the candidate
    crops = page.job.out / "crops"
    (crops / page.crops[0]).write_bytes((crops / page.crops[1]).read_bytes())
    ask(page)
    assert fake_models.loaded.count(MADE) == 4


def test_as_many_stay_in_memory_as_are_allowed(
    page: Opened, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whalepipe.review.heat.KEPT", 2)
    for crop in (0, 1, 2, 2, 1, 0):
        ask(page, crop)
    assert fake_models.loaded.count(MADE) == 8  # the first had to be made again


def test_a_candidate_of_this_card_is_compared_too(page: Opened) -> None:
    assert ask(page, individual="").json()["score"] == 1.0


@pytest.mark.parametrize("missing", ["captum", "torch"])
def test_without_its_packages_it_says_what_to_install(
    page: Opened, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "captum":
        monkeypatch.setitem(sys.modules, "captum", None)
    else:
        monkeypatch.setattr(fakes.Embedder, "voters", property(lambda _: __import__("no_torch")))
    answer = ask(page)
    assert answer.status_code == 503 and "pip install 'whalepipe[explain]'" in answer.json()["error"]
    monkeypatch.undo()


def test_a_torchvision_that_was_built_for_another_torch_is_said_to_be_one(
    page: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mismatched_torchvision(tmp_path / "site", monkeypatch)
    for answer in (ask(page), ask(page)):
        assert answer.status_code == 503
        assert answer.json()["error"] == (
            "torchvision is installed but cannot be imported (RuntimeError: operator torchvision::nms does not exist): "
            "pip install --force-reinstall torch torchvision"
        )
    monkeypatch.undo()


def test_where_the_weights_are_missing_it_says_which(page: Opened) -> None:
    (page.job.out.parents[1] / "fake-weights" / "embedder.pt").unlink()
    answer = ask(page)
    assert answer.status_code == 503 and "no weights 'embedder'" in answer.json()["error"]


def test_what_is_not_there_has_none(page: Opened) -> None:
    assert ask(page, individual="Nobody").status_code == 422
    query = {"crop": page.crops[0], "other": "../ledger.csv"}
    assert page.client.get("/api/heat", params=query).status_code == 404


@pytest.fixture
def audit(review: Open, tmp_path: Path, page: Opened) -> Opened:  # noqa: ARG001 - with its maps
    return review(job=audited(tmp_path / "audited"))


def compare(page: Opened, one: str, other: str) -> Any:
    return page.client.get("/api/maps", params={"one": one, "other": other})


def test_two_crops_of_the_catalogue_are_mapped_too_and_kept(audit: Opened, fake_models: fakes.Calls) -> None:
    for _ in range(2):
        told = compare(audit, "A 0", "A-again 10").json()
    assert (told["first"][0][0], told["first"][0][-1], told["second"][-1][0]) == (1.0, 0.0, 0.0)
    assert told["score"] == 1.0 and compare(audit, "A 0", "C 30").json()["score"] < 1.0
    assert fake_models.loaded.count(MADE) == 4  # two pairs


def test_what_the_catalogue_does_not_hold_has_no_map(audit: Opened) -> None:
    for one, other in (("A 0", "Z 0"), ("", "A 0"), ("../ledger.csv", "A 0")):
        answer = compare(audit, one, other)
        assert (answer.status_code, answer.json()) == (404, {"error": "the catalogue holds no such crop"})
    assert audit.client.get("/api/maps", params={"one": "A 0"}).status_code == 422


def test_a_pair_of_the_catalogue_waits_where_a_map_is_made_and_is_refused_where_too_many_do(
    audit: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit.service.heats, "_turns", Turns("heat-maps", 1))
    begun, go_on = held_up(monkeypatch)
    answers: list[int] = []
    query = {"crop": audit.crops[0], "other": audit.crops[1]}
    first = threading.Thread(target=lambda: answers.append(audit.client.get("/api/heat", params=query).status_code))
    first.start()
    assert begun.wait(20)
    refused = compare(audit, "A 0", "A-again 10")
    assert refused.status_code == 503 and "ask again in a few seconds" in refused.json()["error"]
    go_on.set()
    first.join(20)
    assert answers == [200] and compare(audit, "A 0", "A-again 10").status_code == 200


def test_nobody_waits_for_a_map_but_those_who_want_one(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is made the pages are shown and decisions taken; more than four that wait are refused."""
    begun, go_on = held_up(monkeypatch)
    answers: list[int] = []
    people = [threading.Thread(target=lambda n=n: answers.append(ask(page, n % 4).status_code)) for n in range(6)]
    [p.start() for p in people]
    assert begun.wait(20)
    assert page.client.get(f"/crops/{page.crops[0]}").status_code == 200
    assert page.decide(page.crops[0], "same", "Mn-1").status_code == 200
    people[0].join(0.3)
    go_on.set()
    [p.join(20) for p in people]
    assert sorted(answers) == [200] * 4 + [503] * 2
    assert ask(page).status_code == 200
