"""Scores of hand-made boxes, all worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whalepipe.config import DetectConfig
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation.boxes import Sighting, groups, interval, score
from whalepipe.evaluation.detector import DetectorEvaluation, evaluate_detector
from whalepipe.models.detector import Box

PARTS = ("fluke", "dorsal_fin")


def sighting(encounter="", truths=(), found=(), size=(960, 640)):
    return Sighting(encounter, np.array(truths, float).reshape(-1, 5), np.array(found, float).reshape(-1, 6), size)


def test_all_found_exactly():
    result = score([sighting("a", [(1, 0, 0, 9, 9)], [(1, 0, 0, 9, 9, 0.9)])] * 2, PARTS, 0.25, 50, 20, 0)
    assert {k: result[k] for k in ("ap50", "ap", "recall", "precision", "boxes")} == {
        "ap50": 1.0, "ap": 1.0, "recall": 1.0, "precision": 1.0, "boxes": 2,
    }  # fmt: skip
    assert result["intervals"]["ap50"] == (1.0, 1.0)
    assert result["parts"]["fluke"]["ap50"] is None
    assert result["parts"]["fluke"]["intervals"]["ap50"] is None
    assert result["parts"]["dorsal_fin"]["boxes"] == 2


def test_half_found_and_one_false():
    sightings = [
        sighting("a", [(1, 0, 0, 10, 10)], [(1, 0, 0, 10, 10, 0.9)]),
        sighting("b", [(1, 0, 0, 10, 10)], [(1, 50, 50, 60, 60, 0.5)]),
    ]
    result = score(sightings, PARTS, 0.25, 50, 0, 0)
    # Precision is 1 up to a recall of 0.5 (51 of COCO's 101 steps of recall) and 0 after.
    assert result["ap50"] == result["ap"] == round(51 / 101, 4)
    assert (result["recall"], result["precision"]) == (0.5, 0.5)


def test_the_overlap_decides_what_counts():
    # 8 of 10 columns: an overlap of 0.8 is a hit at 0.5, 0.55, ..., 0.8 and a miss at 0.85, 0.9, 0.95.
    result = score([sighting("", [(0, 0, 0, 10, 10)], [(0, 0, 0, 8, 10, 0.9)])], PARTS, 0.25, 50, 0, 0)
    assert (result["ap50"], result["ap"]) == (1.0, 0.7)


def test_a_box_of_the_wrong_part_is_a_miss_and_a_false_box():
    result = score([sighting("", [(0, 0, 0, 10, 10)], [(1, 0, 0, 10, 10, 0.9)])], PARTS, 0.25, 50, 0, 0)
    assert (result["ap50"], result["recall"], result["precision"]) == (0.0, 0.0, 0.0)


def test_unsure_boxes_count_for_the_curve_but_not_at_the_threshold():
    result = score([sighting("", [(0, 0, 0, 10, 10)], [(0, 0, 0, 10, 10, 0.2)])], PARTS, 0.25, 50, 0, 0)
    assert (result["ap50"], result["recall"], result["precision"]) == (1.0, 0.0, None)


def test_nothing_found_and_nothing_there():
    assert score([sighting("", [(0, 0, 0, 10, 10)])], PARTS, 0.25, 50, 5, 0)["ap50"] == 0.0
    nothing = score([sighting()], PARTS, 0.25, 50, 5, 0)
    assert [nothing[k] for k in ("ap50", "ap", "recall", "precision")] == [None] * 4


def test_whole_encounters_are_resampled():
    hit = sighting("good", [(0, 0, 0, 10, 10)], [(0, 0, 0, 10, 10, 0.9)])
    miss = sighting("bad", [(0, 0, 0, 10, 10)])
    result = score([hit] * 9 + [miss] * 9, PARTS, 0.25, 50, 200, 0)
    # Two encounters: both good, both bad, or one of each; nothing between.
    assert result["resampled"] == "encounters"
    assert result["intervals"]["recall"] == (0.0, 1.0)


def squares(*sides, sure=(), times=1):
    """Squares of these sides in a row, far from one another; those of found boxes with a confidence."""
    corners = [(1, 100 * n, 0, 100 * n + side, side) for n, side in enumerate(sides)]
    boxes = [(*row, *one) for row, one in zip(corners, sure, strict=True)] if sure else corners
    return [(part, *(times * v for v in row[:4]), *row[4:]) for part, *row in boxes]


@pytest.mark.parametrize("times", [1, 5])
def test_sizes_are_of_the_animal_in_the_photo(times):
    """On a photo of 960 pixels COCO's 32 and 96 part them; on one of five times as many pixels, five times that."""
    truths = squares(31, 33, 95, 97, 300, times=times)
    found = squares(31, 33, 95, times=times, sure=[(0.9,)] * 3)
    false = [(1, 960 * times - 20 * times, 0, 960 * times, 20 * times, 0.9)]
    result = score([sighting("a", truths, found + false, (960 * times, 640 * times))], PARTS, 0.25, 50, 0, 0)
    figures = {name: tuple(of[k] for k in ("boxes", "recall", "precision")) for name, of in result["sizes"].items()}
    assert figures == {"small": (1, 1.0, 0.5), "medium": (2, 1.0, 1.0), "large": (2, 0.0, None)}
    assert (result["recall"], result["precision"], result["boxes"]) == (0.6, 0.75, 5)
    assert [result["sizes"][size]["ap50"] for size in ("medium", "large")] == [1.0, 0.0]


