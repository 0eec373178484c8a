"""The cache with one file more, in which the entries of earlier runs lie together.

Without it a second run over many photos opens a dozen small files for each. The pack is a copy: whatever lies in it
lies in a file of its own too, so it may be lost, damaged or behind at any time. It is written aside and renamed, never
changed, and read without locks, which shared folders often lack; an entry that is made anew under a key that lies in it
ends it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from whalepipe.cache import Cache
from whalepipe.errors import StorageError
from whalepipe.files import aside

PACK_FROM = 1000  # entries outside the pack: fewer are soon read
SHARE = 20  # and one such among so many
SCHEMA = "create table entries (name text primary key, data blob not null)"


class Pack:
    """Entries by name, as their files hold them."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, Lock()
        self._database = self._open()

    def _open(self) -> sqlite3.Connection | None:
        # Immutable: no locks, and no files beside it.
        where = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
        with suppress(OSError, sqlite3.Error):  # OSError: a path that cannot be, of which the first entry tells
            if self.path.is_file():
                return sqlite3.connect(where, uri=True, check_same_thread=False)
        return None

    def get(self, name: str) -> bytes | None:
        """What the entry's file held; None where it is not in the pack."""
        found = self._asked("select data from entries where name = ?", name)
        return found[0][0] if found and isinstance(found[0][0], bytes) else None

    def __contains__(self, name: str) -> bool:
        return bool(self._asked("select 1 from entries where name = ?", name))

    def __len__(self) -> int:
        found = self._asked("select count(*) from entries")
        return int(found[0][0]) if found else 0

    def _asked(self, question: str, *given: str) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._database.execute(question, given).fetchall() if self._database else []
            except sqlite3.Error:  # damaged
                return []

    def add(self, entries: Iterator[tuple[str, bytes]]) -> None:
        """Write it anew, with these too; where that is not possible it stays as it was."""
        with suppress(StorageError, sqlite3.Error), aside(self.path) as temporary:
            with closing(sqlite3.connect(temporary)) as made:
                made.executescript(f"pragma journal_mode = off; pragma synchronous = off; {SCHEMA}")
                for some in (entries, self._all()):  # one of both that is damaged is the older one
                    made.executemany("insert or ignore into entries values (?, ?)", some)
                made.commit()
            self.close()  # a file that is open cannot be replaced everywhere
        self._database = self._open()

    def _all(self) -> Iterator[tuple[str, bytes]]:
        if self._database is not None:
            with suppress(sqlite3.Error):
                yield from self._database.execute("select name, data from entries order by rowid")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    def drop(self) -> None:
        """Do without it from now on."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class PackedCache(Cache):
    """A cache that finds its entries in the pack first."""

    _packs: list[Pack] = field(default_factory=list, compare=False, repr=False)
    _loose: dict[tuple[str, str], None] = field(default_factory=dict, compare=False, repr=False)  # seen outside it

    @property
    def _pack(self) -> Pack:
        if not self._packs:
            self._packs.append(Pack(self.folder / "pack.sqlite"))
        return self._packs[0]

    def keep(self, stage: str, key: str, data: bytes) -> None:
        """Keep an entry as another cache holds it. Raises StorageError."""
        super().keep(stage, key, data)
        if _name(stage, key) in self._pack:
            self._pack.drop()
        self._loose[stage, key] = None

    def _copies(self, stage: str, key: str) -> Iterator[bytes]:
        packed = self._pack.get(_name(stage, key))
        if packed is not None:
            yield packed
        for data in super()._copies(stage, key):
            self._loose[stage, key] = None
            yield data

    def pack(self) -> None:
        """Bring the pack up to date, where much lies outside it."""
        if len(self._loose) >= max(PACK_FROM, len(self._pack) / SHARE):
            alone = super()._copies
            self._pack.add((_name(*each), data) for each in self._loose for data in alone(*each))
            self._loose.clear()


def _name(stage: str, key: str) -> str:
    return f"{stage}/{key}"
