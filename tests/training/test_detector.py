"""Training a detector: its pictures, a run of one epoch, a run that is killed and goes on, and what it refuses."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from whalepipe.config import DetectConfig
from whalepipe.errors import TableError, WeightsError, WhalepipeError
from whalepipe.models.detector import Detector, build_model
from whalepipe.models.exported import find_exported
from whalepipe.models.weights import find_weights, save_weights
from whalepipe.training.boxes import count_boxes, empty, fractions, labelled, prepare, render
from whalepipe.training.detector import DetectorTraining, train_detector
from whalepipe.training.detector_card import command
from whalepipe.training.finetune import epoch_file, mean_weights

PARTS = ("fluke", "dorsal_fin")
HEADER = "photo,encounter,label,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photos of a triangle on the sea, two of the sea alone."""
    lines = []
    for n in range(8):
        name = f"photos/fin {n}.jpg" if n < 6 else f"sea/{n}.jpg"
        image = Image.new("RGB", (90, 60), (40, 80, 120 + n))
        if n < 6:
            ImageDraw.Draw(image).polygon([(20 + n, 40), (35 + n, 15), (40 + n, 40)], fill=(20, 20, 20))
            lines.append(f"fin {n}.jpg,E{n // 2},dorsal_fin,{20 + n},15,{40 + n},40\n")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image.save(tmp_path / name)
    (tmp_path / "boxes.csv").write_text(HEADER + "".join(lines))
    return tmp_path


def table(folder: Path, *lines: str) -> Path:
    path = folder / "other.csv"
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return path


def names(examples) -> list[str]:
    return [e.name for e in examples]


def test_photos_are_left_out_by_encounter_and_by_name(folder):
    boxes, photos = folder / "boxes.csv", folder / "photos"
    assert names(labelled(boxes, photos, PARTS)) == [f"fin {n}.jpg" for n in range(6)]
    assert names(labelled(boxes, photos, PARTS, ("E0", "fin [45]*"))) == ["fin 2.jpg", "fin 3.jpg"]
    assert names(labelled(boxes, photos, PARTS, ("e0",))) == [f"fin {n}.jpg" for n in range(6)]
    assert names(empty(folder / "sea", ("6*",))) == ["7.jpg"]


def test_boxes_of_one_photo_are_together_and_an_empty_row_is_an_empty_photo(folder):
    rows = ["fin 1.jpg,,fluke,1,2,3,4", "fin 0.jpg,,,,,,", "fin 1.jpg,,dorsal_fin,5,6,7,8"]
    first, second = labelled(table(folder, *rows), folder / "photos", PARTS)
    assert (first.name, first.boxes.shape) == ("fin 0.jpg", (0, 5))
    assert second.boxes.tolist() == [[0, 1, 2, 3, 4], [1, 5, 6, 7, 8]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fin 0.jpg,,head,1,2,3,4", r"other\.csv, line 3 \(fin 0\.jpg\): unknown part 'head'.*fluke, dorsal_fin"),
        ("fin 0.jpg,,fluke,1,2,,4", r"other\.csv, line 3 \(fin 0\.jpg\): a corner of the box is missing"),
        ("fin 0.jpg,,fluke,3,2,3,4", r"other\.csv, line 3 \(fin 0\.jpg\): the box is empty"),
        ("none.jpg,,fluke,1,2,3,4", r"other\.csv: photo 'none\.jpg' is not in"),
        ("fin 0.jpg,,fluke,1,2,x,4", r"other\.csv, line 3, column xmax: 'x' is not a float"),
    ],
)
def test_a_wrong_row_is_named(folder, line, message):
    with pytest.raises(TableError, match=message):
        labelled(table(folder, "fin 1.jpg,,fluke,1,2,3,4", line), folder / "photos", PARTS)


def test_fractions_are_cut_at_the_edge():
    boxes = np.array([[1, 10, 10, 30, 20], [0, -5, 40, 50, 60]], float)
    assert fractions(boxes, 100, 50).round(9).tolist() == [[1, 0.2, 0.3, 0.2, 0.2], [0, 0.25, 0.9, 0.5, 0.2]]


