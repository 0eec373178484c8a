"""Work shared out by Ray Data, on a cluster of this machine alone."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.helpers import whalepipe

pytest.importorskip("ray", reason="needs Ray: pip install 'whalepipe[ray]'")


PROBE = """
import ray
ray.init(address="local", include_dashboard=False, log_to_driver=False)
assert ray.get(ray.remote(lambda: 12).remote()) == 12
"""
STARTS_IN_S, ENDS_IN_S = 40, 400  # the second takes about ten times as long as the first


def _alone(limit: float, *arguments: str) -> tuple[int, str]:
    """Python with these arguments, in processes of its own: Ray's core may end its process or wait for ever.

    The exit code and all that was said. What has not ended within `limit` seconds is killed, with all that it began.
    """
    elsewhere = {"RAY_ADDRESS": "127.0.0.1:9", "RAY_USAGE_STATS_ENABLED": "0"}  # a cluster that is gone is not joined
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**os.environ, **elsewhere},
            stdout=said,  # no pipe: what outlives the process would hold it open
            stderr=said,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        said.seek(0)
        return code, said.read().decode(errors="replace")


@pytest.fixture(scope="module")
def cluster() -> None:
    """Skips where Ray itself, without a line of ours, does not start and work in time: it needs a machine at rest."""
    code, said = _alone(STARTS_IN_S, "-c", PROBE)
    if code:
        pytest.skip(f"Ray itself does not work here within {STARTS_IN_S} s (exit {code}): {said[-500:]}")


@pytest.mark.timeout(STARTS_IN_S + ENDS_IN_S + 30)
@pytest.mark.usefixtures("cluster")
def test_on_a_cluster_all_is_done_and_the_same_is_given() -> None:
    plain = ("-m", "pytest", "-o", "addopts=-q", "-p", "no:xdist", "-p", "no:cacheprovider")
    code, said = _alone(ENDS_IN_S, *plain, "tests/engines/on_ray.py")
    assert code == 0, said
    assert "2 passed" in said


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
        server.settimeout(60)

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
