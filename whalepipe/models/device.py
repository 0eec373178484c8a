"""Where models run, and on how many cores."""

import ctypes.util
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whalepipe.errors import ConfigError

# What a driver puts there: NVIDIA's, AMD's, that of Windows' Linux, that of NVIDIA's small boards.
DRIVERS = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/nvhost-ctrl")))

MOST_SIDE_BY_SIDE = 8  # threads, each with a photo in memory
TORCH = threading.Lock()  # its own threads take all cores, so that one network runs at a time
_workers = 1


def cores() -> int:
    """As many as the user gives to torch and numpy; where she says nothing, those that this process may use."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if said.isdigit() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def working_side_by_side(pieces: int) -> Iterator[int]:
    """How many threads are to share so many pieces of work; models loaded within leave each of them its cores.

    Two photos side by side are done sooner than one after the other with two cores each: decoding has but one.
    """
    global _workers
    before, _workers = _workers, max(1, min(cores(), pieces, MOST_SIDE_BY_SIDE))
    try:
        yield _workers
    finally:
        _workers = before


def side_by_side() -> int:
    """How many threads are to share a network that is loaded now."""
    return _workers


def threads_each() -> int:
    """Threads of a network that is loaded now."""
    return max(1, cores() // _workers)


def on_processor(name: str) -> bool:
    """Whether models run on the processor on a device of this name, without a look for what only torch can tell."""
    return name == "cpu" or (name == "auto" and not may_have_gpu())


def pick_device(name: str) -> str:
    """`auto` as the best device that this machine has, else `name` itself. Raises ConfigError where it lacks it."""
    if on_processor(name):
        return "cpu"
    import torch

    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if have[device])
    if not have.get(name, False):
        raise ConfigError(f"no device {name!r} on this machine; choose --device cpu")
    return name


def cause_on(name: str, cause: str) -> str:
    """The cause of what torch says on a device of this name: another where a graphics processor may be used, which
    reckons with fewer digits (gpu.py)."""
    return cause if on_processor(name) else f"{name} {cause}"


def may_have_gpu() -> bool:
    """Whether torch may find a graphics processor here: looks for its driver only, because torch loads for seconds."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(driver.exists() for driver in DRIVERS)
