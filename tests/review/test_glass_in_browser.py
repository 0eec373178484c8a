"""Two pictures under one glass, in a browser: what is drawn over them lies where it belongs, however they are moved."""

from typing import Any

import pytest

from tests.review.servers import Server
from tests.review.test_in_browser import HEAT, addresses, opened, playwright, pytestmark  # noqa: F401  skips without
from tests.review.test_in_browser import browser as browser
from tests.review.test_in_browser import still as still
from whalepipe.job import Job


def test_the_heat_map_lies_over_both_pictures_and_goes_with_them(browser: Any, still: tuple[Job, Server]) -> None:
    """The map is the test's own: hot in the upper left of the query, in the lower right of the candidate."""
    address = addresses(*still)[1]
    page, heard = opened(browser, address)
    page.route("**/api/heat?*", lambda route: route.fulfill(json=HEAT))
    canvases = page.locator(".glass canvas")
    assert [canvases.nth(n).is_hidden() for n in (0, 1)] == [True, True]
    page.keyboard.press("h")
    playwright.expect(page.locator("[data-said=heat]")).to_contain_text("cosine 0.62")
    assert [canvases.nth(n).is_visible() for n in (0, 1)] == [True, True]
    corners = """all => all.map(c => [[0.1, 0.1], [0.9, 0.9]].map(([x, y]) =>
        c.getContext("2d").getImageData(x * c.width, y * c.height, 1, 1).data[3] > 150))"""
    assert page.eval_on_selector_all(".glass canvas", corners) == [[True, False], [False, True]]
    heard.clear()  # chromium has advice on reading canvases
    shape = "all => all.map(l => (l.naturalWidth || l.width) / (l.naturalHeight || l.height))"
    assert len(set(page.eval_on_selector_all(".glass img, .glass canvas", shape))) == 1
    for key in ("+", "Shift+ArrowLeft", "m"):
        page.keyboard.press(key)
    placed = page.eval_on_selector_all(".glass img, .glass canvas", "all => all.map(l => l.style.transform)")
    assert placed[0] == placed[1] and placed[2] == placed[3] and "scaleX(-1)" in placed[3]
    page.keyboard.press("h")
    assert [canvases.nth(n).is_hidden() for n in (0, 1)] == [True, True]
    assert page.locator("[data-said=heat]").inner_text() == ""
    assert heard == []
    page.close()


def test_matched_points_stay_on_what_they_mark(browser: Any, still: tuple[Job, Server]) -> None:
    """However the pictures are moved: the one point of the test is the middle of both."""
    page, heard = opened(browser, addresses(*still)[1])
    page.route("**/api/points?*", lambda route: route.fulfill(json={"pairs": [[0.5] * 4], "said": ""}))
    page.keyboard.press("p")
    playwright.expect(page.locator(".marks circle")).to_have_count(2)
    for key in ("+", "+", "Shift+ArrowLeft", "m"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)  # the pictures glide to their places
    middles = "all => all.map(e => e.getBoundingClientRect()).flatMap(r => [r.x + r.width / 2, r.y + r.height / 2])"
    pictures = page.eval_on_selector_all(".glass img", middles)
    assert page.eval_on_selector_all(".marks circle", middles) == pytest.approx(pictures, abs=1)
    assert heard == []
    page.close()


def test_of_candidates_leafed_through_the_last_is_mapped(browser: Any, still: tuple[Job, Server]) -> None:
    page, _ = opened(browser, addresses(*still)[1])
    asked: list[str] = []
    waiting: list[Any] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url.rpartition("individual=")[2])
        waiting.append(route) if len(asked) == 1 else route.fulfill(status=503, json={"error": "no weights"})

    page.route("**/api/heat?*", answer)
    page.keyboard.press("h")
    playwright.expect(page.locator("[data-said=heat]")).to_contain_text("looking for what makes them alike")
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("2")
    waiting[0].fulfill(json={"score": 0.5, "first": [[1]], "second": [[1]]})
    playwright.expect(page.locator("[data-said=heat]")).to_have_text("no weights")
    assert asked == ["Mn-2", "Mn-1"]
    assert page.locator(".glass canvas").first.is_hidden()
    page.close()
