"""Whole processes, timed from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whalepipe.errors import WhalepipeError

MEBIBYTE = 2**20
SOME_FAILED = 1  # the exit code of a run in which photos failed: it was timed all the same


@dataclass(frozen=True)
class Timed:
    """One process from its start to its end."""

    seconds: float
    processor_seconds: float
    peak_memory_mib: float | None  # None where the system does not tell


def timed(module: str, arguments: Sequence[str | Path]) -> Timed:
    """Run `python -m module arguments` and wait. Raises WhalepipeError, with its last words, where it could not run."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = process.stdout.read() if process.stdout else ""
        code, processor, peak = _ended(process)
        took = time.perf_counter() - begun
    if code not in (0, SOME_FAILED):
        last = next((line for line in reversed(said.splitlines()) if line.strip()), f"it ended with {code}")
        raise WhalepipeError(f"python -m {module} could not run: {last}")
    return Timed(took, processor, peak)


def _ended(process: "subprocess.Popen[str]") -> tuple[int, float, float | None]:
    """Exit code, processor seconds and peak memory (MiB) of a process that is at its end."""
    if not hasattr(os, "wait4"):
        return process.wait(), float("nan"), None
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, used.ru_utime + used.ru_stime, round(used.ru_maxrss * unit / MEBIBYTE, 1)


def told(path: Path) -> Any:
    """What a process wrote for us. Raises WhalepipeError where it wrote nothing."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WhalepipeError(f"{path}: a part of the measurement left no result ({error})") from error
