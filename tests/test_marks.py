"""How marked the fins of a card are, through a run: beside the grade, of crops that are kept, told once."""

from pathlib import Path

import pytest

from tests import fakes
from tests.fakes import again, counted
from tests.helpers import rows, run, tables


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A marked fin, one whose edge is not plain, a small marked one and a fluke."""
    fins = {"marked": fakes.Animal(60, 40, 140, 110, 2), "plain": fakes.Animal(60, 40, 140, 110, 1)}
    fins |= {"small": fakes.Animal(60, 40, 110, 90, 2), "tail": fakes.Animal(60, 40, 140, 110, 2, "fluke")}
    for name, animal in fins.items():
        fakes.save(tmp_path / "card" / f"{name}.jpg", fakes.sea(animal))
    return tmp_path / "card"


def marks(out: Path) -> dict[str, str]:
    return {r["crop"].split("_")[0]: r["distinctiveness"] for r in rows(out, "quality")}


def test_fins_that_are_kept_are_told_once(card: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    out = tmp_path / "out"
    assert run(card, out, "--set", "quality.min_size=60").code == 0
    assert marks(out) == {"marked": "0.75", "plain": "", "small": "", "tail": ""}
    assert fake_models.marked == 2
    before = tables(out)
    again(fake_models)
    assert run(card, out, "--set", "quality.min_size=60").code == 0
    assert tables(out) == before
    assert (*counted(fake_models), fake_models.marked) == ([], 0, 0, 0)
    run(card, out)  # what is kept now is asked for now, and nothing else
    assert marks(out)["small"] == "0.75"
    assert (*counted(fake_models), fake_models.marked) == ([], 0, 0, 1)


def test_the_grade_has_no_part_in_it(card: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    grades = []
    for setting in ("silhouette", "none"):
        assert run(card, tmp_path / "out", "--set", f"quality.silhouette={setting}").code == 0
        grades.append([(r["grade"], r["keep"]) for r in rows(tmp_path / "out", "quality")])
        assert set(marks(tmp_path / "out").values()) == ({"0.75", ""} if setting == "silhouette" else {""})
    assert grades[0] == grades[1]
    assert fake_models.marked == 3


@pytest.mark.usefixtures("fake_models")
def test_missing_weights_are_said_before_any_work(card: Path, tmp_path: Path) -> None:
    said = run(card, tmp_path / "out", "--set", "quality.silhouette=gone")
    assert "--set quality.silhouette=none" in said.complaint
    assert not (tmp_path / "out" / "detections.csv").exists()
