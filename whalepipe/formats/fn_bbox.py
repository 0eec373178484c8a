"""`fn,bbox` tables: a line a photo, its box as four numbers "y0 x0 y1 x1" in one cell; an empty cell: nothing in it."""

from collections.abc import Sequence
from pathlib import Path

from whalepipe.csvtable import ALL_DIGITS, read_cells, to_cell, write_cells
from whalepipe.formats.album import Album
from whalepipe.formats.sheets import LineError, Reading, Sheet, box_row, empty_row
from whalepipe.formats.tables import no_header, to_number

HOLDS: frozenset[str] = frozenset()
HEADER = ["fn", "bbox"]


def read(path: Path, reading: Reading) -> None:
    """Put the boxes of a table, with or without its header, into `reading`. Raises TableError."""
    for line, cells in no_header(read_cells(path), HEADER):
        with reading.line(f"{path}, line {line}"):
            if len(cells) != 2:
                raise LineError(f"{len(cells)} cells where fn and bbox are expected")
            photo, numbers = reading.album.name(cells[0].strip()), cells[1].split()
            if len(numbers) not in (0, 4):
                raise LineError(f"{len(numbers)} numbers where y0 x0 y1 x1 are expected")
            if numbers:
                y0, x0, y1, x1 = map(to_number, numbers)
                reading.add(box_row(photo, "", (x0, y0, x1, y1), {}))
            else:
                reading.add(empty_row(photo, {}))


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:  # noqa: ARG001 every format is called alike
    """Write the table with its header. Raises StorageError."""
    lines = [HEADER]
    for sheet in sheets:
        for box in sheet.boxes:
            x0, y0, x1, y1 = (to_cell(c, ALL_DIGITS) for c in box.corners)
            lines.append([sheet.photo, f"{y0} {x0} {y1} {x1}"])
        if sheet.empty:
            lines.append([sheet.photo, ""])
    write_cells(path, lines)
