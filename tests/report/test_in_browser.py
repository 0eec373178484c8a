"""The report as a person sees it: opened from disk, without a server, in Debian's chromium."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import run, whalepipe
from tests.report import seasons
from tests.report.test_worst import FIN, FLUKE, figures
from whalepipe.evaluation.misses import Case, Worst
from whalepipe.progress import silent
from whalepipe.report import write_report
from whalepipe.report.worst import write_worst

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
EVIL = "<img src=x onerror=alert(1)>"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
LOADED = "images => images.map(i => i.complete && i.naturalWidth > 0)"


@dataclass
class Heard:
    """What a page did that it should not do."""

    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # dialogs, console, errors


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
    (raw / f"{'very' * 40}.jpg").write_text("x")
    labels = tmp_path / "who.csv"
    labels.write_text(f"photo,part,xmin,ymin,xmax,ymax,individual\nknown.jpg,dorsal_fin,40,60,100,120,{EVIL}\n")
    catalogue = tmp_path / "c.sqlite"
    assert whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu").code == 0
    assert run(raw, tmp_path / "out", "--catalog", catalogue).code == 1
    return tmp_path / "out" / "report.html"


@pytest.fixture
def season(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """The page of a small season, in every state."""
    return write_report(*seasons.small(tmp_path / "season"), silent)


def opened(browser: Any, report: Path, width: int = 1280, **options: Any) -> tuple[Any, Heard]:
    """A page with this report, and what it does."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    heard = Heard()
    page.on("request", lambda request: heard.asked.append(request.url))
    page.on("dialog", lambda dialog: (heard.complaints.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: heard.complaints.append(message.text))
    page.on("pageerror", lambda error: heard.complaints.append(str(error)))
    page.goto(report.as_uri())
    return page, heard


def test_the_report_opens_without_a_server_and_runs_nothing_from_outside(browser: Any, report: Path) -> None:
    page, heard = opened(browser, report)
    text = page.inner_text("body")
    for shown in (EVIL, "<b>card", "<b>bad.jpg", "too small", "new-"):
        assert shown in text, shown
    assert all(page.eval_on_selector_all("img", LOADED))
    assert page.locator("img").count() >= 3
    assert [url for url in heard.asked if not url.startswith(("file:", "data:"))] == []
    assert heard.complaints == []
    page.close()


def test_a_script_that_came_in_would_not_run(browser: Any, season: Path, tmp_path: Path) -> None:
    """Even if a name were not escaped: the page allows its own script by its digest, and no other."""
    broken = tmp_path / "broken.html"
    hostile = "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"
    broken.write_text(season.read_text(encoding="utf-8").replace("<main", f"{hostile}<main"), encoding="utf-8")
    page, heard = opened(browser, broken)
    assert page.evaluate("window.hit") is None
    assert "Content Security Policy" in " ".join(heard.complaints)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 380, 768, 1280])
def test_nothing_is_cut_off_at_the_side(browser: Any, report: Path, season: Path, width: int, scheme: str) -> None:
    for path in (report, season):
        page, _ = opened(browser, path, width, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


CONTRAST = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility())
    .map((e) => [light(parse(getComputedStyle(e).color)), light(behind(e)), e.tagName + "." + e.className])
    .map(([a, b, name]) => [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), name])
    .filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(browser: Any, season: Path, scheme: str) -> None:
    """Contrast of 4.5 to 1 at least: WCAG 2.1, success criterion 1.4.3."""
    page, _ = opened(browser, season, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert page.evaluate(CONTRAST) == []
    page.close()


def test_headings_pictures_and_tables_say_what_they_are(browser: Any, season: Path) -> None:
    page, _ = opened(browser, season)
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.locator("img:not([alt]), img[alt=''], svg.pic:not([aria-label])").count() == 0
    assert page.eval_on_selector_all("table", "all => all.every(t => t.querySelector('th[scope]'))")
    page.close()


def test_a_picture_of_the_catalogue_is_drawn_wherever_it_stands(browser: Any, season: Path) -> None:
    page, _ = opened(browser, season)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    boxes = page.eval_on_selector_all("svg.pic > *", "all => all.map(e => e.getBoundingClientRect().width)")
    assert page.locator("svg.pic use").count() >= 2
    assert len(boxes) == page.locator("svg.pic").count() and min(boxes) > 50
    page.close()


def test_the_page_can_be_searched(browser: Any, season: Path) -> None:
    page, _ = opened(browser, season)
    page.fill("input[type=search]", "new-1 3.jpg")
    playwright.expect(page.locator("[data-said]")).to_contain_text("1 of ")
    assert page.locator("article:visible").count() == 1
    page.fill("input[type=search]", "")
    playwright.expect(page.locator("[data-said]")).to_be_empty()
    assert page.locator("article:visible").count() == 3
    page.close()


def test_a_picture_is_enlarged_by_the_keyboard_too(browser: Any, season: Path) -> None:
    page, _ = opened(browser, season)
    for picture in (page.locator("article img.pic").first, page.locator("article svg.pic").first):
        picture.focus()
        before = picture.bounding_box()["height"]
        page.keyboard.press("Enter")
        assert page.locator("dialog .pic").bounding_box()["height"] > 2 * before
        page.keyboard.press("Escape")
        assert not page.locator("dialog").is_visible()
    page.close()


def test_without_javascript_all_can_be_read(browser: Any, season: Path) -> None:
    page, heard = opened(browser, season, java_script_enabled=False)
    for shown in ("Mn-1", "new-1", "too small", "a film"):
        assert page.get_by_text(shown).first.is_visible(), shown
    assert not page.locator("input").is_visible()
    assert heard.complaints == []
    page.close()


def test_it_can_be_printed_with_all_that_is_folded(browser: Any, season: Path, tmp_path: Path) -> None:
    page, _ = opened(browser, season, color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = false))")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("nav").is_hidden()
    assert page.get_by_text("match.new_at").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.pdf(path=tmp_path / "page.pdf")[:5] == b"%PDF-"
    page.close()


