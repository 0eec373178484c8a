"""Work shared out before a run: many workers leave what each photo's stages make under its cause in the cache, so that
the run itself, which makes the tables, finds it there. So its results are those of a run that did all by itself."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.ahead import begin
from whalepipe.cache import recipe
from whalepipe.engines import Engine
from whalepipe.individuals import name_individuals, rank
from whalepipe.job import Job
from whalepipe.listed import File
from whalepipe.pipeline import RECIPE, Tables, keep_ledger
from whalepipe.progress import Progress, silent
from whalepipe.stages.detect import by_photo
from whalepipe.store import files_of
from whalepipe.tables import BoxLabel, Crop, Override, Photo, read_table
from whalepipe.work import Work

VERSION = 1
PHOTOS_EACH = 8  # in one part of the work: so few that workers end together
MOST_PARTS = 20_000  # and, where there are millions, so many that handing out costs little
STAGES = tuple(name for name, _ in RECIPE)
# Naming looks at all crops together, ranking the candidates at each by itself.
BY_ITSELF: Mapping[Callable[[Work, Tables], None], Callable[[Work, Tables], object]] = {name_individuals: rank}


@dataclass(frozen=True)
class Done:
    """A file whose part of the work was done, or failed in a way that the run itself will tell of."""

    photo: str


def spread(job: Job, until: str, engine: Engine, progress: Progress) -> None:
    """Have the engine's workers do what the run of `job` up to and including `until` would do photo by photo.

    Every worker must see RAW_DIR, unless that is in a store, the output folder, the catalogue and the weights under
    the paths that they have here. Raises WhalepipeError.
    """
    work = Work(job, progress)
    work.check(STAGES[: STAGES.index(until) + 1])
    if until == STAGES[-1]:
        _ = work.gallery  # vectors that the catalogue lacks are made once, here
    cause = _cause(work, until)
    missing = [f for f in files_of(job.raw_dir) if not f.note and not work.cache.load("spread", _key(cause, f), Done)]
    each = max(PHOTOS_EACH, len(missing) // MOST_PARTS)
    parts = [missing[start : start + each] for start in range(0, len(missing), each)]
    if parts:
        ended = engine(partial(Share, job, until, cause, Path.cwd()), parts)
        for _, _ in zip(work.each("workers", parts), ended, strict=False):
            pass
    work.cache.pack()


def _cause(work: Work, until: str) -> str:
    """What was asked for. Where it says too little, the run does what workers left out: it does not trust this."""
    digest = "" if work.job.boxes else work.detector_weights.digest
    return recipe("spread", VERSION, until, work.config, digest, work.embedder_weights.digest, work.gallery_revision)


def _key(cause: str, file: File) -> str:
    return recipe("spread", VERSION, cause, file.photo, *file.state)


class Shared(Work):
    """The work of one of many workers: nothing but what lies under its cause, and crops."""

    def write(self, name: str, row: type, rows: Sequence[Any]) -> None:
        """Nothing: tables are of all photos."""

    def write_vectors(self, crops: Sequence[Crop], vectors: dict[str, NDArray[np.float32]]) -> None:
        """Nothing."""

    def forget_crops(self, photos: Sequence[Photo], crops: Sequence[Crop]) -> None:
        """Nothing: the run does it once."""

    def overrides(self, crops: Sequence[Crop]) -> dict[str, Override]:  # noqa: ARG002
        """None: what a person said decides later."""
        return {}

    def drawn_boxes(self, photos: Sequence[Photo]) -> dict[str, list[BoxLabel]] | None:
        """Those of these photos."""
        return None if self.job.boxes is None else by_photo(self._drawn, photos)

    @cached_property
    def _drawn(self) -> list[BoxLabel]:
        return read_table(self.job.boxes, BoxLabel, aliases=True) if self.job.boxes else []


class Share:
    """What one worker does: of some files all that can be done of each by itself."""

    def __init__(self, job: Job, until: str, cause: str, folder: Path) -> None:
        """`folder` is where the command was given: paths of the job start there."""
        os.chdir(folder)
        self._work, self._cause, self._until = Shared(job, silent), cause, until
        wanted = RECIPE[: STAGES.index(until) + 1]
        self._steps = [BY_ITSELF.get(step, step) for _, steps in wanted for step in steps if step is not keep_ledger]

    def __call__(self, files: Sequence[File]) -> None:
        """Do the work on these files. A photo that fails is left to the run, which tells of it."""
        work = self._work
        work.files = {f.photo: f for f in files}
        tables = Tables()
        with work.cache.holding():
            for file in files:
                photo, data = work.described(file)
                tables.photos.append(photo)
                if photo.usable and work.job.boxes is None:
                    begin(work, photo, data, self._until)
        for step in self._steps:
            step(work, tables)
        for file in files:
            work.cache.store("spread", _key(self._cause, file), [Done(file.photo)])
