"""What a stage made, kept under its cause.

The key of an entry is a digest of all that could change its content (`recipe`), so an entry is never stale; it is
either there or not. An entry carries a digest of itself: one that was damaged on disk counts as absent and is made
again. Entries are written aside and renamed, so a kill leaves none by halves and two processes may share a folder.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from whalepipe.files import write_aside

Row = TypeVar("Row")


def recipe(stage: str, version: int, *causes: Any) -> str:
    """The key of what a stage makes from these causes: texts, numbers, configuration dataclasses, lists of them."""
    text = json.dumps([stage, version, *causes], default=_plain, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"a {type(value).__name__} cannot be part of a recipe")


@dataclass(frozen=True)
class Cache:
    """Entries in a folder of the output; safe to delete as a whole."""

    folder: Path

    def cached(self, stage: str, key: str, row: type[Row], make: Callable[[], Sequence[Row]]) -> list[Row]:
        """The rows kept under `key`; where there are none, those that `make` returns, kept for the next time.

        What `make` raises passes through and nothing is kept. Raises StorageError where the entry cannot be written.
        """
        rows = self.load(stage, key, row)
        if rows is None:
            rows = list(make())
            self.store(stage, key, rows)
        return rows

    def load(self, stage: str, key: str, row: type[Row]) -> list[Row] | None:
        """The rows kept under `key`, or None where there are none or the entry is damaged."""
        try:
            head, _, body = self._path(stage, key).read_bytes().partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != head:
                return None
            return [row(**values) for values in json.loads(body)]
        except (OSError, ValueError, TypeError):
            return None

    def store(self, stage: str, key: str, rows: Sequence[Any]) -> None:
        """Keep rows (dataclasses of plain values) under `key`."""
        body = json.dumps([dataclasses.asdict(r) for r in rows], ensure_ascii=True).encode()
        write_aside(self._path(stage, key), hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def folders(self) -> list[Path]:
        """Where entries lie."""
        try:
            return list(self.folder.glob("*/??"))
        except OSError:
            return []

    def _path(self, stage: str, key: str) -> Path:
        return self.folder / stage / key[:2] / f"{key}.json"
