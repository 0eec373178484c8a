"""Boxes for a person to correct: what the detector finds in photos without labels, the least certain photos first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whalepipe.errors import ConfigError, PhotoError, TableError
from whalepipe.files import folder_aside
from whalepipe.formats.album import Album
from whalepipe.formats.convert import FORMATS, Format, chosen
from whalepipe.formats.labelstudio import form_of
from whalepipe.formats.sheets import Guess, Sheet
from whalepipe.job import Job
from whalepipe.models.weights import Weights
from whalepipe.pipeline import Tables, detect_photos, list_photos
from whalepipe.progress import Progress, silent
from whalepipe.store import folder_of
from whalepipe.tables import DUPLICATE, SKIPPED, BoxLabel, Detection, Photo, read_table, write_table
from whalepipe.work import Work

LEAST = 0.01  # confidence of a box that counts for the order: below it, none says anything
ORDER = "order.csv"  # in the folder of a format whose files have no order


@dataclass(frozen=True)
class Wish:
    """Which boxes to write, and how."""

    format: str
    confidence: float  # boxes below this are not written; they still count for the order
    count: int | None = None  # photos at most
    labelled: tuple[Path, ...] = ()  # CSV tables of boxes: their photos are left out


@dataclass(frozen=True)
class Suggested:
    """What was written, the photos that could not be looked at, and what else there is to say."""

    boxes: int
    photos: int
    empty: int  # photos in which the detector found nothing
    failed: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Place:
    """A photo in the order in which to look at them."""

    photo: str
    uncertainty: float
    boxes: int
    surest: float | None  # confidence of its surest box


def uncertainty(confidences: Sequence[float], threshold: float) -> float:
    """How little is certain about a photo, 0 to 1: that of its least certain detection; 0 where there is none.

    Brust, Käding and Denzler 2019, "Active learning for deep object detection", section 3: for each detection the
    margin between its two likeliest classes (1-vs-2), as (1 - margin) ** 2, and the largest of these for the image.
    The two classes here are animal and none. What decides between them is `threshold`, the least confidence that
    counts as found, so confidences below and above it are stretched such that it stands for even odds: on unseen
    photos that brings more of the detector's errors to the front than 0.5 does (scripts/suggest_trial.py).
    """
    return round(max((_close(sure, threshold) for sure in confidences), default=0.0), 4)


def _close(confidence: float, threshold: float) -> float:
    """1 at the threshold, falling to 0 where the confidence is 0 or 1."""
    if confidence < threshold:
        return (confidence / threshold) ** 2
    return ((1 - confidence) / (1 - threshold)) ** 2 if threshold < 1 else 1.0


def suggest(job: Job, out: Path, wish: Wish, progress: Progress = silent) -> Suggested:
    """Write the detector's boxes in the photos of `job.raw_dir` that have no labels; photos without boxes too.

    The least certain photo comes first, those equally certain by name. What was found is kept in `job.out`, so that
    a second call goes on where the first was stopped. Nothing is written where no photo is left, nor over what is
    there. A photo that cannot be read is named in the result. Raises ConfigError, TableError (a table of labels),
    WeightsError, StorageError.
    """
    raw_dir = folder_of(job.raw_dir)
    form, album = _format(wish.format), Album(raw_dir)
    _refuse(out, raw_dir, form)
    looked = _look(job, wish, progress)
    sheets, nameless = _reachable(_sheets(looked, wish, job.config.detect.confidence), album)
    first = sheets[: wish.count]
    if first:
        _write(form, first, out, album)
    failed = [f"{p.photo}: {p.error}" for p in looked.tables.photos if p.failed]
    failed += [f"{f.photo}: {f.error}" for f in looked.tables.failures]
    notes = [*_left_out(looked, len(sheets) - len(first)), *(_hints(wish.format, out, album) if first else [])]
    boxes, empty = sum(len(s.boxes) for s in first), sum(not s.boxes for s in first)
    return Suggested(boxes, len(first), empty, failed + nameless, notes)


@dataclass(frozen=True)
class _Looked:
    """The photos without labels and all that was found in them."""

    tables: Tables
    weights: Weights
    labelled: int  # files that were left out, for there are labels


def _look(job: Job, wish: Wish, progress: Progress) -> _Looked:
    labelled = {path: {row.photo for row in read_table(path, BoxLabel, aliases=True)} for path in wish.labelled}
    floor = replace(job.config.detect, confidence=min(LEAST, wish.confidence))
    work = Work(replace(job, config=replace(job.config, detect=floor)), progress)
    work.check(["detect"])
    tables = Tables()
    list_photos(work, tables)
    listed = len(tables.photos)
    tables.photos = _unlabelled(tables.photos, labelled, folder_of(job.raw_dir))
    detect_photos(work, tables)
    return _Looked(tables, work.detector_weights, listed - len(tables.photos))


def _format(name: str) -> Format:
    """The format, which a person can correct boxes in. Raises ConfigError."""
    form = chosen(name)
    if not form.opened:
        opened = ", ".join(known for known, each in FORMATS.items() if each.opened)
        raise ConfigError(f"--format {name}: no program in which boxes are corrected opens it; use one of {opened}")
    return form


def _refuse(out: Path, photos: Path, form: Format) -> None:
    """Corrections are days of a person's work, and may have been saved into the file that was suggested."""
    try:
        among = out.resolve().is_relative_to(photos.resolve())
        free = not any(out.iterdir()) if form.folder and out.is_dir() else not out.exists()
    except (OSError, RuntimeError) as error:  # no permission; links that lead round in a circle
        raise ConfigError(f"--out {out} cannot be used ({error})") from error
    if among:
        raise ConfigError(f"{out} would lie among the photos; choose another place with --out")
    if not free:
        raise ConfigError(f"{out} is there already and may hold corrections; choose another place with --out")


