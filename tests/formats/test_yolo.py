"""YOLO folders as Ultralytics, Roboflow and Label Studio lay them out."""

import shutil
from pathlib import Path

import pytest

from tests.formats.conftest import Read
from whalepipe.errors import ConfigError, TableError
from whalepipe.formats.convert import export_labels, import_labels
from whalepipe.tables import BoxLabel, read_table

LINES = "1 0.5 0.5 0.2 0.4\n0 0.100000 0.200000 0.050000 0.100000\n"
BOXES = [("dorsal_fin", 40, 15, 60, 35), ("fluke", 7.5, 7.5, 12.5, 12.5)]


def corners(rows: list[BoxLabel]) -> list[tuple[object, ...]]:
    return [(row.part, *row.corners) for row in rows]


@pytest.fixture
def dataset(tmp_path: Path, photos: Path) -> Path:
    """images/ and labels/, without names."""
    root = tmp_path / "set"
    shutil.copytree(photos, root / "images")
    (root / "labels" / "sub").mkdir(parents=True)
    (root / "labels" / "a.txt").write_text(LINES)
    (root / "labels" / "sub" / "b.txt").write_text("")
    return root


NAMES = {
    "a mapping": "path: ../set\ntrain: images\nval: images\nnames:\n  0: fluke\n  1: dorsal_fin\n",
    "a list": "train: images\nval: images\nnc: 2\nnames: ['fluke', 'dorsal_fin']\n",
}


@pytest.mark.parametrize("names", NAMES)
def test_a_folder_that_ultralytics_trains_on(read: Read, dataset: Path, names: str) -> None:
    rows, done = read("set/data.yaml", NAMES[names], source=dataset, photos=None)
    assert corners(rows[:2]) == BOXES
    assert rows[2] == BoxLabel("sub/b.JPG")
    assert (done.format, done.wrong) == ("yolo", [])
    assert done.notes == ["1 photos without a label file, of which nothing is said then"]


def test_names_in_classes_txt_or_in_none(read: Read, dataset: Path) -> None:
    rows, _ = read("set/classes.txt", "fluke\ndorsal_fin\n", source=dataset, photos=None)
    assert corners(rows[:2]) == BOXES
    (dataset / "classes.txt").unlink()
    rows, done = read("set/notes.json", "{}", source=dataset, photos=None, parts=["1=head"])
    assert [row.part for row in rows] == ["head", "0", ""]
    assert done.notes[0] == "1 file of names (data.yaml, classes.txt) is missing: a part is called by its class"


def test_a_split_of_each_its_own(read: Read, tmp_path: Path, photos: Path) -> None:
    for folder in ("train/images", "valid/images"):
        shutil.copytree(photos, tmp_path / "set" / folder)
    for split, line in (("train", LINES), ("valid", "1 0.5 0.5 0.2 0.4 0.93\n")):  # with a detector's confidence
        (tmp_path / "set" / split / "labels").mkdir()
        (tmp_path / "set" / split / "labels" / "a.txt").write_text(line)
    rows, done = read("set/data.yaml", NAMES["a list"], photos=None)
    assert [row.photo for row in rows] == ["train/images/a.jpg"] * 2 + ["valid/images/a.jpg"]
    assert corners(rows) == [*BOXES, BOXES[0]]
    assert done.wrong == []


def test_lines_of_segmentation_are_boxes_around_them(read: Read, dataset: Path) -> None:
    (dataset / "labels" / "a.txt").write_text("0 0.1 0.2 0.5 0.2 0.3 0.8\n")
    rows, _ = read("set/data.yaml", NAMES["a list"], source=dataset, photos=None)
    assert corners(rows[:1]) == [("fluke", 10, 10, 50, 40)]


def test_what_is_written(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,part,xmin,ymin,xmax,ymax\nsub/b.JPG,fluke,6,8,30,48\nsub/b.JPG,dorsal_fin,0,0,60,80\na.jpg,,,,,\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "set", "yolo", photos)
    found = {p.relative_to(tmp_path / "set").as_posix(): p for p in (tmp_path / "set").rglob("*") if p.is_file()}
    assert sorted(found) == ["data.yaml", "images/a.jpg", "images/sub/b.JPG", "labels/a.txt", "labels/sub/b.txt"]
    assert found["labels/sub/b.txt"].read_text() == "1 0.3 0.35 0.4 0.5\n0 0.5 0.5 1 1\n"
    assert found["labels/a.txt"].read_text() == ""
    assert found["data.yaml"].read_text().endswith("train: images\nval: images\nnames:\n  0: dorsal_fin\n  1: fluke\n")
    assert found["images/a.jpg"].read_bytes() == (photos / "a.jpg").read_bytes()
    assert not found["images/a.jpg"].is_symlink()


def test_folders_called_images_and_labels(tmp_path: Path, photos: Path) -> None:
    for folder in ("images", "labels"):
        (photos / folder).mkdir()
        shutil.copyfile(photos / "a.jpg", photos / folder / "x.jpg")
    (tmp_path / "own.csv").write_text(
        "photo,part,xmin,ymin,xmax,ymax\nimages/x.jpg,fluke,6,8,30,48\nlabels/x.jpg,fluke,7,8,30,48\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "set", "yolo", photos)
    assert (tmp_path / "set" / "images" / "labels" / "x.txt").is_file()  # ultralytics replaces the last /images/
    for given in (photos, None):
        assert import_labels(tmp_path / "set", tmp_path / "back.csv", photos=given).wrong == []
        back = read_table(tmp_path / "back.csv", BoxLabel)
        assert {row.photo: row.xmin for row in back} == {"images/x.jpg": 6, "labels/x.jpg": 7}


def test_two_photos_of_one_stem(tmp_path: Path, photos: Path, dataset: Path) -> None:
    (photos / "a.png").write_bytes((photos / "c d.png").read_bytes())
    (tmp_path / "own.csv").write_text("photo,part,xmin,ymin,xmax,ymax\na.jpg,fluke,1,1,2,2\na.png,fluke,1,1,2,2\n")
    with pytest.raises(ConfigError, match=r"a\.jpg and a\.png would share a label file"):
        export_labels(tmp_path / "own.csv", tmp_path / "out", "yolo", photos)
    assert not (tmp_path / "out").exists()
    done = import_labels(dataset, tmp_path / "back.csv", photos=photos)
    assert done.wrong == [f"{dataset}/labels/a.txt: a.jpg and a.png both fit it"]
    assert [row.photo for row in read_table(tmp_path / "back.csv", BoxLabel)] == ["sub/b.JPG"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [", r"data\.yaml: cannot be read as YAML"),
        ("train: images", r"data\.yaml: no `names` of the classes in it, as a list or numbered from 0"),
        ("names: {fluke: 0}", "no `names` of the classes in it"),
        ("- fluke", "no `names` of the classes in it"),
    ],
)
def test_names_that_cannot_be_read(read: Read, dataset: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read("set/data.yaml", text, source=dataset, photos=None)


def test_a_folder_without_labels(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(TableError, match=r"photos: no labels/ with text files in it"):
        import_labels(photos, tmp_path / "out.csv", "yolo")
