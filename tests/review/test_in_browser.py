"""The page as a person uses it: by keyboard, in Debian's chromium, with a server that is killed in the middle."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Server as DatabaseServer
from tests.databases import away
from tests.helpers import rows
from tests.review.cards import Plan, card, names, plans
from tests.review.servers import Server, serving
from whalepipe.catalog.store import Catalog
from whalepipe.job import Job

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SIZES = {"laptop": (1280, 800), "tablet": (820, 1180)}
SEASON = int(os.environ.get("WHALEPIPE_SEASON", "12"))  # crops that are reviewed; 300 takes minutes
AT_ONCE = int(os.environ.get("WHALEPIPE_AT_ONCE", "8"))  # decisions of two people; 200 take minutes
HEAT: Any = {"score": 0.62, "first": [[1, 0], [0, 0]], "second": [[0, 0], [0, 1]]}  # in opposite corners
WHO = "Ana", "Ben"
PRESSES = "ssnsudx"  # then the next of them again


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Job, Server]]:
    """A card that is only looked at: bursts, two in one photo, every state."""
    two = [Plan("unsure", 7, photo="IMG_000004.jpg"), Plan("new", 7, photo="IMG_000004.jpg")]
    job = card(tmp_path_factory.mktemp("still"), [Plan("unsure", 0), Plan("unsure", 0), *plans("new", "identified")[:2],
               *two, Plan("rejected", 9)])  # fmt: skip
    with serving(job.out, "--who", "Ana") as server:
        yield job, server


def opened(browser: Any, address: str, size: str = "laptop", **more: Any) -> tuple[Any, list[str]]:
    """A page, and what it complained of."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, **more)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(address)
    return page, heard


def press(page: Any, key: str) -> None:
    """A key that leads to another page, and that page."""
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press(key)


