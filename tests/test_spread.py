"""Work shared out before a run: the same tables, nothing done twice, and what a worker leaves undone is done."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import catalogue_of, run, tables, whalepipe
from whalepipe.config import Config, with_settings
from whalepipe.engines import Task
from whalepipe.job import Job
from whalepipe.progress import silent
from whalepipe.spread import spread

SMALL = ["quality.min_size=48"]


class Here:
    """An engine of one worker, which is this process, and which is lost after so many parts."""

    def __init__(self, lost_after: int = 1000) -> None:
        self.lost_after, self.parts = lost_after, 0

    def __call__(self, make: Callable[[], Task], parts: Sequence[Any], /) -> Iterator[int]:
        task = make()
        for number, part in enumerate(parts[: self.lost_after]):
            task(part)
            self.parts += 1
            yield number


@pytest.fixture
def few_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.spread.PHOTOS_EACH", 2)


def job(raw: Path, out: Path, catalog: Path | None = None) -> Job:
    return Job(raw, out, with_settings(Config(), SMALL), catalog, device="cpu")


def test_the_run_finds_everything_done(raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None) -> None:  # noqa: ARG001
    catalog = catalogue_of(raw, tmp_path)
    assert run(raw, tmp_path / "alone", "--catalog", catalog).code == 0
    engine = Here()
    spread(job(raw, tmp_path / "out", catalog), "identify", engine, silent)
    assert engine.parts > 1
    assert not list((tmp_path / "out").glob("*.csv"))
    fakes.again(fake_models)
    assert run(raw, tmp_path / "out", "--catalog", catalog).code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")
    again = Here()
    spread(job(raw, tmp_path / "out", catalog), "identify", again, silent)
    assert again.parts == 0


def test_what_a_lost_worker_left_is_done_by_the_run(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None  # noqa: ARG001
) -> None:  # fmt: skip
    assert run(raw, tmp_path / "alone").code == 0
    spread(job(raw, tmp_path / "out"), "identify", Here(lost_after=1), silent)
    done = fakes.again(fake_models)
    assert run(raw, tmp_path / "out").code == 0
    assert 0 < done.detected < len([p for p in raw.rglob("*") if p.is_file()])
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")


def test_a_photo_that_fails_is_told_of_by_the_run(raw: Path, tmp_path: Path, few_each: None) -> None:  # noqa: ARG001
    (raw / "broken.jpg").write_bytes((raw / "a.jpg").read_bytes()[:-200])
    spread(job(raw, tmp_path / "out"), "identify", Here(), silent)
    said = run(raw, tmp_path / "out")
    assert said.code == 1
    assert "broken.jpg" in said.out


def test_only_what_the_stage_needs_is_shared_out(raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    spread(job(raw, tmp_path / "out"), "crop", Here(), silent)
    assert fake_models.detected > 0
    assert fake_models.embedded == 0


def test_boxes_drawn_by_hand_are_shared_out_too(raw: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("photo,part,xmin,ymin,xmax,ymax\na.jpg,dorsal_fin,40,60,90,110\n")
    drawn = Job(raw, tmp_path / "out", with_settings(Config(), SMALL), boxes=boxes, device="cpu")
    spread(drawn, "identify", Here(), silent)
    assert [p.name[:2] for p in (tmp_path / "out" / "crops").iterdir()] == ["a_"]


def test_workers_of_the_command_line_give_the_same(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    assert run(raw, tmp_path / "alone").code == 0
    fork = multiprocessing.get_context("fork")  # so that workers have the fakes too
    monkeypatch.setattr("multiprocessing.get_context", lambda _: fork)
    fakes.again(fake_models)
    said = whalepipe(
        "run", raw, "--out", tmp_path / "out", "--device", "cpu", "--quiet", "--set", *SMALL, "--workers", "2"
    )
    assert said.code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")
