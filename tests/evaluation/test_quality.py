"""`whalepipe evaluate quality`: finding, people, spoiled crops; and what is degenerate."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.evaluation.degrade import Framed
from whalepipe.evaluation.marked import marked_alike, told
from whalepipe.evaluation.quality import agreement, is_good
from whalepipe.evaluation.spoiling import measures_of
from whalepipe.tables import GradeLabel

HEAD = "crop,encounter,individual\n"


@pytest.fixture
def folders(tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:  # noqa: ARG001
    """Four known animals; of eight queries the blurred half is taken for another."""
    monkeypatch.setattr("whalepipe.evaluation.quality.Grader", fakes.Grader)
    known, later = [], []
    for shade in (2, 4, 6, 8):
        fakes.save(tmp_path / "known" / f"{shade}.png", fakes.painted(shade, shade))
        known.append(f"{shade}.png,k{shade},animal{shade}\n")
        fakes.save(tmp_path / "later" / f"sharp{shade}.png", fakes.painted(shade, 20 + shade))
        smooth = np.full((64, 72, 3), (100, 20 * (shade % 8 + 2), 30), np.uint8)
        smooth[:, :, 0] += np.arange(72, dtype=np.uint8)[None]
        fakes.save(tmp_path / "later" / f"soft{shade}.png", smooth)
        later += [f"sharp{shade}.png,a{shade},animal{shade}\n", f"soft{shade}.png,b{shade},animal{shade}\n"]
    (tmp_path / "known.csv").write_text(HEAD + "".join(known))
    (tmp_path / "later.csv").write_text(HEAD + "".join(later) + "sharp2.png,z,nobody\n")
    sides = [(f"--{side}", str(tmp_path / name), f"--{side}-labels", str(tmp_path / f"{name}.csv"))
             for side, name in (("gallery", "known"), ("query", "later"))]  # fmt: skip
    return (*sides[0], *sides[1], "--part", "fluke", "--device", "cpu")


def test_the_error_falls_as_the_worst_are_set_aside(folders: tuple[str, ...]) -> None:
    said = whalepipe("evaluate", "quality", *folders, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)["finding"]
    assert (found["queries"], found["error"]) == (8, 0.5)
    assert found["error_at_coverage"]["0.5"] == 0.0
    assert found["aurc"] < found["aurc_of"]["chance"] == 0.5
    assert found["against"]["chance"]["interval"][1] < 0
    assert found["drop_of_error"] > 0.25


def test_every_crop_is_embedded_once(folders: tuple[str, ...], fake_models: fakes.Calls) -> None:
    assert whalepipe("evaluate", "quality", *folders, "--json").code == 0
    assert fake_models.embedded == 4 + 8


def test_grades_of_which_none_is_good_are_scored_all_the_same(
    tmp_path: Path,
    fake_models: fakes.Calls,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("whalepipe.evaluation.quality.Grader", fakes.Grader)
    fakes.save(tmp_path / "a.png", fakes.painted(2, 1))
    (tmp_path / "g.csv").write_text("photo,part,grade,usable\na.png,fluke,1,no\n")
    graded = ("--grades", tmp_path / "g.csv", "--graded-photos", tmp_path, "--set", "quality.silhouette=none")
    said = whalepipe("evaluate", "quality", *graded, "--device", "cpu", "--json")
    assert said.code == 0, said.complaint
    found = json.loads(said.out)
    assert "spoiled" not in found
    assert (found["people"]["crops"], found["people"]["good_set_aside"]) == (1, None)
    assert found["people"]["poor_set_aside"] == 0.0


def test_it_can_be_read(folders: tuple[str, ...]) -> None:
    out = whalepipe("evaluate", "quality", *folders).out
    assert "finding\n" in out
    assert "error_at_coverage   1.0: 0.5" in out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "nothing to score"),
        (("--gallery", "x"), "together"),
        (("--grades", "x.csv"), "--graded-photos"),
        (("--set", "quality.weights=none"), "without weights there is no grade"),
    ],
)
@pytest.mark.usefixtures("fake_models")
def test_what_is_missing_is_said(options: tuple[str, ...], complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.evaluation.quality.Grader", fakes.Grader)
    assert complaint in whalepipe("evaluate", "quality", *options).complaint


def test_agreement_by_hand() -> None:
    said = [GradeLabel("a", grade=g, usable=u) for g, u in ((1, "no"), (2, "yes"), (3, "yes"), (3, "yes"))]
    grades = np.array([0.1, 0.5, 0.5, 0.9])
    found = agreement(said, grades, {"2": 0.3, "3": 0.6}, np.full(4, 0.55))
    # classes of people 0 1 2 2, ours 0 1 1 2: squared differences 0.25 on the mean, by chance 1.25
    assert found == {"kappa": 0.8, "auc_usable": 1.0, "good_set_aside": 0.6667, "poor_set_aside": 1.0}


def test_where_people_said_nothing_there_is_no_figure() -> None:
    said = [GradeLabel("a", usable="yes"), GradeLabel("b", usable="yes")]
    found = agreement(said, np.array([0.2, 0.9]), {"2": 0.5}, np.full(2, 0.5))
    assert found == {"kappa": None, "auc_usable": None, "good_set_aside": 0.5, "poor_set_aside": None}


def test_marks_agree_by_their_order() -> None:
    said = [GradeLabel(str(d), part="dorsal_fin", distinctiveness=d) for d in (1, 1, 2, 3)]
    assert marked_alike(said, np.array([0.9, 0.9, 0.5, 0.1])) == 1.0
    assert marked_alike(said, np.array([0.1, np.nan, 0.5, 0.9])) == -1.0
    assert marked_alike(said, np.array([0.9, 0.8, np.nan, np.nan])) is None
    assert marked_alike(said, np.full(4, 0.5)) is None


def test_only_fins_of_which_people_could_say_are_asked_for() -> None:
    crop = Framed(np.zeros((8, 8, 3), np.uint8), (0, 0, 8, 8))
    parts = (("dorsal_fin", 1), ("dorsal_fin", 0), ("dorsal_fin", None), ("fluke", 1))
    rows = [(GradeLabel("a", part=part, distinctiveness=said), crop) for part, said in parts]
    assert told(rows, lambda pixels: 0.25).tolist() == pytest.approx([0.25, *[np.nan] * 3], nan_ok=True)  # noqa: ARG005
    assert np.isnan(told(rows, None)).all()


def test_the_best_grade_is_good_where_nobody_said_usable() -> None:
    rows = [GradeLabel("a", grade=4), GradeLabel("b", grade=2), GradeLabel("c", grade=4, usable="no")]
    assert [is_good(row, rows) for row in rows] == [True, False, False]


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (64, 64)])
@pytest.mark.parametrize("tone", [0, 128, 255])
def test_what_shows_nothing_is_measured_all_the_same(shape: tuple[int, int], tone: int) -> None:
    height, width = shape
    row = measures_of(Framed(np.full((*shape, 3), tone, np.uint8), (0, 0, width, height)), "fluke", None)
    assert (row.contrast, row.sharpness, row.motion, row.noise, row.completeness) == (0, 0, 0, 0, 1)