def test_a_season_is_reviewed_by_keyboard_though_the_server_is_killed(browser: Any, tmp_path: Path) -> None:
    """Every press is a decision; after a third of them the server is killed and started again on the same port."""
    job = card(tmp_path, plans(*(["unsure", "new"] * (SEASON // 2))), individuals=4)
    server = Server(job.out, 0, "--who", "Ana")
    page, _ = opened(browser, server.address)
    press(page, "j")
    decided, number = 0, 0
    while "/crops/" in page.url:
        if number == SEASON // 3:
            server.kill()
            server = Server(job.out, server.port, "--who", "Ana")
            press(page, "j")  # the forms of before are refused: their secret is of another start
        press(page, PRESSES[number % len(PRESSES)])
        decided += 1
        number += 1
        assert number < 3 * SEASON
    assert page.eval_on_selector_all("[data-count]", "all => all.map(c => c.textContent)") == ["0"] * 4
    assert page.get_by_text("Every question has its answer").is_visible()
    server.kill()
    judged = [d for d in Catalog.open(job.catalog).decisions() if d.kind == "judge"]
    assert len(judged) == decided >= SEASON
    again = Server(job.out)
    assert again.end() in (0, -15)
    last = {d.subject: d.after["verdict"] for d in judged}
    states = {"same": "identified", "new": "identified", "unsure": "unsure", "not_usable": "rejected"}
    told = sorted(r["state"] for r in rows(job.out, "ledger") if r["reason"].startswith("decided by Ana"))
    assert told == sorted(states[verdict] for verdict in last.values())
    assert len(told) == SEASON
    page.close()


def test_by_keyboard_candidates_are_chosen_zoomed_mirrored_and_decided(browser: Any, tmp_path: Path) -> None:
    job = card(tmp_path, plans("unsure", "new"))
    with serving(job.out, "--who", "Ana") as server:
        page, heard = opened(browser, server.address)
        press(page, "j")
        assert page.locator("[data-name]").inner_text() == "Mn-2"
        page.keyboard.press("2")
        assert page.locator("[data-name]").inner_text() == "Mn-1"
        assert "right side" in page.locator("[data-line]").inner_text()
        assert "seen from the other side" in page.locator("[data-line]").inner_text()
        page.keyboard.press("+")
        page.keyboard.press("Shift+ArrowLeft")
        moved = page.eval_on_selector_all(".glass img", "all => all.map(i => i.style.transform)")
        assert moved[0] == moved[1] and "scale(1.25)" in moved[0] and "10%" in moved[0]
        assert page.locator("[data-mirrored]").is_hidden()
        page.keyboard.press("m")
        assert page.locator("[data-mirrored]").is_visible()
        mine, theirs = page.eval_on_selector_all(".glass img", "all => all.map(i => i.style.transform)")
        assert "scaleX(-1)" in theirs and "scaleX" not in mine
        page.keyboard.press("?")
        assert page.locator("dialog.help").is_visible()
        page.keyboard.press("Escape")
        press(page, "s")
        assert "Mn-1" in page.locator("form.mine").inner_text()
        page.keyboard.press("/")
        page.keyboard.type("Mn-3")
        press(page, "Enter")
        assert "IMG_000001" in {h.crop[:10] for h in Catalog.open(job.catalog).holdings("Mn-3")}
        page.goto(f"{server.address}decisions")
        assert page.locator(".log tbody tr").count() == 3
        assert heard == []
        page.close()
    with serving(job.out, "--who", "Ana") as server:
        page, _ = opened(browser, f"{server.address}crops/{sorted(p.name for p in (job.out / 'crops').iterdir())[0]}")
        press(page, "z")
        assert "/crops/IMG_000001" in page.url and page.locator("[data-count=new]").inner_text() == "1"
        page.close()


def test_two_browsers_see_each_other(browser: Any, tmp_path: Path) -> None:
    job = card(tmp_path, plans("unsure", "unsure"))
    with serving(job.out, "--who", "Ana") as server:
        pages = []
        for name in ("Ana", "Ben"):
            page, _ = opened(browser, server.address)  # each with cookies of its own
            page.fill(".who input[name=name]", name)
            press(page, "Enter")
            press(page, "j")
            pages.append(page)
        ana, ben = pages
        press(ana, "s")
        news = "Ana has just decided about this one"
        playwright.expect(ben.locator("[data-news]")).to_contain_text(news, timeout=9000)
        press(ben, "n")
        assert "Ana decided before you" in ben.locator(".conflict").inner_text().replace("\n", " ")
        press(ben, "n")
        held = Catalog.open(job.catalog)
        assert [d.who for d in held.decisions() if d.kind == "judge"] == ["Ana", "Ben"]
        [page.close() for page in pages]


def test_of_two_who_decide_at_once_one_is_told_and_nothing_is_lost(browser: Any, tmp_path: Path) -> None:
    """Both press within the same moment, crop after crop; who is told of the other's decision decides all the same."""
    job = card(tmp_path, plans(*["unsure"] * (AT_ONCE // 2)))
    with serving(job.out, "--who", "Ana") as server:
        pages = [opened(browser, server.address)[0] for _ in range(2)]
        for page, name in zip(pages, WHO, strict=True):
            page.fill(".who input[name=name]", name)
            press(page, "Enter")
        for crop in names(job):
            for page in pages:
                page.goto(f"{server.address}crops/{crop}")
            with pages[0].expect_navigation(wait_until="load"), pages[1].expect_navigation(wait_until="load"):
                pages[0].keyboard.press("s")
                pages[1].keyboard.press("d")
            [late] = [page for page in pages if page.locator(".conflict").count()]
            assert "decided before you" in late.locator(".conflict").inner_text().replace("\n", " ")
            press(late, "n")
        judged = [d for d in Catalog.open(job.catalog).decisions() if d.kind == "judge"]
        assert len(judged) == AT_ONCE
        assert {(d.subject, d.who) for d in judged} == {(s, who) for s in {d.subject for d in judged} for who in WHO}
        assert len({d.subject for d in judged}) == AT_ONCE // 2
        [page.close() for page in pages]


def test_a_database_server_that_goes_away_is_said_and_waited_for(
    browser: Any, tmp_path: Path, fresh_url: Callable[[], str], server_process: DatabaseServer
) -> None:
    place = fresh_url()
    job = card(tmp_path, plans("unsure", "new"), place=place)
    with serving(job.out, "--who", "Ana", "--catalog", place) as server:
        page, _ = opened(browser, server.address)
        press(page, "j")
        news = page.locator("[data-news]")
        with away(server_process):
            playwright.expect(news).to_contain_text("cannot be used now", timeout=9000)
            press(page, "n")
            assert "cannot be used now" in page.get_by_role("alert").inner_text()
            assert page.get_by_text("Reload this page in a moment").is_visible()
        page.go_back()
        press(page, "n")
        assert "You decided" in page.locator("form.mine").inner_text() and news.is_hidden()
        assert [d.who for d in Catalog.open(place).decisions() if d.kind == "judge"] == ["Ana"]
        page.close()


def addresses(job: Job, server: Server) -> list[str]:
    crops = sorted(path.name for path in (job.out / "crops").iterdir())
    several = [f"{server.address}crops/{crop}" for crop in (crops[0], crops[-1])]
    return [server.address, *several, f"{server.address}decisions", f"{several[0]}?side=left", f"{server.address}none"]


@pytest.mark.parametrize(("size", "scheme"), [("laptop", "light"), ("tablet", "dark")])
def test_axe_finds_no_serious_fault_and_nothing_is_cut_off(
    browser: Any, still: tuple[Job, Server], size: str, scheme: str
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    for address in addresses(*still):
        page, heard = opened(browser, address, size, color_scheme=scheme, bypass_csp=True)
        if page.locator("[data-heat]").count():
            page.route("**/api/heat?*", lambda route: route.fulfill(json=HEAT))
            page.keyboard.press("h")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document).then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))")
        assert [fault for fault in found if fault[0] in ("serious", "critical")] == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], address
        assert [h for h in heard if "404" not in h] == [], address
        page.close()


def test_everything_can_be_reached_by_tab_and_is_seen_to_be(browser: Any, still: tuple[Job, Server]) -> None:
    page, _ = opened(browser, addresses(*still)[1])
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("(document.activeElement.dataset.key || document.activeElement.name || '')"))
    assert {"s", "d", "n", "u", "x", "individual", "other", "called", "why", "together", "name", "place"} <= seen
    page.close()


def test_without_javascript_all_can_be_read_and_decided(browser: Any, tmp_path: Path) -> None:
    job = card(tmp_path, plans("unsure", "new"))
    with serving(job.out, "--who", "Ana") as server:
        page, _ = opened(browser, server.address, java_script_enabled=False)
        page.get_by_role("link", name="Begin").click()
        page.get_by_role("radio", name="Mn-1").check(force=True)
        page.get_by_role("button", name="Same").click()
        assert "/crops/IMG_000001" in page.url
        assert "Mn-1" in page.locator("form.mine").inner_text()
        page.close()
    assert len([d for d in Catalog.open(job.catalog).decisions() if d.kind == "judge"]) == 1
