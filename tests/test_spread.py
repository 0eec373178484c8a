"""Work shared out before a run: the same tables, nothing done twice, and what a worker leaves undone is done."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import Here, catalogue_of, run, snapshot, tables, whalepipe
from whalepipe.cache import Cache
from whalepipe.config import Config, with_settings
from whalepipe.engines import Task
from whalepipe.errors import EngineError, StorageError
from whalepipe.job import Job
from whalepipe.packed import PackedCache
from whalepipe.progress import silent
from whalepipe.spread import spread

SMALL = ["quality.min_size=48"]


def crops(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (out / "crops").iterdir()}


@pytest.fixture
def few_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.spread.PHOTOS_EACH", 2)


def job(raw: Path, out: Path, catalog: Path | None = None) -> Job:
    return Job(raw, out, with_settings(Config(), SMALL), catalog, device="cpu")


def test_the_run_finds_everything_done(raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None) -> None:  # noqa: ARG001
    catalog = catalogue_of(raw, tmp_path)
    assert run(raw, tmp_path / "alone", "--catalog", catalog).code == 0
    engine = Here(untouched=tmp_path / "out")
    spread(job(raw, tmp_path / "out", catalog), "identify", engine, silent)
    assert engine.parts > 1
    assert not list((tmp_path / "out").glob("*.csv"))
    fakes.again(fake_models)
    assert run(raw, tmp_path / "out", "--catalog", catalog).code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")
    assert crops(tmp_path / "out") == crops(tmp_path / "alone")
    again = Here()
    spread(job(raw, tmp_path / "out", catalog), "identify", again, silent)
    spread(job(raw, tmp_path / "alone", catalog), "identify", again, silent)
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


def test_what_is_known_travels_to_the_worker_and_is_not_made_again(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None  # noqa: ARG001
) -> None:  # fmt: skip
    out, alone = tmp_path / "out", tmp_path / "alone"
    catalog = catalogue_of(raw, tmp_path)
    assert run(raw, out).code == run(raw, alone, "--catalog", catalog).code == 0
    known = snapshot(out / "crops")
    fakes.again(fake_models)
    named, nothing = Here(untouched=out), Here()
    spread(job(raw, out, catalog), "identify", named, silent)
    assert named.parts == 1  # c.png shows nothing, so that nothing of it is missing
    assert (fakes.counted(fake_models), snapshot(out / "crops")) == (([], 0, 0), known)
    next((out / "crops").iterdir()).unlink()
    assert run(raw, out, "--catalog", catalog, "--set", "quality.min_size=40").code == 0
    spread(job(raw, out, catalog), "identify", nothing, silent)
    assert nothing.parts == 0
    assert run(raw, out, "--catalog", catalog).code == 0
    assert tables(out) == tables(alone)


def test_a_crop_that_was_lost_is_made_again(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None  # noqa: ARG001
) -> None:  # fmt: skip
    out = tmp_path / "out"
    spread(job(raw, out), "crop", Here(), silent)
    before = crops(out)
    next((out / "crops").iterdir()).unlink()
    spread(job(raw, out), "quality", Here(untouched=out), silent)
    assert crops(out) == before
    fakes.again(fake_models)
    assert whalepipe("quality", raw, "--out", out, "--device", "cpu", "--quiet", "--set", *SMALL).code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)


def test_a_worker_that_lacks_what_it_is_to_work_with_says_so(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    def said(lack: Callable[[pytest.MonkeyPatch], object], catalog: Path | None = None) -> str:
        """What a worker says where one thing is not as it is here."""

        def elsewhere(_: Callable[[], Task], there: Callable[[], Task], __: Sequence[Any], /) -> Iterator[Any]:
            with monkeypatch.context() as patch:
                lack(patch)
                there()
            yield from ()

        with pytest.raises(EngineError) as error:
            spread(job(raw, tmp_path / "out", catalog), "identify", elsewhere, silent)
        told, _, rest = str(error.value).partition(" (on every machine ")
        assert rest == "whalepipe is the same, and what is named by its path lies there)"
        return told

    (tmp_path / "empty").mkdir()
    catalog = catalogue_of(raw, tmp_path)
    assert said(lambda _: catalog.rename(tmp_path / "away"), catalog).startswith(f"no catalogue {catalog}")
    nowhere = tmp_path / "empty"
    assert said(lambda p: p.setattr("whalepipe.models.weights.shipped_folder", lambda: nowhere)).startswith(
        f"no weights 'detector': neither shipped in {nowhere}"
    )
    others = "weights, what runs them, or whalepipe itself are others than where the command is"
    assert said(lambda p: p.setattr("whalepipe.shared.__version__", "0")) == others
    assert said(lambda _: raw.rename(tmp_path / "elsewhere")) == f"no folder {raw}"


def test_a_full_disk_loses_nothing_that_was_kept(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, few_each: None, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    def full(_: Cache, stage: str, key: str, data: bytes) -> None:
        kept.append(stage)
        if len(kept) > 5:
            raise StorageError("the disk is full")
        keep(cache, stage, key, data)

    assert run(raw, tmp_path / "alone").code == 0
    kept: list[str] = []
    cache, keep = PackedCache(tmp_path / "out" / "cache"), PackedCache.keep
    with monkeypatch.context() as patch, pytest.raises(StorageError):
        patch.setattr(PackedCache, "keep", full)
        spread(job(raw, tmp_path / "out"), "identify", Here(), silent)
    spread(job(raw, tmp_path / "out"), "identify", Here(), silent)
    fakes.again(fake_models)
    assert run(raw, tmp_path / "out").code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
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
    engine = Here(untouched=tmp_path / "out")
    spread(drawn, "identify", engine, silent)
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
