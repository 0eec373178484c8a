"""`filename,x,y,w,h` tables: left, top, width, height in pixels; whalepipe's own columns beside these are read too."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whalepipe.csvtable import ALL_DIGITS
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import corners, exact, plain, rectangle
from whalepipe.formats.sheets import LineError, Reading, Sheet, box_row, empty_row, known
from whalepipe.formats.tables import finite
from whalepipe.tables import read_lines, write_table

HOLDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """A line of the table that is written."""

    filename: str
    x: float | None
    y: float | None
    w: float | None
    h: float | None


@dataclass(frozen=True)
class Found:
    """A line of a table that is read."""

    photo: str
    x: float | None
    y: float | None
    w: float | None
    h: float | None
    part: str = ""
    encounter: str = ""
    individual: str = ""
    view: str = ""
    species: str = ""
    drawn_by: str = ""


def read(path: Path, reading: Reading) -> None:
    """Put the boxes of a table into `reading`. Raises TableError."""
    numbered, wrong = read_lines(path, Found, aliases=True)
    reading.wrong += wrong
    for line, found in numbered:
        with reading.line(f"{path}, line {line}"):
            photo = reading.album.name(found.photo)
            sides = [side for side in (found.x, found.y, found.w, found.h) if side is not None]
            if not sides:
                reading.add(empty_row(photo, known(vars(found))))
                continue
            if len(sides) < 4:
                raise LineError("one of x, y, w, h is missing")
            x, y, width, height = (exact(finite(side)) for side in sides)
            reading.add(box_row(photo, found.part, corners((x, y, width, height)), known(vars(found))))


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:  # noqa: ARG001 every format is called alike
    """Write the five columns. Raises StorageError."""
    lines = []
    for sheet in sheets:
        for box in sheet.boxes:
            x, y, width, height = (float(plain(v)) for v in rectangle(box))
            lines.append(Line(sheet.photo, x, y, width, height))
        if sheet.empty:
            lines.append(Line(sheet.photo, None, None, None, None))
    write_table(path, Line, lines, ALL_DIGITS)
