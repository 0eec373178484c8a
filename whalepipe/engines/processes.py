"""Processes of this machine."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Any

from whalepipe.engines import HANDED_OUT, Task

_task: Task | None = None  # of this process, where it is a worker


@dataclass(frozen=True)
class Processes:
    """So many processes, each of which begins anew and computes with one thread.

    Where one of them is killed (out of memory, say), the others end too and what is left stays undone.
    """

    workers: int
    start: str = "spawn"  # a forked process would inherit locks that threads of this one hold

    def __call__(
        self, here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any], /
    ) -> Iterator[tuple[int, Any]]:
        """See `Engine`."""
        context = multiprocessing.get_context(self.start)
        workers = max(1, min(self.workers, len(parts)))
        pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(there,))
        prepare, coming, waiting = here(), iter(enumerate(parts)), dict[Future[Any], int]()
        try:
            while True:
                for number, part in islice(coming, HANDED_OUT * workers - len(waiting)):
                    waiting[pool.submit(_do, prepare(part))] = number
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(make: Callable[[], Task]) -> None:
    global _task
    import cv2

    os.environ["OMP_NUM_THREADS"] = "1"  # workers beat threads within a model; read when one is loaded
    cv2.setNumThreads(1)
    _task = make()


def _do(part: Any) -> Any:
    assert _task is not None
    return _task(part)