def test_a_box_counts_for_the_size_of_the_animal_that_it_found():
    small, larger = (1, 0, 0, 31, 31), (1, 0, 0, 31, 37, 0.9)
    result = score([sighting("a", [small], [larger])], PARTS, 0.25, 50, 20, 0)
    assert {k: result["sizes"]["small"][k] for k in ("recall", "precision")} == {"recall": 1.0, "precision": 1.0}
    assert (result["sizes"]["medium"]["boxes"], result["sizes"]["medium"]["precision"]) == (0, None)
    assert result["sizes"]["small"]["intervals"]["recall"] == (1.0, 1.0)


def test_no_box_is_of_two_sizes():
    result = score([sighting("a", squares(32, 96))], PARTS, 0.25, 50, 0, 0)
    assert [of["boxes"] for of in result["sizes"].values()] == [1, 1, 0]


def test_groups():
    members, name = groups(["a", "", "a", ""])
    assert ([m.tolist() for m in members], name) == ([[0, 2], [1], [3]], "encounters")
    members, name = groups(["a", "a"])
    assert ([m.tolist() for m in members], name) == ([[0], [1]], "photos")


def test_interval():
    assert interval([None, None]) is None
    assert interval([0.0, None, 1.0]) == (0.025, 0.975)


class Known:
    """Finds what the shade of a picture's first pixel says."""

    parts = PARTS

    def __init__(self, *_):
        pass

    def __call__(self, image, config):
        sure = [Box("dorsal_fin", 0.1, 0.2, 0.3, 0.6, 0.8)] if image[0, 0, 0] > 100 else []
        unsure = Box("fluke", 0.5, 0.5, 0.9, 0.9, 0.1)
        return [b for b in [*sure, unsure] if b.confidence >= config.confidence]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("whalepipe.models.detector.Detector", Known)
    monkeypatch.setattr("whalepipe.models.detector.find_weights", lambda *_: None)
    monkeypatch.setattr("whalepipe.models.detector.find_exported", lambda *_: None)
    monkeypatch.setattr("whalepipe.models.detector.find_tightener", lambda *_: None)
    for name, shade in (("a/one.png", 200), ("a/two.png", 200), ("a/dark.png", 0), ("none/sea.png", 0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (100, 50), (shade,) * 3).save(tmp_path / name)
    rows = ["photo,encounter,label,xmin,ymin,xmax,ymax", "one.png,E1,dorsal_fin,10,10,30,30"]
    rows += ["two.png,E2,dorsal_fin,10,10,30,30", "dark.png,E2,dorsal_fin,10,10,30,30"]
    (tmp_path / "boxes.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def run(folder: Path, **options):
    options.setdefault("resamplings", 10)
    return evaluate_detector(folder / "a", folder / "boxes.csv", DetectorEvaluation(**options))


def test_photos_are_read_and_scored(folder):
    ticks = []
    options = DetectorEvaluation(negatives=(folder / "a", folder / "none"), resamplings=10)

    def progress(stage, items):
        ticks.append((stage, len(items)))
        return items

    result = evaluate_detector(folder / "a", folder / "boxes.csv", options, progress)
    assert (result["photos"], result["boxes"], result["negatives"]) == (3, 3, 4)
    assert (result["recall"], result["precision"]) == (round(2 / 3, 4), 1.0)
    assert result["ap50"] == round(67 / 101, 4)
    assert result["false_per_100"] == 50.0
    assert result["parts"]["fluke"]["false_per_100"] == 0.0
    # None in four photos says little: z2 / (4 + z2), the upper end of Wilson's interval for 0 of 4.
    assert result["parts"]["fluke"]["intervals"]["false_per_100"] == (0.0, 48.9891)
    # The box, 20 x 20 pixels of 100 x 50, is a fifth of the photo's longer side.
    assert {name: of["false_per_100"] for name, of in result["sizes"].items()} == {
        "small": 0.0, "medium": 0.0, "large": 50.0,
    }  # fmt: skip
    assert ticks == [("detect", 3), ("negatives", 4)]
    assert json.loads(json.dumps(result)) == json.loads(json.dumps(run(folder, negatives=options.negatives)))


def test_a_lower_threshold_lets_unsure_boxes_through(folder):
    result = run(folder, config=DetectConfig(confidence=0.05), negatives=(folder / "none",))
    assert (result["precision"], result["false_per_100"]) == (0.4, 100.0)
    assert result["parts"]["dorsal_fin"]["precision"] == 1.0


def test_only_and_without_choose_by_encounter_and_by_name(folder):
    assert run(folder, only=("E2",))["photos"] == 2
    assert run(folder, only=("E*",), without=("dark*",))["recall"] == 1.0
    assert run(folder)["false_per_100"] is None
    with pytest.raises(TableError, match="no photo is left"):
        run(folder, only=("E3",))


def test_what_is_wrong_is_named(folder):
    (folder / "a" / "two.png").write_bytes(b"no picture")
    with pytest.raises(PhotoError, match=r"two\.png"):
        run(folder)
    with pytest.raises(TableError, match="no photos there"):
        (folder / "empty").mkdir()
        run(folder, only=("one.png",), negatives=(folder / "empty",))
    (folder / "boxes.csv").write_text("photo,part,xmin,ymin,xmax,ymax\none.png,head,1,1,9,9\n")
    with pytest.raises(TableError, match=r"one\.png.*'head'"):
        run(folder)
