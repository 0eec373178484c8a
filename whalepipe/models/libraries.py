"""Libraries that are installed and yet cannot be imported, such as a torchvision that was built for another torch."""

from importlib import import_module

from whalepipe.errors import WhalepipeError

TOGETHER = {"torchvision": "torch torchvision"}  # what only fits when it is installed together


def imported(name: str) -> None:
    """Import a library. Raises ModuleNotFoundError where it is missing, WhalepipeError where it is there but fails."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # whatever a library does as it is loaded
        why = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = f"pip install --force-reinstall {TOGETHER.get(name, name)}"
        raise WhalepipeError(f"{name} is installed but cannot be imported ({why}): {remedy}") from error