def test_pictures_are_scaled_and_their_labels_beside_them(folder):
    work = folder / "work"
    (picture, *_) = pictures = prepare(labelled(folder / "boxes.csv", folder / "photos", PARTS), work, "t0", 45)
    assert Image.open(picture).size == (45, 30)
    label = work / "labels" / f"{picture.stem}.txt"
    assert label.read_text() == "1 0.333333 0.458333 0.222222 0.416667\n"
    assert count_boxes(pictures) == 6


def test_a_picture_that_is_there_is_not_made_again_but_one_without_label_is(folder):
    examples = labelled(folder / "boxes.csv", folder / "photos", PARTS)
    first, second, *_ = prepare(examples, folder / "work", "t0", 64)
    times = [p.stat().st_mtime_ns for p in (first, second)]
    (folder / "work" / "labels" / f"{second.stem}.txt").unlink()
    prepare(examples, folder / "work", "t0", 64)
    assert first.stat().st_mtime_ns == times[0]
    assert second.stat().st_mtime_ns != times[1]


def test_photos_that_do_not_fit_their_boxes_are_named(folder):
    example = labelled(table(folder, "fin 0.jpg,,fluke,50,20,95,50"), folder / "photos", PARTS)
    with pytest.raises(TableError, match=r"fin 0\.jpg: a box lies outside the photo's 90 x 60 pixels"):
        prepare(example, folder / "work", "t0", 64)
    (folder / "photos" / "fin 0.jpg").write_bytes(b"")
    with pytest.raises(TableError, match=r"fin 0\.jpg: the file is empty"):
        prepare(example, folder / "work", "t0", 64)
    with pytest.raises(TableError, match="no photos there"):
        empty(folder / "photos" / "none")


def test_rendered_photos_have_their_boxes(tmp_path):
    pictures = render(4, tmp_path, PARTS, 96, seed=0)
    assert [Image.open(p).size for p in pictures] == [(96, 64)] * 4
    assert count_boxes(pictures) > 0
    again = render(4, tmp_path / "again", PARTS, 96, seed=0)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in pictures]


def options(folder: Path, **changes) -> DetectorTraining:
    small = DetectorTraining(
        out=folder / "out" / "fins.pt", work_dir=folder / "work", negatives=(folder / "sea",), epochs=1, size=64,
        batch=4, repeat_to=1, freeze=0, threads=1, held_out=0.0,
    )  # fmt: skip
    return replace(small, **changes)


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    return [(folder / "boxes.csv", folder / "photos")]


def test_a_run_of_one_epoch_makes_weights_with_their_card(folder, monkeypatch, capfd):
    def refuse(*_args, **_more):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    base = save_weights(folder / "base.pt", build_model("yolov5n.yaml", 2).state_dict(), {})
    limits = {"detector": ["see anything but squares"], "embedder": ["never told here"]}
    said = json.dumps({folder.name: {"source": "drawn here", "licence": "CC0", "limits": limits}})
    (folder / "sources.json").write_text(said)
    before = {p: p.read_bytes() for d in ("photos", "sea") for p in (folder / d).iterdir()}
    told = []
    train_detector(
        pairs(folder),
        options(folder, base=base.path, provenance=folder / "sources.json", without=("E0",)),
        lambda *t: told.append(t[:2]),
    )
    weights = find_weights(str(folder / "out" / "fins.pt"), "detector")
    assert told == [(1, 1)]
    assert {p: p.read_bytes() for d in ("photos", "sea") for p in (folder / d).iterdir()} == before
    assert weights.card["parts"] == ["fluke", "dorsal_fin"]
    assert weights.card["trained_on"] == [
        {"source": "drawn here", "licence": "CC0", "folder": folder.name, "photos": 4, "boxes": 4, "repeats": 1},
        {"source": "sea", "licence": "not stated", "folder": "sea", "photos": 2, "boxes": 0, "repeats": 1},
    ]
    assert weights.card["retrain"] == (
        "whalepipe train detector DATA/boxes.csv --photos DATA/photos --negatives DATA/sea --base DATA/base.pt "
        "--architecture yolov5n.yaml --without E0 --rendered 0 --epochs 1 --held-out 0.0 --patience 6 --weather 1.0 "
        "--size 64 --batch 4 --freeze 0 --seed 0 --provenance weights/sources.json --out weights/fins.pt"
    )
    assert weights.card["cannot"][-1] == "see anything but squares"
    assert Detector(weights)(np.zeros((60, 90, 3), np.uint8), DetectConfig(size=64)) is not None
    form = find_exported(weights, "onnx", "cpu")
    assert form and form.path == folder / "out" / "fins.onnx"
    assert capfd.readouterr().out == ""


