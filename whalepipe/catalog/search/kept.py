"""An index in a folder: opened without reading it into memory, checked, grown by what is new, made anew where need be.

Segments are named for the crops in them and never changed; `index.json` names those that count and is written last. So
a kill leaves the index as it was or as it is to be, and two processes that write the same one write the same.
"""

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog.search import eight
from whalepipe.files import LEFT_AFTER_S, aside, digest, sweep, write_aside

SEGMENT = 131_072  # crops in one file: so many are written anew where few are added
BATCH = 4096  # vectors in memory at a time
MOST_GONE = 0.1  # of the crops in an index: with more that the catalogue lost since, it is made anew

Keys = NDArray[np.int64]  # a number for each crop, the same as long as its vector is
Fetch = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # the vectors of crops by their places among all: (n, dim)
Each = Callable[[str, Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class _File:
    """A segment on disk."""

    name: str
    sha256: str
    crops: int


@dataclass(frozen=True)
class _Held:
    """What a folder holds."""

    files: Sequence[_File]
    keys: Keys  # of the rows of all segments, one after the other


@dataclass(frozen=True)
class Index:
    """An open index."""

    segments: Sequence[Any]
    places: NDArray[np.int64]  # (rows,): where among all crops each row's stands; -1: the catalogue has lost it


def opened(folder: Path, keys: Keys, fetch: Fetch, each: Each) -> Index:
    """The index of the crops with these keys, kept in a folder of its own; what it lacks is added and kept.

    Raises StorageError where it cannot be written.
    """
    with contextlib.suppress(RuntimeError):  # another process put newer files in their place in the meantime
        return _opened(folder, keys, fetch, each)
    return _opened(folder, keys, fetch, each)


def _opened(folder: Path, keys: Keys, fetch: Fetch, each: Each) -> Index:
    held = _checked(folder)
    if held is None or np.isin(held.keys, keys, invert=True).mean() > MOST_GONE:
        held = _Held((), np.zeros(0, np.int64))
    new = np.flatnonzero(np.isin(keys, held.keys, invert=True))
    if len(new):
        held = _extended(folder, held, keys, new, fetch, each)
    segments = [eight.read(folder / file.name, mapped=True) for file in held.files]
    return Index(segments, _places(held.keys, keys))


def _places(rows: Keys, keys: Keys) -> NDArray[np.int64]:
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys, rows, sorter=order), len(keys) - 1)
    return np.where(keys[order[at]] == rows, order[at], -1)


def _checked(folder: Path) -> _Held | None:
    """What lies there, if all of it is as it was written."""
    try:
        told = json.loads((folder / "index.json").read_bytes())
        data = _inside(folder, told["keys"]).read_bytes()
        files = [_File(**one) for one in told["files"]]
        keys = np.load(io.BytesIO(data), allow_pickle=False)
        whole = told["version"] == eight.VERSION and hashlib.sha256(data).hexdigest() == told["keys_sha256"]
        whole = whole and len(keys) == sum(file.crops for file in files) > 0
        whole = whole and all(digest(_inside(folder, file.name)) == file.sha256 for file in files)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return _Held(files, keys) if whole else None


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no name of a file in this folder")
    return folder / name


def _extended(folder: Path, held: _Held, keys: Keys, new: NDArray[np.int64], fetch: Fetch, each: Each) -> _Held:
    """The index with the crops at the places `new` too."""
    sweep(folder)
    files, known = list(held.files), held.keys
    last = files.pop() if files and files[-1].crops < SEGMENT else None
    room = SEGMENT - (last.crops if last else 0)
    parts = [new[:room], *(new[begin : begin + SEGMENT] for begin in range(room, len(new), SEGMENT))]
    for part in each("index", parts):
        known = np.concatenate([known, keys[part]])
        mine = known[len(known) - len(part) - (last.crops if last else 0) :]
        segment = eight.read(folder / last.name, mapped=False) if last else None
        files.append(_segment(folder, mine, segment, part, fetch))
        last = None
    made = _Held(files, known)
    _note(folder, made)
    return made


def _segment(folder: Path, keys: Keys, segment: Any, new: NDArray[np.int64], fetch: Fetch) -> _File:
    """Write a segment, grown by the crops at the places `new`; `keys` are of all its rows."""
    for begin in range(0, len(new), BATCH):
        vectors = fetch(new[begin : begin + BATCH])
        segment = segment or eight.empty(vectors.shape[1])
        eight.extended(segment, vectors)
    data, path = eight.packed(segment), folder / f"{_name(keys)}.faiss"
    with aside(path) as temporary:
        temporary.write_bytes(data)
    return _File(path.name, hashlib.sha256(data).hexdigest(), len(keys))


def _note(folder: Path, held: _Held) -> None:
    """Say that this is what counts, and remove what nobody needs any more."""
    out = io.BytesIO()
    np.save(out, held.keys, allow_pickle=False)
    data, name = out.getvalue(), f"{_name(held.keys)}.npy"
    write_aside(folder / name, data)
    files = [asdict(file) for file in held.files]
    told = {
        "version": eight.VERSION,
        "keys": name,
        "keys_sha256": hashlib.sha256(data).hexdigest(),
        "files": files,
    }
    write_aside(folder / "index.json", (json.dumps(told, indent=1) + "\n").encode())
    needed = {name, *(file.name for file in held.files)}
    for path in [*folder.glob("*.faiss"), *folder.glob("*.npy")]:
        with contextlib.suppress(OSError):  # another process may still be writing it, or just removed it
            if path.name not in needed and time.time() - path.stat().st_mtime > LEFT_AFTER_S:
                path.unlink()


def _name(keys: Keys) -> str:
    return hashlib.sha256(keys.tobytes()).hexdigest()[:16]
