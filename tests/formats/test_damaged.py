"""Damaged label files: every wrong line is named with its file, its number and what is wrong, and the rest is read."""

from pathlib import Path

import pytest

from tests.formats.conftest import Read
from whalepipe.errors import WhalepipeError
from whalepipe.formats.convert import FORMATS, import_labels
from whalepipe.tables import BoxLabel, read_table

COCO = (
    '{{"images": [{{"id": 1, "file_name": "a.jpg"}}],\n'
    '"categories": [{{"id": 1, "name": "fluke"}}],\n'
    '"annotations": [{{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}},\n{}]}}'
)
MD = (
    '{{"detection_categories": {{"1": "fluke"}}, "images": [\n'
    '{{"file": "a.jpg", "detections": [{{"category": "1", "conf": 1.0, "bbox": [0.1, 0.1, 0.1, 0.1]}}]}},\n{}]}}'
)
TASKS = (
    '[{{"data": {{"image": "c d.png"}}, "annotations": [{{"result": []}}]}},\n'
    '{{"data": {{"image": "a.jpg"}}, "annotations": [{{"result": [\n{}]}}]}}]'
)
RESULT = '{{"type": "rectanglelabels", "value": {{"x": 1, "y": 2, "width": 3, "height": {}, "rectanglelabels": {}}}}}'
VOC = (
    "<annotation>\n<filename>{}</filename>\n<object>\n<name>fluke</name>\n"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>4</ymax></bndbox>\n</object>\n</annotation>\n"
)
INSIDE_OUT = "the box is inside out: xmax and ymax must be larger than xmin and ymin"
EMPTY = "the box is empty: xmax and ymax must be larger than xmin and ymin"

