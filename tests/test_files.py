import errno
import os
from pathlib import Path

import pytest

from tests.helpers import as_nobody
from whalepipe.errors import StorageError
from whalepipe.files import LEFT_AFTER_S, aside, digest, folder_aside, storing, sweep, write_aside


def test_written_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_aside(path, b"one")
    write_aside(path, b"two")
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert digest(path) == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_aside(path, b"old")
    with pytest.raises(KeyboardInterrupt), aside(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "only be read"), (errno.EIO, "rror")],
)
def test_what_the_disk_refuses_is_said(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(StorageError, match=words), storing(tmp_path / "x"):
        raise OSError(number, os.strerror(number))


def test_a_file_in_the_way_and_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        write_aside(tmp_path / "file" / "a.txt", b"")
    tmp_path.chmod(0o555)
    with as_nobody(), pytest.raises(StorageError, match="no permission"):
        write_aside(tmp_path / "a.txt", b"")
    tmp_path.chmod(0o755)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half way"), folder_aside(tmp_path / "set") as folder:
        (folder / "a.txt").write_text("a")
        raise ValueError("half way")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "set").mkdir()
    with folder_aside(tmp_path / "set") as folder:
        (folder / "a.txt").write_text("a")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["set", "set/a.txt"]
    with pytest.raises(StorageError, match="holds files already"), folder_aside(tmp_path / "set"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_sweep_takes_only_what_no_one_writes_any_more(tmp_path: Path) -> None:
    for name, age in ((".aside-old", LEFT_AFTER_S + 60), (".aside-new", 0.0), ("aside-mine", LEFT_AFTER_S + 60)):
        (tmp_path / name).write_text("")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    sweep(tmp_path)
    sweep(tmp_path / "none")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".aside-new", "aside-mine"]
