"""`whalepipe report`: the page once more, from the tables of a run."""

import json
import shutil
from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import run, snapshot, whalepipe


@pytest.fixture
def done(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """The results of a run with a catalogue; gives their folder."""
    raw = tmp_path / "card ü"
    for name, animal in {"known": (40, 60, 100, 120, 1), "new": (40, 60, 100, 121, 3)}.items():
        fakes.save(raw / f"{name}.jpg", fakes.sea(fakes.Animal(*animal)))
    (raw / "bad.jpg").write_text("x")
    labels = tmp_path / "who.csv"
    labels.write_text("photo,part,xmin,ymin,xmax,ymax,individual\nknown.jpg,dorsal_fin,40,60,100,120,Tt-1\n")
    catalogue = tmp_path / "c.sqlite"
    assert whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu").code == 0
    assert run(raw, tmp_path / "out", "--catalog", catalogue, "--miss-rate", "0.1").code == 1
    return tmp_path / "out"


def test_it_is_the_page_of_the_run(done: Path) -> None:
    page = (done / "report.html").read_bytes()
    for lost in ("report.html", "results.xlsx"):
        (done / lost).unlink()
    shutil.rmtree(done / "cache")
    before = snapshot(done.parent / "card ü")
    said = whalepipe("report", done, "--quiet")
    assert (said.code, said.out) == (0, f"results: {done / 'report.html'}\n")
    assert (done / "report.html").read_bytes() == page
    assert (done / "results.xlsx").exists()
    assert snapshot(done.parent / "card ü") == before


def test_it_names_the_digests_of_all_that_it_was_made_with(done: Path) -> None:
    page = (done / "report.html").read_text(encoding="utf-8")
    made_with = json.loads((done / "summary.json").read_text())["made_with"]
    digests = {kind: value for kind, value in made_with.items() if kind not in ("whalepipe", "config") and value}
    assert {"detector", "embedder", "quality", "calibration", "catalogue"} <= digests.keys()
    assert [kind for kind, value in digests.items() if value not in page] == []


def test_it_needs_no_photos_and_runs_no_model(done: Path) -> None:
    shutil.rmtree(done.parent / "card ü")
    fakes.again(fakes.CALLS)
    (done / "report.html").unlink()
    assert whalepipe("report", done, "--quiet").code == 0
    assert fakes.CALLS.loaded == []


def test_it_shows_what_the_tables_hold_now(done: Path) -> None:
    ledger = done / "ledger.csv"
    text = ledger.read_text(encoding="utf-8")
    assert ",new-" in text
    ledger.write_text(text.replace(",new-", ",newcomer-"), encoding="utf-8")
    assert whalepipe("report", done, "--quiet").code == 0
    assert b"newcomer-" in (done / "report.html").read_bytes()


def test_a_catalogue_that_was_moved_is_named(done: Path, tmp_path: Path) -> None:
    (done / "report.html").unlink()
    (tmp_path / "c.sqlite").rename(tmp_path / "elsewhere.sqlite")
    said = whalepipe("report", done, "--quiet")
    assert said.code == 2 and "c.sqlite" in said.complaint
    assert whalepipe("report", done, "--quiet", "--catalog", tmp_path / "elsewhere.sqlite").code == 0


def test_a_catalogue_that_changed_since_is_told(done: Path, tmp_path: Path) -> None:
    assert "changed since" not in (done / "report.html").read_text(encoding="utf-8")
    more = tmp_path / "more.csv"
    more.write_text("photo,part,xmin,ymin,xmax,ymax,individual\nnew.jpg,dorsal_fin,40,60,100,121,Tt-2\n")
    catalogue, raw = tmp_path / "c.sqlite", tmp_path / "card ü"
    assert whalepipe("catalog", "add", raw, "--labels", more, "--catalog", catalogue, "--device", "cpu").code == 0
    (done / "report.html").unlink()
    assert whalepipe("report", done, "--quiet").code == 0
    assert "c.sqlite: 2 individuals, 2 crops" in (text := (done / "report.html").read_text(encoding="utf-8"))
    assert "changed since: its pictures and numbers are those of now" in text


def test_paths_given_from_elsewhere_are_found(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = json.loads((done / "summary.json").read_text())
    summary["asked"] |= {"folder": str(done.parent), "catalog": "c.sqlite"}
    (done / "summary.json").write_text(json.dumps(summary))
    (done / "report.html").unlink()
    monkeypatch.chdir("/")
    assert whalepipe("report", done, "--quiet").code == 0


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda out: (out / "summary.json").unlink(), "holds no results; give the output folder of `whalepipe run`"),
        (lambda out: (out / "summary.json").write_text("{"), "summary.json: cannot be read"),
        (lambda out: (out / "summary.json").write_text("[]"), "does not say what it was made with"),
        (lambda out: (out / "ledger.csv").write_text("photo\n"), "ledger.csv: no column"),
    ],
)
def test_what_is_missing_is_said_in_one_line(done: Path, damage: object, told: str) -> None:
    damage(done)  # type: ignore[operator]
    said = whalepipe("report", done)
    assert said.code == 2 and told in said.complaint


def test_results_of_an_older_version_are_to_be_made_anew(done: Path) -> None:
    summary = json.loads((done / "summary.json").read_text())
    del summary["asked"]
    (done / "summary.json").write_text(json.dumps(summary))
    said = whalepipe("report", done)
    assert said.code == 2 and "run `whalepipe run` again" in said.complaint