# File, text, what is said after the file's path ("{photos}" stands for the folder of photos).
DAMAGED = {
    "a number that is none": ("t.csv", "fn,bbox\na.jpg,9 10 x 44\n", ", line 2: 'x' is not a number"),
    "too few numbers": ("t.csv", "fn,bbox\na.jpg,9 10 44\n", ", line 2: 3 numbers where y0 x0 y1 x1 are expected"),
    "too many cells": ("t.csv", "fn,bbox\na.jpg,9,10,44,50\n", ", line 2: 5 cells where fn and bbox are expected"),
    "inside out": ("t.csv", "fn,bbox\na.jpg,44 10 9 30\n", f", line 2: {INSIDE_OUT}"),
    "no width": ("t.csv", "fn,bbox\na.jpg,9 10 44 10\n", f", line 2: {EMPTY}"),
    "a photo that is not there": ("t.csv", "fn,bbox\nno.jpg,1 2 3 4\n", ", line 2: no.jpg is not in {photos}"),
    "no photo": ("t.csv", "fn,bbox\n,1 2 3 4\n", ", line 2: no photo is named"),
    "a path out of the folder": (
        "t.csv", "fn,bbox\n../photos/a.jpg,1 2 3 4\n", ", line 2: ../photos/a.jpg leads out of {photos}",
    ),
    "an absolute path": ("t.csv", "fn,bbox\n/etc/passwd,1 2 3 4\n", ", line 2: /etc/passwd is not in {photos}"),
    "an x without its y": ("t.csv", "a.jpg,1,2,3,4\na.jpg,1,2,3\n", ", line 2: 3 numbers: an x without its y"),
    "a polygon of one point": ("t.csv", "a.jpg,1,2,3,4\na.jpg,1,2\n", f", line 2: {EMPTY}"),
    "infinity": ("t.csv", "a.jpg,1,2,3,4\na.jpg,1,2,inf,4\n", ", line 2: inf is not a finite number"),
    "a missing corner": (
        "t.csv", "image,xmin,xmax,ymin,ymax\na.jpg,1,,3,4\n", ", line 2: a corner of the box is missing",
    ),
    "not a number": (
        "t.csv", "image,xmin,xmax,ymin,ymax\na.jpg,1,nan,3,4\n", ", line 2: a corner of the box is not a finite number",
    ),
    "a text for a number": (
        "t.csv", "image,xmin,xmax,ymin,ymax\na.jpg,1,l0,3,4\n", ", line 2, column xmax: 'l0' is not a float",
    ),
    "a cell too few": (
        "t.csv", "image,xmin,xmax,ymin,ymax\na.jpg,1,2,3\n", ", line 2: 4 cells under 5 columns",
    ),
    "a negative width": ("t.csv", "filename,x,y,w,h\na.jpg,5,5,-3,4\n", f", line 2: {INSIDE_OUT}"),
    "a missing height": ("t.csv", "filename,x,y,w,h\na.jpg,5,5,3,\n", ", line 2: one of x, y, w, h is missing"),
    "JSON cut short": (
        "t.json", '{"images": [\n{"id": 1,', ", line 2, column 10: cannot be read as JSON (Expecting property name "
        "enclosed in double quotes)",
    ),
    "a box of three numbers": (
        "t.json", COCO.format('{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3]}'),
        ", line 4, annotations[1]: `bbox` has 3 numbers, not 4",
    ),
    "a box of texts": (
        "t.json", COCO.format('{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, "4"]}'),
        ', line 4, annotations[1]: "4" in `bbox` is not a finite number',
    ),
    "a box of what is no number": (
        "t.json", COCO.format('{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, NaN]}'),
        ", line 4, annotations[1]: NaN in `bbox` is not a finite number",
    ),
    "no box": (
        "t.json", COCO.format('{"image_id": 1, "category_id": 1}'), ", line 4, annotations[1]: no `bbox`",
    ),
    "no such image": (
        "t.json", COCO.format('{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}'),
        ", line 4, annotations[1]: there is no image with the id 7",
    ),
    "no such category": (
        "t.json", COCO.format('{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}'),
        ", line 4, annotations[1]: there is no category with the id 7",
    ),
    "no object": ("t.json", COCO.format("null"), ", line 4, annotations[1]: null where an object {{...}} is expected"),
    "pixels for shares": (
        "t.json",
        MD.format('{"file": "c d.png", "detections": [{"category": "1", "conf": 1, "bbox": [9, 9, 20, 20]}]}'),
        ", line 3, images[1].detections[0]: 9 9 20 20 do not lie between 0 and 1; are they pixels?",
    ),
    "no detections": (
        "t.json", MD.format('{"file": "c d.png"}'), ", line 3, images[1]: no `detections`",
    ),
    "a video": (
        "t.json", MD.format('{"file": "v.mp4", "frame_rate": 20, "detections": []}'),
        ", line 3, images[1]: a video; only photos can have boxes",
    ),
    "two parts for one box": (
        "t.json", TASKS.format(RESULT.format("4", '["fluke", "fin"]')),
        ", line 3, [1].annotations[0].result[0]: `rectanglelabels` must name one part",
    ),
    "a rectangle without height": (
        "t.json", TASKS.format(RESULT.format("0", '["fluke"]')),
        f", line 3, [1].annotations[0].result[0]: {EMPTY}",
    ),
    "XML cut short": (
        "v/t.xml", "<annotation>\n<filename>", ", line 2: cannot be read as XML (no element found: line 2, column 10)",
    ),
    "another kind of XML": (
        "v/t.xml", "<?xml version='1.0'?>\n<html/>", ", line 2: <html> where Pascal VOC has <annotation>",
    ),
    "a corner that is no number": ("v/t.xml", VOC.format("a.jpg", "l2"), ", line 3: 'l2' is not a number"),
    "a corner that is empty": ("v/t.xml", VOC.format("a.jpg", ""), ", line 3: no <xmax>"),
    "a class without a name": (
        "y/labels/a.txt", "0 0.5 0.5 0.1 0.1\n3 0.5 0.5 0.1 0.1\n",
        ", line 2: the class 3 is not among the 1 that have names",
    ),
    "a class that is no number": (
        "y/labels/a.txt", "0 0.5 0.5 0.1 0.1\nfin 0.5 0.5 0.1 0.1\n", ", line 2: 'fin' is not a number",
    ),
    "a word too few": (
        "y/labels/a.txt", "0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\n",
        ", line 2: 4 words where class, middle x, middle y, width, height are expected",
    ),
    "shares that are pixels": (
        "y/labels/a.txt", "0 0.5 0.5 0.1 0.1\n0 50 25 10 10\n",
        ", line 2: 50 25 10 10 do not lie between 0 and 1; are they pixels?",
    ),
    "a label without its photo": ("y/labels/z.txt", "0 0.5 0.5 0.1 0.1\n", ": no photo z.* in {photos}"),
}  # fmt: skip


