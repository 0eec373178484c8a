"""POST /identify: one photo through the pipeline's own stages."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import catalogue_of, run
from tests.review.conftest import Open, Opened
from whalepipe.errors import PhotoError
from whalepipe.report.again import read_job


@pytest.fixture
def served(review: Open, raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> Opened:
    """The results of a true run, over fakes, with a catalogue."""
    assert run(raw, tmp_path / "out", "--catalog", catalogue_of(raw, tmp_path)).code == 0
    fakes.again(fake_models)
    return review(job=read_job(tmp_path / "out"))


def send(page: Opened, path: Path) -> Any:
    return page.client.post("/identify", files={"photo": (path.name, path.read_bytes())})


def test_boxes_quality_species_and_candidates_of_one_photo(served: Opened, raw: Path) -> None:
    told = send(served, raw / "a.jpg").json()
    assert (told["photo"]["width"], told["photo"]["height"]) == (240, 160)
    first, second = told["animals"]
    assert [a["box"]["part"] for a in (first, second)] == ["dorsal_fin", "dorsal_fin"]
    assert first["box"]["xmin"] == pytest.approx(40, abs=2) and first["quality"]["keep"]
    assert (first["answer"]["state"], first["answer"]["individual"]) == ("identified", "A")
    assert [c["individual"] for c in first["candidates"]] == ["A", "new"]
    assert second["answer"]["state"] == "new"
    assert first["species"][0]["species"] == "unknown"


def test_it_says_what_the_run_said(served: Opened, raw: Path) -> None:
    ledger = {f.row.photo_id + str(f.crop.box): f.row for f in served.service.desk.index.frames.values()}
    for photo in ("a.jpg", "sub/b.JPG"):
        for animal in send(served, raw / photo).json()["animals"]:
            row = ledger[animal["answer"]["photo_id"] + str(animal["box"]["box"])]
            answer = animal["answer"]
            assert (answer["state"], answer["individual"], answer["probability"]) == (
                row.state, row.individual, row.probability,
            )  # fmt: skip


def test_models_are_loaded_once(served: Opened, raw: Path, fake_models: fakes.Calls) -> None:
    for _ in range(3):
        assert send(served, raw / "a.jpg").status_code == 200
    assert sorted(fake_models.loaded) == ["detector", "embedder", "quality"]
    assert fake_models.detected == 3


def test_an_empty_sea_has_no_animals_and_nothing_is_kept(served: Opened, raw: Path) -> None:
    before = sorted(p.name for p in served.job.out.rglob("*"))
    told = send(served, raw / "c.png").json()
    assert told["animals"] == []
    assert sorted(p.name for p in served.job.out.rglob("*")) == before


def test_an_animal_that_was_named_today_is_known_at_once(served: Opened, raw: Path) -> None:
    [crop] = [c for c in served.crops if c.startswith("a_") and c.endswith("_1.jpg")]
    assert send(served, raw / "a.jpg").json()["animals"][1]["answer"]["state"] == "new"
    assert served.decide(crop, "new", "Luna").status_code == 200
    assert send(served, raw / "a.jpg").json()["animals"][1]["candidates"][0]["individual"] == "Luna"


def test_more_than_can_wait_are_told_to_come_again(served: Opened, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        inside.set()
        leave.wait(10)
        raise PhotoError("cannot be decoded")

    monkeypatch.setattr(type(served.service.identifier), "_identified", slow)
    waiting = [threading.Thread(target=send, args=(served, raw / "a.jpg")) for _ in range(4)]
    [w.start() for w in waiting]
    assert inside.wait(10)
    while served.service.identifier._turns._places._value:  # the last of them may not have come in yet
        time.sleep(0.01)
    busy = send(served, raw / "a.jpg")
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    leave.set()
    [w.join() for w in waiting]
