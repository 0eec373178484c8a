"""Work shared out by Ray Data, on a cluster of this machine alone."""

from functools import partial
from pathlib import Path

import pytest

from tests.engines.test_processes import writer
from tests.helpers import whalepipe
from whalepipe.engines.ray import Ray
from whalepipe.errors import EngineError

pytest.importorskip("ray", reason="needs Ray: pip install 'whalepipe[ray]'")


@pytest.mark.timeout(300)
def test_every_part_is_done_and_what_fails_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert sorted(Ray()(partial(writer, tmp_path), ["a", "b", "c"])) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")  # Ray's core writes past Python
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]
    with pytest.raises(EngineError, match="a worker could not go on: ValueError: b is wrong"):
        list(Ray()(partial(writer, tmp_path, "b"), ["b"]))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense:port"])
def test_an_address_where_nobody_answers_is_named(tmp_path: Path, raw: Path, address: str) -> None:
    args = ["run", raw, "--out", tmp_path / "out", "--quiet", "--engine", "ray", "--ray-address", address]
    assert f"--ray-address {address}: no cluster answers there" in whalepipe(*args).complaint