def messages(source: Path, path: Path, photos: Path) -> list[str]:
    """What is said of the file, without its path."""
    try:
        said = import_labels(source, path.parent / "out.csv", "", photos, ["fluke"]).wrong
    except WhalepipeError as error:
        said = [str(error)]
    assert all(text.startswith(str(path)) for text in said), said
    return [text.removeprefix(str(path)) for text in said]


@pytest.mark.parametrize("kind", DAMAGED)
def test_the_damage_is_named(tmp_path: Path, photos: Path, kind: str) -> None:
    name, text, expected = DAMAGED[kind]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    source = path
    if name.startswith("y/"):
        source = tmp_path / "y"
        (source / "data.yaml").write_text("names: [fluke]\n")
    assert messages(source, path, photos) == [expected.format(photos=photos)]


def test_all_wrong_lines_are_named_and_the_others_read(read: Read, tmp_path: Path) -> None:
    lines = ["fn,bbox", *["a.jpg,1 2 3"] * 30, "a.jpg,1 2 3 4", "a.jpg,4 3 2 1"]
    rows, done = read("t.csv", "\n".join(lines), parts=["fluke"])
    assert [text.split(":")[0] for text in done.wrong] == [
        f"{tmp_path / 't.csv'}, line {n}" for n in [*range(2, 32), 33]
    ]  # fmt: skip
    assert rows == [BoxLabel("a.jpg", "", "fluke", 2, 1, 4, 3)]


@pytest.mark.parametrize(
    ("name", "text", "format", "message"),
    [
        ("t.csv", "", "", "its format cannot be told from its content; say it with --format"),
        ("t.csv", "a,b\n1,2\n", "", "its format cannot be told from its content"),
        ("t.json", "{}", "", "its format cannot be told from its content"),
        ("t.docx", "", "", "its format cannot be told from its content"),
        ("t.csv", "a,b\n1,2\n", "minmax", "no column photo in its first line"),
        ("t.csv", "a,b\n1,2\n", "xywh", "no column h, photo, w, x, y in its first line"),
        ("t.csv", "fn,bbox\n", "", "nothing is said of any photo in it"),
        ("t.json", "{}", "coco", "no list `categories` in it"),
        ("t.json", "[]", "megadetector", "no list `images` in it"),
        ("t.json", '{"images": []}', "megadetector", "no `detection_categories` that name the categories in it"),
        ("t.json", "{}", "labelstudio", "no list of tasks; export from Label Studio as JSON"),
        ("t.json", "[" * 100_000, "coco", "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_not_of_the_format(read: Read, name: str, text: str, format: str, message: str) -> None:
    with pytest.raises(WhalepipeError) as caught:
        read(name, text, format=format)
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(WhalepipeError, match=r"none does not exist; give the label file"):
        import_labels(tmp_path / "none", tmp_path / "out.csv", name)


@pytest.mark.parametrize("name", [n for n, f in FORMATS.items() if not f.folder])
def test_bytes_that_are_no_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "t").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(WhalepipeError, match="t: cannot be read as UTF-8 text"):
        import_labels(tmp_path / "t", tmp_path / "out.csv", name)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes((photos / "a.jpg").read_bytes())
    (photos / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "t.csv").write_text("fn,bbox\nlink.jpg,1 2 3 4\n")
    done = import_labels(tmp_path / "t.csv", tmp_path / "out.csv", photos=photos, parts=["fluke"])
    assert done.wrong == [f"{tmp_path}/t.csv, line 2: link.jpg leads out of {photos}"]
    assert not (tmp_path / "out.csv").exists()


def test_an_import_that_fails_leaves_the_table_as_it_was(read: Read, tmp_path: Path) -> None:
    read("t.csv", "fn,bbox\na.jpg,1 2 3 4\n", parts=["fluke"])
    before = read_table(tmp_path / "imported.csv", BoxLabel)
    with pytest.raises(WhalepipeError):
        read("t.csv", "fn,bbox\na.jpg,1 2 3 4\n")
    read("t.csv", "fn,bbox\na.jpg,1 2 3\n", parts=["fluke"])
    assert read_table(tmp_path / "imported.csv", BoxLabel) == before
