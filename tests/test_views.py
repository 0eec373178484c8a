"""Sides of fins through a run and into the catalogue."""

from pathlib import Path

import pytest

from tests import fakes
from tests.fakes import again, counted
from tests.helpers import rows, run, whalepipe


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A fin that is seen from the left, one of which nothing is told, and a fluke."""
    animals = {"left": 7, "front": 1}
    for name, shade in animals.items():
        fakes.save(tmp_path / "views" / f"{name}.jpg", fakes.sea(fakes.Animal(60, 40, 140, 110, shade)))
    fakes.save(tmp_path / "views" / "tail.jpg", fakes.sea(fakes.Animal(60, 40, 140, 110, 7, "fluke")))
    return tmp_path / "views"


def views(out: Path) -> dict[str, tuple[str, str]]:
    return {r["crop"].split("_")[0]: (r["view"], r["probability"]) for r in rows(out, "views")}


def test_a_side_is_told_of_fins_as_far_as_it_is_sure(card: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    out = tmp_path / "out"
    assert run(card, out).code == 0
    assert views(out) == {"left": ("left", "0.95"), "front": ("unknown", ""), "tail": ("unknown", "")}
    assert {r["photo"]: r["view"] for r in rows(out, "ledger")}["left.jpg"] == "left"
    again(fake_models)
    run(card, out, "--set", "view.sure_at=0.97")
    assert views(out)["left"] == ("unknown", "")
    run(card, out, "--set", "view.tell=none")
    assert views(out)["left"] == ("unknown", "")
    assert counted(fake_models) == ([], 0, 0)


def test_the_catalogue_learns_the_side_unless_a_person_said_it(card: Path, tmp_path: Path, fake_models) -> None:  # noqa: ARG001
    labels, catalogue = tmp_path / "who.csv", tmp_path / "catalogue.sqlite"
    labels.write_text("photo,part,individual,view\nleft.jpg,dorsal_fin,A,\nfront.jpg,dorsal_fin,B,right\n")
    add = ("catalog", "add", card, "--labels", labels, "--catalog", catalogue, "--device", "cpu", "--quiet")
    assert whalepipe(*add).code == 0
    shown = {name: whalepipe("catalog", "show", name, "--catalog", catalogue).out for name in "AB"}
    assert "left" in shown["A"].split("dorsal_fin")[1]
    assert "right" in shown["B"].split("dorsal_fin")[1]
    assert run(card, tmp_path / "out", "--catalog", catalogue).code == 0
    matches = [r for r in rows(tmp_path / "out", "matches") if r["crop"].startswith("left")]
    assert {r["individual"]: r["gallery_view"] for r in matches} == {"A": "left", "B": "right", "new": ""}
