"""The stages in their order, over all photos of a folder, each photo's part of each stage under the cache."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from whalepipe.ahead import ahead
from whalepipe.boxes import crop_origin
from whalepipe.cache import recipes
from whalepipe.errors import PhotoError, WhalepipeError
from whalepipe.individuals import name_individuals
from whalepipe.job import Job
from whalepipe.making import boxes_of, crops_of, look_of, marks_of, quality_of, view_of
from whalepipe.models.embedder import Look
from whalepipe.progress import Progress, silent
from whalepipe.stages import detect as detecting
from whalepipe.stages import distinctive as marking
from whalepipe.stages import listing
from whalepipe.stages import quality as grading
from whalepipe.stages import species as naming
from whalepipe.stages.decide import Newcomers
from whalepipe.stages.decided import decided, everything_said
from whalepipe.stages.ledger import Findings, ledger
from whalepipe.stages.promise import Promise
from whalepipe.store import files_of
from whalepipe.tables import (
    Answer,
    Crop,
    Detection,
    Failure,
    Ledger,
    Match,
    Photo,
    Quality,
    Species,
    View,
)
from whalepipe.work import Work

Row = TypeVar("Row")
PhotoRow = TypeVar("PhotoRow", Detection, Crop)


@dataclass
class Tables:
    """What the stages have made so far."""

    photos: list[Photo] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    crops: list[Crop] = field(default_factory=list)
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # by crop
    responses: dict[str, float] = field(default_factory=dict)  # of the embedder, by crop
    views: list[View] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)
    species: list[Species] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    newcomers: dict[str, Newcomers] = field(default_factory=dict)  # by part
    promised: dict[str, Promise | None] = field(default_factory=dict)  # by part, where a rate was asked for
    ledger: list[Ledger] = field(default_factory=list)

    @property
    def expected(self) -> dict[str, dict[str, Any] | None]:
        """What was promised, as summary.json has it."""
        return {part: asdict(promise) if promise else None for part, promise in self.promised.items()}

    @property
    def between(self) -> dict[str, tuple[int, int]]:
        """The fewest and the most new animals, by part."""
        return {part: new.between for part, new in self.newcomers.items()}

    def counts(self) -> dict[str, int]:
        """How many there are of what a person would ask for first."""
        return {"files": len(self.photos), "boxes": len(self.detections), "crops": len(self.crops)}


def run(job: Job, until: str = "identify", progress: Progress = silent, work: Work | None = None) -> Tables:
    """Run the stages up to and including `until` and write their tables into `job.out`.

    `work` is the job's own, where its models were borrowed. Raises WhalepipeError where the command cannot go on; a
    photo that fails becomes a row of `failures`.
    """
    work = work or Work(job, progress)
    tables = Tables()
    stages = [name for name, _ in RECIPE]
    wanted = RECIPE[: stages.index(until) + 1]
    work.check([name for name, _ in wanted])
    list_photos(work, tables, until)
    for name, steps in wanted:
        rest = "match" if name == "identify" else "write"  # what is made of photos and crops counts for itself
        with work.watch(rest):
            for step in steps:
                step(work, tables)
    work.cache.pack()
    return tables


def list_photos(work: Work, tables: Tables, until: str = "") -> None:
    """Every file below RAW_DIR: what it is, when and where it was taken, with which others.

    With `until` each photo goes as far towards that stage as it can by itself while it is open (ahead.py).
    """
    found = files_of(work.job.raw_dir)
    if not found:
        raise WhalepipeError(f"{work.job.raw_dir} holds no file; give the folder that your photos lie in")
    described = []
    with ahead(work, until, len(found)) as begun:
        for file in work.each("photos", found):
            work.files[file.photo] = file
            photo, data = work.described(file)
            described.append(photo)
            if until and work.job.boxes is None:
                begun.take(photo, data)
    tables.photos = listing.arrange(described, work.config.photos)
    work.write("photos", Photo, tables.photos)


def detect_photos(work: Work, tables: Tables) -> None:
    """Boxes of each photo, found by the detector or drawn by a person."""
    drawn = work.drawn_boxes(tables.photos)
    for photo in sorted((drawn or {}).keys() - {p.photo for p in tables.photos}):
        tables.failures.append(Failure(photo, "", "detect", f"{work.job.boxes} names it, but it is not in the folder"))

    def boxes(photo: Photo) -> list[Detection]:
        if drawn is not None:
            return detecting.drawn(photo, drawn.get(photo.photo, ()))
        return boxes_of(work, photo)

    tables.detections = _for_photos(work, tables, "detect", boxes)
    work.write("detections", Detection, tables.detections)


def crop_photos(work: Work, tables: Tables) -> None:
    """Cut every box out of its full-size photo."""
    boxes = _by_photo(tables.detections)
    tables.crops = _for_photos(work, tables, "crop", lambda photo: crops_of(work, photo, boxes.get(photo.photo, [])))
    work.forget_crops(tables.photos, tables.crops)
    work.write("crops", Crop, tables.crops)


def embed_crops(work: Work, tables: Tables) -> None:
    """The vector of every crop, and how strongly the embedder answered to it."""
    for crop in work.each("embed", tables.crops):
        look = look_of(work, crop)
        tables.vectors[crop.crop], tables.responses[crop.crop] = look.vector, look.response
    work.write_vectors(tables.crops, tables.vectors)


def view_crops(work: Work, tables: Tables) -> None:
    """The side of the animal that every crop shows."""
    tables.views = [view_of(work, crop) for crop in work.each("view", tables.crops)]
    work.write("views", View, tables.views)


def grade_crops(work: Work, tables: Tables) -> None:
    """Measures and grade of every crop, kept; what is set aside under today's settings, decided anew each time."""
    photos = {p.photo: p for p in tables.photos}
    boxes = {(d.photo, d.box): d for d in tables.detections}
    said = work.overrides(tables.crops)
    least = {part: work.least_grade(part) for part in {c.part for c in tables.crops}}
    for crop in work.each("quality", tables.crops):
        look = Look(tables.vectors[crop.crop], tables.responses[crop.crop])
        row = quality_of(work, photos[crop.photo], boxes[crop.photo, crop.box], crop, look, least[crop.part])
        tables.quality.append(grading.overridden(row, said.get(crop.crop)))


