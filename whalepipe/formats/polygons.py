"""Polygon rows `file,x1,y1,x2,y2,...`: the box around the points, however many; without points the photo is empty."""

from collections.abc import Sequence
from pathlib import Path

from whalepipe.csvtable import ALL_DIGITS, read_cells, to_cell, write_cells
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import around, corners, exact
from whalepipe.formats.sheets import LineError, Reading, Sheet, box_row, empty_row
from whalepipe.formats.tables import no_header, to_number

HOLDS: frozenset[str] = frozenset()
HEADER = ["file", "x1", "y1"]


def read(path: Path, reading: Reading) -> None:
    """Put the boxes around the polygons, with or without a header above them, into `reading`. Raises TableError."""
    for line, cells in no_header(read_cells(path), HEADER):
        with reading.line(f"{path}, line {line}"):
            name, *numbers = cells
            photo = reading.album.name(name.strip())
            while numbers and not numbers[-1].strip():  # a spreadsheet makes all lines as long as the longest
                numbers.pop()
            if len(numbers) % 2:
                raise LineError(f"{len(numbers)} numbers: an x without its y")
            values = [exact(to_number(number)) for number in numbers]
            points = list(zip(values[::2], values[1::2], strict=True))
            if points:
                reading.add(box_row(photo, "", corners(around(points)), {}))
            else:
                reading.add(empty_row(photo, {}))


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:  # noqa: ARG001 every format is called alike
    """Write each box as its four corners, clockwise from the top left, without a header. Raises StorageError."""
    lines = []
    for sheet in sheets:
        for box in sheet.boxes:
            x0, y0, x1, y1 = (to_cell(c, ALL_DIGITS) for c in box.corners)
            lines.append([sheet.photo, x0, y0, x1, y0, x1, y1, x0, y1])
        if sheet.empty:
            lines.append([sheet.photo])
    write_cells(path, lines)