def test_rendered_photos_alone_are_enough_and_nothing_is_not(tmp_path):
    alone = DetectorTraining(
        tmp_path / "sea.pt", tmp_path / "work", rendered=4, epochs=1, size=64, batch=2, freeze=0, threads=1
    )
    train_detector([], alone)
    card = find_weights(str(tmp_path / "sea.pt"), "detector").card
    assert [(s["source"], s["photos"]) for s in card["trained_on"]] == [("rendered", 4)]
    assert card["retrain"].startswith("whalepipe train detector --rendered 4 ")
    with pytest.raises(WhalepipeError, match="give a table of boxes, or --rendered"):
        train_detector([], replace(alone, rendered=0, work_dir=tmp_path / "other"))


def test_a_killed_run_goes_on_from_its_last_epoch(folder):
    def kill(done, _all, _loss):
        if done == 2:
            raise KeyboardInterrupt

    told = []
    with pytest.raises(KeyboardInterrupt):
        train_detector(pairs(folder), options(folder, epochs=3), kill)
    train_detector(pairs(folder), options(folder, epochs=3, threads=2), lambda *t: told.append(t[:2]))
    assert told == [(3, 3)]
    first = find_weights(str(folder / "out" / "fins.pt"), "detector").digest
    train_detector(pairs(folder), options(folder, epochs=3), lambda *t: told.append(t[:2]))
    assert told == [(3, 3)]
    assert find_weights(str(folder / "out" / "fins.pt"), "detector").digest == first


def test_the_weights_of_the_last_epochs_are_averaged(tmp_path):
    for epoch, value in ((1, 9.0), (2, 1.0), (3, 2.0)):
        state = {"w": torch.tensor([value]).half(), "count": torch.tensor(epoch)}
        torch.save(state, epoch_file(tmp_path / "last.pt", epoch))
    assert mean_weights(tmp_path / "last.pt", [2, 3]) == {"w": torch.tensor([1.5]), "count": torch.tensor(3)}


def test_a_folder_of_another_training_is_not_continued(folder):
    (folder / "work").mkdir()
    (folder / "work" / "recipe.json").write_text("{}")
    with pytest.raises(WhalepipeError, match="holds a training with other options or labels"):
        train_detector(pairs(folder), options(folder))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"size": 100}, WhalepipeError, "a multiple of 32"),
        ({"epochs": 0}, WhalepipeError, "at least 1"),
        ({"without": ("E*",)}, TableError, "no box is left"),
        ({"base": Path("none.pt")}, WeightsError, "the base cannot be read"),
        ({"provenance": Path("none.json")}, WhalepipeError, "cannot be read as JSON"),
    ],
)
def test_what_cannot_be_trained(folder, change, kind, message):
    with pytest.raises(kind, match=message):
        train_detector(pairs(folder), options(folder, **change))


def test_the_command_tells_no_folders_of_this_machine(folder):
    line = command([(folder / "boxes.csv", folder / "photos")], options(folder, base=Path("/elsewhere/deep/base.pt")))
    assert f"DATA/{folder.name}/boxes.csv --photos DATA/{folder.name}/photos" in line
    assert "--base DATA/deep/base.pt" in line
    assert str(folder.parent) not in line


def test_a_base_that_is_no_state_dict(folder):
    (folder / "base.pt").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        train_detector(pairs(folder), options(folder, base=folder / "base.pt"))
