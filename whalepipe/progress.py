"""How long work tells how far it is."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Told of long work: `progress(stage, items)` gives the items one by one and shows how far it is."""

    def __call__(self, stage: str, items: Sequence[T], /) -> Iterable[T]: ...


def silent(stage: str, items: Sequence[T]) -> Iterable[T]:  # noqa: ARG001
    """Shows nothing."""
    return items
