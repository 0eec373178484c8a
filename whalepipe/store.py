"""Photos in a store that fsspec reads: S3, Google Cloud Storage, Azure, SFTP and others, by their URL.

A store is listed folder by folder and each object read once, whole. Nothing here writes, keeps a copy on the disk, or
connects to anything before somebody gave a URL. What a filesystem raises is its own affair, so everything is caught
here and told as text, as with decoders.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from whalepipe.errors import ConfigError, PhotoError, WhalepipeError
from whalepipe.listed import CHANGED, READ_WHOLE, File
from whalepipe.photos import as_text, kind_note, plain, scan
from whalepipe.tables import SKIPPED

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
# What filesystems call the tag of an object's content, and the time of its change. A tag tells more, so comes first.
STAMPS = (
    *("ETag", "etag", "e_tag"),
    *("mtime", "LastModified", "last_modified", "modified", "modify", "modificationTime", "last_write_time", "created"),
)
Entry = Mapping[str, Any]  # what a filesystem tells of one object


@dataclass(frozen=True)
class Store:
    """All that lies below a URL."""

    url: str

    def __str__(self) -> str:
        """The URL, without the password that may be in it."""
        return re.sub(r"(?<=://)([^/@]*?):[^/]*@", r"\1:***@", self.url)

    @property
    def name(self) -> str:
        """The last part of the URL."""
        scheme, _, rest = self.url.partition("://")
        return rest.rpartition("/")[2].rpartition("@")[2] or scheme

    def connected(self) -> tuple[Any, str]:
        """fsspec's filesystem (one a process), and the path of this URL in it. Raises WhalepipeError."""
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise WhalepipeError(f"{self}: needs the package 'fsspec': pip install 'whalepipe[store]'") from error
        try:
            filesystem, root = url_to_fs(self.url)
        except ImportError as error:  # it names the package
            raise WhalepipeError(f"{self}: {plain(error)} (pip install it beside 'whalepipe[store]')") from error
        except Exception as error:
            raise WhalepipeError(f"{self}: cannot be opened ({plain(error)})") from error
        return filesystem, str(root)

    def check(self) -> None:
        """Raises WhalepipeError where there is nothing of that URL, or it cannot be listed."""
        filesystem, root = self.connected()
        filesystem.invalidate_cache()
        self._listed(filesystem, root)

    def scan(self) -> list["Stored"]:
        """Every object, in the order of their paths. Raises WhalepipeError where it cannot be listed.

        As with a folder, a part of it that cannot be listed stands in the list with its cause.
        """
        filesystem, root = self.connected()
        filesystem.invalidate_cache()  # it may remember an earlier listing
        try:
            found = {file.photo: file for file in self._walk(filesystem, root)}
        finally:
            filesystem.invalidate_cache()  # nor is this one to answer for what becomes of an object
        return [found[photo] for photo in sorted(found)]

    def _walk(self, filesystem: Any, root: str) -> Iterator["Stored"]:
        folders = [(root, "")]
        while folders:
            folder, below = folders.pop()
            try:
                entries = filesystem.ls(folder, detail=True) if below else self._listed(filesystem, root)
            except WhalepipeError:
                raise
            except Exception as error:
                note = f"the folder cannot be opened ({plain(error)})"
                yield Stored(as_text(below.rstrip("/")), self, folder, note=note)
                continue
            for entry in entries:
                name = _own_name(folder, entry["name"])
                if name is None:
                    yield from self._foreign(folder, root, entry)
                elif entry["type"] == "directory":
                    folders.append((entry["name"], f"{below}{name}/"))
                else:
                    yield self._found(filesystem, entry, as_text(below + name))

    def _listed(self, filesystem: Any, root: str) -> Sequence[Entry]:
        """What lies right below the URL. Raises WhalepipeError."""
        try:
            entries: Sequence[Entry] = filesystem.ls(root, detail=True)
        except FileNotFoundError as error:
            raise WhalepipeError(f"{self}: there is no such bucket or folder") from error
        except PermissionError as error:
            raise WhalepipeError(f"{self}: no permission to list it ({plain(error)})") from error
        except Exception as error:
            raise WhalepipeError(f"{self}: cannot be listed ({plain(error)})") from error
        if len(entries) == 1 and _is_itself(root, entries[0]) and entries[0].get("size"):
            raise WhalepipeError(f"{self} is a file; give the folder that your photos lie in")
        return entries

    def _foreign(self, folder: str, root: str, entry: Entry) -> Iterator["Stored"]:
        """An entry that does not lie right in the folder whose listing holds it: nothing is read by such a name."""
        if _is_itself(folder, entry) and not entry.get("size"):
            return  # the empty object by which some stores remember a folder
        name = str(entry["name"])
        below = name.lstrip("/").removeprefix(f"{root.strip('/')}/") or name
        yield Stored(as_text(below), self, name, note=f"{SKIPPED}a name that leads out of its folder")

    def _found(self, filesystem: Any, entry: Entry, photo: str) -> "Stored":
        name = entry["name"]
        if entry["type"] != "file":
            return Stored(photo, self, name, note=f"{SKIPPED}not a regular file")
        try:
            told = entry if entry.get("size") is not None else {**entry, **filesystem.info(name)}
            size = int(told["size"])
        except Exception as error:
            return Stored(photo, self, name, note=f"cannot be read (its size is not told: {plain(error)})")
        note = kind_note(PurePosixPath(photo))
        # What tells neither tag nor time is not known again, but read each time.
        stamp = _stamp(told, STAMPS) or f"listed {time.time_ns()}"
        return Stored(photo, self, name, size, stamp, SKIPPED + note if note else "")


