"""Label Studio's JSON export."""

import json
from pathlib import Path

import pytest

from tests.formats.conftest import Read
from whalepipe.formats.convert import export_labels
from whalepipe.tables import BoxLabel

SAMPLE = """[
  {"id": 1, "project": 83, "data": {"image": "/data/upload/1/0a1b2c3d-a.jpg"},
   "annotations": [{"id": 1001, "completed_by": 10, "was_cancelled": false, "ground_truth": false, "lead_time": 4.288,
     "result": [
       {"original_width": 100, "original_height": 50, "image_rotation": 0, "id": "Dx_aB91ISN",
        "type": "rectanglelabels", "from_name": "label", "to_name": "image", "origin": "manual",
        "value": {"x": 50.8, "y": 5.5, "width": 12.4, "height": 10, "rotation": 0, "rectanglelabels": ["dorsal_fin"]}},
       {"type": "choices", "from_name": "choice", "to_name": "image", "value": {"choices": ["calm"]}},
       {"original_width": 100, "original_height": 50, "image_rotation": 0, "id": "p", "type": "polygonlabels",
        "from_name": "poly", "to_name": "image",
        "value": {"points": [[10, 20], [30, 20], [20, 60]], "closed": true, "polygonlabels": ["fluke"]}}
     ]}, {"id": 1002, "was_cancelled": true, "result": []}],
   "predictions": []},
  {"id": 2, "data": {"image": "/data/local-files/?d=sub/b.JPG", "encounter": "day 2"},
   "annotations": [{"id": 5, "completed_by": {"id": 3, "email": "ann@whales.org"}, "result": []}]},
  {"id": 3, "data": {"image": "https://whales.org/set/c%20d.png?token=x"},
   "annotations": [{"completed_by": {"id": 3, "email": "ann@whales.org"}, "result": [
     {"type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0,
      "value": {"x": 50, "y": 50, "width": 25, "height": 10, "rotation": 90, "rectanglelabels": ["fluke"]}}]}]},
  {"id": 4, "data": {"image": "/data/local-files/?d=a.jpg"}, "annotations": [],
   "predictions": [{"model_version": "one", "score": 0.5, "result": [
     {"type": "rectanglelabels", "from_name": "label", "to_name": "image", "original_width": 100, "original_height": 50,
      "value": {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 0, "rectanglelabels": ["fluke"]}}]}]}
]
"""


def test_a_file_of_the_tool(read: Read) -> None:
    rows, done = read("tasks.json", SAMPLE)
    assert rows == [
        BoxLabel("a.jpg", "", "dorsal_fin", 50.8, 2.75, 63.2, 7.75, drawn_by="10"),
        BoxLabel("a.jpg", "", "fluke", 10, 10, 30, 30, drawn_by="10"),
        BoxLabel("sub/b.JPG", "day 2"),
        BoxLabel("c d.png", "", "fluke", 16, 20, 20, 30, drawn_by="ann@whales.org"),  # turned to stand on its end
    ]
    assert done.wrong == []
    assert done.notes == ["1 results of the type choices", "1 tasks that nobody annotated yet: left out"]


def test_only_what_a_person_submitted_is_taken(read: Read) -> None:
    box = {"type": "rectanglelabels", "original_width": 100, "original_height": 50,
           "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["fluke"]}}  # fmt: skip
    suggested = {"predictions": [{"model_version": "one", "score": 0.5, "result": [box]}]}
    done = {"annotations": [{"result": [{**box, "value": {**box["value"], "x": 20}}]}], **suggested}
    skipped = {"annotations": [{"was_cancelled": True, "result": [box]}], **suggested}
    states = [suggested, {"annotations": [], **suggested}, skipped, {"annotations": [], "drafts": [{"result": [box]}]}]
    rows, said = read("tasks.json", json.dumps([{"data": {"image": "a.jpg"}, **state} for state in [*states, done]]))
    assert rows == [BoxLabel("a.jpg", "", "fluke", 20, 10, 50, 30)]
    assert (said.wrong, said.notes) == ([], [
        "2 tasks that nobody annotated yet: left out",
        "1 tasks that were skipped in the tool: left out",
        "1 tasks with a draft that nobody submitted: left out",
    ])  # fmt: skip
    rows, said = read("more.json", json.dumps([{"data": {"image": "a.jpg"}}, {"data": {"image": "a.jpg"}, **done}]))
    assert (len(rows), [line.split("[0]")[1] for line in said.wrong]) == (1, [": no `annotations`"])


def test_a_region_of_another_kind_is_no_empty_photo(read: Read, tmp_path: Path) -> None:
    ellipse = {"type": "ellipselabels", "original_width": 100, "original_height": 50, "value": {"x": 50, "y": 50}}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [ellipse]}]}
    rows, done = read("tasks.json", json.dumps([task]))
    assert rows == []
    assert done.wrong == [
        f"{tmp_path / 'tasks.json'}, line 1, [0].annotations[0].result[0]: a region of the type ellipselabels: only "
        "labelled rectangles and polygons are read as boxes"
    ]


@pytest.mark.parametrize(
    ("address", "photo"),
    [
        ("/data/local-files/?d=2024%2Fphotos%2Fsub%2Fb.JPG", "sub/b.JPG"),
        ("/data/local-files/?d=photos/c%20d.png", "c d.png"),
        ("/data/local-files/?d=other/sub/b.JPG", None),  # served from elsewhere: another b.JPG
        ("sub/b.JPG", "sub/b.JPG"),
        ("s3://bucket/2024/sub/b.JPG", "sub/b.JPG"),
        ("/data/upload/7/0a1b2c3d-a.jpg", "a.jpg"),
        ("/data/upload/7/a.jpg", "a.jpg"),
        ("/data/local-files/?d=../photos/a.jpg", None),
        ("../photos/a.jpg", None),
    ],
)
def test_the_names_of_photos(read: Read, address: str, photo: str | None) -> None:
    task = {"data": {"image": address}, "annotations": [{"result": []}]}
    rows, done = read("tasks.json", json.dumps([task]))
    assert [row.photo for row in rows] == ([photo] if photo else [])
    assert len(done.wrong) == (0 if photo else 1)


def test_what_comes_back_from_the_tool_keeps_what_was_known(read: Read, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,encounter,part,xmin,ymin,xmax,ymax,individual,drawn_by\nsub/b.JPG,E,fluke,6,8,30,48,K7,Ann\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "tasks.json", "labelstudio", photos)
    [task] = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"] == {"image": "/data/local-files/?d=photos/sub/b.JPG", "photo": "sub/b.JPG", "encounter": "E"}
    [annotation] = task["annotations"]
    [result] = annotation["result"]
    assert result == {
        "id": "1-0", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0,
        "original_width": 60, "original_height": 80, "meta": {"individual": "K7", "drawn_by": "Ann"},
        "value": {"x": 10, "y": 10, "width": 40, "height": 50, "rotation": 0, "rectanglelabels": ["fluke"]},
    }  # fmt: skip
    annotation["completed_by"] = 4
    new = {**result, "id": "new", "value": {**result["value"], "x": 20}}
    annotation["result"].append({key: value for key, value in new.items() if key != "meta"})
    rows, _ = read("tasks.json", json.dumps([task]))
    assert rows == [
        BoxLabel("sub/b.JPG", "E", "fluke", 6, 8, 30, 48, "K7", drawn_by="Ann"),
        BoxLabel("sub/b.JPG", "E", "fluke", 12, 8, 36, 48, drawn_by="4"),
    ]
