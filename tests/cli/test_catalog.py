"""`whalepipe catalog add, list, show`."""

from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import Said, whalepipe


@pytest.fixture(autouse=True)
def _models(fake_models: fakes.Calls) -> None:
    """With fake models."""


def add(folder: Path, labels: str, catalogue: Path, *more: str) -> Said:
    table = folder.parent / "who.csv"
    table.write_text(labels)
    return whalepipe(
        "catalog", "add", folder, "--labels", table, "--catalog", catalogue, "--device", "cpu", "--quiet", *more
    )


LABELS = (
    "photo,encounter,part,xmin,ymin,xmax,ymax,individual,view\n"
    "a.jpg,day1,dorsal_fin,40,60,90,110,12E5,left\n"
    "a.jpg,day1,dorsal_fin,150,50,210,100,other,\n"
    "sub/b.JPG,day2,,,,,,12E5,\n"
    "c.png,day2,fluke,1,1,80,80,NA,\n"
    "c.png,day3,fluke,1,1,80,80,K7,\n"
)


def test_add_list_and_show(raw: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "deep" / "c?#%20 ü.sqlite"
    said = add(raw, LABELS, catalogue, "--without", "day3")
    assert said.code == 0
    assert said.out.splitlines() == [
        f"2 crops added to {catalogue}, 0 were in it already",
        "left out: 2 without a name (such as `other` or `unknown`), 1 by --without",
    ]
    assert catalogue.is_file()
    listed = whalepipe("catalog", "list", "--catalog", catalogue)
    assert (listed.code, listed.out) == (0, "12E5\tdorsal_fin\t2 crops\t2 encounters\tunknown\n")
    shown = whalepipe("catalog", "show", "12E5", "--catalog", catalogue)
    lines = [line.split("\t") for line in shown.out.splitlines()]
    assert [line[1:] for line in lines] == [
        ["dorsal_fin", "left", "day1", "a.jpg"],
        ["dorsal_fin", "unknown", "day2", "sub/b.JPG"],
    ]
    assert "holds no individual 'x'" in whalepipe("catalog", "show", "x", "--catalog", catalogue).complaint
    again = add(raw, LABELS, catalogue, "--without", "day3")
    assert again.out.startswith("0 crops added")
    assert "2 were in it already" in again.out


def test_labels_that_cannot_be_used_are_listed_and_the_rest_is_added(raw: Path, tmp_path: Path) -> None:
    (raw / "bad.jpg").write_text("x")
    header = "photo,part,xmin,ymin,xmax,ymax,individual\n"
    labels = header + (
        "a.jpg,,,,,,A\nnone.jpg,,,,,,A\n../who.csv,,,,,,A\nbad.jpg,,,,,,A\nc.png,,,,,,A\n"
        "a.jpg,dorsal_fin,900,1,950,9,A\na.jpg,,1,1,9,9,A\nsub/b.JPG,,,,,,B\n"
    )
    said = add(raw, labels, tmp_path / "c.sqlite")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0].startswith("1 crops added")
    assert lines[1] == "7 labels could not be used:"
    expected = [
        "a.jpg: 2 animals found where the label has no box", "none.jpg: none.jpg is not in", "who.csv leads out of",
        "bad.jpg: not a picture", "c.png: 0 animals found", "nothing of it lies inside the photo", "no part",
    ]  # fmt: skip
    assert [words for words, line in zip(expected, lines[2:], strict=True) if words not in line] == []


def test_crops_need_a_part(raw: Path, tmp_path: Path) -> None:
    said = add(raw, "crop,individual\na.jpg,A\n", tmp_path / "c.sqlite", "--crops")
    assert "--crops needs --part" in said.complaint
    said = add(raw, "crop,individual\na.jpg,A\nnone.jpg,A\n", tmp_path / "c.sqlite", "--crops", "--part", "head")
    assert said.code == 1
    listed = whalepipe("catalog", "list", "--catalog", tmp_path / "c.sqlite")
    assert listed.out == "A\thead\t1 crops\t0 encounters\tunknown\n"


@pytest.mark.parametrize(
    ("labels", "words"),
    [("individual\nA\n", "no column photo"), ("photo,xmin,individual\na.jpg,left,A\n", "line 2, column xmin")],
)
def test_a_table_that_cannot_be_read_adds_nothing(raw: Path, tmp_path: Path, labels: str, words: str) -> None:
    assert words in add(raw, labels, tmp_path / "c.sqlite").complaint
    assert not (tmp_path / "c.sqlite").exists()


def test_nothing_to_list_is_said(tmp_path: Path) -> None:
    for args in (("list",), ("show", "A")):
        said = whalepipe("catalog", *args, "--catalog", tmp_path / "none.sqlite")
        assert "make one with `whalepipe catalog add`" in said.complaint
    assert not (tmp_path / "none.sqlite").exists()
