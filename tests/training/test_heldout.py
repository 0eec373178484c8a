"""What a detector's training holds out, which epoch that chooses, and when it stops."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.test_detector import folder, options, pairs  # noqa: F401  the fixture
from whalepipe.config import DetectConfig
from whalepipe.errors import WhalepipeError
from whalepipe.models.detector import Box
from whalepipe.models.weights import find_weights, load_state
from whalepipe.training import detector as training
from whalepipe.training.boxes import write_picture
from whalepipe.training.curves import read_log
from whalepipe.training.detector import train_detector
from whalepipe.training.finetune import mean_weights
from whalepipe.training.heldout import Held, Jury, best_epoch, hold_out, is_over
from whalepipe.training.mining import Mined


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Twelve pictures that have nothing in common."""
    paths = []
    for n in range(12):
        noise = np.random.default_rng(n).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{n:02d}.png")
        Image.fromarray(noise).resize((90, 80), Image.Resampling.NEAREST).save(paths[-1])
    return paths


@pytest.fixture
def trips(folder: Path) -> Path:  # noqa: F811
    """The six photos, each encounter's before another sea."""
    for n in range(6):
        path = folder / "photos" / f"fin {n}.jpg"
        noise = np.random.default_rng(n // 2).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        sea = np.array(Image.fromarray(noise).resize((90, 60), Image.Resampling.NEAREST))
        photo = np.array(Image.open(path))
        Image.fromarray(np.where(photo < 45, photo, sea)).save(path)
    return folder


def test_an_encounter_is_held_out_whole_or_not_at_all(pictures):
    encounters = ["a"] * 3 + ["b"] * 3 + ["c"] * 3 + ["d"] * 3
    drawn = {tuple(hold_out(pictures, encounters, [0] * 12, 0.3, seed)) for seed in range(30)}
    assert drawn == {(0, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11)}


def test_photos_of_unknown_encounters_stand_alone_and_about_the_share_is_held_out(pictures):
    drawn = [hold_out(pictures, [""] * 12, [0] * 12, 0.34, seed) for seed in range(10)]
    assert [len(d) for d in drawn] == [4] * 10
    assert len({tuple(d) for d in drawn}) > 5
    assert hold_out(pictures, [""] * 12, [0] * 12, 0.34, 0) == drawn[0]


def test_near_duplicates_stay_together_mirrored_or_brighter_or_not(pictures):
    for n, change in ((1, lambda p: p[:, ::-1]), (2, lambda p: (p * 0.8).astype(np.uint8))):
        Image.fromarray(change(np.array(Image.open(pictures[0])))).save(pictures[n])
    for seed in range(20):
        held = set(hold_out(pictures, [""] * 12, [0] * 12, 0.4, seed))
        assert not held & {0, 1, 2} or held >= {0, 1, 2}


def test_most_of_a_table_is_never_held_out_nor_all_of_it(pictures):
    encounters = ["a"] * 8 + ["b"] * 4
    assert {tuple(hold_out(pictures, encounters, [0] * 12, 0.15, seed)) for seed in range(10)} == {(8, 9, 10, 11)}
    assert hold_out(pictures, ["a"] * 12, [0] * 12, 0.15, 0) == []
    assert hold_out(pictures[:1], [""], [0], 0.15, 0) == []
    assert hold_out([], [], [], 0.15, 0) == []


def test_what_is_in_two_tables_is_held_out_of_both(pictures):
    encounters = ["a", "a", "b", "b", "c", "c", "d", "d", "a", "e", "e", "f"]
    for seed in range(20):
        held = set(hold_out(pictures, encounters, [0] * 6 + [1] * 6, 0.4, seed))
        assert held & {0, 1, 2, 3, 4, 5} and held & {6, 7, 8, 9, 10, 11}
        assert held >= {0, 1, 8} or not held & {0, 1, 8}


def test_the_best_epoch_and_when_to_stop():
    scores = {1: 0.1, 2: 0.5, 3: 0.4, 4: 0.5}
    assert best_epoch(scores) == 2
    assert best_epoch({}) is None
    assert [is_over(scores, patience) for patience in (0, 1, 2, 3)] == [False, True, True, False]
    assert not is_over({}, 1)


def test_training_stops_where_it_gets_no_better_and_keeps_the_best_epochs(trips, monkeypatch):
    said = iter([0.2, 0.6, 0.5, 0.4, 0.3])
    monkeypatch.setattr(Jury, "__call__", lambda *_: {"ap50": 0.9, "ap": next(said, 0.0), "recall": 1.0})
    asked = options(trips, epochs=9, held_out=0.34, patience=2, average=1, negatives=())
    told, lines = [], []
    train_detector(pairs(trips), asked, lambda *t: told.append(t[0]), lines.append)
    assert told == [1, 2, 3, 4]
    assert lines[0] == "2 photos with 2 boxes are held out, by encounter, to score each epoch on"
    assert lines[-1] == "no better since epoch 2: no more epochs of these pictures"
    weights = find_weights(str(trips / "out" / "fins.pt"), "detector")
    kept = mean_weights(trips / "work" / "run" / "weights" / "last.pt", [2])
    assert all((kept[name] == tensor).all() for name, tensor in load_state(weights).items())
    card = weights.card
    assert [card["trained_on"][0][key] for key in ("photos", "boxes")] == [4, 4]
    assert {key: card["held_out"][key] for key in ("photos", "boxes", "encounters", "epochs", "ap")} == {
        "photos": 2, "boxes": 2, "encounters": 1, "epochs": [2], "ap": 0.3,
    }  # fmt: skip
    train_detector(pairs(trips), asked, lambda *t: told.append(t[0]))  # a second run trains nothing more
    assert told == [1, 2, 3, 4]


def test_the_jury_compares_what_is_found_with_what_was_drawn(tmp_path, monkeypatch):
    """Two pictures of 200 x 100: a fin in the left half of one, nothing in the other."""
    fin, sea = tmp_path / "images" / "fin.png", tmp_path / "images" / "sea.png"
    for path, boxes in ((fin, [[1, 0.25, 0.5, 0.5, 1.0]]), (sea, np.zeros((0, 5)))):
        write_picture(path, Image.new("RGB", (200, 100)), np.array(boxes))

    class Fake:
        parts = ("fluke", "dorsal_fin")
        boxes: ClassVar[list[Box]] = []

        def __init__(self, weights, device: str) -> None:
            assert (weights.card["architecture"], device) == ("a.yaml", "cpu")

        def __call__(self, _picture, config: DetectConfig) -> list[Box]:
            assert (config.size, config.confidence) == (64, 0.001)
            return self.boxes

    monkeypatch.setattr("whalepipe.training.heldout.Detector", Fake)
    jury = Jury([Held(fin, "E"), Held(sea, "")], {"kind": "detector", "architecture": "a.yaml"}, 64, "cpu", tmp_path)
    left, right = (Box("dorsal_fin", at, 0.0, at + 0.5, 1.0, 0.9) for at in (0.0, 0.5))
    found = {}
    for name, boxes in (("left", [left]), ("right", [right]), ("fluke", [replace(left, part="fluke")]), ("no", [])):
        Fake.boxes = boxes
        found[name] = jury({"w": torch.zeros(1)})
    assert found["right"] == found["fluke"] == found["no"] == {"ap50": 0.0, "ap": 0.0, "recall": 0.0}
    # The picture without an animal has the same box, as sure: one right and one false come at once.
    assert found["left"]["recall"] == 1.0
    assert found["left"]["ap50"] == found["left"]["ap"] >= 0.5


def test_the_weights_before_the_mined_pictures_are_kept_if_these_make_it_no_better(trips, monkeypatch):
    # Of the first epoch, of that with mined pictures; then of both phases' weights; then for the card.
    scores = iter([0.5, 0.2, 0.2, 0.5, 0.5])
    monkeypatch.setattr(Jury, "__call__", lambda *_: {"ap50": 0.9, "ap": next(scores), "recall": 1.0})
    monkeypatch.setattr(training, "mine", lambda negatives, *_: (Mined((negatives[0].name,), 1, 1), negatives[:1]))
    lines: list[str] = []
    asked = options(trips, epochs=1, mine=1, held_out=0.34, average=1)
    train_detector(pairs(trips), asked, None, lines.append)
    assert lines[-1] == "on what was held out the mined pictures made it no better: the weights before them are kept"
    weights = find_weights(str(trips / "out" / "fins.pt"), "detector")
    kept = mean_weights(trips / "work" / "run" / "weights" / "last.pt", [1])
    assert all((kept[name] == tensor).all() for name, tensor in load_state(weights).items())
    assert weights.card["held_out"]["epochs"] == [1]


def test_an_epoch_that_a_kill_left_unscored_is_scored_when_it_goes_on(trips, monkeypatch):
    def kill(*_):
        raise KeyboardInterrupt

    asked = options(trips, epochs=2, held_out=0.34)
    monkeypatch.setattr(Jury, "__call__", kill)
    with pytest.raises(KeyboardInterrupt):
        train_detector(pairs(trips), asked)
    assert not (trips / "work" / "log.csv").exists()
    monkeypatch.setattr(Jury, "__call__", lambda *_: {"ap50": 0.9, "ap": 0.5, "recall": 1.0})
    train_detector(pairs(trips), asked)
    assert read_log(trips / "work" / "log.csv")["ap held out"] == {1: 0.5, 2: 0.5}


def test_other_photos_than_a_training_began_with_are_another_training(trips):
    train_detector(pairs(trips), options(trips))
    Image.new("RGB", (90, 60)).save(trips / "sea" / "more.jpg")
    with pytest.raises(WhalepipeError, match="holds a training on other photos"):
        train_detector(pairs(trips), options(trips))


def test_each_epoch_is_truly_scored_on_what_was_held_out(trips):
    train_detector(pairs(trips), options(trips, epochs=2, held_out=0.34))
    cells = [line.split(",") for line in (trips / "work" / "log.csv").read_text().splitlines()]
    assert [[cell.rpartition(" ")[0] for cell in row[-3:]] for row in cells] == [
        ["ap50 held out", "ap held out", "recall held out"]
    ] * 2
    held = find_weights(str(trips / "out" / "fins.pt"), "detector").card["held_out"]
    assert (held["photos"], held["boxes"]) == (2, 2)
    assert 0 <= held["ap"] <= held["ap50"] <= 1


@pytest.mark.parametrize("change", [{"held_out": 0.6}, {"held_out": -0.1}, {"patience": -1}, {"weather": -1.0}])
def test_what_makes_no_sense_is_refused(folder, change):  # noqa: F811
    with pytest.raises(WhalepipeError, match=r"held_out must be from 0 to 0\.5, patience and weather not negative"):
        train_detector(pairs(folder), options(folder, **change))
