"""What was decided on the page holds in the next run of the same photos with the same catalogue."""

from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import catalogue_of, check_books, rows, run, tables, whalepipe
from tests.review.conftest import Open, Opened
from whalepipe.report.again import read_job


@pytest.fixture
def page(review: Open, raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> Opened:  # noqa: ARG001
    """A true run over fakes: a0 and b0 show the known A, a1 is new."""
    assert run(raw, tmp_path / "out", "--catalog", catalogue_of(raw, tmp_path)).code == 0
    return review(job=read_job(tmp_path / "out"))


def told(out: Path) -> dict[str, tuple[str, str, str]]:
    """State, individual and the reason's beginning, by the photo's letter and the box."""
    return {
        r["crop"][0] + r["crop"][-5]: (r["state"], r["individual"], r["reason"].partition(" on ")[0])
        for r in rows(out, "ledger") if r["crop"]
    }  # fmt: skip


def test_the_next_run_says_what_was_decided(page: Opened, raw: Path, tmp_path: Path) -> None:
    _, a1, b0 = page.crops
    page.decide(a1, "new", "Luna")
    page.decide(b0, "not_usable")
    decided = {"a0": ("identified", "A", ""), "a1": ("identified", "Luna", "decided by Ana"),
               "b0": ("rejected", "", "decided by Ana")}  # fmt: skip
    out, catalogue = tmp_path / "out", tmp_path / "catalogue.sqlite"
    assert told(out) == decided
    assert run(raw, out, "--catalog", catalogue).code == 0
    assert told(out) == decided
    check_books(out, 3)
    quality = {r["crop"]: (r["keep"], r["reason"]) for r in rows(out, "quality")}
    assert quality[b0][0] == "false" and quality[b0][1].startswith("set aside by hand (decided by Ana")
    assert "decided by Ana" in (out / "report.html").read_text(encoding="utf-8")


def test_the_same_photos_in_another_folder_are_known_to_be_decided(page: Opened, raw: Path, tmp_path: Path) -> None:
    page.decide(page.crops[1], "new", "Luna")
    raw.rename(tmp_path / "copied")
    assert run(tmp_path / "copied", tmp_path / "out2", "--catalog", tmp_path / "catalogue.sqlite").code == 0
    assert told(tmp_path / "out2")["a1"] == ("identified", "Luna", "decided by Ana")


def test_without_the_catalogue_it_says_what_the_program_says(page: Opened, raw: Path, tmp_path: Path) -> None:
    page.decide(page.crops[0], "different", "A")
    assert told(tmp_path / "out")["a0"] == ("unsure", "", "not A, decided by Ana")
    assert run(raw, tmp_path / "out2").code == 0
    assert told(tmp_path / "out2")["a0"][0] == "new"


def test_a_decision_that_is_taken_back_leaves_no_trace_in_the_next_run(page: Opened, raw: Path, tmp_path: Path) -> None:
    before = tables(tmp_path / "out")
    made = page.decide(page.crops[1], "not_usable").json()[0]["id"]
    page.client.post("/api/undo", json={"decision": made})
    page.settle()
    assert run(raw, tmp_path / "out", "--catalog", tmp_path / "catalogue.sqlite").code == 0
    after = tables(tmp_path / "out")
    assert rows(tmp_path / "out", "overrides") == []
    assert {n: d for n, d in after.items() if n != "overrides.csv"} == before


def test_the_report_is_made_anew_at_the_end(page: Opened, tmp_path: Path) -> None:
    page.decide(page.crops[1], "new", "Luna")
    page.service.desk.close()
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Luna" in text


@pytest.mark.usefixtures("page")
def test_what_is_no_run_or_has_no_catalogue_is_said(raw: Path, tmp_path: Path) -> None:
    nothing = whalepipe("review", tmp_path / "nothing")
    assert "holds no results; give the output folder of `whalepipe run`" in nothing.complaint
    run(raw, tmp_path / "out2")
    assert "name one with --catalog" in whalepipe("review", tmp_path / "out2").complaint
    (tmp_path / "out" / "answers.csv").unlink()
    assert "do the run again" in whalepipe("review", tmp_path / "out").complaint
