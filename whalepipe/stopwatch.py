"""Where a run's time goes: seconds and processor seconds of each kind of work, whichever threads do it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Spent:
    """Seconds by the clock and of one processor, added up over all threads."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


@dataclass
class Stopwatch:
    """`with watch("decode"): ...` adds what the block took; what a block inside it takes counts for that one alone.

    Threads that a library starts by itself are not seen.
    """

    spent: dict[str, Spent] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def __reduce__(self) -> tuple[type["Stopwatch"], tuple[()]]:
        """In another process it begins anew."""
        return Stopwatch, ()

    @contextmanager
    def __call__(self, work: str) -> Iterator[None]:
        """Time the block."""
        outer: list[Spent] = self._own.__dict__.setdefault("outer", [])
        inside = Spent()
        outer.append(inside)
        begun, worked = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            took = Spent(time.perf_counter() - begun, time.thread_time() - worked)
            outer.pop()
            if outer:
                _add(outer[-1], took)
            with self._lock:
                _add(self.spent.setdefault(work, Spent()), took, less=inside)


def _add(to: Spent, took: Spent, less: Spent | None = None) -> None:
    less = less or Spent()
    to.seconds += took.seconds - less.seconds
    to.processor_seconds += took.processor_seconds - less.processor_seconds
