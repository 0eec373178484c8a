"""`whalepipe labels import, export, check`."""

from pathlib import Path

import pytest

from tests.helpers import whalepipe
from whalepipe.tables import BoxLabel, read_table

TABLE = (
    "photo,encounter,label,xmin,ymin,xmax,ymax,drawn_by\n"
    "a.jpg,day1,dorsal_fin,40.25,60,90,110,Ann\na.jpg,day1,dorsal_fin,150,50,210,100,Bo\n"
    "sub/b.JPG,day2,fluke,100,80,160,140,Ann\nc.png,day2,,,,,,\n"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(TABLE)
    return path


def test_there_and_back(raw: Path, table: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "coco.json", tmp_path / "back.csv"
    said = whalepipe("labels", "export", table, "--format", "coco", "--photos", raw, "--out", out)
    assert (said.code, said.out) == (0, f"3 boxes of 3 photos (1 of them empty) written to {out}\n")
    said = whalepipe("labels", "import", out, "--photos", raw, "--out", back)
    assert (said.code, said.out) == (0, f"3 boxes of 3 photos (1 of them empty) written to {back}\n")
    assert read_table(back, BoxLabel) == read_table(table, BoxLabel, aliases=True)


def test_what_is_left_out_is_said(raw: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "yolo"
    said = whalepipe("labels", "export", table, "--format", "yolo", "--photos", raw, "--out", out)
    assert said.out.splitlines() == [
        f"3 boxes of 3 photos (1 of them empty) written to {out}",
        "note: yolo has no place for encounter (4 rows), drawn_by (3 rows): left out; on import --encounter can be "
        "given again",
    ]
    back = tmp_path / "back.csv"
    given = ("--part", "fluke=tail", "--encounter", "day9", "--format", "yolo")
    assert whalepipe("labels", "import", out, "--photos", raw, "--out", back, *given).code == 0
    rows = read_table(back, BoxLabel)
    assert [(r.part, r.encounter) for r in rows] == [("dorsal_fin", "day9")] * 2 + [("", "day9"), ("tail", "day9")]


def test_wrong_lines_are_listed_and_the_rest_is_written(tmp_path: Path) -> None:
    source, out = tmp_path / "fn.csv", tmp_path / "boxes.csv"
    source.write_text("fn,bbox\na.jpg,1 2 3 4\n" + "a.jpg,1 2 3\n" * 22)
    said = whalepipe("labels", "import", source, "--part", "fluke", "--out", out)
    lines = said.out.splitlines()
    assert said.code == 1
    assert lines[:3] == [
        f"1 boxes of 1 photos (0 of them empty) written to {out}",
        "22 lines could not be used:",
        f"  {source}, line 3: 3 numbers where y0 x0 y1 x1 are expected",
    ]
    assert (len(lines), lines[-1]) == (23, "  and 2 more")
    assert len(read_table(out, BoxLabel)) == 1


def test_where_no_line_can_be_used_nothing_is_written(tmp_path: Path) -> None:
    source, out = tmp_path / "fn.csv", tmp_path / "boxes.csv"
    source.write_text("fn,bbox\na.jpg,1 2 3\n")
    said = whalepipe("labels", "import", source, "--out", out)
    assert said.out.splitlines()[1] == f"  {source}, line 2: 3 numbers where y0 x0 y1 x1 are expected"
    assert said.complaint == f"whalepipe: {source}: not one line of it can be used as fn-bbox; nothing is written"
    assert not out.exists()


def test_check(raw: Path, table: Path) -> None:
    said = whalepipe("labels", "check", table, "--photos", raw, "--quiet")
    assert (said.code, said.out, said.err) == (0, "3 boxes of 3 photos looked at: nothing wrong\n", "")
    said = whalepipe("labels", "check", table, "--photos", raw, "--parts", "dorsal_fin, head")
    assert said.code == 1
    assert said.out.splitlines() == [
        "3 boxes of 3 photos looked at: 1 wrong",
        f"  {table}, line 4 (sub/b.JPG): unknown part 'fluke'; known are dorsal_fin, head",
    ]
    assert said.err == "check: 3\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("import none.json --out x.csv", "none.json does not exist"),
        ("import {table} --photos none --out x.csv", "--photos none is not a folder"),
        ("import {table} --format word --out x.csv", "--format word: not one of yolo, coco"),
        ("export {table} --format coco --out x.json", "coco needs the sizes of the photos"),
        ("export {table} --format coco --photos none --out x.json", "--photos none is not a folder"),
        ("check none.csv --photos .", "none.csv: cannot be read"),
        ("check {table} --photos . --parts ,", "--parts names no part"),
    ],
)
def test_what_cannot_be_done_is_one_line(table: Path, args: str, words: str) -> None:
    said = whalepipe("labels", *args.format(table=table).split())
    assert words in said.complaint
    assert said.out == ""
