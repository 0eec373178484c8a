"""Capture histories as a plain table: a row for each animal, a column of 0 and 1 for each occasion.

No program's own format: any that takes a matrix of captures can be fed from it, as R by `read.csv(file,
row.names="individual", check.names=FALSE)`.
"""

from pathlib import Path

from whalepipe.csvtable import to_cell, write_cells
from whalepipe.formats.results.given import Given
from whalepipe.formats.results.histories import histories


def write(given: Given, path: Path) -> list[str]:
    """Write the table; returns what it has no place for. Raises ConfigError, StorageError."""
    found = histories(given)
    rows = [[to_cell(who), *map(str, captures)] for who, captures in found.seen]
    write_cells(path, [["individual", *found.occasions], *rows])
    return list(found.notes)
