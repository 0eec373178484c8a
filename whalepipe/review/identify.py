"""Who is in one photo: the pipeline's own stages, run on it alone, with models that are loaded once."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whalepipe.config import Config
from whalepipe.errors import PhotoError
from whalepipe.job import Job
from whalepipe.pipeline import Tables, run
from whalepipe.progress import silent
from whalepipe.review.turns import Turns
from whalepipe.tables import Detection, Ledger, Match, Photo, Quality, Species, View, by_crop
from whalepipe.work import Work

MOST_MEGAPIXELS = 100.0  # of a photo that is sent: three times as many megabytes are held while it is decoded
WAITING = 4  # photos that wait for the models or are looked at
ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"II": ".tif", b"MM": ".tif", b"RI": ".webp"}


@dataclass(frozen=True)
class Animal:
    """One box and all that is said of it."""

    box: Detection
    view: View
    quality: Quality
    species: Sequence[Species]
    candidates: Sequence[Match]  # the likeliest first, `new` among them; none where it was set aside
    answer: Ledger


@dataclass(frozen=True)
class Identified:
    """A photo and the animals in it."""

    photo: Photo
    animals: Sequence[Animal]


class Identifier:
    """Looks at photos one after the other."""

    def __init__(self, job: Job) -> None:
        most = min(job.config.photos.max_megapixels, MOST_MEGAPIXELS)
        photos = replace(job.config.photos, max_megapixels=most)
        self._job = replace(job, config=replace(job.config, photos=photos), boxes=None, verify=False)
        self._turns = Turns("photos", WAITING)
        self._work: Work | None = None  # the last one, with its models

    @property
    def config(self) -> Config:
        """The settings of the run, but for the size of photos."""
        return self._job.config

    def __call__(self, data: bytes) -> Identified:
        """What a photo shows. Raises PhotoError for what is none, BusyError, WhalepipeError."""
        with self._turns.turn():
            return self._identified(data)

    def _identified(self, data: bytes) -> Identified:
        with tempfile.TemporaryDirectory(prefix="whalepipe-") as folder:
            raw = Path(folder, "photo")
            raw.mkdir()
            (raw / f"photo{ENDINGS.get(data[:2], '.jpg')}").write_bytes(data)
            work = Work(replace(self._job, raw_dir=raw, out=Path(folder, "out")), silent)
            if self._work is not None:
                work.borrow(self._work)
            tables = run(work.job, progress=silent, work=work)
            self._work = work
        return _identified(tables)


def _identified(tables: Tables) -> Identified:
    [photo] = tables.photos
    problem = photo.error or next((f.error for f in tables.failures), "")
    if problem:
        raise PhotoError(problem)
    boxes, views = {d.box: d for d in tables.detections}, {v.crop: v for v in tables.views}
    quality, matches = {q.crop: q for q in tables.quality}, by_crop(tables.matches)
    answers = {r.crop: r for r in tables.ledger}
    species = {c.crop: [s for s in tables.species if s.crop == c.crop] for c in tables.crops}
    return Identified(
        photo,
        [
            Animal(
                boxes[c.box], views[c.crop], quality[c.crop], species[c.crop], matches.get(c.crop, []), answers[c.crop]
            )
            for c in tables.crops
        ],
    )
