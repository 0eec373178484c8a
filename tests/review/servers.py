"""`whalepipe review` in a process of its own, to be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import PROJECT


class Server:
    """A server on a free port, or on the one that it is given."""

    def __init__(self, out: Path, port: int = 0, *more: str, program: Sequence[str] = ("whalepipe",)) -> None:
        command = [sys.executable, "-m", *program, "review", str(out), "--port", str(port), *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline() for _ in range(2)]
        self.address = lines[1].strip()
        assert self.address.startswith("http://"), lines
        self.port = int(self.address.split(":")[2].split("/")[0])

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait(10)

    def end(self) -> int:
        """As Ctrl-C does; the exit code."""
        self._process.terminate()
        return self._process.wait(30)


@contextmanager
def serving(out: Path, *more: str, program: Sequence[str] = ("whalepipe",)) -> Iterator[Server]:
    """A server that ends with the block."""
    server = Server(out, 0, *more, program=program)
    try:
        yield server
    finally:
        server.kill()
