"""results.xlsx: ledger and matches with text cells, because a spreadsheet turns the id `12E5` into a number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from whalepipe.files import aside
from whalepipe.tables import Ledger, Match, columns


def write_workbook(path: Path, ledger: Sequence[Ledger], matches: Sequence[Match]) -> None:
    """A sheet for each table; numbers stay numbers, everything else is text, also what begins like a formula."""
    with aside(path) as temporary:  # all of it: openpyxl writes its sheets to disk as they grow
        book = Workbook(write_only=True)
        for name, row, rows in (("ledger", Ledger, ledger), ("matches", Match, matches)):
            sheet = book.create_sheet(name)
            names = list(columns(row))
            sheet.append(names)
            for r in rows:
                sheet.append([_cell(sheet, getattr(r, n)) for n in names])
        book.save(temporary)


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    try:
        cell = WriteOnlyCell(sheet, value=str(value))
    except IllegalCharacterError:  # a control character, which a workbook cannot hold
        cell = WriteOnlyCell(sheet, value=str(value).encode("unicode_escape").decode())
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
