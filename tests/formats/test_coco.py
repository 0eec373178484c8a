"""COCO as pycocotools and CVAT write it."""

import json
from pathlib import Path

from tests.formats.conftest import Read
from whalepipe.formats.convert import export_labels
from whalepipe.tables import BoxLabel

SAMPLE = """{
  "info": {"description": "fins", "version": "1.0", "year": 2024},
  "licenses": [{"id": 1, "name": "CC-BY", "url": ""}],
  "images": [
    {"id": 17, "width": 100, "height": 50, "file_name": "a.jpg", "license": 1, "date_captured": ""},
    {"id": 4, "width": 60, "height": 80, "file_name": "sub/b.JPG"},
    {"id": 5, "file_name": "c d.png"}
  ],
  "annotations": [
    {"id": 1, "image_id": 4, "category_id": 3, "bbox": [7.07, 5.93, 38.65, 28.67], "area": 1108.1, "iscrowd": 0,
     "segmentation": [[7.07, 5.93, 45.72, 5.93, 45.72, 34.6]],
     "attributes": {"occluded": false, "drawn_by": "Ann", "individual": "1056"}},
    {"id": 2, "image_id": 17, "category_id": 1, "bbox": [10, 20, 30, 25], "iscrowd": 0},
    {"id": 3, "image_id": 4, "category_id": 1, "bbox": [0, 0, 60, 80]}
  ],
  "categories": [{"id": 1, "name": "fluke", "supercategory": "whale"}, {"id": 3, "name": "dorsal_fin"}]
}
"""


def test_a_file_of_the_tools(read: Read) -> None:
    rows, done = read("coco.json", SAMPLE)
    assert rows == [
        BoxLabel("a.jpg", "", "fluke", 10, 20, 40, 45),
        BoxLabel("sub/b.JPG", "", "dorsal_fin", 7.07, 5.93, 45.72, 34.6, "1056", drawn_by="Ann"),
        BoxLabel("sub/b.JPG", "", "fluke", 0, 0, 60, 80),
        BoxLabel("c d.png"),
    ]
    assert (done.format, done.boxes, done.photos, done.empty, done.wrong) == ("coco", 3, 3, 1, [])


def test_a_photo_of_another_size_is_another_photo(read: Read, tmp_path: Path) -> None:
    rows, done = read("coco.json", SAMPLE.replace('"width": 60, "height": 80', '"width": 80, "height": 60'))
    assert done.wrong == [
        f"{tmp_path / 'coco.json'}, line 6, images[1]: drawn on 80 x 60 pixels, but sub/b.JPG has 60 x 80: another "
        "photo, or one that was scaled or turned since"
    ]
    assert done.notes == ["2 boxes of images that cannot be used"]
    assert [row.photo for row in rows] == ["a.jpg", "c d.png"]


def test_a_photo_whose_boxes_are_wrong_is_not_called_empty(read: Read) -> None:
    rows, done = read("coco.json", SAMPLE.replace("[10, 20, 30, 25]", "[10, 20, -30, 25]"))
    assert [row.photo for row in rows] == ["sub/b.JPG", "sub/b.JPG", "c d.png"]
    assert len(done.wrong) == 1
    rows, done = read("coco.json", SAMPLE.replace('"image_id": 17', '"image_id": 18'))
    assert [row.photo for row in rows] == ["sub/b.JPG", "sub/b.JPG"]
    assert done.notes == ["2 images without boxes, of which some may be those of the wrong lines"]


def test_without_the_photos_the_file_is_believed(read: Read) -> None:
    rows, done = read("coco.json", SAMPLE.replace("sub/b.JPG", "elsewhere.jpg"), photos=None)
    assert (len(rows), rows[1].photo, done.wrong) == (4, "elsewhere.jpg", [])


def test_what_is_written(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,encounter,part,xmin,ymin,xmax,ymax,drawn_by\na.jpg,E,dorsal_fin,1.1,2.2,3.3,4.4,Ann\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "coco.json", "coco", photos)
    assert json.loads((tmp_path / "coco.json").read_text()) == {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 50, "attributes": {"encounter": "E"}}],
        "annotations": [
            {
                "id": 1, "image_id": 1, "category_id": 1, "bbox": [1.1, 2.2, 2.2, 2.2], "area": 4.84, "iscrowd": 0,
                "attributes": {"drawn_by": "Ann"},
            }
        ],
        "categories": [{"id": 1, "name": "dorsal_fin"}],
    }  # fmt: skip


def test_pycocotools_reads_it(tmp_path: Path, photos: Path) -> None:
    from pycocotools.coco import COCO

    (tmp_path / "own.csv").write_text("photo,part,xmin,ymin,xmax,ymax\na.jpg,fluke,1,2,3,4\nc d.png,,,,,\n")
    export_labels(tmp_path / "own.csv", tmp_path / "coco.json", "coco", photos)
    coco = COCO(str(tmp_path / "coco.json"))
    assert (coco.getImgIds(), [a["bbox"] for a in coco.imgToAnns[1]], coco.imgToAnns[2]) == ([1, 2], [[1, 2, 2, 2]], [])
