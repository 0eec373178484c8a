"""Photos in a store: the tables that a folder gives, each object read once, and a store in which much goes wrong."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests import fakes
from tests.helpers import Here, Said, check_books, reasons, rows, run, snapshot, states, tables, whalepipe
from whalepipe.config import Config, with_settings
from whalepipe.job import Job
from whalepipe.progress import silent
from whalepipe.spread import spread
from whalepipe.store import Store

URL = "faulty://bucket/card"
Damage = Callable[[bytes], bytes]


class Faulty(MemoryFileSystem):
    """A store in memory that counts what is read, fails where it is told to, and cannot be written to from outside."""

    protocol = "faulty"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    unlistable: ClassVar[dict[str, Exception]] = {}  # by folder
    damage: ClassVar[dict[str, Damage]] = {}  # by object
    tells: ClassVar[Callable[[dict[str, Any]], dict[str, Any]]] = staticmethod(lambda entry: entry)
    more: ClassVar[dict[str, list[dict[str, Any]]]] = {}  # entries beside those that there are, by folder
    read: ClassVar[list[str]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.removeprefix("faulty://"))

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        if path in self.unlistable:
            raise self.unlistable[path]
        return [self.tells(e) for e in super().ls(path, detail=detail)] + self.more.get(path, [])

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return self.tells(super().info(path))

    def cat_file(self, path: str, *_: Any, **__: Any) -> bytes:
        self.read.append(path)
        data = super().cat_file(path)
        return self.damage[path](data) if path in self.damage else data

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        assert mode == "rb", f"{path} is written to"
        return super()._open(path, mode, **options)

    def put_there(self, path: str, data: bytes) -> None:
        with super()._open(path, "wb") as file:
            file.write(data)


def there(photo: str) -> str:
    """What the store calls a photo."""
    return f"/bucket/card/{photo}"


def digest(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # as S3 does for small objects


def fail(error: Exception) -> Damage:
    """Reading that ends in an error."""

    def broken(_: bytes) -> bytes:
        raise error

    return broken


@pytest.fixture(autouse=True)
def store(raw: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:  # noqa: ARG001
    """The card of `raw` in a store, and a file beside it."""
    for name, value in (("store", {}), ("pseudo_dirs", [""]), ("unlistable", {}), ("damage", {}), ("more", {})):
        monkeypatch.setattr(Faulty, name, value)
    monkeypatch.setattr(Faulty, "read", [])
    fsspec.register_implementation("faulty", Faulty, clobber=True)
    (raw / "notes.txt").write_text("no photo")
    filesystem = Faulty(skip_instance_cache=True)
    for path in raw.rglob("*"):
        if path.is_file():
            filesystem.put_there(there(path.relative_to(raw).as_posix()), path.read_bytes())
    filesystem.put_there("/bucket/elsewhere.jpg", b"not below the prefix")
    yield filesystem


@pytest.fixture
def alone(raw: Path, tmp_path: Path) -> dict[str, bytes]:
    """The tables of the same photos in a folder."""
    assert run(raw, tmp_path / "alone").code == 0
    return tables(tmp_path / "alone")


def detect(raw: Path | str, out: Path) -> Said:
    """The first stage alone, which is quick."""
    return whalepipe("detect", raw, "--out", out, "--device", "cpu", "--quiet")


def errors(out: Path) -> dict[str, str]:
    """Why photos failed."""
    return {p["photo"]: p["error"] for p in rows(out, "photos") if p["error"] and not p["error"].startswith("skipped")}


def from_store(out: Path, *more: str) -> Said:
    return run(URL, out, *more)


def test_the_tables_are_those_of_a_folder_and_each_object_is_read_once(
    tmp_path: Path, store: Faulty, alone: dict[str, bytes], fake_models: fakes.Calls
) -> None:
    before = dict(store.store)
    assert from_store(tmp_path / "out").code == 0
    assert tables(tmp_path / "out") == alone
    assert sorted(store.read) == [there("a.jpg"), there("c.png"), there("sub/b.JPG")]
    fakes.again(fake_models)
    store.read.clear()
    assert from_store(tmp_path / "out").code == 0
    assert (fakes.counted(fake_models), store.read) == (([], 0, 0), [])
    assert from_store(tmp_path / "out", "--verify").code == 0
    assert (fakes.counted(fake_models), len(store.read)) == (([], 0, 0), 3)
    assert tables(tmp_path / "out") == alone
    assert store.store == before  # the very objects


def test_in_memory_and_below_a_file_url_as_in_a_folder(raw: Path, tmp_path: Path, alone: dict[str, bytes]) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(raw), "/whalepipe-tests/card", recursive=True)
    try:
        assert run("memory://whalepipe-tests/card/", tmp_path / "memory").code == 0
    finally:
        memory.rm("/whalepipe-tests", recursive=True)
    assert tables(tmp_path / "memory") == alone
    spaced = raw.rename(tmp_path / "a card")
    before = snapshot(spaced)
    assert run(spaced.as_uri(), tmp_path / "file").code == 0
    assert tables(tmp_path / "file") == alone
    said = whalepipe("detect", spaced.as_uri(), "--out", spaced / "out")
    assert "results would lie among the originals" in said.complaint
    assert snapshot(spaced) == before


def test_results_are_called_after_the_url_and_can_be_told_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Faulty
) -> None:
    monkeypatch.chdir(tmp_path)
    assert whalepipe("run", f"{URL}/", "--device", "cpu", "--quiet", "--set", "quality.min_size=48").code == 0
    out = Path("whalepipe-out/card")
    assert json.loads((out / "summary.json").read_text())["asked"]["raw_dir"] == URL
    page = (out / "report.html").read_text()
    assert f"whalepipe run {URL} --out {out}" in page
    store.store.clear()
    (out / "report.html").unlink()
    assert whalepipe("report", out).code == 0
    assert (out / "report.html").read_text() == page
    assert whalepipe("export", out, "--format", "coco").code == 0
    store.put_there("/other/card/a.jpg", b"x")
    said = whalepipe("detect", "faulty://other/card")
    assert said.complaint.endswith("holds the results of faulty://bucket/card; choose another folder with --out")


@pytest.mark.parametrize("key", ["created", "ETag"])
def test_a_photo_that_changed_in_the_store_is_seen(
    raw: Path, tmp_path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def tagged(entry: dict[str, Any]) -> dict[str, Any]:  # and a time that says nothing
        held = store.store.get(entry["name"])
        return {**entry, "ETag": f'"{digest(held.getvalue())}"', "created": 1} if held else entry

    if key == "ETag":
        monkeypatch.setattr(Faulty, "tells", staticmethod(tagged))
    assert detect(URL, tmp_path / "out").code == 0
    fakes.save(raw / "c.png", fakes.sea(fakes.Animal(40, 60, 90, 110, 3)))
    store.put_there(there("c.png"), (raw / "c.png").read_bytes())
    store.read.clear()
    assert detect(URL, tmp_path / "out").code == 0
    assert store.read == [there("c.png")]
    assert [d["photo"] for d in rows(tmp_path / "out", "detections")] == ["a.jpg", "a.jpg", "c.png", "sub/b.JPG"]
    assert detect(raw, tmp_path / "alone").code == 0
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")


def test_what_a_store_tells_nothing_of_is_read_each_time(
    raw: Path, tmp_path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("name", "size", "type")
    monkeypatch.setattr(Faulty, "tells", staticmethod(lambda e: {k: v for k, v in e.items() if k in told}))
    assert detect(raw, tmp_path / "alone").code == 0
    for times in (1, 2):
        assert detect(URL, tmp_path / "out").code == 0
        assert tables(tmp_path / "out") == tables(tmp_path / "alone")
        assert len(store.read) == 3 * times


FAULTS: dict[str, tuple[Damage, str]] = {
    "lost": (fail(ConnectionResetError("Connection reset")), f"cannot be read from {URL} (Connection reset)"),
    "refused": (fail(PermissionError("Access Denied")), f"cannot be read from {URL} (Access Denied)"),
    "of its own kind": (fail(RuntimeError()), f"cannot be read from {URL} (RuntimeError)"),
    "gone": (fail(FileNotFoundError("gone.jpg")), "gone while the run was under way"),
    "half": (lambda data: data[:100], f"cut short: 100 of 6,000 bytes came from {URL}; run again"),
}


def test_objects_that_cannot_be_read_fail_alone_and_are_taken_up_again(
    raw: Path, tmp_path: Path, store: Faulty
) -> None:
    for number, (name, (damage, _)) in enumerate(FAULTS.items()):
        file = fakes.save(raw / f"{name}.jpg", fakes.sea(fakes.Animal(40, 60, 90 + number, 110, 3)))
        file.write_bytes(file.read_bytes().ljust(6000, b"\0"))
        store.put_there(there(file.name), file.read_bytes())
        store.damage[there(file.name)] = damage
    said = from_store(tmp_path / "out")
    assert said.code == 1 and "5 failed; everything else is done:" in said.out
    found = reasons(tmp_path / "out")
    assert {name: found[f"{name}.jpg"] for name in FAULTS} == {name: why for name, (_, why) in FAULTS.items()}
    assert {photo: state for photo, state in states(tmp_path / "out").items() if state != "failed"} == {
        "a.jpg": "new,new", "c.png": "empty", "notes.txt": "skipped", "sub/b.JPG": "new",
    }  # fmt: skip
    check_books(tmp_path / "out", 9)
    store.damage.clear()
    store.read.clear()
    assert from_store(tmp_path / "out").code == 0
    assert sorted(store.read) == sorted(there(f"{name}.jpg") for name in FAULTS)
    assert run(raw, tmp_path / "alone").code == 0
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")


def test_an_object_that_changes_while_it_is_read(tmp_path: Path, store: Faulty) -> None:
    def replaced(data: bytes) -> bytes:
        store.damage.clear()
        store.put_there(there("a.jpg"), data)
        return data

    store.damage[there("a.jpg")] = replaced
    assert detect(URL, tmp_path / "out").code == 1
    assert errors(tmp_path / "out") == {"a.jpg": "changed while the run was under way; run again"}
    assert detect(URL, tmp_path / "out").code == 0
    assert errors(tmp_path / "out") == {}


def test_an_object_too_large_to_be_held(tmp_path: Path, store: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.store.READ_WHOLE", len(store.store[there("a.jpg")].getvalue()) - 1)
    assert detect(URL, tmp_path / "out").code == 1
    assert errors(tmp_path / "out")["a.jpg"].endswith("are read; copy it to a folder")
    assert there("a.jpg") not in store.read


def test_a_part_that_cannot_be_listed_fails_and_the_rest_is_done(raw: Path, tmp_path: Path, store: Faulty) -> None:
    store.unlistable[there("sub")] = TimeoutError("the read timed out")
    assert detect(URL, tmp_path / "out").code == 1
    assert errors(tmp_path / "out") == {"sub": "the folder cannot be opened (the read timed out)"}
    assert [d["photo"] for d in rows(tmp_path / "out", "detections")] == ["a.jpg", "a.jpg"]
    store.unlistable.clear()
    assert detect(URL, tmp_path / "out").code == 0
    assert detect(raw, tmp_path / "alone").code == 0
    assert tables(tmp_path / "out") == tables(tmp_path / "alone")


def test_no_name_leads_out_of_the_prefix(tmp_path: Path, store: Faulty) -> None:
    store.put_there(there("../over.jpg"), b"never read")  # a key that a store may have, as any other
    store.put_there(there("sub/../../deep.jpg"), b"never read")
    store.more["/bucket/card"] = [
        {"name": "/bucket/elsewhere.jpg", "size": 3, "type": "file", "created": 1},
        {"name": "/bucket/card/sub/inner.jpg", "size": 3, "type": "file", "created": 1},
        {"name": "/etc/passwd", "size": 3, "type": "file", "created": 1},
        {"name": "/bucket/card/", "size": 0, "type": "file"},  # marks the folder
        {"name": "/bucket/card//", "size": 0, "type": "directory"},  # a folder without a name
        {"name": "/bucket/card/pipe", "size": 0, "type": "other"},
    ]
    assert from_store(tmp_path / "out").code == 0
    assert sorted(store.read) == [there("a.jpg"), there("c.png"), there("sub/b.JPG")]
    found = reasons(tmp_path / "out")
    assert sorted(photo for photo, why in found.items() if why == "a name that leads out of its folder") == [
        "..", "/", "bucket/elsewhere.jpg", "etc/passwd", "sub/..", "sub/inner.jpg",
    ]  # fmt: skip
    assert found["pipe"] == "not a regular file"
    check_books(tmp_path / "out", 11)


ERRORS: dict[str, Exception] = {
    "no permission to list it (Access Denied)": PermissionError("Access Denied"),
    "cannot be listed (Unable to locate credentials)": RuntimeError("Unable to locate credentials"),
}


@pytest.mark.parametrize("said", ERRORS)
def test_a_store_that_cannot_be_listed_is_told_at_once(tmp_path: Path, store: Faulty, said: str) -> None:
    store.unlistable["/bucket/card"] = ERRORS[said]
    refused = whalepipe("run", URL, "--out", tmp_path / "out")
    assert refused.complaint == f"whalepipe: {URL}: {said}"
    assert not (tmp_path / "out").exists()


WRONG = {
    "faulty://nobody/card": "there is no such bucket or folder",
    f"{URL}/a.jpg": "is a file; give the folder that your photos lie in",
    "nosuch://bucket": "Protocol not known: nosuch",
    "faulty://bucket/../other": "give the address without . and ..",
    "zip://x::faulty://bucket/x.zip": "chained addresses (::) are not read",
    "file://card": "a folder of this machine is written file:///whole/path",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_is_of_no_use(tmp_path: Path, url: str) -> None:
    assert WRONG[url] in whalepipe("run", url, "--out", tmp_path / "out").complaint
    assert not (tmp_path / "out").exists()


def test_results_are_not_written_to_a_store() -> None:
    said = whalepipe("run", URL, "--out", "faulty://bucket/out")
    assert said.complaint.endswith("results are written to a disk; give a folder of this machine")


def test_a_store_without_any_file(tmp_path: Path, store: Faulty) -> None:
    store.store.clear()
    store.mkdir("/bucket/card")
    assert f"{URL} holds no file" in whalepipe("run", URL, "--out", tmp_path / "out").complaint


def test_what_is_missing_is_named_and_folders_need_none_of_it(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("unheard", "whalepipe_no_such_package.Files", clobber=True, errtxt="Install heard")
    said = whalepipe("run", "unheard://bucket/card", "--out", tmp_path / "out").complaint
    assert said == "whalepipe: unheard://bucket/card: Install heard (pip install it beside 'whalepipe[store]')"
    for name in ("fsspec", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    said = whalepipe("run", URL, "--out", tmp_path / "out").complaint
    assert said.endswith("needs the package 'fsspec': pip install 'whalepipe[store]'")
    assert run(raw, tmp_path / "folder").code == 0


def test_a_password_in_the_url_is_shown_nowhere(tmp_path: Path, store: Faulty) -> None:
    store.put_there("/me:hush@host/card/a.jpg", store.store[there("a.jpg")].getvalue())
    assert run("faulty://me:hush@host/card", tmp_path / "out").code == 0
    written = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert "summary.json" in {p.name for p in written}
    assert not [p for p in written if b"hush" in p.read_bytes()]
    refused = whalepipe("run", "faulty://me:hush@host/other", "--out", tmp_path / "other").complaint
    assert refused == "whalepipe: faulty://me:***@host/other: there is no such bucket or folder"


def test_workers_read_from_the_store(
    tmp_path: Path, store: Faulty, alone: dict[str, bytes], fake_models: fakes.Calls
) -> None:
    store.damage[there("sub/b.JPG")] = fail(ConnectionResetError("reset"))
    small = with_settings(Config(), ["quality.min_size=48"])
    here = Here(untouched=tmp_path / "out")
    spread(Job(Store(URL), tmp_path / "out", small, device="cpu"), "identify", here, silent)
    assert sorted(store.read) == [there("a.jpg"), there("c.png"), there("sub/b.JPG")]
    store.damage.clear()
    fakes.again(fake_models)
    assert from_store(tmp_path / "out").code == 0
    assert fake_models.detected == 1  # of the photo that a worker could not read
    assert tables(tmp_path / "out") == alone
