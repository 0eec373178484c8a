"""The report as a person sees it: opened from disk, without a server, in Debian's chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import run, whalepipe

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
EVIL = "<img src=x onerror=alert(1)>"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture
def report(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """A known animal, a new one, one set aside, a file that is no photo; names that would like to be markup."""
    raw = tmp_path / "<b>card"
    animals = {"known": (40, 60, 100, 120, 1), "new": (40, 60, 100, 121, 3), "small": (40, 60, 60, 80, 3)}
    for name, animal in animals.items():
        fakes.save(raw / f"{name}.jpg", fakes.sea(fakes.Animal(*animal)))
    (raw / "<b>bad.jpg").write_text("x")
    labels = tmp_path / "who.csv"
    labels.write_text(f"photo,part,xmin,ymin,xmax,ymax,individual\nknown.jpg,dorsal_fin,40,60,100,120,{EVIL}\n")
    catalogue = tmp_path / "c.sqlite"
    assert whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu").code == 0
    assert run(raw, tmp_path / "out", "--catalog", catalogue).code == 1
    return tmp_path / "out" / "report.html"


def test_the_report_opens_without_a_server_and_runs_nothing(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked, said, complaints = [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(report.as_uri())
    text = page.inner_text("body")
    for shown in (EVIL, "<b>card", "<b>bad.jpg", "too small", "new-"):
        assert shown in text, shown
    pictures = page.eval_on_selector_all("img", "images => images.map(i => i.complete && i.naturalWidth > 0)")
    assert len(pictures) >= 3 and all(pictures)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert (said, complaints) == ([], [])
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_cut_off_at_the_side(browser: Any, report: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
