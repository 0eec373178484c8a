"""Workbooks with text cells, because a spreadsheet turns the id `12E5` into a number."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from whalepipe.files import aside

Lines = Iterable[Sequence[Any]]


def write_book(path: Path, sheets: Iterable[tuple[str, Sequence[str], Lines]]) -> None:
    """A sheet for each name, header and lines. Numbers and times stay such, all else is text, also what begins like a
    formula. Raises StorageError."""
    with aside(path) as temporary:  # all of it: openpyxl writes its sheets to disk as they grow
        book = Workbook(write_only=True)
        for name, header, lines in sheets:
            sheet = book.create_sheet(name)
            sheet.append(list(header))
            for line in lines:
                sheet.append([_cell(sheet, value) for value in line])
        book.save(temporary)


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or (isinstance(value, int | float | datetime) and not isinstance(value, bool)):
        return value
    try:
        cell = WriteOnlyCell(sheet, value=str(value))
    except IllegalCharacterError:  # a control character, which a workbook cannot hold
        cell = WriteOnlyCell(sheet, value=str(value).encode("unicode_escape").decode())
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
