"""Work that is done one piece at a time, while a few wait: who comes then is refused rather than kept waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from whalepipe.errors import WhalepipeError


class BusyError(WhalepipeError):
    """As many as can wait do already: ask again later."""


class Turns:
    """Of one kind of work."""

    def __init__(self, what: str, most: int) -> None:
        """`what` is worked on, in words; `most` of them wait or are worked on."""
        self._what, self._lock, self._places = what, Lock(), BoundedSemaphore(most)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Within, nobody else has the turn. Raises BusyError."""
        if not self._places.acquire(blocking=False):
            raise BusyError(f"as many {self._what} as can wait do already; ask again in a few seconds")
        try:
            with self._lock:
                yield
        finally:
            self._places.release()
