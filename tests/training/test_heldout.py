"""What a detector's training holds out, which epoch that chooses, and when it stops."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.test_detector import folder, options, pairs  # noqa: F401  the fixture
from whalepipe.errors import WhalepipeError
from whalepipe.models.weights import find_weights, load_state
from whalepipe.training.detector import train_detector
from whalepipe.training.finetune import mean_weights
from whalepipe.training.heldout import Jury, best_epoch, hold_out, is_over


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
    drawn = {tuple(hold_out(pictures, encounters, 0.3, seed)) for seed in range(30)}
    assert drawn == {(0, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11)}


def test_photos_of_unknown_encounters_stand_alone_and_about_the_share_is_held_out(pictures):
    drawn = [hold_out(pictures, [""] * 12, 0.34, seed) for seed in range(10)]
    assert [len(d) for d in drawn] == [4] * 10
    assert len({tuple(d) for d in drawn}) > 5
    assert hold_out(pictures, [""] * 12, 0.34, 0) == drawn[0]


def test_near_duplicates_stay_together_mirrored_or_brighter_or_not(pictures):
    for n, change in ((1, lambda p: p[:, ::-1]), (2, lambda p: (p * 0.8).astype(np.uint8))):
        Image.fromarray(change(np.array(Image.open(pictures[0])))).save(pictures[n])
    for seed in range(20):
        held = set(hold_out(pictures, [""] * 12, 0.4, seed))
        assert not held & {0, 1, 2} or held >= {0, 1, 2}


def test_most_of_a_table_is_never_held_out_nor_all_of_it(pictures):
    encounters = ["a"] * 8 + ["b"] * 4
    assert {tuple(hold_out(pictures, encounters, 0.15, seed)) for seed in range(10)} == {(8, 9, 10, 11)}
    assert hold_out(pictures, ["a"] * 12, 0.15, 0) == []
    assert hold_out(pictures[:1], [""], 0.15, 0) == []
    assert hold_out([], [], 0.15, 0) == []


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
