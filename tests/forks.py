"""Runs with fake models in processes that are forked from one that has loaded everything already.

`python -m tests.forks WEIGHTS_FOLDER DELAY_S MOMENTS OUT ARGS...`: for each of MOMENTS (a JSON list of seconds), run
`whalepipe ARGS --out OUT-N`, kill it with SIGKILL at that moment, then run it again to its end. Prints as JSON how
each first run ended: the number of the signal, or 0 where it was done before.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import cv2

from tests import fakes
from whalepipe.cli import main

LOADED = ("whalepipe.pipeline", "whalepipe.report")


def started(*args: str) -> int:
    """The process that runs `whalepipe ARGS`."""
    pid = os.fork()
    if pid:
        return pid
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.argv = ["whalepipe", *args]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """How it ended: an exit code, or the negative number of a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(moment: float, *args: str) -> int:
    """Start it, kill it at that moment, and run it again to its end."""
    pid = started(*args)
    time.sleep(moment)
    os.kill(pid, signal.SIGKILL)
    signalled = ended(pid)
    code = ended(started(*args))
    assert code == 0, code
    return signalled


def prepare(folder: Path, delay_s: float) -> None:
    """Put the fakes in place, in this process and all that are forked from it."""

    def patch(name: str, value: Any) -> None:
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)

    for name in LOADED:
        importlib.import_module(name)
    cv2.setNumThreads(1)
    fakes.DELAY_S = delay_s
    fakes.install(folder, patch)


def _main() -> None:
    folder, delay_s, moments, out, *args = sys.argv[1:]
    prepare(Path(folder), float(delay_s))
    begun = time.monotonic()
    assert ended(started(*args, "--out", f"{out}-undisturbed")) == 0
    length = time.monotonic() - begun
    ends = [killed(m * length, *args, "--out", f"{out}-{n}") for n, m in enumerate(json.loads(moments))]
    both = [started(*args, "--out", f"{out}-both") for _ in range(2)]
    print(json.dumps({"ends": ends, "both": [ended(pid) for pid in both]}))


if __name__ == "__main__":
    _main()
