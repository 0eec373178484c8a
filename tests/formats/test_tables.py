"""The plain tables of numbers: `fn,bbox`, polygon rows, `image,xmin,xmax,ymin,ymax`, `filename,x,y,w,h`."""

from pathlib import Path

import pytest

from tests.formats.conftest import Read
from whalepipe.formats.convert import export_labels
from whalepipe.tables import BoxLabel

BOX = BoxLabel("a.jpg", "", "fluke", 10, 9, 104, 27.5)
SAMPLES = {
    "fn-bbox": ("fn,bbox\na.jpg,9 10 27.5 104\nc d.png,\n", "a.jpg,9 10 27.5 104\nc d.png,\n"),
    "polygons": (
        "file,x1,y1,x2,y2,x3,y3\na.jpg,10,20,55,9,104,27.5\nc d.png\n",
        "a.jpg,10,9,104,27.5,,\nc d.png,,,,,,\n",
    ),
    "minmax": ("image,xmin,xmax,ymin,ymax\na.jpg,10,104,9,27.5\nc d.png,,,,\n",),
    "xywh": ("filename,x,y,w,h\na.jpg,10,9,94,18.5\nc d.png,,,,\n",),
}
CASES = [(name, text) for name, texts in SAMPLES.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_a_table_of_the_field(read: Read, name: str, text: str) -> None:
    rows, done = read("table.csv", text, parts=["fluke"])
    assert rows == [BOX, BoxLabel("c d.png")]
    assert (done.format, done.wrong) == (name, [])


WRITTEN = {
    "fn-bbox": "fn,bbox\na.jpg,9 10 27.5 104\nc d.png,\n",
    "polygons": "a.jpg,10,9,104,9,104,27.5,10,27.5\nc d.png\n",
    "minmax": "image,xmin,xmax,ymin,ymax\na.jpg,10,104,9,27.5\nc d.png,,,,\n",
    "xywh": "filename,x,y,w,h\na.jpg,10,9,94,18.5\nc d.png,,,,\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "own.csv").write_text("photo,xmin,ymin,xmax,ymax\na.jpg,10,9,104,27.5\nc d.png,,,,\n")
    export_labels(tmp_path / "own.csv", tmp_path / "out.csv", name)
    assert (tmp_path / "out.csv").read_text() == WRITTEN[name]


@pytest.mark.parametrize(
    ("header", "corners"), [("image,xmin,xmax,ymin,ymax", (1, 2, 5, 6)), ("filename,x,w,y,h", (1, 2, 6, 8))]
)
def test_more_columns_are_read_and_their_order_is_free(read: Read, header: str, corners: tuple[int, ...]) -> None:
    text = f"label,{header},encounter,drawn_by,colour\nhead,a.jpg,1,5,2,6,day 1,Ann,red\n"
    [row], _ = read("table.csv", text)
    assert (row.part, row.encounter, row.drawn_by, row.corners) == ("head", "day 1", "Ann", corners)


def test_a_polygon_of_many_points(read: Read) -> None:
    points = ",".join(f"{x},{y}" for x in range(20, 40) for y in (10, 30))
    [row], _ = read("table.csv", f"a.jpg,{points}\n", parts=["fluke"])
    assert row.corners == (20, 10, 39, 30)
