"""The audit as a person uses it: by keyboard, on a laptop and a tablet, with and without JavaScript."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.review.audits import audited
from tests.review.servers import Server, serving
from tests.review.test_in_browser import HEAT, SIZES, opened, playwright, press, pytestmark  # noqa: F401  skips without
from tests.review.test_in_browser import browser as browser
from whalepipe.catalog.store import Catalog
from whalepipe.job import Job


@contextmanager
def served(folder: Path) -> Iterator[tuple[Job, Server]]:
    """A server with the fake models in a process of its own."""
    job = audited(folder)
    with serving(job.out, "--who", "Ana", program=("tests.fakes", str(folder / "weights"), "0")) as server:
        yield job, server


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Job, Server]]:
    """A catalogue that is only looked at."""
    with served(tmp_path_factory.mktemp("audited")) as found:
        yield found


def listed(page: Any, server: Server) -> None:
    """The list, as soon as the catalogue was looked through."""
    page.goto(f"{server.address}audit")
    page.wait_for_selector(".doubts", timeout=30_000)


def test_by_keyboard_suspicions_are_compared_decided_and_taken_back(browser: Any, tmp_path: Path) -> None:
    with served(tmp_path) as (job, server):
        page, heard = opened(browser, server.address)
        listed(page, server)
        press(page, "j")
        assert page.locator("h1").inner_text() == "Two animals under one id?"
        assert page.locator("[data-goes]:checked").get_attribute("value") == "B 23"
        page.keyboard.press("+")
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("m")
        mine, theirs = page.eval_on_selector_all(".glass img", "all => all.map(i => i.style.transform)")
        assert "scale(1.25)" in mine and "10%" in mine and theirs == f"{mine} scaleX(-1)"
        page.keyboard.press("p")
        playwright.expect(page.locator("[data-said=points]")).to_contain_text("closer looks are switched off")
        page.locator("[data-goes]:checked").uncheck()
        assert page.locator("[data-key=d]").is_disabled() and page.locator("[data-going]:visible").count() == 0
        page.locator("[data-goes]").first.check()
        assert page.locator("figure:has([data-mine]) [data-going]").inner_text() == "chosen to go"
        press(page, "t")
        assert page.locator("form.mine b").inner_text() == "1 crop of B now C"
        assert page.locator("h1").inner_text() == "Nearly the same photo?"
        press(page, "x")
        assert page.locator("h1").inner_text() == "One animal under two ids?"
        page.locator("[name=keep][value=A-again]").focus()
        page.keyboard.press("Space")
        press(page, "s")
        assert page.locator("form.mine b").inner_text() == "A is A-again"
        press(page, "z")
        assert "two-ids" in page.url
        press(page, "r")
        assert page.locator("form.mine b").inner_text() == "right as it is: two animals"
        assert page.locator("h1").inner_text() == "Wrong side?"
        press(page, "c")
        page.keyboard.press("?")
        assert "remove the chosen crops" in page.locator("dialog.help").inner_text()
        assert heard == []
        page.close()
    held = Catalog.open(job.catalog)
    decided = [d.kind for d in held.decisions() if d.who == "Ana"]
    assert decided == ["assign", "remove", "merge", "undo", "dismiss", "turn"]
    assert {len(held.holdings(name)) for name in ("A", "B", "C")} == {3}


def test_without_javascript_all_can_be_read_and_decided(browser: Any, tmp_path: Path) -> None:
    with served(tmp_path) as (job, server):
        page, _ = opened(browser, server.address, java_script_enabled=False)
        page.get_by_role("link", name="Audit").click()
        page.wait_for_selector(".doubts", timeout=30_000)  # the page asks again by itself
        page.get_by_role("link", name="One animal under two ids").first.click()
        page.get_by_role("link", name="Begin").click()
        page.get_by_role("link", name="Compare A-again-11.jpg").click()
        assert page.locator("[data-theirs]").get_attribute("alt") == "dorsal fin of A-again, A-again-11.jpg"
        page.get_by_role("radio", name="A-again").check()
        page.get_by_role("button", name="Same animal").click()
        assert page.locator("form.mine b").inner_text() == "A is A-again"
        page.close()
    assert len(Catalog.open(job.catalog).holdings("A-again")) == 5


def test_the_heat_map_lies_over_the_two_crops_that_are_compared(browser: Any, still: tuple[Job, Server]) -> None:
    page, heard = opened(browser, still[1].address)
    asked: list[str] = []
    page.route("**/api/maps?*", lambda route: (asked.append(route.request.url), route.fulfill(json=HEAT)))
    listed(page, still[1])
    press(page, "j")
    canvases = page.locator(".glass canvas")
    assert [canvases.nth(n).is_visible() for n in (0, 1)] == [False, False]
    page.keyboard.press("h")
    playwright.expect(page.locator("[data-said=heat]")).to_contain_text("cosine 0.62")
    assert [canvases.nth(n).is_visible() for n in (0, 1)] == [True, True]
    assert [url.rpartition("?")[2] for url in asked] == ["one=B+23&other=C+30"]
    page.keyboard.press("m")
    page.keyboard.press("+")
    placed = page.eval_on_selector_all(".glass img, .glass canvas", "all => all.map(l => l.style.transform)")
    assert placed[0] == placed[1] and placed[2] == placed[3] == f"{placed[0]} scaleX(-1)"
    page.keyboard.press("h")
    assert [canvases.nth(n).is_visible() for n in (0, 1)] == [False, False]
    assert page.locator("[data-said=heat]").inner_text() == ""
    assert heard == []
    page.close()


@pytest.mark.parametrize(("size", "scheme"), [("laptop", "light"), ("tablet", "dark")])
def test_axe_finds_no_serious_fault_and_nothing_is_cut_off(
    browser: Any, still: tuple[Job, Server], size: str, scheme: str
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page, heard = opened(browser, still[1].address, size, color_scheme=scheme, bypass_csp=True)
    listed(page, still[1])
    page.route("**/api/maps?*", lambda route: route.fulfill(json=HEAT))
    links = page.eval_on_selector_all(".doubts a", "all => all.map(a => a.href)")
    for address in [page.url, *links]:
        page.goto(address)
        if page.locator("[data-heat]").count():
            page.keyboard.press("h")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document).then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))")
        assert [fault for fault in found if fault[0] in ("serious", "critical")] == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], address
    assert heard == []
    page.close()
