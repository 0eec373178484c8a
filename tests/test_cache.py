import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from whalepipe.cache import Cache, recipe
from whalepipe.config import DetectConfig
from whalepipe.errors import PhotoError


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None


ROWS = [Row("ü\n", 0.1), Row("", None)]


def entry(cache: Cache) -> Path:
    [path] = cache.folder.rglob("*.json")
    return path


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path), []
    for _ in range(2):
        assert cache.cached("s", "k", Row, lambda: made.append(1) or ROWS) == ROWS
    assert made == [1]


def test_nothing_found_is_kept_too(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.cached("s", "k", Row, lambda: []) == []
    assert cache.load("s", "k", Row) == []
    assert cache.load("s", "other", Row) is None
    assert cache.load("t", "k", Row) is None


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail() -> list[Row]:
        raise PhotoError("no")

    with pytest.raises(PhotoError):
        cache.cached("s", "k", Row, fail)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "folder", "other row"])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    cache.store("s", "k", ROWS)
    path = entry(cache)
    data = path.read_bytes()
    if damage == "flipped":
        changed = data.replace(b"0.1", b"0.3")
        assert json.loads(changed.split(b"\n")[1])[0]["value"] == 0.3
        path.write_bytes(changed)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "other row":
        Cache(tmp_path / "2").store("s", "k", [DetectConfig()])
        path.write_bytes(entry(Cache(tmp_path / "2")).read_bytes())
    else:
        path.write_bytes(b"" if damage == "empty" else data[:-5])
    assert cache.load("s", "k", Row) is None


def test_every_cause_changes_the_key() -> None:
    keys = [
        recipe("s", 1, DetectConfig(), "a"),
        recipe("t", 1, DetectConfig(), "a"),
        recipe("s", 2, DetectConfig(), "a"),
        recipe("s", 1, DetectConfig(confidence=0.35), "a"),
        recipe("s", 1, DetectConfig(), "b"),
        recipe("s", 1, DetectConfig(), "a", "a"),
        recipe("s", 1, DetectConfig(), ["a"]),
        recipe("s", 1, DetectConfig(), None),
        recipe("s", 1, DetectConfig(), "\udcff"),
    ]
    assert len(set(keys)) == len(keys)
    assert recipe("s", 1, DetectConfig(), "a") == keys[0]


def test_what_has_no_stable_text_is_no_cause() -> None:
    with pytest.raises(TypeError):
        recipe("s", 1, object())
