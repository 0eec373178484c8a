"""Whatever lies in the folder: a row that says what is wrong and the rest done, or one line and exit 2."""

import errno
import gc
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import fakes
from tests.helpers import as_nobody, check_books, open_to_all, reasons, rows, run, snapshot, states, tables, whalepipe
from tests.test_photos import bomb
from whalepipe import files

FIN = fakes.Animal(40, 60, 90, 110, 1)


@pytest.fixture(autouse=True)
def _models(fake_models: fakes.Calls) -> None:
    """All of it with fake models."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def untouched(raw: Path) -> Iterator[Path]:
    """A card, and the proof that nothing in it was changed."""
    fakes.save(raw / "whole.jpg", fakes.sea(FIN))
    yield raw


def ended(raw: Path, out: Path, code: int, *more: str | Path) -> dict[str, str]:
    """The states after a run that leaves the card as it was and the books right."""
    before = snapshot(raw)
    said = run(raw, out, *more)
    assert said.code == code, said
    assert snapshot(raw) == before
    check_books(out, sum(1 for p in before.values() if not os.path.stat.S_ISDIR(p[0])))
    return states(out)


def refused(*args: str | Path) -> str:
    return whalepipe("run", *args, "--device", "cpu").complaint


def test_files_that_are_no_whole_photos(untouched: Path, out: Path) -> None:
    (untouched / "empty.jpg").write_bytes(b"")
    (untouched / "text.jpg").write_text("no picture")
    whole = (untouched / "a.jpg").read_bytes()
    (untouched / "short.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (untouched / "head.jpg").write_bytes(whole[:30])
    bomb(untouched / "bomb.png")
    found = ended(untouched, out, 1)
    assert found == {
        "a.jpg": "new,new", "bomb.png": "failed", "c.png": "empty", "empty.jpg": "failed", "head.jpg": "failed",
        "short.jpg": "failed", "sub/b.JPG": "new", "text.jpg": "failed", "whole.jpg": "new",
    }  # fmt: skip
    why = reasons(out)
    assert why["empty.jpg"] == "the file is empty"
    assert "no JPEG, PNG, TIFF or WebP" in why["text.jpg"]
    assert why["short.jpg"].startswith("detect: cannot be decoded (the file is cut short")
    assert "60000 x 60000 pixels" in why["bomb.png"]
    first = tables(out)
    assert ended(untouched, out, 1) == found
    assert tables(out) == first


def test_every_kind_of_picture_is_worked_on(untouched: Path, out: Path) -> None:
    picture = Image.fromarray(fakes.sea(FIN))
    sixteen = np.full((160, 240), 9000, dtype=np.uint16)
    transparent = picture.convert("P")
    transparent.info["transparency"] = 3
    for name, image in {
        "cmyk.jpg": picture.convert("CMYK"), "grey.jpg": picture.convert("L"), "grey16.png": Image.fromarray(sixteen),
        "grey16.tif": Image.fromarray(sixteen + 1), "palette.png": picture.convert("P"), "transparent.png": transparent,
        "animal.webp": picture, "animal.tiff": picture, "alpha.png": picture.convert("RGBA"),
    }.items():  # fmt: skip
        image.save(untouched / name)
    fakes.save(untouched / "tiny.png", fakes.sea(width=1, height=1))
    fakes.save(untouched / "long.png", fakes.sea(fakes.Animal(200, 2, 260, 18, 1), width=30_000, height=20))
    found = ended(untouched, out, 0)
    assert {found[n] for n in ("cmyk.jpg", "palette.png", "transparent.png", "animal.webp", "animal.tiff")} == {"new"}
    assert found["alpha.png"] == "new"
    assert {found[n] for n in ("grey.jpg", "grey16.png", "grey16.tif", "tiny.png")} == {"empty"}
    assert found["long.png"] in ("empty", "rejected")


def test_a_crop_too_wide_for_jpeg_fails_alone(untouched: Path, out: Path) -> None:
    fakes.save(untouched / "wide.png", fakes.sea(width=70_000, height=40))
    boxes = out.parent / "boxes.csv"
    boxes.write_text("photo,part,xmin,ymin,xmax,ymax\nwide.png,fluke,0,0,70000,40\na.jpg,fluke,1,1,80,80\n")
    found = ended(untouched, out, 1, "--boxes", boxes)
    assert found["wide.png"] == "failed"
    assert "cannot be saved as JPEG" in reasons(out)["wide.png"]
    assert rows(out, "crops")[0]["part"] == "fluke"


STRANGE = [
    b"two words.jpg", b'say "hi" \'there\'.jpg', b"new\nline.jpg", b"re\rturn.jpg", "Übersee – 鯨.jpg".encode(),
    b"not utf-8 \xff\xfe.jpg", b"x" * 251 + b".jpg", b"=1+1.jpg", b"-rf.jpg", b"--out.jpg", b"+49.jpg", b"@a.jpg",
    b"'a.jpg",
    b"<script>alert(1)</script>.jpg"[:8] + b".jpg", b".jpg.jpg", b"%s{0}.jpg", b"comma,.jpg", b"NA.jpg", b"a;b|c&d.jpg",
]  # fmt: skip


def test_strange_names(tmp_path: Path, out: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number, name in enumerate(STRANGE):
        picture = fakes.sea(fakes.Animal(40, 60, 90, 110 + number, 1))
        Image.fromarray(picture).save(raw / "x.png")
        (raw / "x.png").rename(Path(os.fsdecode(os.fsencode(raw) + b"/" + name)))
    found = ended(raw, out, 0)
    assert len(found) == len(STRANGE)
    assert set(found.values()) == {"new"}
    assert {r"not utf-8 \xff\xfe.jpg", "'=1+1.jpg", "'-rf.jpg", "new\nline.jpg", "re\rturn.jpg"} <= found.keys()
    assert all(len(os.fsencode(p.name)) < 140 for p in (out / "crops").iterdir())
    again = run(raw, out)
    assert again.code == 0


def test_a_folder_with_a_strange_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = Path(os.fsdecode(os.fsencode(tmp_path) + b"/card \xff\n=1"))
    fakes.save(raw / "a.png", fakes.sea(FIN))
    monkeypatch.chdir(tmp_path)
    said = whalepipe("run", raw, "--device", "cpu")
    assert said.code == 0
    [out] = (tmp_path / "whalepipe-out").iterdir()
    assert states(out) == {"a.png": "rejected"}


def test_the_same_stem_in_two_folders_and_with_two_endings(tmp_path: Path, out: Path) -> None:
    names = ("IMG.jpg", "IMG.JPG", "IMG.png", "one/IMG.jpg", "two/IMG.jpg")
    for number, name in enumerate(names):
        fakes.save(tmp_path / "raw" / name, fakes.sea(fakes.Animal(40, 60, 90, 110 + 4 * number, 1)))
    found = ended(tmp_path / "raw", out, 0)
    assert found == dict.fromkeys(names, "new")
    assert len(list((out / "crops").iterdir())) == 5


def test_the_same_bytes_twice_and_links(untouched: Path, out: Path) -> None:
    shutil.copy(untouched / "a.jpg", untouched / "z.jpg")
    fakes.save(out.parent / "outside.jpg", fakes.sea(FIN))
    (untouched / "out.jpg").symlink_to(out.parent / "outside.jpg")
    (untouched / "within.jpg").symlink_to(untouched / "a.jpg")
    (untouched / "broken.jpg").symlink_to(untouched / "nowhere.jpg")
    (untouched / "circle.jpg").symlink_to(untouched / "circle.jpg")
    (untouched / "folder").symlink_to(untouched)
    os.mkfifo(untouched / "pipe.jpg")
    found = ended(untouched, out, 0)
    assert found["z.jpg"] == found["within.jpg"] == "duplicate"
    assert reasons(out)["z.jpg"] == "the same bytes as a.jpg"
    skipped = {name: why for name, why in reasons(out).items() if found[name] == "skipped"}
    assert skipped == {
        "broken.jpg": "a link that leads nowhere", "circle.jpg": "a link that leads nowhere",
        "folder": "a link to a folder", "out.jpg": "a link out of the folder", "pipe.jpg": "not a regular file",
    }  # fmt: skip


def test_an_unreadable_file_and_an_unreadable_folder(untouched: Path, out: Path) -> None:
    (untouched / "locked.jpg").write_bytes((untouched / "a.jpg").read_bytes() + b"1")
    (untouched / "locked.jpg").chmod(0)
    (untouched / "closed").mkdir()
    fakes.save(untouched / "closed" / "d.jpg", fakes.sea())
    (untouched / "closed").chmod(0)
    _open_to_all(out.parent)
    with as_nobody():
        said = run(untouched, out)
    (untouched / "closed").chmod(0o755)
    assert said.code == 1
    assert reasons(out)["locked.jpg"] == "cannot be read (Permission denied)"
    assert reasons(out)["closed"] == "the folder cannot be opened (Permission denied)"
    assert states(out)["whole.jpg"] == "new"
    check_books(out, 6)


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o777)
    open_to_all(folder)


def test_a_folder_that_cannot_be_opened(tmp_path: Path, out: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    raw.chmod(0)
    _open_to_all(tmp_path)
    with as_nobody():
        assert "cannot be opened (Permission denied)" in refused(raw, "--out", out)
        assert "cannot be opened (Permission denied)" in refused(raw / "sub", "--out", out)
    assert not out.exists()


def test_no_folder_an_empty_folder_a_file(tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert "does not exist" in refused(tmp_path / "none", "--out", out)
    assert "is a file" in refused(tmp_path / "file", "--out", out)
    assert "holds no file" in refused(tmp_path / "empty", "--out", out)
    assert "cannot be opened (File name too long)" in refused(tmp_path / ("x" * 300), "--out", out)
    assert not out.exists() or not list(out.rglob("*.csv"))


def test_out_inside_the_card_in_the_way_or_read_only(untouched: Path, tmp_path: Path) -> None:
    before = snapshot(untouched)
    assert "among the originals" in refused(untouched, "--out", untouched / "out")
    assert "among the originals" in refused(untouched, "--out", untouched)
    (tmp_path / "link").symlink_to(untouched)
    assert "among the originals" in refused(untouched, "--out", tmp_path / "link" / "out")
    (tmp_path / "file").write_text("")
    assert "a file stands where a folder is needed" in refused(untouched, "--out", tmp_path / "file")
    (tmp_path / "closed").mkdir(mode=0o555)
    _open_to_all(tmp_path)
    with as_nobody():
        assert "no permission" in refused(untouched, "--out", tmp_path / "closed" / "out")
        assert "no permission" in refused(untouched, "--out", tmp_path / "closed")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert "whalepipe: " in refused(untouched, "--out", tmp_path / "round")
    assert "whalepipe: " in refused(untouched, "--out", tmp_path / ("x" * 300))
    assert "lies among the results" in refused(_crops_of(untouched, tmp_path), "--out", tmp_path / "done")
    assert snapshot(untouched) == before


def _crops_of(raw: Path, tmp_path: Path) -> Path:
    assert run(raw, tmp_path / "done").code == 0
    return tmp_path / "done" / "crops"


def test_a_read_only_card(untouched: Path, out: Path) -> None:
    for path in [untouched, *untouched.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    _open_to_all(out.parent)
    with as_nobody():
        assert run(untouched, out).code == 0
    check_books(out, 4)
    for path in (untouched, untouched / "sub"):
        path.chmod(0o755)


@pytest.mark.parametrize("after", [0, 1, 3, 6, 10, 14, 20])
def test_a_disk_that_fills_in_the_middle(
    untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    assert run(untouched, tmp_path / "undisturbed").code == 0
    before, left = snapshot(untouched), [after]
    real = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        if left[0] == 0:
            real(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        assert "the disk is full; make room and run the same command again" in refused(
            untouched, "--out", tmp_path / "out", "--quiet"
        )
    assert list((tmp_path / "out").rglob(".aside-*")) == []
    assert run(untouched, tmp_path / "out").code == 0
    assert tables(tmp_path / "out") == tables(tmp_path / "undisturbed")
    assert snapshot(untouched) == before


def test_a_small_disk(untouched: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", small]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no right to mount a small disk here")
    try:
        assert "the disk is full" in refused(untouched, "--out", small / "out", "--quiet")
        subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
        assert run(untouched, small / "out").code == 0
        check_books(small / "out", 4)
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of openpyxl's unfinished sheets
def test_a_full_disk_for_the_workbook(untouched: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("openpyxl.Workbook.save", save)
    assert "results.xlsx: the disk is full" in refused(untouched, "--out", out, "--quiet")
    gc.collect()  # else the unfinished sheets complain within some later test


def test_damaged_cache_files_are_made_again(untouched: Path, out: Path) -> None:
    assert run(untouched, out).code == 0
    first = tables(out)
    for number, path in enumerate(sorted((out / "cache").rglob("*.json"))):
        data = path.read_bytes()
        path.write_bytes([b"", data[: len(data) // 2], data.replace(b"0", b"1"), b"\xff" * 50][number % 4])
    assert run(untouched, out).code == 0
    assert tables(out) == first
    shutil.rmtree(out / "cache")
    (out / "cache").write_text("")
    assert "a file stands where a folder is needed" in refused(untouched, "--out", out, "--quiet")


@pytest.mark.parametrize("name", ["detector", "embedder"])
def test_weights_that_are_not_what_they_should_be(untouched: Path, out: Path, tmp_path: Path, name: str) -> None:
    weights = tmp_path / "fake-weights"
    file, card = weights / f"{name}.pt", weights / f"{name}.json"
    good, good_card = file.read_bytes(), card.read_text()
    file.write_bytes(good[:-1])
    assert "damaged or replaced" in refused(untouched, "--out", out)
    file.unlink()
    assert f"no weights '{name}'" in refused(untouched, "--out", out)
    file.write_bytes(good)
    card.unlink()
    assert "the weights' card cannot be read" in refused(untouched, "--out", out)
    cards = {"{": "cannot be read", "[]": "not a card", '{"kind": "species"}': "its card says it is a"}
    for text, words in cards.items():
        card.write_text(text)
        assert words in refused(untouched, "--out", out)
    card.write_text(good_card)
    assert not out.exists(), "what is missing is said before any work is done"
    assert run(untouched, out).code == 0


def test_catalogues_that_are_none(untouched: Path, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "catalogues"
    folder.mkdir()
    (folder / "garbage").write_bytes(b"garbage " * 1000)
    (folder / "empty").write_bytes(b"")
    sqlite3.connect(folder / "other").execute("CREATE TABLE settings_of_another_program (a)")
    labels = tmp_path / "who.csv"
    labels.write_text("photo,part,xmin,ymin,xmax,ymax,individual\nwhole.jpg,dorsal_fin,40,60,90,110,A\n")
    add = ("catalog", "add", untouched, "--labels", labels, "--device", "cpu", "--catalog")
    assert whalepipe(*add, folder / "good").code == 0
    (folder / "short").write_bytes((folder / "good").read_bytes()[:6000])
    for name, words in {
        "none": "no catalogue", "garbage": "not a catalogue, or damaged", "short": "not a catalogue, or damaged",
        "empty": "not a catalogue of whalepipe", "other": "not a catalogue of whalepipe", ".": "no catalogue",
    }.items():  # fmt: skip
        assert words in refused(untouched, "--out", out, "--catalog", folder / name), name
        assert whalepipe("catalog", "list", "--catalog", folder / name).code == 2
    for other in ("mysql://host/db", "postgresql://"):
        assert "whalepipe: " in refused(untouched, "--out", out, "--catalog", other)
    assert "only SQLite files and PostgreSQL" in refused(untouched, "--out", out, "--catalog", "mysql://host/db")
    for name in ("garbage", "short", "other", "."):
        before = snapshot(folder)
        assert whalepipe(*add, folder / name).code == 2
        assert snapshot(folder) == before
    assert not out.exists(), "what is wrong is said before any work is done"
    assert ended(untouched, out, 0, "--catalog", folder / "good")["whole.jpg"] == "identified"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "quality.min_siz=3"], "unknown key 'min_siz'"),
        (["--set", "quality.min_size=big"], "expected a number"),
        (["--set", "nothing"], "expected stage.key=value"),
        (["--set", "match.same_at=1"], "not between"),
        (["--config", "/nonexistent.yaml"], "cannot be read as YAML"),
        (["--boxes", "/nonexistent.csv"], "cannot be read"),
        (["--device", "cuda"], "no device 'cuda'"),
    ],
)
def test_wrong_options(untouched: Path, out: Path, options: list[str], words: str) -> None:
    before = snapshot(untouched)
    assert words in whalepipe("run", untouched, "--out", out, *options).complaint
    assert snapshot(untouched) == before


def boxes(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    return path


HEADER = "photo,part,xmin,ymin,xmax,ymax\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("part,xmin\nfluke,3\n", "no column photo"),
        (HEADER + "a.jpg,fluke,left,1,50,50\n", "line 2, column xmin: 'left' is not a float"),
        (HEADER + "a.jpg,fluke,500,1,600,50\n", "nothing of it lies inside the photo's 240 x 160 pixels"),
        (HEADER + "a.jpg,fluke,50,50,40,40\n", "nothing of it lies inside"),
        (HEADER + "a.jpg,fluke,nan,1,50,50\n", "nothing of it lies inside"),
        (HEADER + "a.jpg,fluke,,1,50,50\n", "nothing of it lies inside"),
        (HEADER + "a.jpg,,1,1,50,50\n", "no part"),
        (HEADER + "a.jpg,fluke,1,1\n", "line 2: 4 cells under 6 columns"),
        (HEADER + "other.jpg,fluke,1,1,50,50\n", "none of its photos lies in"),
        (HEADER + "../raw/a.jpg,fluke,1,1,50,50\n", "none of its photos lies in"),
        ("", "no column photo"),
    ],
)
def test_boxes_that_cannot_be_used(untouched: Path, out: Path, tmp_path: Path, text: str, words: str) -> None:
    before = snapshot(untouched)
    assert words in refused(untouched, "--out", out, "--boxes", boxes(tmp_path, text), "--quiet")
    assert snapshot(untouched) == before


def test_boxes_of_photos_that_are_not_there_are_named(untouched: Path, out: Path, tmp_path: Path) -> None:
    table = boxes(tmp_path, HEADER + "a.jpg,fluke,40,60,90,110\nA.jpg,fluke,1,1,9,9\n../raw/c.png,fluke,1,1,9,9\n")
    found = ended(untouched, out, 1, "--boxes", table)
    assert found["a.jpg"] == "new"
    assert [(f["photo"], f["error"]) for f in rows(out, "failures")] == [
        (name, f"{table} names it, but it is not in the folder") for name in ("../raw/c.png", "A.jpg")
    ]


def test_boxes_drawn_on_a_double_stand_for_its_original(untouched: Path, out: Path, tmp_path: Path) -> None:
    shutil.copy(untouched / "a.jpg", untouched / "double.jpg")
    found = ended(untouched, out, 0, "--boxes", boxes(tmp_path, HEADER + "double.jpg,fluke,40,60,90,110\n"))
    assert (found["a.jpg"], found["double.jpg"]) == ("new", "duplicate")


def test_a_photo_that_changes_during_the_run_fails_and_is_seen_again(
    untouched: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fakes.Detector.__call__

    def meanwhile(self: fakes.Detector, image: fakes.Pixels, config: object) -> list[object]:
        if (untouched / "gone.png").exists():
            (untouched / "gone.png").unlink()
            another = fakes.save(out.parent / "new.png", fakes.sea(fakes.Animal(40, 60, 90, 110, 2)))
            another.replace(untouched / "new.png")  # in one step: another thread may be reading it
        return real(self, image, config)

    fakes.save(untouched / "gone.png", fakes.sea(width=99))
    fakes.save(untouched / "new.png", fakes.sea(width=98))
    os.utime(untouched / "new.png", (1, 1))
    monkeypatch.setattr(fakes.Detector, "__call__", meanwhile)
    assert run(untouched, out).code == 1
    assert states(out)["gone.png"] == states(out)["new.png"] == "failed"
    assert "changed while the run was under way" in reasons(out)["new.png"]
    assert ended(untouched, out, 0)["new.png"] == "new"


def test_no_message_of_the_disk_is_untold() -> None:
    assert set(files._CAUSES) >= {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
