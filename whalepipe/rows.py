"""Rows of tables: dataclasses that are not changed, but made anew."""

from dataclasses import replace
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Any)


def having(row: Row, **values: object) -> Row:
    """The row with these values; it itself where it has them already, which is often so and costs less."""
    if all(getattr(row, name) == value for name, value in values.items()):
        return row
    changed: Row = replace(row, **values)
    return changed