def _unlabelled(photos: Sequence[Photo], labelled: dict[Path, set[str]], folder: Path) -> list[Photo]:
    """The photos that no table names, nor a double of theirs. Raises TableError for a table of other photos."""
    for path, names in labelled.items():
        if not names & {p.photo for p in photos}:
            raise TableError(f"{path}: none of its photos lies in {folder}; correct their paths, or do without it")
    named: set[str] = set().union(*labelled.values())
    seen = {p.photo_id for p in photos if p.photo in named and p.photo_id}
    return [p for p in photos if p.photo not in named and p.photo_id not in seen]


def _sheets(looked: _Looked, wish: Wish, threshold: float) -> list[Sheet]:
    """What is suggested for each photo that could be looked at, the least certain first."""
    tables, weights = looked.tables, looked.weights
    found: dict[str, list[Detection]] = {}
    for detection in tables.detections:
        found.setdefault(detection.photo, []).append(detection)
    failed = {f.photo for f in tables.failures}
    photos = [p for p in tables.photos if p.usable and p.photo not in failed]
    parts = tuple(str(part) for part in weights.card.get("parts") or ())

    def sheet(photo: Photo) -> Sheet:
        every = found.get(photo.photo, [])
        kept = [d for d in every if d.confidence >= wish.confidence]
        boxes = tuple(_box(d, photo.encounter, f"detector {weights.digest[:8]}") for d in kept)
        unsure = uncertainty([d.confidence for d in every], threshold)
        guess = Guess(tuple(d.confidence for d in kept), unsure, weights.digest, parts)
        nothing = None if boxes else BoxLabel(photo.photo, photo.encounter)
        return Sheet(photo.photo, (photo.width or 0, photo.height or 0), boxes, nothing, guess)

    return sorted(map(sheet, photos), key=lambda s: (-s.uncertainty, s.photo))


def _box(found: Detection, encounter: str, drawn_by: str) -> BoxLabel:
    corners = found.xmin, found.ymin, found.xmax, found.ymax
    return BoxLabel(found.photo, encounter, found.part, *corners, drawn_by=drawn_by)


def _reachable(sheets: Sequence[Sheet], album: Album) -> tuple[list[Sheet], list[str]]:
    """Those whose photo another program can find by its name, and why the others cannot be."""
    kept, wrong = [], []
    for sheet in sheets:
        try:
            album.name(sheet.photo)
        except PhotoError as error:  # bytes that are no text, for instance
            wrong.append(f"{sheet.photo}: {error}; rename it")
        else:
            kept.append(sheet)
    return kept, wrong


def _write(form: Format, sheets: Sequence[Sheet], out: Path, album: Album) -> None:
    if not form.folder:
        form.write(sheets, out, album)
        return
    with folder_aside(out) as folder:
        form.write(sheets, folder, album)
        write_table(folder / ORDER, Place, [_place(sheet) for sheet in sheets])


def _place(sheet: Sheet) -> Place:
    sure = sheet.guess.confidences if sheet.guess else ()
    return Place(sheet.photo, sheet.uncertainty, len(sure), max(sure, default=None))


def _left_out(looked: _Looked, more: int) -> list[str]:
    """How many files are not in what was written, and why."""
    errors = [p.error for p in looked.tables.photos]
    counts = {
        "photos left out that have labels": looked.labelled,
        "photos left out that are the same bytes as another": sum(e.startswith(DUPLICATE) for e in errors),
        "files left out that are no photos which can be read": sum(e.startswith(SKIPPED) for e in errors),
        "more certain photos left for another time": more,
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _hints(name: str, out: Path, album: Album) -> list[str]:
    """What to know before the file is opened."""
    if name != "labelstudio":
        return [f"{name} does not say who looked at a photo: when it is imported, every photo in it counts as labelled"]
    above = (album.root or Path()).resolve().parent
    return [
        f"the labelling form of the project is {form_of(out)}: paste it in before the tasks are imported",
        f"Label Studio shows the photos where LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT is {above}, "
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED is true and their folder is a storage of the project",
    ]