@dataclass(frozen=True)
class Stored:
    """An object of a store."""

    photo: str
    store: Store
    name: str  # as the filesystem calls it
    size: int = 0
    stamp: str = ""
    note: str = ""

    @property
    def address(self) -> str:
        """Its URL."""
        return f"{self.store}/{self.photo}"

    @property
    def state(self) -> tuple[int, str]:
        """Its size and stamp."""
        return self.size, self.stamp

    def read(self) -> bytes:
        """See `File`."""
        if self.size > READ_WHOLE:
            sizes = f"{self.size / 1e6:,.0f} MB, and from a store at most {READ_WHOLE / 1e6:,.0f} are read"
            raise PhotoError(f"{sizes}; copy it to a folder")
        filesystem, _ = self.store.connected()
        try:
            data = bytes(filesystem.cat_file(self.name))
            now: Entry = filesystem.info(self.name)
        except FileNotFoundError as error:
            raise PhotoError("gone while the run was under way") from error
        except Exception as error:
            raise PhotoError(f"cannot be read from {self.store} ({plain(error)})") from error
        if now["size"] not in (None, self.size) or self._stamp_of(now) != self.stamp:
            raise PhotoError(CHANGED)
        if len(data) != self.size:
            raise PhotoError(f"cut short: {len(data):,} of {self.size:,} bytes came from {self.store}; run again")
        return data

    def _stamp_of(self, now: Entry) -> str:
        """The same kind of stamp today; where the filesystem tells it in listings alone, that of the listing."""
        return _stamp(now, (self.stamp.partition(" ")[0],)) or self.stamp

    @property
    def source(self) -> bytes:
        """See `File`."""
        return self.read()

    def check(self) -> None:
        """Nothing: what was read is what was listed, or `read` says so."""


Origin: TypeAlias = Path | Store  # of the photos: RAW_DIR


def origin(text: str) -> Origin:
    """RAW_DIR as it was given: a folder by its path or as a file:// URL, or a store. Raises ConfigError."""
    url = URL.match(text)
    if not url:
        return Path(text)
    if url[1] in ("file", "local"):
        return _folder(text)
    if "::" in text:
        raise ConfigError(f"{text}: chained addresses (::) are not read; give the URL of a folder")
    if {".", ".."} & set(text.split("/")):
        raise ConfigError(f"{text}: give the address without . and ..")
    scheme, _, rest = text.partition("://")
    return Store(f"{scheme}://{rest.rstrip('/')}")


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise ConfigError(f"{url}: a folder of this machine is written file:///whole/path, or without file://")
    return Path(url2pathname(parts.path))


def files_of(raw_dir: Origin) -> Sequence[File]:
    """Every file below RAW_DIR, in the order of their paths. Raises WhalepipeError where a store cannot be listed."""
    return raw_dir.scan() if isinstance(raw_dir, Store) else scan(raw_dir)


def folder_of(raw_dir: Origin) -> Path:
    """RAW_DIR where nothing but a folder will do. Raises ConfigError."""
    if isinstance(raw_dir, Store):
        raise ConfigError(f"{raw_dir}: this works on a folder; copy the photos to one")
    return raw_dir


def titled(raw_dir: Origin) -> str:
    """The short name of RAW_DIR."""
    return raw_dir.name if isinstance(raw_dir, Store) else raw_dir.resolve().name


def _own_name(folder: str, name: str) -> str | None:
    """What an entry is called in its folder; None where it does not lie right in it."""
    inside = f"/{folder.strip('/')}/" if folder.strip("/") else "/"
    own = f"/{name.strip('/')}".removeprefix(inside)
    return None if "/" in own or own in ("", ".", "..") else own


def _is_itself(folder: str, entry: Entry) -> bool:
    """Whether it is an object that is called as the folder is."""
    return entry["type"] == "file" and str(entry["name"]).strip("/") == folder.strip("/")


def _stamp(entry: Entry, keys: Sequence[str]) -> str:
    """The first of these that the filesystem tells, with its key."""
    for key in keys:
        value = entry.get(key)
        if value:
            text = value.timestamp() if isinstance(value, datetime) else value
            return f"{key} {str(text).strip(chr(34))}"  # some quote a tag in one answer and not in the other
    return ""
