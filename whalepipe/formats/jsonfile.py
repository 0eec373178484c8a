"""JSON label files: read with the line of everything in them, written readably."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from whalepipe.csvtable import read_text
from whalepipe.errors import TableError
from whalepipe.files import write_aside
from whalepipe.formats.sheets import LineError

LARGEST = 1e12  # of numbers that mean anything here; NaN and infinity, which Python's JSON knows, are no smaller
_SPACE = " \t\r\n"


class Document:
    """A JSON file. `tree` is what it holds; `where` names a place in it."""

    def __init__(self, path: Path) -> None:
        """Raises TableError with the line where the file is no JSON."""
        self.path = path
        self._text = read_text(path)
        self._inner: dict[int, dict[str | int, int]] = {}
        try:
            self.tree: Any = json.loads(self._text)
        except json.JSONDecodeError as error:
            where = f"{path}, line {error.lineno}, column {error.colno}"
            raise TableError(f"{where}: cannot be read as JSON ({error.msg})") from error
        except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
            raise TableError(f"{path}: cannot be read as JSON ({error})") from error

    def where(self, *keys: str | int) -> str:
        """File, line and name of a place, such as ("images", 3, "detections", 0). Only asked for what is wrong."""
        at = self._skip(0)
        for key in keys:
            at = self._children(at)[key]
        name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        return f"{self.path}, line {bisect_left(self._breaks, at) + 1}, {name.removeprefix('.')}"

    @cached_property
    def _breaks(self) -> list[int]:
        return [at for at, letter in enumerate(self._text) if letter == "\n"]

    def _children(self, at: int) -> dict[str | int, int]:
        """Where the values of the object or list that begins at `at` begin."""
        if at not in self._inner:
            self._inner[at] = self._look_into(at)
        return self._inner[at]

    def _look_into(self, at: int) -> dict[str | int, int]:
        decoder, text = json.JSONDecoder(), self._text
        named = text[at] == "{"
        found: dict[str | int, int] = {}
        at = self._skip(at + 1)
        while text[at] not in "]}":
            key: str | int = len(found)
            if named:
                key, at = decoder.raw_decode(text, at)
                at = self._skip(self._skip(at) + 1)  # over the colon
            found[key] = at
            at = self._skip(decoder.raw_decode(text, at)[1])
            at = self._skip(at + 1) if text[at] == "," else at
        return found

    def _skip(self, at: int) -> int:
        while self._text[at] in _SPACE:
            at += 1
        return at


def write_json(path: Path, tree: Any) -> None:
    """Write JSON as UTF-8 with a line for each item of its lists, aside and renamed. Raises StorageError."""
    write_aside(path, (_listing(tree) + "\n").encode("utf-8"))


def _listing(tree: Any) -> str:
    if isinstance(tree, dict):
        values = (f"{_dumped(key)}: {_listing(v) if isinstance(v, list) else _dumped(v)}" for key, v in tree.items())
        return "{\n" + ",\n".join(values) + "\n}"
    return "[\n" + ",\n".join(map(_dumped, tree)) + "\n]"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def items(tree: Any, key: str, document: Document) -> list[Any]:
    """The list that a file must hold under `key`. Raises TableError."""
    found = tree.get(key) if isinstance(tree, dict) else None
    if not isinstance(found, list):
        raise TableError(f"{document.path}: no list `{key}` in it")
    return found


def mapping(value: Any) -> dict[str, Any]:
    """An object of the file. Raises LineError for anything else."""
    if not isinstance(value, dict):
        raise LineError(f"{_shown(value)} where an object {{...}} is expected")
    return value


def listed(item: dict[str, Any], key: str) -> list[Any]:
    """A list of an object. Raises LineError."""
    value = _value(item, key)
    if not isinstance(value, list):
        raise LineError(f"`{key}` is {_shown(value)}, not a list")
    return value


def text(item: dict[str, Any], key: str) -> str:
    """A text of an object. Raises LineError."""
    value = _value(item, key)
    if not isinstance(value, str) or not value:
        raise LineError(f"`{key}` is {_shown(value)}, not a text")
    return value


def label(item: dict[str, Any], key: str) -> str | int:
    """What something is known by in its file: a text or a whole number. Raises LineError."""
    value = _value(item, key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LineError(f"`{key}` is {_shown(value)}, not a number or a text")
    return value


def number(item: dict[str, Any], key: str) -> float:
    """A finite number of an object. Raises LineError."""
    return _number(_value(item, key), key)


def numbers(item: dict[str, Any], key: str, count: int) -> Sequence[float]:
    """A list of so many finite numbers. Raises LineError."""
    found = listed(item, key)
    if len(found) != count:
        raise LineError(f"`{key}` has {len(found)} numbers, not {count}")
    return [_number(value, key) for value in found]


def size(item: dict[str, Any], width: str = "width", height: str = "height") -> tuple[int, int] | None:
    """Width and height in pixels; None where the object gives none. Raises LineError."""
    if item.get(width) is None and item.get(height) is None:
        return None
    found = number(item, width), number(item, height)
    if not all(side >= 1 and side == int(side) for side in found):
        raise LineError(f"a photo of {found[0]:g} x {found[1]:g} pixels")
    return int(found[0]), int(found[1])


def _value(item: dict[str, Any], key: str) -> Any:
    if key not in item:
        raise LineError(f"no `{key}`")
    return item[key]


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST < value < LARGEST:
        raise LineError(f"{_shown(value)} in `{key}` is not a finite number")
    return float(value)


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else shown[:37] + "..."
