"""One worker's part of work that is shared out, and what it is given for it."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe import __version__
from whalepipe.ahead import begin
from whalepipe.bundle import Bundle, HeldCache, NotedCache
from whalepipe.cache import recipe
from whalepipe.catalog.gallery import Gallery
from whalepipe.errors import EngineError, PhotoError, WhalepipeError
from whalepipe.files import passing_folder, write_aside
from whalepipe.individuals import name_individuals, rank
from whalepipe.job import Job
from whalepipe.listed import File
from whalepipe.pipeline import RECIPE, Tables, keep_ledger
from whalepipe.progress import silent
from whalepipe.rows import having
from whalepipe.stages.detect import by_photo
from whalepipe.store import Store
from whalepipe.tables import BoxLabel, Crop, Override, Photo
from whalepipe.work import Work

VERSION = 1
STAGES = tuple(name for name, _ in RECIPE)
# Naming looks at all crops together, ranking the candidates at each by itself.
BY_ITSELF: Mapping[Callable[[Work, Tables], None], Callable[[Work, Tables], object]] = {name_individuals: rank}
TICK_NS = 2 * 10**9  # every kind of disk can hold a time of whole ticks
ALIKE = "on every machine whalepipe is the same, and what is named by its path lies there"


@dataclass(frozen=True)
class Order:
    """What workers are to do."""

    job: Job
    until: str
    folder: Path  # where the command was given: paths of the job start there
    drawn: Sequence[BoxLabel] | None  # the boxes that a person drew, in place of the detector
    means: str  # what it is done with: see `means`


def means(work: Work, until: str) -> str:
    """What the work is done with. Where it says too little, the run does what workers left out: it does not trust
    this."""
    made_by = "" if work.job.boxes else work.ahead_key(Photo(""), until)
    return recipe("means", VERSION, __version__, until, work.config, work.embedder_weights.digest, made_by)


class Shared(Work):
    """The work of one of many: nothing but what lies under its cause, and crops."""

    def __init__(self, order: Order, out: Path) -> None:
        super().__init__(replace(order.job, out=out), silent)
        self._drawn = order.drawn

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
        return None if self._drawn is None else by_photo(self._drawn, photos)

    def take(self, tables: Tables, until: str) -> None:
        """The stages up to `until`, as far as they can be done of each photo by itself. Raises PhotoError."""
        for _, steps in RECIPE[: STAGES.index(until) + 1]:
            for step in steps:
                if step is not keep_ledger:
                    BY_ITSELF.get(step, step)(self, tables)


class Recalled(Shared):
    """Work that is done already. It ends at the first thing that takes pixels or the gallery to make."""

    def __init__(self, order: Order) -> None:
        super().__init__(order, order.job.out)
        self.cache = self._noted = NotedCache(self.job.out / "cache")
        self.lacking = False

    def described(self, found: File) -> tuple[Photo, bytes | None]:
        """What is known of a file."""
        kept = self.cache.load("photos", self.photo_key(found), Photo)
        return having(kept[0], photo=found.photo) if kept else Photo(found.photo, error=str(self._lack())), None

    def pixels(self, photo: Photo, max_side: int | None = None) -> NDArray[np.uint8]:  # noqa: ARG002
        """Raises PhotoError."""
        raise self._lack()

    def crop_pixels(self, crop: Crop) -> NDArray[np.uint8]:  # noqa: ARG002
        """Raises PhotoError."""
        raise self._lack()

    @property
    def gallery(self) -> Gallery:
        """Raises PhotoError."""
        raise self._lack()

    def _lack(self) -> PhotoError:
        self.lacking = True
        return PhotoError("not kept")

    def told(self, crops: Iterable[Crop]) -> Bundle:
        """All that was found since this was asked last, with these crops."""
        held = {}
        for path in (self.crops_dir / c.crop for c in crops):
            with suppress(OSError):  # gone meanwhile: it is made again
                held[path.name] = path.stat().st_mtime_ns, path.read_bytes()
        bundle = Bundle(dict(self._noted.found), held)
        self._noted.found.clear()
        return bundle


class Recall:
    """Tells what is kept of files."""

    def __init__(self, order: Order, lender: Work | None = None) -> None:
        """`lender` has weights open already."""
        os.chdir(order.folder)
        self._until, self._work = order.until, Recalled(order)
        if lender:
            self._work.borrow(lender)

    def lacks(self, file: File) -> bool:
        """Whether there is work to do on a file."""
        self._work.lacking = False
        self._known(file)
        self._work.told(())  # so that it is not held
        return self._work.lacking

    def __call__(self, files: Sequence[File]) -> tuple[Sequence[File], Bundle]:
        """A part of the work as workers take it: its files, and what is known of them."""
        return files, self._work.told([crop for file in files for crop in self._known(file)])

    def _known(self, file: File) -> list[Crop]:
        """The crops of a file, and all else noted."""
        self._work.files = {file.photo: file}
        tables = Tables()
        with suppress(PhotoError):
            tables.photos.append(self._work.described(file)[0])
            self._work.take(tables, self._until)
        return tables.crops


class Apart(Shared):
    """The work of a worker, which has a folder of its own."""

    def __init__(self, order: Order, out: Path, known: Bundle) -> None:
        super().__init__(order, out)
        self._given, self._cut = known.entries, dict[str, tuple[int, bytes]]()
        self.cache = self._held = HeldCache(out / "cache")
        known.put(self.cache, self.crops_dir)

    def put_crop(self, name: str, data: bytes) -> None:
        """Write a crop's file. Raises StorageError."""
        changed_ns = time.time_ns() // TICK_NS * TICK_NS
        write_aside(self.crops_dir / name, data, changed_ns)
        self._cut[name] = changed_ns, data

    def made(self) -> Bundle:
        """What was not known before."""
        return Bundle({k: v for k, v in self._held.entries.items() if self._given.get(k) != v}, self._cut)


class Share:
    """What one worker does: of some files all that can be done of each by itself."""

    def __init__(self, order: Order) -> None:
        """Raises EngineError where this machine lacks what the work is to be done with."""
        with suppress(OSError):  # a machine without that folder may do without
            os.chdir(order.folder)
        self._order = order
        with passing_folder() as folder:
            self._work = Apart(order, folder, Bundle())
            self._check()

    def _check(self) -> None:
        raw_dir, until = self._order.job.raw_dir, self._order.until
        try:
            if isinstance(raw_dir, Store):
                raw_dir.connected()
            elif not raw_dir.is_dir():
                raise EngineError(f"no folder {raw_dir}")
            self._work.check(STAGES[: STAGES.index(until) + 1])
            if means(self._work, until) != self._order.means:
                raise EngineError("weights, what runs them, or whalepipe itself are others than where the command is")
        except WhalepipeError as error:
            raise EngineError(f"{error} ({ALIKE})") from error

    def __call__(self, given: tuple[Sequence[File], Bundle]) -> Bundle:
        """Do the work on these files. A photo that fails is left to the run, which tells of it."""
        files, known = given
        with passing_folder() as folder:
            work = Apart(self._order, folder, known)
            work.borrow(self._work)  # models
            self._work = work
            work.files = {f.photo: f for f in files}
            tables = Tables()
            with work.cache.holding():
                for file in files:
                    photo, data = work.described(file)
                    tables.photos.append(photo)
                    if photo.usable and work.job.boxes is None:
                        begin(work, photo, data, self._order.until)
            work.take(tables, self._order.until)
            return work.made()
