"""Work shared out by Ray Data, on a cluster of this machine alone."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.engines.test_processes import as_it_is, writer
from tests.helpers import run, snapshot, tables, whalepipe
from whalepipe.config import Config, with_settings
from whalepipe.engines import Task
from whalepipe.engines.ray import Ray
from whalepipe.errors import EngineError
from whalepipe.job import Job
from whalepipe.progress import silent
from whalepipe.spread import spread

pytest.importorskip("ray", reason="needs Ray: pip install 'whalepipe[ray]'")


@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
def test_workers_of_ray_give_the_same_and_leave_the_folder_alone(
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


def complaint(out: Path, raw: Path, *more: str) -> str:
    return whalepipe("run", raw, "--out", out, "--quiet", "--engine", "ray", *more).complaint


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense:port"])
def test_an_address_where_nobody_answers_is_named(tmp_path: Path, raw: Path, address: str) -> None:
    said = complaint(tmp_path / "out", raw, "--ray-address", address)
    assert f"--ray-address {address}: no cluster answers there" in said


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_another_server_at_the_address_is_not_waited_for(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr("whalepipe.engines.ray.ANSWERS_IN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.sendall(answer)
            held.append(connection)

        held: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        said = complaint(tmp_path / "out", raw, "--ray-address", address)
        thread.join()
        held[0].close()
    why = "what answers is no head of Ray" if answer else "timed out"
    assert said == f"whalepipe: --ray-address {address}: no cluster answers there ({why})"


STARTS: dict[str, Exception] = {
    "Version mismatch: The cluster was started with: Ray: 2.9.0": RuntimeError(
        "Version mismatch: The cluster was started with:\n    Ray: 2.9.0\n"
    ),
    "The current node timed out during startup.": Exception("The current node timed out during startup."),
    "TimeoutError": TimeoutError(),
}


@pytest.mark.parametrize("said", STARTS)
def test_a_start_of_ray_that_fails_is_one_line(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def fail(**_: Any) -> None:
        raise STARTS[said]

    monkeypatch.setattr("ray.init", fail)
    here = complaint(tmp_path / "out", raw)
    assert here == f"whalepipe: Ray does not start on this machine ({said}); --workers does without it"
    joined = complaint(tmp_path / "out", raw, "--ray-address", "auto")
    assert joined == f"whalepipe: --ray-address auto: no cluster answers there ({said})"
