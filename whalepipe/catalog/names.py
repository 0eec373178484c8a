"""What may be the id of an individual. Ids are text."""

from collections.abc import Iterable
from enum import StrEnum

from whalepipe.errors import CatalogError

# What people write where they do not know who it is. None of these is a name.
NO_NAMES = frozenset({"", "?", "-", "na", "n/a", "nan", "none", "null", "unknown", "unidentified", "other", "new"}) | {
    "new_whale",
    "new_individual",
}


class Twins(StrEnum):
    """What two ids are that differ by case or spaces only."""

    ask = "ask"  # nobody said: refuse
    one = "one"  # the same animal: the id that was there first stands for both
    two = "two"  # two animals


def proper(name: str) -> str:
    """The id without spaces around it. Raises CatalogError for what is none."""
    kept = name.strip()
    if kept.lower() in NO_NAMES or not kept.isprintable():
        raise CatalogError(f"{name!r} is no id of an individual; give a name or number")
    return kept


class Ids:
    """The ids in use, and what a further one means among them."""

    def __init__(self, names: Iterable[str], twins: Twins = Twins.ask) -> None:
        self._twins = twins
        self._names: dict[str, list[str]] = {}
        for name in names:
            self.use(name)

    def use(self, name: str) -> None:
        """Count this id among those in use."""
        self._names.setdefault(_folded(name), []).append(name)

    def meant(self, name: str) -> str:
        """The id in use that `name` means, or `name` where it is a new one. Raises CatalogError where nobody said."""
        name = proper(name)
        near = self._names.get(_folded(name), [])
        if name in near or not near or self._twins is Twins.two:
            return name
        if self._twins is Twins.one:
            return near[0]
        raise CatalogError(
            f"{name!r} differs by case or spaces only from {near[0]!r}; say with --twins one that they are one animal, "
            "or with --twins two that they are two; nothing was changed"
        )


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()
