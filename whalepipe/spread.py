"""Work shared out before a run: many workers make what each photo's stages make, and this process keeps it under its
cause in the cache, so that the run itself, which makes the tables, finds it there. So its results are those of a run
that did all by itself.

A worker gets the files of its part with what is known of them already, and gives back what it made of them: it neither
reads nor writes the output folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from whalepipe.cache import recipe
from whalepipe.engines import Engine
from whalepipe.job import Job
from whalepipe.listed import File
from whalepipe.progress import Progress
from whalepipe.shared import STAGES, Order, Recall, Share, means
from whalepipe.store import files_of
from whalepipe.tables import BoxLabel, read_table
from whalepipe.work import Work

VERSION = 2
PHOTOS_EACH = 8  # in one part of the work: so few that workers end together
MOST_PARTS = 20_000  # and, where there are millions, so many that handing out costs little


@dataclass(frozen=True)
class Done:
    """A file whose part of the work was done, or failed in a way that the run itself will tell of."""

    photo: str


def spread(job: Job, until: str, engine: Engine, progress: Progress) -> None:
    """Have the engine's workers do what the run of `job` up to and including `until` would do photo by photo.

    Every worker must see RAW_DIR, unless that is in a store, the catalogue and the weights under the paths that they
    have here. Raises WhalepipeError.
    """
    work = Work(job, progress)
    work.check(STAGES[: STAGES.index(until) + 1])
    if until == STAGES[-1]:
        _ = work.gallery  # vectors that the catalogue lacks are made once, here
    drawn = read_table(job.boxes, BoxLabel, aliases=True) if job.boxes else None
    order = Order(job, until, Path.cwd(), drawn, means(work, until))
    cause = recipe("spread", VERSION, order.means, drawn, work.gallery_revision)
    missing = _missing(work, order, cause)
    each = max(PHOTOS_EACH, len(missing) // MOST_PARTS)
    parts = [missing[start : start + each] for start in range(0, len(missing), each)]
    if parts:
        made = engine(partial(Recall, order), partial(Share, order), parts)
        for _, (number, bundle) in zip(work.each("workers", parts), made, strict=False):
            bundle.put(work.cache, work.crops_dir)
            _tick_off(work, cause, parts[number])
    work.cache.pack()


def _missing(work: Work, order: Order, cause: str) -> list[File]:
    """The files of which not all is kept."""
    recall = Recall(order, work)
    missing = []
    for file in work.each("kept", files_of(work.job.raw_dir)):
        if file.note or work.cache.load("spread", _key(cause, file), Done):
            continue
        if recall.lacks(file):
            missing.append(file)
        else:
            _tick_off(work, cause, [file])
    return missing


def _tick_off(work: Work, cause: str, files: Sequence[File]) -> None:
    for file in files:
        work.cache.store("spread", _key(cause, file), [Done(file.photo)])


def _key(cause: str, file: File) -> str:
    return recipe("spread", VERSION, cause, file.photo, *file.state)
