"""Rows of a dataclass as CSV and back; the dataclass is the schema.

In a CSV an absent number is an empty cell. A text cell that a spreadsheet would take for a formula gets a leading
apostrophe, which reading takes off again.
"""

import csv
import io
import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from whalepipe.errors import TableError
from whalepipe.files import write_aside

DIGITS = 10  # of a number in a table of the pipeline
ALL_DIGITS = 15  # of one that is only carried over: what another program wrote is to come out as it went in
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = re.compile('[",\r\n]')
_PLAIN = re.compile(r"\w[\w ./:-]*")
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


def to_cell(value: Any, digits: int = DIGITS) -> str:
    """A value as the text of a CSV cell; text that begins like a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
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


def write_table(path: Path, row: type, rows: Iterable[Any], digits: int = DIGITS) -> None:
    """Write rows as UTF-8 CSV, aside and renamed. Raises StorageError."""
    names = list(columns(row))
    values = attrgetter(*names)  # of one name it would give no tuple; no table has but one column
    lines = (",".join([_cell(value, digits) for value in values(r)]) + "\n" for r in rows)
    write_lines(path, [line_of(names), *lines])


def _cell(value: Any, digits: int) -> str:
    """As `to_cell`, quoted where need be; most cells are soon known not to need it."""
    kind = type(value)
    if kind is str and (not value or _PLAIN.fullmatch(value)):
        return str(value)
    if kind is float:
        return f"{value:.{digits}g}"
    if kind is int:
        return str(value)
    return _quoted(to_cell(value, digits))


def write_cells(path: Path, lines: Iterable[Iterable[str]]) -> None:
    """Write lines of cells as UTF-8 CSV, aside and renamed. Raises StorageError."""
    write_lines(path, map(line_of, lines))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the lines that `line_of` made, aside and renamed. Raises StorageError."""
    write_aside(path, "".join(lines).encode("utf-8"))


def line_of(cells: Iterable[str]) -> str:
    """A line of a CSV, its end included."""
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(cell: str) -> str:
    # Python 3.11's csv.writer leaves a carriage return bare, and reading would then break the row at it.
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def read_table(path: Path, row: type[Row], aliases: bool = False) -> list[Row]:
    """Read a CSV into rows; columns that the row does not know are passed over.

    `aliases` accepts the names of ALIASES too. Raises TableError with the file and the line of what is wrong.
    """
    numbered, wrong = read_lines(path, row, aliases)
    if wrong:
        raise TableError(wrong[0])
    return [each for _, each in numbered]


def read_lines(path: Path, row: type[Row], aliases: bool = False) -> tuple[list[tuple[int, Row]], list[str]]:
    """As `read_table`, but each row with its line in the file, and beside them all lines that are wrong, not the first.

    Raises TableError where the file is no such table at all.
    """
    lines = read_cells(path)
    _, first = next(lines, (1, []))
    header = _header(first, row, aliases)
    missing = _required(row) - set(header)
    if missing:
        raise TableError(f"{path}: no column {', '.join(sorted(missing))} in its first line")
    rows: list[tuple[int, Row]] = []
    wrong: list[str] = []
    try:
        for line, cells in lines:
            try:
                rows.append((line, _row(path, line, row, header, cells)))
            except TableError as error:
                wrong.append(str(error))
    except TableError as error:  # what follows cannot be told from the line that is no CSV
        wrong.append(str(error))
    return rows, wrong


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line of a CSV that is not blank, with the line's number. Raises TableError."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: cannot be read as CSV ({error})") from error


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without the mark that some programs put first. Raises TableError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _header(names: list[str], row: type, aliases: bool) -> list[str]:
    names = [name.strip() for name in names]
    known = columns(row)
    others = {a: name for a, name in ALIASES.items() if aliases and a not in known and name in known}
    return [others[n] if n in others and others[n] not in names else n for n in names]


def _required(row: Any) -> set[str]:
    return {f.name for f in fields(row) if f.default is MISSING}


def _row(path: Path, line: int, row: type[Row], header: list[str], cells: list[str]) -> Row:
    if len(cells) < len(header) or any(cells[len(header) :]):
        raise TableError(f"{path}, line {line}: {len(cells)} cells under {len(header)} columns")
    known = columns(row)
    values: dict[str, Any] = {}
    for name, text in zip(header, cells, strict=False):
        if name not in known:
            continue
        kind = known[name]
        if text == "" and name in _optional(row):
            values[name] = None
            continue
        try:
            values[name] = from_cell(text, kind)
        except ValueError as error:
            raise TableError(f"{path}, line {line}, column {name}: {text!r} is not a {kind.__name__}") from error
    return row(**values)
