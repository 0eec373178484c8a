"""Every photo opened once: several threads each take a photo as far as it goes by itself, ahead of the stages.

The stages then find all of it made, and what failed fails again there, where it is counted. So what comes out is what
the stages would have made one after the other; only the order of the work differs. As few photos are under way as keep
the threads busy, so that memory does not grow with their number.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from whalepipe.errors import PhotoError
from whalepipe.making import boxes_of, crops_of, look_of, marks_of, quality_of, view_of
from whalepipe.models.device import working_side_by_side
from whalepipe.stages import distinctive as marking
from whalepipe.tables import Photo
from whalepipe.work import Work

WAITING = 2  # photos read and not yet begun, so that no thread waits for the disk


@dataclass(frozen=True)
class Done:
    """A photo of which all was made that can be made ahead. Where that is no longer so, the stages make what lacks."""

    photo: str


class Ahead:
    """Photos under way."""

    def __init__(self, work: Work, until: str, pool: ThreadPoolExecutor, workers: int) -> None:
        self._work, self._until, self._pool, self._most = work, until, pool, workers + WAITING
        self._under_way: deque[Future[None]] = deque()
        self._taken: set[str] = set()

    def take(self, photo: Photo, data: bytes | None) -> None:
        """Begin with a photo, as soon as few enough others are under way; in the order of their paths.

        Raises what an earlier one raised, if that was no PhotoError.
        """
        if not photo.usable or photo.photo_id in self._taken:
            return
        self._taken.add(photo.photo_id)
        if self._work.cache.load("ahead", self._work.ahead_key(photo, self._until), Done) is not None:
            return  # the stages load what is kept as fast
        if len(self._under_way) >= self._most:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(begin, self._work, photo, data, self._until))

    def finish(self) -> None:
        """Wait for all. Raises as `take`."""
        while self._under_way:
            self._under_way.popleft().result()


@contextmanager
def ahead(work: Work, until: str, photos: int) -> Iterator[Ahead]:
    """Within, photos can be taken; at the end all are done. `photos`: how many there are at most."""
    with working_side_by_side(photos) as workers, work.cache.holding():
        pool = ThreadPoolExecutor(workers, "whalepipe")
        try:
            under_way = Ahead(work, until, pool, workers)
            yield under_way
            under_way.finish()
        finally:
            pool.shutdown(cancel_futures=True)


def begin(work: Work, photo: Photo, data: bytes | None, until: str) -> None:
    """Make what the stages up to `until` make of one photo; `data` as `Work.described` gives it."""
    try:
        with work.opened(photo, data):
            _make(work, photo, until)
    except PhotoError:
        return  # the stage meets it again
    work.cache.store("ahead", work.ahead_key(photo, until), [Done(photo.photo)])


def _make(work: Work, photo: Photo, until: str) -> None:
    """Raises PhotoError."""
    boxes = boxes_of(work, photo)
    if until == "detect":
        return
    crops = crops_of(work, photo, boxes)
    if until == "crop":
        return
    for crop, box in zip(crops, boxes, strict=True):
        look = look_of(work, crop)
        view_of(work, crop)
        quality = quality_of(work, photo, box, crop, look, work.least_grade(crop.part))
        for asked in marking.asked([crop], [quality]):
            marks_of(work, asked)
