"""The pack: found first, never trusted more than the entries that it copies, and never needed."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import run, tables
from whalepipe.packed import PackedCache


@dataclass(frozen=True)
class Row:
    name: str


pytestmark = pytest.mark.usefixtures("fake_models")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.packed.PACK_FROM", 1)


def packed(folder: Path, *names: str) -> PackedCache:
    """A cache with these entries, packed, opened anew."""
    cache = PackedCache(folder)
    for name in names:
        cache.store("s", name, [Row(name)])
    cache.pack()
    return PackedCache(folder)


def without_files(folder: Path) -> None:
    for path in folder.rglob("*.json"):
        path.unlink()


def test_what_was_packed_is_found_without_its_file(tmp_path: Path) -> None:
    cache = packed(tmp_path, "a", "b")
    without_files(tmp_path)
    assert cache.load("s", "a", Row) == [Row("a")]
    assert cache.load("s", "c", Row) is None
    assert cache.load("t", "a", Row) is None
    cache.store("s", "c", [Row("c")])
    cache.pack()
    without_files(tmp_path)
    assert [PackedCache(tmp_path).load("s", name, Row) for name in "abc"] == [[Row("a")], [Row("b")], [Row("c")]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fake-weights", "pack.sqlite", "s"]


def test_one_made_anew_goes_before_the_one_in_the_pack(tmp_path: Path) -> None:
    cache = packed(tmp_path, "a", "b")
    cache.store("s", "a", [Row("another")])
    assert PackedCache(tmp_path).load("s", "a", Row) == [Row("another")]  # at once: this run may be killed
    assert cache.load("s", "b", Row) == [Row("b")]
    cache.pack()
    without_files(tmp_path)
    again = PackedCache(tmp_path)
    assert (again.load("s", "a", Row), again.load("s", "b", Row)) == ([Row("another")], [Row("b")])


def test_one_damaged_in_the_pack_is_read_from_its_file(tmp_path: Path) -> None:
    packed(tmp_path, "a")
    with closing(sqlite3.connect(tmp_path / "pack.sqlite")) as database:
        database.execute("update entries set data = cast(replace(cast(data as text), 'a', 'b') as blob)")
        database.commit()
    assert PackedCache(tmp_path).load("s", "a", Row) == [Row("a")]
    cache = PackedCache(tmp_path)
    assert cache.load("s", "a", Row) == [Row("a")]
    cache.pack()
    without_files(tmp_path)
    assert PackedCache(tmp_path).load("s", "a", Row) == [Row("a")]


@pytest.mark.parametrize("damage", ["cut short", "no database", "empty", "a folder", "gone"])
def test_without_a_good_pack_the_files_do(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, damage: str
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert run(raw, out).code == 0
    expected, pack = tables(out), out / "cache" / "pack.sqlite"
    data = pack.read_bytes()
    pack.unlink()
    if damage == "a folder":
        pack.mkdir()
    elif damage != "gone":
        pack.write_bytes({"cut short": data[:5000], "no database": b"x" * 9999, "empty": b""}[damage])
    fakes.again(fake_models)
    assert run(raw, out).code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(out) == expected


def test_the_pack_alone_is_enough(raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    out = tmp_path / "out"
    assert run(raw, out).code == 0
    expected = tables(out)
    without_files(out / "cache")
    fakes.again(fake_models)
    assert run(raw, out).code == 0
    assert fakes.counted(fake_models) == ([], 0, 0)
    assert tables(out) == expected


def test_a_crop_that_was_lost_is_made_once_more_and_not_twice(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert run(raw, out).code == 0
    expected = tables(out)
    lost = next((out / "crops").iterdir())
    lost.unlink()
    monkeypatch.setattr("whalepipe.packed.PACK_FROM", 10**9)
    assert run(raw, out).code == 0
    written = lost.stat().st_mtime_ns
    assert run(raw, out).code == 0
    assert lost.stat().st_mtime_ns == written
    assert tables(out) == expected


def test_verify_writes_nothing_that_is_known(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(raw, out).code == 0
    kept = {path: path.stat().st_mtime_ns for path in (out / "cache").rglob("*.json")}
    assert run(raw, out, "--verify").code == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "cache").rglob("*.json")} == kept
