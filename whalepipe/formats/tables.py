"""What the formats that are plain tables of numbers share."""

import math
from collections.abc import Iterator

from whalepipe.formats.sheets import LineError

Lines = Iterator[tuple[int, list[str]]]


def no_header(lines: Lines, header: list[str]) -> Lines:
    """The lines without the first one, if that begins with the names of the columns."""
    for place, (line, cells) in enumerate(lines):
        if place or [cell.strip().lower() for cell in cells[: len(header)]] != header:
            yield line, cells


def to_number(text: str) -> float:
    """A finite number. Raises LineError."""
    try:
        number = float(text)
    except ValueError as error:
        raise LineError(f"{text.strip()!r} is not a number") from error
    return finite(number)


def finite(number: float) -> float:
    """The number. Raises LineError for infinity and for what is not a number."""
    if not math.isfinite(number):
        raise LineError(f"{number} is not a finite number")
    return number
