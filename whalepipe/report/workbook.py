"""results.xlsx: ledger and matches with text cells."""

from collections.abc import Sequence
from pathlib import Path

from whalepipe.formats.book import write_book
from whalepipe.tables import Ledger, Match, columns


def write_workbook(path: Path, ledger: Sequence[Ledger], matches: Sequence[Match]) -> None:
    """A sheet for each table. Raises StorageError."""
    tables = (("ledger", Ledger, ledger), ("matches", Match, matches))
    write_book(path, ((name, (names := list(columns(row))), _lines(names, rows)) for name, row, rows in tables))


def _lines(names: Sequence[str], rows: Sequence[Ledger] | Sequence[Match]) -> list[list[object]]:
    return [[getattr(r, n) for n in names] for r in rows]
