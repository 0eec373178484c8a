"""Ways to share work out: over processes of this machine, over a cluster. They know nothing of whales."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

Task = Callable[[Any], Any]
HANDED_OUT = 2  # parts to each worker, so that none waits for its next; no more, for they lie in memory


class Engine(Protocol):
    """Shares work out."""

    def __call__(
        self, here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any], /
    ) -> Iterator[tuple[int, Any]]:
        """Have every part prepared by a task that `here` made on this machine, not long before its turn, and what
        that returns done by a task that `there` made in the worker, once for many. The number of each part, as they are
        done, and what its worker returned. All this travels pickled.

        A part whose worker is lost is given to another worker, or is left undone: it must not matter whether it was
        done never, once, or twice. What a task raises passes through.
        """