def mark_crops(work: Work, tables: Tables) -> None:
    """How marked the animals are whose crops are kept."""
    asked = marking.asked(tables.crops, tables.quality)
    marked = [marks_of(work, crop) for crop in work.each("marks", asked)]
    tables.quality = marking.with_marks(tables.quality, marked)
    work.write("quality", Quality, tables.quality)


def name_species(work: Work, tables: Tables) -> None:
    """The species of every crop: candidates, kept; which of them is sure under today's threshold, made anew."""

    model = work.species_model
    keys = recipes("species", naming.VERSION, model.digest) if model else None

    def ranked(crop: Crop) -> list[Species]:
        if model is None or keys is None:
            return []
        tell = partial(naming.candidates, crop, tables.vectors[crop.crop], model)
        return work.cache.cached("species", keys(crop.part, work.embed_key(crop)), Species, tell)

    for crop in tables.crops:
        tables.species += naming.species(crop, ranked(crop), work.config.species)
    work.write("species", Species, tables.species)


def keep_ledger(work: Work, tables: Tables) -> None:
    """One row for every crop, and one for every file without."""
    findings = Findings(
        crops=_by_photo(tables.crops),
        failures={f.photo: f for f in tables.failures},
        views={v.crop: v for v in tables.views},
        quality={q.crop: q for q in tables.quality},
        species={s.crop: s for s in tables.species if s.rank == 1},
        answers={a.crop: a for a in tables.answers},
    )
    program = [findings.answer(c.crop) for c in tables.crops]
    tables.ledger = ledger(tables.photos, replace(findings, decided=_decided(work, tables, program)))
    work.write("ledger", Ledger, tables.ledger)
    expected = {"expected": tables.expected} if tables.promised else {}
    new = {"new_between": tables.between, "new_earliest": {p: asdict(n) for p, n in tables.newcomers.items()}}
    work.write_summary(tables.ledger, {**new, **expected})
    work.write("answers", Answer, program)  # the last of all: who finds it new finds the others new


def _decided(work: Work, tables: Tables, program: Sequence[Answer]) -> dict[str, Answer]:
    """What people decided about these very crops, in whichever run."""
    if work.catalog is None:
        return {}
    boxes = {(d.photo, d.box): d for d in tables.detections}
    origins = {c.crop: crop_origin(c.photo_id, c.part, boxes[c.photo, c.box]) for c in tables.crops}
    return decided(program, origins, everything_said(work.catalog))


RECIPE: Sequence[tuple[str, Sequence[Callable[[Work, Tables], None]]]] = (
    ("detect", (detect_photos,)),
    ("crop", (crop_photos,)),
    ("quality", (embed_crops, view_crops, grade_crops, mark_crops)),
    ("identify", (name_species, name_individuals, keep_ledger)),
)


def _for_photos(work: Work, tables: Tables, stage: str, make: Callable[[Photo], list[Row]]) -> list[Row]:
    """What `make` returns for each photo that has not failed; a photo that fails now becomes a row of failures."""
    failed = {f.photo for f in tables.failures}
    rows: list[Row] = []
    for photo in work.each(stage, [p for p in tables.photos if p.usable and p.photo not in failed]):
        try:
            rows += make(photo)
        except PhotoError as error:
            tables.failures.append(Failure(photo.photo, photo.photo_id, stage, str(error)))
    work.write("failures", Failure, tables.failures)
    return rows


def _by_photo(rows: Sequence[PhotoRow]) -> dict[str, list[PhotoRow]]:
    grouped: dict[str, list[PhotoRow]] = {}
    for row in rows:
        grouped.setdefault(row.photo, []).append(row)
    return grouped
