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
