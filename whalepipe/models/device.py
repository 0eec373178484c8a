"""Where models run."""

from whalepipe.errors import ConfigError


def pick_device(name: str) -> str:
    """`auto` as the best device that this machine has, else `name` itself. Raises ConfigError where it lacks it."""
    if name == "cpu":
        return name
    import torch

    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if have[device])
    if not have.get(name, False):
        raise ConfigError(f"no device {name!r} on this machine; choose --device cpu")
    return name
