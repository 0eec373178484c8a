"""The tables between the stages. A row's dataclass is its schema, its documentation and its CSV header.

Numbers are rounded where a row is made, so that what is compared later is what was written. In a CSV an absent
number is an empty cell. A text cell that a spreadsheet would take for a formula gets a leading apostrophe, which
reading takes off again.
"""

import csv
import io
import types
import typing
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from whalepipe.errors import TableError
from whalepipe.files import write_aside

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SKIPPED = "skipped: "
DUPLICATE = "duplicate: "
NEW = "new"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Photo:
    """One file below RAW_DIR. A file that is not used as a photo has its cause in `error`."""

    photo: str  # path below RAW_DIR, "/" between its parts
    photo_id: str = ""  # sha256 of the file's bytes, hex; empty where they could not be read
    width: int | None = None  # pixels, upright
    height: int | None = None
    taken_at: str = ""  # ISO 8601, with fractions of a second and offset where the camera wrote them
    latitude: float | None = None  # degrees north
    longitude: float | None = None  # degrees east
    camera: str = ""
    burst: str = ""
    encounter: str = ""
    error: str = ""

    @property
    def usable(self) -> bool:
        """Whether the stages look at this photo."""
        return not self.error


@dataclass(frozen=True)
class Detection:
    """One part of one animal in one photo; pixels of the upright full-size photo, origin top left."""

    photo: str
    photo_id: str
    box: int  # 0, 1, ... within the photo
    part: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    confidence: float


@dataclass(frozen=True)
class Crop:
    """A file in crops/: one part of one animal, upright, with a margin."""

    crop: str
    photo: str
    photo_id: str
    box: int
    part: str
    width: int
    height: int


@dataclass(frozen=True)
class Embedding:
    """Where a crop's unit vector lies in embeddings.npy, and the digest of the weights that made it."""

    crop: str
    row: int
    weights: str


@dataclass(frozen=True)
class View:
    """Which side of the animal a crop shows: left, right, ventral, dorsal or unknown."""

    crop: str
    view: str
    probability: float | None


@dataclass(frozen=True)
class Quality:
    """Named measures of a crop (see stages/quality.py for their units), the grade, and why it is set aside."""

    crop: str
    size: float
    sharpness: float
    exposure: float
    contrast: float
    completeness: float
    grade: float
    keep: bool
    reason: str


@dataclass(frozen=True)
class Species:
    """A candidate species of a crop, best first."""

    crop: str
    rank: int
    species: str
    common_name: str
    aphia_id: int | None
    probability: float | None


@dataclass(frozen=True)
class Match:
    """A candidate individual of a crop, or `new`, best first."""

    crop: str
    rank: int
    individual: str
    probability: float
    score: float | None
    gallery_crop: str
    gallery_encounter: str
    gallery_view: str
    weights: str


@dataclass(frozen=True)
class Ledger:
    """What became of each file and each crop; one state each."""

    photo: str
    photo_id: str
    taken_at: str
    encounter: str
    crop: str
    part: str
    view: str
    state: str
    species: str
    individual: str
    probability: float | None
    reason: str


STATES = ("identified", "new", "unsure", "rejected", "empty", "duplicate", "skipped", "failed")


@dataclass(frozen=True)
class Failure:
    """A photo that a stage could not work on, and why."""

    photo: str
    photo_id: str
    stage: str
    error: str


@dataclass(frozen=True)
class BoxLabel:
    """A box that a person drew. `part` may be given as `label`; a photo without animals has empty corners."""

    photo: str
    encounter: str = ""
    part: str = ""
    xmin: float | None = None
    ymin: float | None = None
    xmax: float | None = None
    ymax: float | None = None
    individual: str = ""
    view: str = ""
    species: str = ""


@dataclass(frozen=True)
class CropLabel:
    """Who a ready crop shows, as a person said."""

    crop: str
    encounter: str = ""
    individual: str = ""
    part: str = ""
    view: str = ""
    species: str = ""


Row = TypeVar("Row")
# Other names under which public label tables give the same thing.
ALIASES = {"label": "part", "image": "photo", "filename": "photo", "individual_id": "individual"}


def columns(row: Any) -> dict[str, type]:
    """The columns of a row class in their order, each with the type of its cells (None taken off)."""
    hints = _hints(row)
    return {f.name: _without_none(hints[f.name]) for f in fields(row)}


def _without_none(hint: Any) -> type:
    if isinstance(hint, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    return typing.cast("type", hint)


def _optional(row: Any) -> frozenset[str]:
    return frozenset(name for name, hint in _hints(row).items() if isinstance(hint, types.UnionType))


@cache
def _hints(row: Any) -> dict[str, Any]:
    return typing.get_type_hints(row)


def to_cell(value: Any) -> str:
    """A value as the text of a CSV cell; text that begins like a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    guarded = isinstance(value, str) and text.lstrip("'").startswith(FORMULA_STARTS)
    return "'" + text if guarded else text


def from_cell(text: str, kind: type) -> Any:
    """The value of a CSV cell: the reverse of `to_cell`. Raises ValueError where the text is not of that kind."""
    if kind is str:
        return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS) else text
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    return kind(text)


def write_table(path: Path, row: type, rows: Iterable[Any]) -> None:
    """Write rows as UTF-8 CSV, aside and renamed. Raises StorageError."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    names = list(columns(row))
    writer.writerow(names)
    writer.writerows([to_cell(getattr(r, n)) for n in names] for r in rows)
    write_aside(path, out.getvalue().encode("utf-8"))


def read_table(path: Path, row: type[Row], aliases: bool = False) -> list[Row]:
    """Read a CSV into rows; columns that the row does not know are passed over.

    `aliases` accepts the names of ALIASES too. Raises TableError with the file and the line of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [_column(name.strip(), row, aliases) for name in next(reader, [])]
    missing = _required(row) - set(header)
    if missing:
        raise TableError(f"{path}: no column {', '.join(sorted(missing))} in its first line")
    rows = []
    for cells in reader:
        if any(cells):
            rows.append(_row(path, reader.line_num, row, dict(zip(header, cells, strict=False))))
    return rows


def _column(name: str, row: type, aliases: bool) -> str:
    known = columns(row)
    return ALIASES[name] if aliases and name not in known and ALIASES.get(name) in known else name


def _required(row: Any) -> set[str]:
    return {f.name for f in fields(row) if f.default is MISSING}


def _row(path: Path, line: int, row: type[Row], cells: dict[str, str]) -> Row:
    values: dict[str, Any] = {}
    for name, kind in columns(row).items():
        if name not in cells:
            continue
        text = cells[name]
        if text == "" and name in _optional(row):
            values[name] = None
            continue
        try:
            values[name] = from_cell(text, kind)
        except ValueError as error:
            raise TableError(f"{path}, line {line}, column {name}: {text!r} is not a {kind.__name__}") from error
    try:
        return row(**values)
    except TypeError as error:
        raise TableError(f"{path}, line {line}: too few cells") from error
