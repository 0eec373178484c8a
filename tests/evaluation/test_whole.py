"""`whalepipe evaluate run`: from raw photos to names, against a table that says who is in them."""

import json
from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import whalepipe

HEAD = "photo,part,xmin,ymin,xmax,ymax,individual,fault\n"
BOX = "40,60,110,130"


@pytest.fixture
def season(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """A catalogue of `one` (shade 2); photos of it, of a new animal, of a blurred one, a missed one and two seas."""
    for number in range(2):
        fakes.save(tmp_path / "known" / f"{number}.png", fakes.painted(2, number))
    (tmp_path / "known.csv").write_text("crop,encounter,individual\n0.png,a,one\n1.png,b,one\n")
    catalogue = ("--catalog", str(tmp_path / "c.sqlite"), "--crops", "--part", "dorsal_fin", "--device", "cpu")
    assert whalepipe("catalog", "add", tmp_path / "known", "--labels", tmp_path / "known.csv", *catalogue).code == 0
    for name, shade in (("again", 2), ("stranger", 7)):
        fakes.save(tmp_path / "card" / f"{name}.png", fakes.sea(fakes.Animal(40, 60, 110, 130, shade)))
    fakes.save(tmp_path / "card" / "nothing.png", fakes.sea())
    fakes.save(tmp_path / "card" / "missed.png", fakes.sea(width=241))
    fakes.save(tmp_path / "card" / "boat.png", fakes.sea(fakes.Animal(50, 60, 120, 130, 5)))
    rows = [f"again.png,dorsal_fin,{BOX},one,\n", f"stranger.png,dorsal_fin,{BOX},two,\n", "nothing.png,,,,,,,\n"]
    rows += [f"missed.png,dorsal_fin,{BOX},one,cut_off\n", "boat.png,,,,,,,\n"]
    (tmp_path / "truth.csv").write_text(HEAD + "".join(rows))
    return tmp_path


def scored(season: Path, *more: str) -> dict[str, object]:
    options = ("--truth", season / "truth.csv", "--catalog", season / "c.sqlite", "--out", season / "out")
    said = whalepipe("evaluate", "run", season / "card", *options, "--device", "cpu", "--json", *more)
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_a_run_is_scored_from_raw_photo_to_name(season: Path) -> None:
    found = scored(season)
    assert (found["photos"], found["animals"]) == (5, 3)
    assert (found["found"], found["kept"], found["top1"]) == (1.0, 1.0, 1.0)
    assert found["auroc_new"] == 1.0
    assert found["false_per_100"] == 20.0
    assert found["set_aside"] == {"cut_off": 1.0}
    assert found["states"]["not found"] == 1
    assert found["intervals"]["false_per_100"][0] == 0.0


def test_what_quality_sets_aside_is_lost_to_the_names(season: Path) -> None:
    found = scored(season, "--set", "quality.min_size=200")
    assert (found["found"], found["kept"], found["named"]) == (1.0, 0.0, 0.0)


def test_a_second_time_nothing_is_run_again(season: Path, fake_models: fakes.Calls) -> None:
    first = scored(season)
    fake_models.loaded.clear()
    assert scored(season) == first
    assert fake_models.loaded == []


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (f"elsewhere.png,dorsal_fin,{BOX},one,\n", "elsewhere.png is not in"),
        ("again.png,dorsal_fin,40,60,40,130,one,\n", "again.png: the box is empty"),
        ("", "tells of no photo"),
    ],
)
def test_a_wrong_truth_is_named(season: Path, row: str, complaint: str) -> None:
    (season / "truth.csv").write_text(HEAD + row)
    options = ("--truth", season / "truth.csv", "--out", season / "out", "--device", "cpu")
    assert complaint in whalepipe("evaluate", "run", season / "card", *options).complaint
