"""`--miss-rate` and `--false-match-rate` on a small card with a catalogue: lists, bars, and what is said to expect."""

import json
from pathlib import Path

import pytest

from tests import fakes
from tests.fakes import again, counted
from tests.helpers import catalogue_of, rows, run, states


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def expected(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text()).get("expected", {})


def test_nothing_is_promised_where_nothing_is_asked(raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls):  # noqa: ARG001
    run(raw, out, "--catalog", catalogue_of(raw, tmp_path))
    assert expected(out) == {}


def test_a_list_of_one_is_enough_where_the_catalogue_has_one(
    raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls
) -> None:  # fmt: skip
    catalogue = catalogue_of(raw, tmp_path)
    result = run(raw, out, "--catalog", catalogue, "--miss-rate", "0.02")
    assert result.code == 0
    promise = expected(out)["dorsal_fin"]
    assert (promise["list_length"], promise["miss_rate"]) == (1, 0.0)
    text = "look at the first candidate of every crop without a name, and 0.0% of the known"
    assert f"dorsal_fin: {text}" in result.out + result.err
    assert text in (out / "report.html").read_text()
    assert {m["individual"] for m in rows(out, "matches")} == {"A", "new"}
    first = {p.name: p.read_bytes() for p in out.glob("*.csv")}
    again(fake_models)
    run(raw, out, "--catalog", catalogue, "--miss-rate", "0.02")
    assert counted(fake_models) == ([], 0, 0)
    assert {p.name: p.read_bytes() for p in out.glob("*.csv")} == first


def test_a_bar_that_names_less_is_set_without_comparing_anew(
    raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    catalogue, card = catalogue_of(raw, tmp_path), tmp_path / "fake-weights" / "embedder.json"
    # Of two crops that are the same: e^3 / (1 + e^3) = 0.95 for the one animal that it can be.
    mild = {"default": {"slope": 3.0, "intercept": 0.0}}
    card.write_text(json.dumps({**json.loads(card.read_text()), "calibration": mild}))
    run(raw, out, "--catalog", catalogue)
    assert states(out)["sub/b.JPG"] == "identified"

    def refuse(*_args, **_more):
        raise AssertionError("compared again")

    monkeypatch.setattr("whalepipe.stages.match.match", refuse)
    again(fake_models)
    run(raw, out, "--catalog", catalogue, "--false-match-rate", "0.01")
    assert states(out)["sub/b.JPG"] == "unsure"
    assert expected(out)["dorsal_fin"]["false_match_rate"] is None
    run(raw, out, "--catalog", catalogue, "--false-match-rate", "0.3")
    assert states(out)["sub/b.JPG"] == "identified"
    assert 0 <= expected(out)["dorsal_fin"]["false_match_rate"] <= 0.3
    assert counted(fake_models) == ([], 0, 0)


def test_a_rate_that_is_none(raw: Path, out: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    assert "1.500000000000 is not between 0 and 1" in run(raw, out, "--miss-rate", "1.5").complaint.replace(
        " 1.5 ", " 1.500000000000 "
    )
    for option in ("--miss-rate", "--false-match-rate"):
        assert f"{option} 0: nothing is certain" in run(raw, out, option, "0").complaint
    assert run(raw, out, "--false-match-rate", "0.00005").code == 0