def test_pictures_beside_the_page_are_shown(
    browser: Any, tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    monkeypatch.setattr("whalepipe.report.pictures.AIM", 100)
    page, heard = opened(browser, write_report(*seasons.small(tmp_path), silent))
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    pictures = page.eval_on_selector_all("main img", LOADED)
    assert len(pictures) > 10 and all(pictures)
    assert heard.complaints == []
    assert {url.rpartition("/")[0].rpartition("/")[2] for url in heard.asked[1:]} == {"report-pictures"}
    page.close()


@pytest.fixture
def worst(tmp_path: Path) -> Path:
    """The page of a detector's misses and false boxes, some on a photo with a name that would like to be markup."""
    raw = fakes.save(tmp_path / "fin.png", fakes.sea(fakes.Animal(60, 60, 120, 120)))
    names = (EVIL, "very" * 40 + ".png", "c.png")
    missed = [Case(name, raw, FIN, FLUKE if name == EVIL else None) for name in names]
    found = [Case("found.png", raw, FIN, FIN)]
    gone = [Case("gone.png", tmp_path / "gone.png", None, FIN)]
    write_worst(tmp_path / "worst.html", EVIL, Worst(missed, found, gone, found), figures())
    return tmp_path / "worst.html"


def test_the_page_of_the_worst_runs_nothing_and_draws_its_boxes(browser: Any, worst: Path) -> None:
    page, heard = opened(browser, worst)
    assert page.inner_text("body").count(EVIL) == 2
    rectangles = page.locator("svg.pic rect.truth")
    assert rectangles.count() == 5
    picture, drawn = (page.locator(f"svg.pic {of}").first.bounding_box() for of in ("image", "rect.truth"))
    assert drawn["width"] / picture["width"] == pytest.approx(60 / 180, abs=0.02)
    assert (drawn["x"] - picture["x"]) / picture["width"] == pytest.approx(60 / 180, abs=0.02)
    assert [url for url in heard.asked if not url.startswith(("file:", "data:"))] == []
    assert heard.complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_the_worst_can_be_read(browser: Any, worst: Path, width: int, scheme: str) -> None:
    page, _ = opened(browser, worst, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.locator("svg.pic:not([aria-label])").count() == 0
    page.close()


def test_the_charts_tell_who_was_seen_by_pointer_and_by_keyboard(browser: Any, season: Path) -> None:
    page, heard = opened(browser, season)
    charts = page.locator("figure.chart")
    assert charts.count() == 3
    page.locator("a.mark[href='#e-1']").first.hover()
    playwright.expect(charts.first.locator(".says")).to_contain_text("fluke: Mn-1, Mn-2, new-1")
    page.locator("a.mark[href='#e-2']").nth(1).focus()
    playwright.expect(charts.nth(1).locator(".says")).to_contain_text(
        "Encounter 2, 2026-07-03 18:40 to 19:10, 4 photos"
    )
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#e-2"
    assert heard.complaints == []
    page.close()


def test_every_chart_has_a_name_a_description_and_its_numbers_in_a_table(browser: Any, season: Path) -> None:
    page, _ = opened(browser, season)
    named = "all => all.map(s => ['title', 'desc'].every(t => s.querySelector(`:scope > ${t}`)?.textContent.trim()))"
    assert page.eval_on_selector_all("figure.chart .scroll > svg", named) == [True] * 3
    assert page.locator("figure.chart details table").count() == 3
    assert page.locator("a.mark:not([aria-label])").count() == 0
    page.close()
