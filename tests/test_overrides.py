"""What a person says of a crop goes: OUT/overrides.csv, honoured by the next run."""

from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import check_books, rows, run, snapshot


@pytest.fixture
def out(tmp_path: Path, raw: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """A run in which the first crop is set aside, for its size."""
    assert run(raw, tmp_path / "out", "--set", "quality.min_size=52").code == 0
    return tmp_path / "out"


def said_of(out: Path) -> dict[str, tuple[str, str]]:
    return {r["crop"][0] + r["crop"][-5]: (r["keep"], r["reason"]) for r in rows(out, "quality")}


def write(out: Path, *lines: str) -> None:
    names = {r["crop"][0] + r["crop"][-5]: r["crop"] for r in rows(out, "quality")}
    cells = [line.partition(",") for line in lines]
    text = "".join(f"{names.get(crop, crop)},{rest}\n" for crop, _, rest in cells)
    (out / "overrides.csv").write_text("crop,keep,reason\n" + text)


def test_a_crop_is_taken_back_and_another_set_aside(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    assert said_of(out)["a0"] == ("false", "too small: 50 pixels, 52 are needed")
    before = snapshot(raw)
    write(out, "a0,true,", "b0,false,it is a boat")
    fake_models.loaded.clear()
    assert run(raw, out, "--set", "quality.min_size=52").code == 0
    assert fake_models.loaded == []
    assert said_of(out) == {
        "a0": ("true", "kept by hand, though too small: 50 pixels, 52 are needed"),
        "a1": ("true", ""),
        "b0": ("false", "set aside by hand (it is a boat)"),
    }
    states = {r["crop"][0] + r["crop"][-5]: r["state"] for r in rows(out, "ledger") if r["crop"]}
    assert states == {"a0": "new", "a1": "new", "b0": "rejected"}
    check_books(out, 3)
    assert snapshot(raw) == before


def test_without_the_file_all_is_as_before(raw: Path, out: Path) -> None:
    before = said_of(out)
    write(out, "a0,true,")
    run(raw, out, "--set", "quality.min_size=52")
    assert said_of(out) != before
    (out / "overrides.csv").unlink()
    run(raw, out, "--set", "quality.min_size=52")
    assert said_of(out) == before


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("z.jpg,true,", "there is no crop z.jpg in"),
        ("../raw/a.jpg,true,", "there is no crop ../raw/a.jpg in"),
        ("a0,perhaps,", "line 2"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_lost(raw: Path, out: Path, line: str, complaint: str) -> None:
    before = said_of(out)
    write(out, line)
    said = run(raw, out)
    assert complaint in said.complaint
    assert "overrides.csv" in said.complaint
    assert said_of(out) == before
