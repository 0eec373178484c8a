"""What is kept of some photos, in memory: so it travels to a worker and back, and the two need no folder in common."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whalepipe.cache import Cache
from whalepipe.files import write_aside
from whalepipe.packed import PackedCache

Entries = Mapping[tuple[str, str], bytes]  # by stage and key, as the cache holds them


@dataclass(frozen=True)
class Bundle:
    """Entries of the cache, and crops."""

    entries: Entries = field(default_factory=dict)
    # By file name: when it was changed, in nanoseconds (by which, and its size, entries know it), and what it holds.
    crops: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)

    def put(self, cache: Cache, crops_dir: Path) -> None:
        """Keep all of it, crops first: an entry tells of its crop. Raises StorageError."""
        for name, (changed_ns, data) in self.crops.items():
            write_aside(crops_dir / name, data, changed_ns)
        for (stage, key), data in self.entries.items():
            cache.keep(stage, key, data)


@dataclass(frozen=True)
class HeldCache(Cache):
    """Entries in memory alone."""

    entries: dict[tuple[str, str], bytes] = field(default_factory=dict, compare=False, repr=False)

    def _copies(self, stage: str, key: str) -> Iterator[bytes]:
        if (stage, key) in self.entries:
            yield self.entries[stage, key]

    def keep(self, stage: str, key: str, data: bytes) -> None:
        """Keep an entry as another cache holds it."""
        self.entries[stage, key] = data


@dataclass(frozen=True)
class NotedCache(PackedCache):
    """A cache that notes what was found in it."""

    found: dict[tuple[str, str], bytes] = field(default_factory=dict, compare=False, repr=False)

    def _copies(self, stage: str, key: str) -> Iterator[bytes]:
        for data in super()._copies(stage, key):
            self.found[stage, key] = data
            yield data
