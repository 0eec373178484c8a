"""What a stage made, kept under its cause.

The key of an entry is a digest of all that could change its content (`recipe`), so an entry is never stale; it is
either there or not. An entry carries a digest of itself: one that was damaged on disk counts as absent and is made
again. Entries are written aside and renamed, so a kill leaves none by halves and two processes may share a folder.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, TypeVar

from whalepipe.files import write_aside

Row = TypeVar("Row")


def recipe(stage: str, version: int, *causes: Any) -> str:
    """The key of what a stage makes from these causes: texts, numbers, configuration dataclasses, lists of them."""
    return recipes(stage, version)(*causes)


def recipes(stage: str, version: int, *causes: Any) -> Callable[..., str]:
    """As `recipe`, for many keys that have these causes in common: takes the other ones, returns the key."""
    begun = hashlib.sha256(_text([stage, version, *causes])[:-1].encode())

    def key(*others: Any) -> str:
        whole = begun.copy()
        # What the encoder makes of a text, without the encoder: nearly all causes are texts.
        texts = (encode_basestring_ascii(c) if type(c) is str else _text(c) for c in others)
        whole.update("".join(f", {text}" for text in texts).encode() + b"]")
        return whole.hexdigest()

    return key


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # What is in it json asks for in its turn; dataclasses.asdict would copy all of it first.
        return {name: getattr(value, name) for name in _names(type(value))}
    raise TypeError(f"a {type(value).__name__} cannot be part of a recipe")


@functools.cache
def _names(row: type) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(row))


_text = json.JSONEncoder(default=_plain, sort_keys=True).encode


@dataclass(frozen=True)
class Cache:
    """Entries in a folder of the output; safe to delete as a whole."""

    folder: Path
    _held: dict[tuple[str, str], list[Any]] = field(default_factory=dict, compare=False, repr=False)
    _holds: list[bool] = field(default_factory=list, compare=False, repr=False)

    def cached(self, stage: str, key: str, row: type[Row], make: Callable[[], Sequence[Row]]) -> list[Row]:
        """The rows kept under `key`; where there are none, those that `make` returns, kept for the next time.

        What `make` raises passes through and nothing is kept. Raises StorageError where the entry cannot be written.
        """
        rows = self.load(stage, key, row)
        if rows is None:
            rows = list(make())
            self.store(stage, key, rows)
        return rows

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Within, what is loaded or stored also stays in memory, once, for whoever loads it next."""
        self._holds.append(True)
        try:
            yield
        finally:
            self._holds.pop()

    def load(self, stage: str, key: str, row: type[Row]) -> list[Row] | None:
        """The rows kept under `key`, or None where there are none or the entry is damaged."""
        held = self._held.pop((stage, key), None)
        if held is not None:
            return held
        for data in self._copies(stage, key):
            rows = _rows(data, row)
            if rows is not None:
                self._hold(stage, key, rows)
                return rows
        return None

    def _copies(self, stage: str, key: str) -> Iterator[bytes]:
        """What an entry's file holds, where there is one."""
        with suppress(OSError):
            yield self._path(stage, key).read_bytes()

    def store(self, stage: str, key: str, rows: Sequence[Any]) -> None:
        """Keep rows (dataclasses of plain values) under `key`."""
        body = json.dumps([dataclasses.asdict(r) for r in rows], ensure_ascii=True).encode()
        self.keep(stage, key, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        self._hold(stage, key, list(rows))

    def keep(self, stage: str, key: str, data: bytes) -> None:
        """Keep an entry as another cache holds it. Raises StorageError."""
        write_aside(self._path(stage, key), data)

    def pack(self) -> None:
        """Nothing: every entry stays where it is."""

    def _hold(self, stage: str, key: str, rows: list[Any]) -> None:
        if self._holds:
            self._held[stage, key] = rows

    def folders(self) -> list[Path]:
        """Where entries lie."""
        try:
            return list(self.folder.glob("*/??"))
        except OSError:
            return []

    def _path(self, stage: str, key: str) -> Path:
        return self.folder / stage / key[:2] / f"{key}.json"


def _rows(data: bytes, row: type[Row]) -> list[Row] | None:
    """What an entry holds; None where it is damaged."""
    head, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != head:
        return None
    try:
        return [row(**values) for values in json.loads(body.decode())]
    except (ValueError, TypeError):
        return None
