"""Boxes for a person to correct: their order, what is written of them, and what comes back."""

import csv
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import fakes, forks
from tests.helpers import Said, snapshot, whalepipe
from whalepipe.config import DetectConfig
from whalepipe.files import digest
from whalepipe.models.detector import Box
from whalepipe.suggest import uncertainty
from whalepipe.tables import BoxLabel, read_table

SURE = (0.9, 0.5, 0.3, 0.2, 0.1, 0.05)  # of an animal of each shade
ORDER = ["close.png", "sub/close.png", "near.png", "faint.png", "hidden.png", "sure.png", "empty.png"]
NONE_LEFT = "no photo is left to look at; nothing is written"


class Unsure(fakes.Detector):
    """Finds reddish patches; their shade of green says how sure it is."""

    def __call__(self, image: fakes.Pixels, config: DetectConfig) -> list[Box]:
        height, width = image.shape[:2]
        found = []
        for box in super().__call__(image, config):
            left, right = round(box.xmin * width), round(box.xmax * width)
            patch = image[round(box.ymin * height) : round(box.ymax * height), left:right, 1]
            sure = SURE[int(np.max(patch)) // 20]
            found.append(Box(box.part, box.xmin, box.ymin, box.xmax, box.ymax, sure))
        return [box for box in found if box.confidence >= config.confidence]


@pytest.fixture
def models(fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> fakes.Calls:
    monkeypatch.setattr("whalepipe.models.detector.Detector", Unsure)
    return fake_models


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven photos, each of which the detector is differently sure of."""
    folder = tmp_path / "photos"
    shown = {
        "sure.png": [fakes.Animal(60, 40, 108, 80, 0)],
        "near.png": [fakes.Animal(60, 40, 108, 80, 1)],
        "close.png": [fakes.Animal(60, 40, 108, 80, 2), fakes.Animal(150, 40, 210, 80, 0)],
        "sub/close.png": [fakes.Animal(12, 40, 60, 80, 2, "fluke")],
        "faint.png": [fakes.Animal(60, 40, 108, 80, 3)],
        "hidden.png": [fakes.Animal(60, 40, 108, 80, 5)],
        "empty.png": [],
    }
    for name, animals in shown.items():
        fakes.save(folder / name, fakes.sea(*animals))
    return folder


def suggest(photos: Path, out: Path, format: str = "labelstudio", *more: str | Path) -> Said:
    work = ("--work-dir", photos.with_name(f"{out.stem}.work"), "--device", "cpu", "--quiet")
    work += ("--set", "detect.confidence=0.3")  # of which a box is least certain
    return whalepipe("labels", "suggest", photos, "--format", format, "--out", out, *work, *more)


def tasks(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


def order(path: Path) -> list[str]:
    return [task["data"]["photo"] for task in tasks(path)]


@pytest.mark.parametrize(
    ("confidences", "threshold", "expected"),
    [
        ([], 0.3, 0.0),
        ([0.3], 0.3, 1.0),
        ([0.15], 0.3, 0.25),
        ([0.65], 0.3, 0.25),
        ([1.0, 0.03], 0.3, 0.01),
        ([0.9, 0.25, 0.02], 0.5, 0.25),
        ([0.5], 0.0, 0.25),
        ([1.0], 1.0, 1.0),
        ([0.5], 1.0, 0.25),
    ],
)
def test_how_uncertain_a_photo_is(confidences: list[float], threshold: float, expected: float) -> None:
    assert uncertainty(confidences, threshold) == expected


def test_tasks_for_label_studio_the_least_certain_first(models: fakes.Calls, photos: Path, tmp_path: Path) -> None:
    before, out = snapshot(photos), tmp_path / "tasks.json"
    said = suggest(photos, out)
    assert (said.code, said.err, models.detected) == (0, "", 7)
    assert said.out.splitlines() == [
        f"6 boxes of 7 photos (2 of them without) written to {out}, the least certain first",
        f"note: the labelling form of the project is {tmp_path / 'tasks-form.xml'}: paste it in before the tasks are "
        "imported",
        f"note: Label Studio shows the photos where LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT is {tmp_path.resolve()}, "
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED is true and their folder is a storage of the project",
    ]
    assert order(out) == ORDER
    unsure = [task["data"]["uncertainty"] for task in tasks(out)]
    assert unsure == [1.0, 1.0, 0.5102, 0.4444, 0.0278, 0.0204, 0.0]
    assert [task["predictions"][0]["score"] for task in tasks(out)] == [0.0, 0.0, 0.4898, 0.5556, 0.9722, 0.9796, 1.0]
    second, hidden = tasks(out)[1], tasks(out)[4]
    assert second == {
        "id": 2,
        "data": {"image": "/data/local-files/?d=photos/sub/close.png", "photo": "sub/close.png", "uncertainty": 1.0},
        "annotations": [],
        "predictions": [{"model_version": digest(tmp_path / "fake-weights" / "detector.pt"), "score": 0.0, "result": [
            {"id": "2-0", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0,
             "original_width": 240, "original_height": 160, "score": 0.3,
             "value": {"x": 5, "y": 25, "width": 20, "height": 25, "rotation": 0, "rectanglelabels": ["fluke"]}},
        ]}],
    }  # fmt: skip
    assert hidden["predictions"][0]["result"] == []
    assert (tmp_path / "tasks-form.xml").read_text() == (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        '  <RectangleLabels name="label" toName="image">\n    <Label value="dorsal_fin"/>\n    <Label value="fluke"/>\n'
        "  </RectangleLabels>\n</View>\n"
    )
    assert snapshot(photos) == before


def test_fewer_boxes_more_boxes_fewer_photos(models: fakes.Calls, photos: Path, tmp_path: Path) -> None:
    work = ("--work-dir", tmp_path / "one.work")
    for name, more, boxes in [
        ("one.json", (), 6),
        ("more.json", ("--confidence", "0.05"), 7),
        ("less.json", ("--confidence", "0.4"), 3),
        ("two.json", ("--count", "2"), 3),
    ]:
        said = suggest(photos, tmp_path / name, "labelstudio", *work, *more)
        assert said.out.startswith(f"{boxes} boxes of {2 if name == 'two.json' else 7} photos"), said.out
        assert order(tmp_path / name) == (ORDER[:2] if name == "two.json" else ORDER)
    assert "note: 5 more certain photos left for another time\n" in said.out
    assert models.detected == 7  # once for all of them
    changed = ("--set", "detect.confidence=0.5")
    suggest(photos, tmp_path / "other.json", "labelstudio", *work, *changed)
    assert order(tmp_path / "other.json")[0] == "near.png"


def test_coco_and_megadetector_have_the_order_and_how_sure_it_is(
    models: fakes.Calls,  # noqa: ARG001
    photos: Path,
    tmp_path: Path,
) -> None:
    said = suggest(photos, tmp_path / "coco.json", "coco")
    assert said.out.splitlines()[1] == (
        "note: coco does not say who looked at a photo: when it is imported, every photo in it counts as labelled"
    )
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ORDER
    assert coco["images"][2]["attributes"] == {"uncertainty": 0.5102}
    assert coco["categories"] == [{"id": 1, "name": "dorsal_fin"}, {"id": 2, "name": "fluke"}]
    name = "detector " + digest(tmp_path / "fake-weights" / "detector.pt")[:8]
    assert coco["annotations"][1] == {
        "id": 2, "image_id": 1, "category_id": 1, "bbox": [150, 40, 60, 40], "area": 2400, "iscrowd": 0, "score": 0.9,
        "attributes": {"drawn_by": name},
    }  # fmt: skip
    suggest(photos, tmp_path / "md.json", "megadetector")
    md = json.loads((tmp_path / "md.json").read_text())
    assert [image["file"] for image in md["images"]] == ORDER
    assert [[d["conf"] for d in image["detections"]] for image in md["images"][:3]] == [[0.3, 0.9], [0.3], [0.5]]


@pytest.mark.parametrize("format", ["yolo", "voc"])
def test_folders_have_a_list_of_the_order(
    models: fakes.Calls,  # noqa: ARG001
    photos: Path,
    tmp_path: Path,
    format: str,
) -> None:
    out, back = tmp_path / format, tmp_path / "back.csv"
    assert suggest(photos, out, format).code == 0
    with (out / "order.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [row["photo"] for row in listed] == ORDER
    assert listed[0] == {"photo": "close.png", "uncertainty": "1", "boxes": "2", "surest": "0.9"}
    assert listed[-1] == {"photo": "empty.png", "uncertainty": "0", "boxes": "0", "surest": ""}
    if format == "yolo":
        assert (out / "data.yaml").read_text().endswith("names:\n  0: dorsal_fin\n  1: fluke\n")
    whalepipe("labels", "import", out, "--photos", photos, "--out", back)
    rows = read_table(back, BoxLabel)
    assert sorted({row.photo for row in rows}) == sorted(ORDER)
    assert [row.corners for row in rows if row.photo == "sub/close.png"] == [(12, 40, 60, 80)]


def corrected(path: Path) -> list[dict[str, Any]]:
    """As the tool exports it: one box moved, one drawn anew, one taken away, one task submitted as it was."""
    done = tasks(path)
    moved, drawn, emptied, agreed = done[:4]
    for task in (moved, drawn, emptied, agreed):
        [prediction] = task["predictions"]
        copy = json.loads(json.dumps(prediction["result"]))
        task["annotations"] = [{"id": task["id"], "completed_by": {"id": 3, "email": "ann@whales.org"}, "result": copy}]
        task["predictions"] = [7]  # ids alone, as some exports have them
    moved["annotations"][0]["result"][0]["value"]["x"] = 10
    new = {**drawn["annotations"][0]["result"][0], "id": "new"}
    drawn["annotations"][0]["result"].append({**new, "value": {**new["value"], "x": 50}})
    emptied["annotations"][0]["result"] = []
    done[4]["annotations"] = [{"id": 9, "was_cancelled": True, "result": done[4]["predictions"][0]["result"]}]
    done[5]["drafts"] = [{"id": 1, "result": done[5]["predictions"][0]["result"]}]
    return done


def test_the_corrected_file_is_taken_back(models: fakes.Calls, photos: Path, tmp_path: Path) -> None:  # noqa: ARG001
    out, export, boxes = tmp_path / "tasks.json", tmp_path / "export.json", tmp_path / "boxes.csv"
    suggest(photos, out)
    export.write_text(json.dumps(corrected(out)))
    said = whalepipe("labels", "import", export, "--photos", photos, "--out", boxes)
    assert (said.code, said.out.splitlines()) == (0, [
        f"5 boxes of 4 photos (1 of them empty) written to {boxes}",
        "note: 1 tasks that were skipped in the tool: left out",
        "note: 1 tasks with a draft that nobody submitted: left out",
        "note: 1 tasks that nobody annotated yet: left out",
    ])  # fmt: skip
    assert read_table(boxes, BoxLabel) == [
        BoxLabel("close.png", "", "dorsal_fin", 24, 40, 72, 80, drawn_by="ann@whales.org"),
        BoxLabel("close.png", "", "dorsal_fin", 150, 40, 210, 80, drawn_by="ann@whales.org"),
        BoxLabel("sub/close.png", "", "fluke", 12, 40, 60, 80, drawn_by="ann@whales.org"),
        BoxLabel("sub/close.png", "", "fluke", 120, 40, 168, 80, drawn_by="ann@whales.org"),
        BoxLabel("near.png"),
        BoxLabel("faint.png", "", "dorsal_fin", 60, 40, 108, 80, drawn_by="ann@whales.org"),
    ]
    said = suggest(photos, tmp_path / "again.json", "labelstudio", "--labelled", boxes)
    assert "note: 4 photos left out that have labels\n" in said.out
    assert order(tmp_path / "again.json") == ORDER[4:]


def test_what_nobody_corrected_is_no_label(models: fakes.Calls, photos: Path, tmp_path: Path) -> None:  # noqa: ARG001
    out = tmp_path / "tasks.json"
    suggest(photos, out)
    said = whalepipe("labels", "import", out, "--photos", photos, "--out", tmp_path / "boxes.csv")
    assert said.complaint == (
        f"whalepipe: {out}: nothing is said of any photo in it; 7 tasks that nobody annotated yet: left out"
    )
    assert not (tmp_path / "boxes.csv").exists()


def test_a_photo_that_has_labels_is_left_out_under_each_of_its_names(
    models: fakes.Calls, photos: Path, tmp_path: Path
) -> None:
    (photos / "twin.png").write_bytes((photos / "near.png").read_bytes())
    for name, photo in {"a": "twin.png", "b": "faint.png", "other": "none.png"}.items():
        (tmp_path / f"{name}.csv").write_text(f"photo,label,xmin,ymin,xmax,ymax\n{photo},fluke,1,2,3,4\n")
    given = ("--labelled", tmp_path / "a.csv", "--labelled", tmp_path / "b.csv")
    said = suggest(photos, tmp_path / "tasks.json", "labelstudio", *given)
    assert order(tmp_path / "tasks.json") == [p for p in ORDER if p not in ("near.png", "faint.png")]
    assert (models.detected, said.out.splitlines()[1]) == (5, "note: 3 photos left out that have labels")
    said = suggest(photos, tmp_path / "more.json", "labelstudio", "--labelled", tmp_path / "other.csv")
    assert f"{tmp_path / 'other.csv'}: none of its photos lies in {photos}" in said.complaint
    (tmp_path / "all.csv").write_text("photo\n" + "".join(f"{p}\n" for p in ORDER))
    said = suggest(photos, tmp_path / "more.json", "labelstudio", "--labelled", tmp_path / "all.csv")
    assert said.complaint.endswith(NONE_LEFT)
    assert not (tmp_path / "more.json").exists()


def test_a_bad_photo_is_named_and_the_rest_is_done(models: fakes.Calls, photos: Path, tmp_path: Path) -> None:  # noqa: ARG001
    whole = (photos / "sure.png").read_bytes()
    (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "text.jpg").write_text("no picture")
    (photos / "twin.png").write_bytes(whole)
    (photos / "notes.txt").write_text("no photo")
    fakes.save(photos / os.fsdecode(b"caf\xe9.png"), fakes.sea(width=300))
    said = suggest(photos, tmp_path / "tasks.json")
    assert said.code == 1
    assert "note: 1 photos left out that are the same bytes as another\n" in said.out
    assert "note: 1 files left out that are no photos which can be read\n" in said.out
    first, *failed = said.out.splitlines()[-4:]
    assert first == "3 failed; everything else is done:"
    assert [line.split(":")[0] for line in failed] == ["  text.jpg", "  cut.png", "  caf\\xe9.png"]
    assert order(tmp_path / "tasks.json") == ORDER


def test_where_no_photo_can_be_read_nothing_is_written(models: fakes.Calls, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("no picture")
    said = suggest(tmp_path / "photos", tmp_path / "tasks.json")
    assert said.complaint.endswith(NONE_LEFT)
    assert said.out.splitlines()[1].startswith("  a.jpg: not a picture")
    assert (models.loaded, (tmp_path / "tasks.json").exists()) == ([], False)


def test_encounters_come_from_the_times_of_the_photos(models: fakes.Calls, tmp_path: Path) -> None:  # noqa: ARG001
    photo = fakes.save(tmp_path / "photos" / "a.jpg", fakes.sea())
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    with Image.open(photo) as image:
        image.save(photo, exif=tags)
    suggest(tmp_path / "photos", tmp_path / "tasks.json")
    assert tasks(tmp_path / "tasks.json")[0]["data"]["encounter"] == "2024-05-06T07:08:09"


@pytest.mark.parametrize(
    ("out", "more", "words"),
    [
        ("there.json", (), "there.json is there already and may hold corrections"),
        ("full", ("--format", "yolo"), "full is there already and may hold corrections"),
        ("fake-weights/..", (), "is there already and may hold corrections"),
        ("photos/tasks.json", (), "would lie among the photos"),
        ("x.json", ("--format", "xywh"), "use one of yolo, coco, voc, megadetector, labelstudio"),
        ("x.json", ("--format", "word"), "--format word: not one of"),
        ("x.json", ("--work-dir", "{photos}/work"), "choose another folder with --work-dir"),
        ("x.json", ("--labelled", "none.csv"), "none.csv: cannot be read"),
        ("x.json", ("--set", "detect.weights=none.pt"), "no weights 'none.pt'"),
        ("x.json", ("--confidence", "1.5"), "--confidence"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(
    models: fakes.Calls, photos: Path, tmp_path: Path, out: str, more: tuple[str, ...], words: str
) -> None:
    (tmp_path / "there.json").write_text("corrected")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("corrected")
    said = suggest(photos, tmp_path / out, "labelstudio", *(text.format(photos=photos) for text in more))
    assert words in said.complaint
    assert models.detected == 0
    assert (tmp_path / "there.json").read_text() == (tmp_path / "full" / "a.txt").read_text() == "corrected"


def test_killed_it_goes_on_and_ends_with_the_same_file(
    models: fakes.Calls, monkeypatch: pytest.MonkeyPatch, photos: Path, tmp_path: Path
) -> None:
    suggest(photos, tmp_path / "undisturbed.json")
    out, work = tmp_path / "tasks.json", tmp_path / "tasks.work"
    monkeypatch.setattr(fakes, "DELAY_S", 0.2)
    args = ("labels", "suggest", photos, "--format", "labelstudio", "--out", out, "--work-dir", work)
    pid = forks.started(*map(str, args), "--device", "cpu", "--set", "detect.confidence=0.3")
    while len(list(work.glob("cache/detect/*/[!.]*.json"))) < 3:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert forks.ended(pid) == -signal.SIGKILL
    assert not out.exists()
    monkeypatch.setattr(fakes, "DELAY_S", 0.0)
    models.detected = 0
    assert suggest(photos, out).code == 0
    assert 0 < models.detected <= 4
    assert out.read_bytes() == (tmp_path / "undisturbed.json").read_bytes()


def test_interrupted_nothing_is_lost(
    models: fakes.Calls, monkeypatch: pytest.MonkeyPatch, photos: Path, tmp_path: Path
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("whalepipe.formats.jsonfile.write_aside", interrupt)
        assert suggest(photos, tmp_path / "tasks.json").code == 130
    assert (models.detected, (tmp_path / "tasks.json").exists()) == (7, False)
    assert suggest(photos, tmp_path / "tasks.json").code == 0
    assert (models.detected, models.loaded) == (7, ["detector"])  # a warm run loads no model
