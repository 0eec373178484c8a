"""Labels from and to the formats of other programs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whalepipe.csvtable import ALL_DIGITS
from whalepipe.errors import ConfigError, TableError
from whalepipe.formats import coco, fn_bbox, labelstudio, megadetector, minmax, polygons, voc, xywh, yolo
from whalepipe.formats.album import Album
from whalepipe.formats.guess import guess
from whalepipe.formats.sheets import EXTRAS, Reading, Sheet, gather
from whalepipe.tables import BoxLabel, read_lines, write_table


@dataclass(frozen=True)
class Format:
    """A foreign format: how it is read and written, and what of a row it has a place for."""

    read: Callable[[Path, Reading], None]
    write: Callable[[Sequence[Sheet], Path, Album], None]
    holds: frozenset[str]
    sized: bool = True  # whether the photos' sizes are written
    folder: bool = False  # whether it is written as a folder
    opened: bool = True  # whether there are programs in which a person corrects boxes that open it


FORMATS = {
    "yolo": Format(yolo.read, yolo.write, yolo.HOLDS, folder=True),
    "coco": Format(coco.read, coco.write, coco.HOLDS),
    "voc": Format(voc.read, voc.write, voc.HOLDS, folder=True),
    "megadetector": Format(megadetector.read, megadetector.write, megadetector.HOLDS),
    "labelstudio": Format(labelstudio.read, labelstudio.write, labelstudio.HOLDS),
    "fn-bbox": Format(fn_bbox.read, fn_bbox.write, fn_bbox.HOLDS, sized=False, opened=False),
    "polygons": Format(polygons.read, polygons.write, polygons.HOLDS, sized=False, opened=False),
    "minmax": Format(minmax.read, minmax.write, minmax.HOLDS, sized=False, opened=False),
    "xywh": Format(xywh.read, xywh.write, xywh.HOLDS, sized=False, opened=False),
}


@dataclass(frozen=True)
class Converted:
    """What was written, the lines that could not be, and what else there is to say."""

    format: str
    boxes: int
    photos: int
    empty: int  # photos in which nothing is
    wrong: list[str]
    notes: list[str]


def import_labels(
    source: Path,
    out: Path,
    format: str = "",
    photos: Path | None = None,
    parts: Sequence[str] = (),
    encounter: str = "",
    least_confidence: float = 0.0,
) -> Converted:
    """Write a label file in whalepipe's own CSV; its wrong lines are left out and named.

    `format` is told from the content where it is not given. `parts` are what boxes show that say nothing, and
    "FROM=TO" to rename; `encounter` is that of rows without one. Nothing is written where no line can be used.
    Raises ConfigError, TableError (the file as a whole is not of that format), StorageError.
    """
    if not source.exists():
        raise ConfigError(f"{source} does not exist; give the label file, or the folder of label files")
    name = format or guess(source)
    _refuse_same(source, out)
    folder = yolo.photos_of(source) if name == "yolo" and photos is None else photos
    reading = Reading(Album(folder), least_confidence)
    chosen(name).read(source, reading)
    rows = _completed(reading.rows, parts, encounter, source)
    notes = [f"{count} {what}" for what, count in reading.passed_over.items() if count]
    if rows:
        write_table(out, BoxLabel, rows, ALL_DIGITS)
    elif not reading.wrong:
        raise TableError(f"{source}: nothing is said of any photo in it{''.join(f'; {note}' for note in notes)}")
    return _converted(name, rows, reading.wrong, notes)


def export_labels(table: Path, out: Path, format: str, photos: Path | None = None) -> Converted:
    """Write whalepipe's own CSV in another format; rows that cannot be written are left out and named.

    Nothing is written where no row can be. Raises ConfigError, TableError, StorageError.
    """
    form = chosen(format)
    _refuse_same(table, out)
    if photos is None and form.sized:
        raise ConfigError(f"{format} needs the sizes of the photos: give their folder with --photos")
    if form.folder and photos is not None and out.resolve().is_relative_to(photos.resolve()):
        raise ConfigError(f"{out} would lie among the photos; choose another place with --out")
    numbered, wrong = read_lines(table, BoxLabel, aliases=True)
    reading = Reading(Album(photos), wrong=wrong)
    sheets = gather(numbered, reading, str(table), form.sized)
    if "part" in form.holds and any(not box.part for sheet in sheets for box in sheet.boxes):
        raise TableError(f"{table}: there are boxes without a part; say in its column `part` what they show")
    if sheets:
        form.write(sheets, out, reading.album)
    elif not wrong:
        raise TableError(f"{table}: no rows in it")
    return _converted(format, reading.rows, reading.wrong, _lost(format, form, reading.rows))


def chosen(name: str) -> Format:
    """The format of that name. Raises ConfigError."""
    if name not in FORMATS:
        raise ConfigError(f"--format {name}: not one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _refuse_same(source: Path, out: Path) -> None:
    if source.resolve() == out.resolve():
        raise ConfigError(f"{out} is what is to be read; choose another place with --out")


def _completed(rows: Sequence[BoxLabel], parts: Sequence[str], encounter: str, source: Path) -> list[BoxLabel]:
    """The rows with what was said for all of them. Raises ConfigError where a box has no part then."""
    renamed = dict(text.split("=", 1) for text in parts if "=" in text)
    rest = [text for text in parts if "=" not in text]
    if len(rest) > 1:
        raise ConfigError(f"--part {' and '.join(rest)}: boxes that say nothing can show one part only")
    default = rest[0] if rest else ""
    done = []
    for row in rows:
        part = renamed.get(row.part, row.part) or ("" if row.says_empty else default)
        done.append(replace(row, part=part, encounter=row.encounter or encounter))
    nameless = sum(not row.part and not row.says_empty for row in done)
    if nameless:
        raise ConfigError(f"{source}: {nameless} boxes without a part; say what they show, such as --part fluke")
    return done


def _lost(name: str, form: Format, rows: Sequence[BoxLabel]) -> list[str]:
    """What the format has no place for, of what the rows hold."""
    fields = [field for field in ("part", "encounter", *EXTRAS) if field not in form.holds]
    counts = Counter(field for row in rows for field in fields if getattr(row, field))
    if not counts:
        return []
    what = ", ".join(f"{field} ({counts[field]} rows)" for field in fields if counts[field])
    again = [f"--{field}" for field in ("part", "encounter") if counts[field]]
    hint = f"; on import {' and '.join(again)} can be given again" if again else ""
    return [f"{name} has no place for {what}: left out{hint}"]


def _converted(name: str, rows: Sequence[BoxLabel], wrong: list[str], notes: list[str]) -> Converted:
    boxed = {row.photo for row in rows if not row.says_empty}
    photos = {row.photo for row in rows}
    boxes = sum(not row.says_empty for row in rows)
    return Converted(name, boxes, len(photos), len(photos - boxed), wrong, notes)
