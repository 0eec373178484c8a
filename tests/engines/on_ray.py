"""What `test_ray.py` runs in a process of its own, on a cluster of this machine that begins and ends with it."""

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.engines.test_processes import as_it_is, writer
from tests.helpers import run, snapshot, tables
from whalepipe.config import Config, with_settings
from whalepipe.engines import Task
from whalepipe.engines.ray import Ray
from whalepipe.errors import EngineError
from whalepipe.job import Job
from whalepipe.progress import silent
from whalepipe.spread import spread


def test_every_part_is_done_and_what_fails_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = dict(Ray()(as_it_is, partial(writer, tmp_path), ["a", "b", "c"]))
    assert made == {0: "a is done", 1: "b is done", 2: "c is done"}
    assert capfd.readouterr() == ("", "")  # Ray's core writes past Python
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]
    where = socket.gethostname()
    with pytest.raises(EngineError, match=rf"^a worker could not go on: ValueError: b is wrong \(on {where}\)$"):
        list(Ray()(as_it_is, partial(writer, tmp_path, "b"), ["b"]))


def _made_with_fakes(folder: Path, make: Callable[[], Task]) -> Task:
    """A task of a worker that has the fakes too."""
    fakes.install(folder, pytest.MonkeyPatch().setattr)
    return make()


def test_the_same_is_given_and_the_folder_left(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engine(here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any], /) -> Iterator[Any]:
        fitted = partial(_made_with_fakes, tmp_path / "fake-weights")
        before = snapshot(tmp_path / "out")
        came = list(Ray()(partial(fitted, here), partial(fitted, there), parts))
        assert snapshot(tmp_path / "out") == before
        yield from came

    assert run(raw, tmp_path / "alone").code == 0
    fakes.again(fake_models)
    monkeypatch.setattr("whalepipe.spread.PHOTOS_EACH", 2)
    small = with_settings(Config(), ["quality.min_size=48"])
    spread(Job(raw, tmp_path / "out", small, device="cpu"), "identify", engine, silent)
    assert run(raw, tmp_path / "out").code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")
