"""Where models run."""

import ctypes.util
import platform
import sys
from pathlib import Path

from whalepipe.errors import ConfigError

# What a driver puts there: NVIDIA's, AMD's, that of Windows' Linux, that of NVIDIA's small boards.
DRIVERS = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/nvhost-ctrl")))


def pick_device(name: str) -> str:
    """`auto` as the best device that this machine has, else `name` itself. Raises ConfigError where it lacks it."""
    if name == "cpu" or (name == "auto" and not may_have_gpu()):
        return "cpu"
    import torch

    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if have[device])
    if not have.get(name, False):
        raise ConfigError(f"no device {name!r} on this machine; choose --device cpu")
    return name


def may_have_gpu() -> bool:
    """Whether torch may find a graphics processor here: looks for its driver only, because torch loads for seconds."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(driver.exists() for driver in DRIVERS)
