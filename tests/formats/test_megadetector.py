"""MegaDetector's batch output."""

import json
from pathlib import Path

from tests.formats.conftest import Read
from whalepipe.formats.convert import export_labels
from whalepipe.tables import BoxLabel

SAMPLE = """{
 "images": [
  {
   "file": "a.jpg",
   "detections": [
    {"category": "1", "conf": 0.926, "bbox": [0.1, 0.2, 0.5, 0.6]},
    {"category": "2", "conf": 0.061, "bbox": [0.0451, 0.1849, 0.3642, 0.4636]},
    {"category": "9", "conf": 0.9, "bbox": [0.1, 0.2, 0.5, 0.6]}
   ]
  },
  {"file": "sub\\\\b.JPG", "detections": [], "failure": null},
  {"file": "/mnt/survey/c d.png", "width": 40, "height": 40, "detections": [
    {"category": "1", "conf": 0.5, "bbox": [0.5, 0.5, 0.25, 0.25], "classifications": [["3", 0.9]]}
  ]},
  {"file": "broken.jpg", "detections": null, "failure": "Failure image access"}
 ],
 "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
 "info": {"detection_completion_time": "2024-05-26 19:11:27", "format_version": "1.4", "detector": "md_v5a.0.0.pt"}
}
"""


def test_a_file_of_the_detector(read: Read) -> None:
    rows, done = read("md.json", SAMPLE, parts=["animal=dorsal_fin"])
    assert rows == [
        BoxLabel("a.jpg", "", "dorsal_fin", 10, 10, 60, 40),
        BoxLabel("a.jpg", "", "person", 4.51, 9.245, 40.93, 32.425),
        BoxLabel("sub/b.JPG"),
        BoxLabel("c d.png", "", "dorsal_fin", 20, 20, 30, 30),
    ]
    assert done.wrong == []
    assert done.notes == [
        "3 confidences of a detector, which label tables do not hold",
        "1 detections of a category without a name",
        "1 photos that MegaDetector could not read",
    ]


def test_unsure_boxes_are_left_out_where_asked(read: Read) -> None:
    rows, done = read("md.json", SAMPLE, least_confidence=0.2)
    assert [row.part for row in rows] == ["animal", "", "animal"]
    assert "1 boxes of a confidence below 0.2" in done.notes


def test_shares_need_the_size_of_their_photo(read: Read, tmp_path: Path) -> None:
    _, done = read("md.json", SAMPLE, photos=None)
    path = tmp_path / "md.json"
    assert done.wrong == [
        f"{path}, line 3, images[0]: the size of a.jpg is not known; say with --photos which folder it lies in",
        f"{path}, line 11, images[1]: the size of sub\\b.JPG is not known; say with --photos which folder it lies in",
        f"{path}, line 12, images[2]: /mnt/survey/c d.png is an absolute path; say with --photos which folder its "
        "photo lies in",
    ]


def test_what_is_written(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,encounter,part,xmin,ymin,xmax,ymax\nsub/b.JPG,E,fluke,6,8,30,48\nc d.png,,,,,,\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "md.json", "megadetector", photos)
    text = (tmp_path / "md.json").read_text()
    assert '"conf": 1.0' in text  # the format's validator asks for a float
    assert json.loads(text) == {
        "info": {"format_version": "1.4", "detector": "drawn by hand"},
        "detection_categories": {"1": "fluke"},
        "images": [
            {
                "file": "sub/b.JPG", "width": 60, "height": 80, "attributes": {"encounter": "E"},
                "detections": [{"category": "1", "conf": 1.0, "bbox": [0.1, 0.1, 0.4, 0.5]}],
            },
            {"file": "c d.png", "width": 40, "height": 40, "detections": []},
        ],
    }  # fmt: skip
