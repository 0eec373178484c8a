"""Ways to share work out: over processes of this machine, over a cluster. They know nothing of whales."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

Task = Callable[[Any], None]


class Engine(Protocol):
    """Shares work out."""

    def __call__(self, make: Callable[[], Task], parts: Sequence[Any], /) -> Iterator[int]:
        """Have every part done by a task that `make` made in the worker, once for many; the numbers of parts as they
        are done. `make`, and every part, travels to the worker pickled.

        A part whose worker is lost is given to another worker, or is left undone: what it should have made must be
        such that it does not matter whether it was made never, once, or twice. What a task raises passes through.
        """
