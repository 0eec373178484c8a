"""`image,xmin,xmax,ymin,ymax` tables; columns of whalepipe's own that stand beside these are read too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whalepipe.csvtable import ALL_DIGITS
from whalepipe.formats.album import Album
from whalepipe.formats.sheets import Reading, Sheet
from whalepipe.tables import BoxLabel, read_lines, write_table

HOLDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """A line of the table that is written."""

    image: str
    xmin: float | None
    xmax: float | None
    ymin: float | None
    ymax: float | None


def read(path: Path, reading: Reading) -> None:
    """Put the boxes of a table into `reading`. Raises TableError."""
    numbered, wrong = read_lines(path, BoxLabel, aliases=True)
    reading.wrong += wrong
    for line, row in numbered:
        with reading.line(f"{path}, line {line}"):
            reading.add(replace(row, photo=reading.album.name(row.photo)))


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:  # noqa: ARG001 every format is called alike
    """Write the five columns. Raises StorageError."""
    rows = [row for sheet in sheets for row in (sheet.boxes or (BoxLabel(sheet.photo),))]
    write_table(path, Line, [Line(row.photo, row.xmin, row.xmax, row.ymin, row.ymax) for row in rows], ALL_DIGITS)
