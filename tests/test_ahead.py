"""Photos taken ahead by several threads give what the stages give one after the other, and are opened once."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from tests import fakes
from tests.conftest import PROJECT
from tests.helpers import reasons, run, states, tables, whalepipe
from whalepipe import ahead, opened
from whalepipe.errors import WeightsError
from whalepipe.photos import Found
from whalepipe.tables import Photo
from whalepipe.work import Work

RENDERED = PROJECT / "labels" / "rendered" / "photos"


THREADS = 3


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with three cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", str(THREADS))


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Twelve photos with up to two animals, one of them turned, one of them doubled, and two that cannot be read."""
    folder = tmp_path / "card"
    for n in range(12):
        animals = [fakes.Animal(20, 40 + n, 80, 100, n % 8), fakes.Animal(120, 50, 180, 110 + n // 8, (n * 3) % 8)]
        picture = fakes.sea(*animals[: n % 3])
        picture[:8, :8, 2] += n  # no two alike
        fakes.save(folder / f"{n:02}.jpg", picture)
    exif = Image.Exif()
    exif[0x0112] = 6
    fakes.save(folder / "turned.jpg", fakes.sea(fakes.Animal(40, 60, 90, 110, 3)), exif=exif)
    shutil.copy(folder / "05.jpg", folder / "00-double.jpg")
    (folder / "cut.jpg").write_bytes((folder / "02.jpg").read_bytes()[:-300])
    (folder / "text.jpg").write_text("none")
    return folder


def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead.Ahead, "take", lambda *_: None)


def crops(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "crops").iterdir()}


def test_the_same_as_stage_by_stage(
    card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_models: fakes.Calls
) -> None:
    said = run(card, tmp_path / "ahead")
    assert fake_models.loaded == ["detector", "embedder", "quality"]
    assert (fake_models.detected, fake_models.embedded) == (13, 13)
    one_after_the_other(monkeypatch)
    fakes.again(fake_models)
    assert run(card, tmp_path / "plain").out == said.out.replace("ahead", "plain")
    assert (fake_models.detected, fake_models.embedded) == (13, 13)
    assert tables(tmp_path / "ahead") == tables(tmp_path / "plain")
    assert crops(tmp_path / "ahead") == crops(tmp_path / "plain")
    assert len(crops(tmp_path / "plain")) == 13
    assert states(tmp_path / "plain")["05.jpg"] == "duplicate"


def both_ways(photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many crops the shipped models make of photos, after making sure that both ways make the same."""
    pytest.importorskip("onnxruntime", reason="the extra `fast` is not installed")
    raw = tmp_path / "photos"
    raw.mkdir()
    for photo in photos:
        shutil.copy(photo, raw)
    whalepipe("run", raw, "--out", tmp_path / "ahead", "--device", "cpu", "--quiet")
    one_after_the_other(monkeypatch)
    whalepipe("run", raw, "--out", tmp_path / "plain", "--device", "cpu", "--quiet")
    assert tables(tmp_path / "ahead") == tables(tmp_path / "plain")
    assert crops(tmp_path / "ahead") == crops(tmp_path / "plain")
    return len(crops(tmp_path / "plain"))


def test_the_same_with_the_shipped_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [RENDERED / f"{name}.jpg" for name in ("0000", "0003", "0004")]
    assert both_ways(photos, tmp_path, monkeypatch) == 3


def test_the_same_of_a_real_photo_that_is_looked_at_closer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path
) -> None:
    assert both_ways([real_data / "card" / "SB19-1767-558.JPG"], tmp_path, monkeypatch) == 2


@pytest.mark.usefixtures("fake_models")
def test_each_photo_is_read_once_and_few_wait(card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    waiting: list[int] = []
    done: list[str] = []
    begin, file = ahead.begin, opened.read_file

    def reading(found: Found) -> bytes | None:
        read.append(found.photo)
        waiting.append(len(read) - len(done))
        return file(found)

    def slow(work: Work, photo: Photo, data: bytes | None, until: str) -> None:
        time.sleep(0.02)
        begin(work, photo, data, until)
        done.append(photo.photo)

    for module in ("whalepipe.opened", "whalepipe.work"):
        monkeypatch.setattr(f"{module}.read_file", reading)
    monkeypatch.setattr(ahead, "begin", slow)
    monkeypatch.setattr("whalepipe.photos.digest", lambda path: pytest.fail(f"{path} is read again"))
    (card / "cut.jpg").unlink()
    (card / "text.jpg").unlink()
    (card / "00-double.jpg").unlink()
    assert run(card, tmp_path / "out").code == 0
    assert sorted(read) == sorted(p.name for p in card.iterdir())
    assert max(waiting) <= THREADS + ahead.WAITING + 1


@pytest.mark.usefixtures("fake_models")
def test_what_fails_in_a_thread_is_told_as_ever(card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(card, tmp_path / "out")
    assert {name for name, state in states(tmp_path / "out").items() if state == "failed"} == {"cut.jpg", "text.jpg"}
    assert "cut short" in reasons(tmp_path / "out")["cut.jpg"]

    def broken(*_: object) -> None:
        raise WeightsError("w.pt: broken")

    monkeypatch.setattr(fakes.Detector, "__call__", broken)
    assert run(card, tmp_path / "other").complaint == "whalepipe: w.pt: broken"
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("whalepipe")] == []


def test_a_stage_goes_as_far_as_itself(card: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    assert whalepipe("detect", card, "--out", tmp_path / "out", "--quiet").code == 1
    assert fake_models.loaded == ["detector"]
    assert not (tmp_path / "out" / "crops").exists()
    assert whalepipe("crop", card, "--out", tmp_path / "out", "--quiet").code == 1
    assert (fake_models.loaded, fake_models.embedded) == (["detector"], 0)


def test_a_run_on_a_processor_imports_no_torch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `fast` is not installed")
    (tmp_path / "raw").mkdir()
    shutil.copy(RENDERED / "0001.jpg", tmp_path / "raw")
    program = (
        "import sys\nfrom whalepipe.cli import app\ntry:\n    app(sys.argv[1:])\nfinally:\n"
        "    print(sorted({'torch', 'timm', 'ultralytics', 'sqlalchemy', 'pandas'} & set(sys.modules)))"
    )
    args = ["run", tmp_path / "raw", "--out", tmp_path / "out", "--device", "cpu", "--quiet"]
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert "1 files, 1 boxes, 1 crops" in done.stdout
