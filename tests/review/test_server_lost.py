"""The page on a PostgreSQL server that goes away in the middle: it says so, keeps no half decision, and goes on."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sql

from tests.databases import Server, away, cut_off
from tests.review.cards import Plan, plans
from tests.review.conftest import Open, Opened
from whalepipe.catalog.database import AwayError
from whalepipe.catalog.place import Place

AWAY = "cannot be used now"


@pytest.fixture
def new_place(fresh_url: Callable[[], str]) -> Callable[[], Place | None]:
    return fresh_url


@pytest.fixture
def page(review: Open) -> Opened:
    """Two crops of one animal in one burst, and one that is new."""
    return review([Plan("unsure", 0), Plan("unsure", 0), *plans("new")])


def both(page: Opened, verdict: str = "new", individual: str = "Luna") -> Any:
    """A decision about both crops of the burst, by a program; what was seen is looked up beforehand."""
    body = {"verdict": verdict, "seen": dict.fromkeys(page.crops[:2], 0), "individual": individual, "who": "Ana"}
    return page.client.post("/api/decide", json=body)


def judged(page: Opened) -> int:
    return sum(d.kind == "judge" for d in page.service.desk.catalog.decisions())


def ended_at(page: Opened, url: str, statement: str, nth: int = 1) -> None:
    """End every connection when the `nth` statement that begins so is about to be carried out."""
    left = nth

    def listen(_: Any, __: Any, text: str, *___: Any) -> None:
        nonlocal left
        if text.startswith(statement):
            left -= 1
            if left == 0:
                cut_off(url)

    sql.event.listen(page.service.desk.catalog.database._engine, "before_cursor_execute", listen)


@pytest.mark.parametrize(
    ("statement", "nth"), [("INSERT INTO crops", 1), ("INSERT INTO decisions", 1), ("INSERT INTO changes", 2)]
)
def test_a_connection_that_is_lost_in_the_middle_leaves_neither_crop_decided(
    page: Opened, server: str, statement: str, nth: int
) -> None:
    """The decision is about two crops: the second is cut off in the last case, and the first with it."""
    ended_at(page, server, statement, nth)
    before = (page.job.out / "ledger.csv").read_bytes()
    answer = both(page)
    assert answer.status_code == 503 and AWAY in answer.json()["error"] and answer.headers["retry-after"]
    assert "nothing was changed" in answer.json()["error"]
    assert judged(page) == 0 and (page.job.out / "ledger.csv").read_bytes() == before
    assert page.said("/api/individuals", q="Luna") == []
    assert both(page).status_code == 200 and judged(page) == 2


def test_a_form_says_so_on_the_page_it_came_from_and_can_be_sent_again(page: Opened, server: str) -> None:
    ended_at(page, server, "INSERT INTO decisions")
    fields = {"crop": page.crops[:2], "seen": [0, 0], "verdict": "new", "called": "Luna", "together": "all"}
    answer = page.form("/decide", **fields)
    assert answer.status_code == 503 and AWAY in answer.text and 'name="verdict"' in answer.text
    assert page.form("/decide", **fields).status_code == 303
    assert judged(page) == 2


def test_of_several_that_are_taken_back_all_are_or_none(page: Opened, server: str) -> None:
    numbers = [d["id"] for d in both(page).json()][::-1]
    ended_at(page, server, "INSERT INTO changes", 2)
    assert page.form("/undo", decision=numbers).status_code == 503
    assert all(d.undone_by is None for d in page.service.desk.catalog.decisions())
    assert page.form("/undo", decision=numbers).status_code == 303
    assert page.said("/api/queue")["items"][0]["said"] is None


def test_a_decision_that_was_taken_is_not_called_lost_when_the_server_goes_after_it(
    page: Opened, server_process: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = page.service.desk.catalog
    take = catalog.judge_all

    def and_stop(*asked: Any) -> Any:
        made = take(*asked)
        server_process.stop()
        return made

    monkeypatch.setattr(catalog, "judge_all", and_stop)
    answer = both(page)
    server_process.start()
    assert answer.status_code == 200 and len(answer.json()) == 2
    assert judged(page) == 2
    page.said("/api/changes")
    page.settle()
    assert (page.job.out / "ledger.csv").read_text().count("decided by Ana") == 2


def test_while_the_server_is_away_all_say_so_and_then_go_on(page: Opened, server_process: Server) -> None:
    crop, client, html = page.crops[0], page.client, {"accept": "text/html"}
    with away(server_process):
        for path in ("/", f"/crops/{crop}", "/decisions"):
            told = client.get(path, headers=html)
            assert told.status_code == 503 and AWAY in told.text and "Reload this page in a moment" in told.text, path
        for path in ("/api/queue", f"/api/crops/{crop}", "/api/decisions", "/api/changes", "/ready"):
            answer = client.get(path)
            said = answer.json()
            assert answer.status_code == 503 and AWAY in said.get("error", said.get("problem")), path
        assert both(page).status_code == 503
        assert page.form("/undo", decision=1).status_code == 503
        assert client.get("/health").status_code == 200
        assert page.service.desk.last == 1
    assert client.get("/ready").json()["ready"] and client.get("/").status_code == 200
    assert both(page).status_code == 200 and judged(page) == 2


def test_a_new_run_that_is_met_without_the_server_is_taken_up_afterwards(
    page: Opened, review: Open, server_process: Server
) -> None:
    assert both(page).status_code == 200
    page.settle()
    other = review([Plan("unsure", 0), *plans("new", "unsure", "unsure")])
    for path in (*other.job.out.glob("*.csv"), *other.job.out.glob("crops/*")):
        path.replace(page.job.out / path.relative_to(other.job.out))
    with away(server_process):
        assert page.client.get("/api/queue").status_code == 503
        assert page.client.get("/api/queue").status_code == 503
    assert [c["open"] for c in page.said("/api/queue")["counts"]] == [2, 0, 0, 0]


def test_a_report_that_could_not_be_made_is_made_later(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the catalogue's pictures. Until then the page and /ready say what is wrong, and no longer."""
    made: list[bool] = []

    def report(*_: Any) -> None:
        made.append(True)
        if len(made) == 1:
            raise AwayError("the catalogue cannot be used now")

    monkeypatch.setattr("whalepipe.review.writer.QUIET_S", 1.0)
    monkeypatch.setattr("whalepipe.review.outputs.Outputs.report", report)
    assert both(page).status_code == 200
    page.settle()
    writer = page.service.desk.writer
    ends = monotonic() + 20
    while not writer.problem and monotonic() < ends:
        sleep(0.01)
    assert page.client.get("/ready").json()["problem"] == "the catalogue cannot be used now"
    while writer.problem and monotonic() < ends:
        sleep(0.05)
    assert page.client.get("/ready").json()["ready"] and len(made) == 2
