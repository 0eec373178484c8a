"""Files written so that a kill, a full disk or a second process never leaves half of one."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from whalepipe.errors import StorageError

_CAUSES = {
    errno.ENOSPC: "the disk is full; make room and run the same command again, it goes on from here",
    errno.EDQUOT: "your disk quota is used up; make room and run the same command again, it goes on from here",
    errno.EROFS: "that disk can only be read; choose another place with --out",
    errno.EACCES: "no permission to write there; choose another place with --out",
    errno.EPERM: "no permission to write there; choose another place with --out",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another place with --out",
    errno.ENOTEMPTY: "that folder holds files already; choose another place with --out",
    errno.EEXIST: "a file stands where a folder is needed; choose another place with --out",
}


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a StorageError that names `path` and the way out."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, str(error))
        raise StorageError(f"cannot write {path}: {cause}") from error


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it takes the place of `path` when the block ends without error.

    Raises StorageError where the disk is full or the folder cannot be written.
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".aside-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with storing(path):
            yield temporary
            with contextlib.suppress(OSError):  # a disk without permissions
                temporary.chmod(0o644)
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_aside(path: Path, data: bytes, changed_ns: int | None = None) -> None:
    """Write `data` to a temporary file beside `path` and rename it. Raises StorageError.

    With `changed_ns` (nanoseconds since 1970) that is when it was last changed.
    """
    with aside(path) as temporary:
        temporary.write_bytes(data)
        if changed_ns is not None:
            with contextlib.suppress(OSError):  # a disk that takes no times
                os.utime(temporary, ns=(changed_ns, changed_ns))


@contextlib.contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder among the system's temporary ones, which goes with the block. Raises StorageError."""
    with storing(Path(tempfile.gettempdir())):
        made = tempfile.TemporaryDirectory(prefix="whalepipe-", ignore_cleanup_errors=True)
    with made as folder:
        yield Path(folder)


@contextlib.contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` to fill; it is renamed to `path` when the block ends without error.

    Raises StorageError where it cannot be written or `path` is there and not an empty folder.
    """
    with storing(path):
        if path.is_dir() and any(path.iterdir()):
            raise OSError(errno.ENOTEMPTY, "not empty")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".aside-", dir=path.parent))
    try:
        yield temporary
        with storing(path):
            temporary.chmod(0o755)
            if path.is_dir():
                path.rmdir()  # refuses a folder into which something was put in the meantime
            temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def digest(path: Path) -> str:
    """sha256 of a file's bytes, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_cache() -> Path:
    """The folder where whalepipe keeps for this user what it can make again: WHALEPIPE_CACHE, or where the system has
    such things."""
    import platformdirs

    said = os.environ.get("WHALEPIPE_CACHE")
    return Path(said) if said else platformdirs.user_cache_path("whalepipe", appauthor=False)


LEFT_AFTER_S = 3600.0  # a temporary file this old belongs to no process that is still writing it


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs left in a folder."""
    left: list[str] = []
    with contextlib.suppress(OSError):
        left = [entry.path for entry in os.scandir(folder) if entry.name.startswith(".aside-")]
    for path in map(Path, left):
        with contextlib.suppress(OSError):  # another process may be sweeping too
            if time.time() - path.stat().st_mtime > LEFT_AFTER_S:
                path.unlink(missing_ok=True)
