"""What is kept of photos, in memory: what one cache holds is what the other gets."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from whalepipe.bundle import Bundle, HeldCache, NotedCache
from whalepipe.errors import StorageError
from whalepipe.files import passing_folder


@dataclass(frozen=True)
class Row:
    name: str


def test_entries_made_in_memory_are_those_of_a_folder(tmp_path: Path) -> None:
    held = HeldCache(tmp_path / "nowhere")
    assert held.load("s", "a", Row) is None
    held.store("s", "a", [Row("a")])
    assert held.load("s", "a", Row) == [Row("a")]
    assert not (tmp_path / "nowhere").exists()
    noted = NotedCache(tmp_path / "cache")
    Bundle(held.entries, {}).put(noted, tmp_path / "crops")
    assert noted.load("s", "a", Row) == [Row("a")]
    assert noted.load("s", "b", Row) is None
    assert noted.found == held.entries


def test_a_crop_keeps_the_time_by_which_it_is_known(tmp_path: Path) -> None:
    Bundle(crops={"a.jpg": (2_000_000_123, b"crop")}).put(HeldCache(tmp_path), tmp_path / "crops")
    [path] = (tmp_path / "crops").iterdir()
    assert (path.name, path.read_bytes(), path.stat().st_mtime_ns) == ("a.jpg", b"crop", 2_000_000_123)


def test_a_passing_folder_goes_and_says_where_there_can_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with passing_folder() as folder:
        (folder / "a").write_bytes(b"x")
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="cannot write"), passing_folder():
        pass
