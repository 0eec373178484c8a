"""Drawn photos and fake models: what most tests need instead of a camera and weights."""

import os
import shutil
import tempfile
from pathlib import Path

import cv2
import pytest

from tests import fakes
from tests.databases import fresh_url, place, server, server_process  # noqa: F401  fixtures of all tests that hold a catalogue

PROJECT = Path(__file__).resolve().parent.parent
LONG = ("test_resume.py", "training", "review", "engines", "test_bench.py", "report")  # files and folders
REAL_DATA = PROJECT.parent / "shared" / "data"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two processors: threads would wait for one another
os.environ["WHALEPIPE_CACHE"] = CACHE = tempfile.mkdtemp(prefix="whalepipe-tests-")  # not the user's own
cv2.setNumThreads(1)  # processes that are forked from this one would wait for threads that they do not have


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no worker is left alone with one of them in the end."""
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if name in item.path.parts), len(LONG)))


def pytest_unconfigure() -> None:
    """Leave nothing behind, in no worker."""
    shutil.rmtree(CACHE, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real photos, where they are; a test that needs them is skipped elsewhere."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real photos in {REAL_DATA.relative_to(PROJECT.parent)} beside the project")
    return REAL_DATA


@pytest.fixture
def fake_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.Calls:
    """The pipeline with fake models (see fakes.py); tells how often each was loaded and asked."""
    return fakes.install(tmp_path / "fake-weights", monkeypatch.setattr)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A card of three photos: two animals, one animal, an empty sea."""
    folder = tmp_path / "raw"
    fakes.save(folder / "a.jpg", fakes.sea(fakes.Animal(40, 60, 90, 110, 1), fakes.Animal(150, 50, 210, 100, 2)))
    fakes.save(folder / "sub" / "b.JPG", fakes.sea(fakes.Animal(100, 80, 160, 140, 1)))
    fakes.save(folder / "c.png", fakes.sea())
    return folder
