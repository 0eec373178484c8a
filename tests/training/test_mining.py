"""Mining hard negatives: what counts as false, the pictures made of it, and a training that is killed on the way."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.test_detector import folder, options, pairs  # noqa: F401  the fixture
from whalepipe.errors import WhalepipeError
from whalepipe.models.detector import Box
from whalepipe.models.weights import find_weights
from whalepipe.training import detector as training
from whalepipe.training.boxes import write_picture
from whalepipe.training.detector import train_detector
from whalepipe.training.mining import Mined, free_window, mine


class Fake:
    """A detector that finds the same boxes (shares of the picture) in every picture."""

    def __init__(self, *boxes: tuple[float, float, float, float], kill_at: int = 0) -> None:
        self.boxes, self.kill_at, self.looks = boxes, kill_at, 0

    def __call__(self, _image, config) -> list[Box]:
        self.looks += 1
        if self.looks == self.kill_at:
            raise KeyboardInterrupt
        assert config.confidence == 0.1
        return [Box("fluke", *corners, 0.5) for corners in self.boxes]


@pytest.mark.parametrize(
    ("box", "labels", "window"),
    [
        ((40, 40, 60, 60), [], (30, 30, 70, 70)),
        ((0, 40, 10, 60), [], (0, 30, 25, 70)),  # no farther than the frame
        ((20, 40, 80, 60), [], (20, 30, 80, 70)),  # a box longer than the reach stays whole
        ((40, 40, 60, 60), [(65, 0, 90, 90)], (30, 30, 65, 70)),
        ((40, 40, 60, 60), [(0, 0, 35, 38)], (35, 30, 70, 70)),  # above costs 320, beside it 200
        ((40, 40, 60, 60), [(65, 0, 90, 90), (0, 61.5, 100, 90)], (30, 30, 65, 61)),
        ((40, 40, 60, 60), [(80, 80, 90, 90)], (30, 30, 70, 70)),  # out of reach
    ],
)
def test_a_window_around_a_false_box_holds_no_label(box, labels, window):
    labels = np.array(labels, float).reshape(-1, 4)
    assert free_window(np.array(box, float), labels, (100, 100), 40) == window


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    """One picture without animals; one whose right half is a box. Both 200 x 100."""
    paths = tmp_path / "images" / "n0-a.png", tmp_path / "images" / "t0-b.png"
    for path, boxes in zip(paths, (np.zeros((0, 5)), np.array([[1, 0.75, 0.5, 0.5, 1.0]])), strict=True):
        write_picture(path, Image.new("RGB", (200, 100), (10, 20, 30)), boxes)
    return paths


def test_a_picture_without_animals_is_itself_the_lesson(pictures, tmp_path):
    found, made = mine(pictures[:1], [], Fake((0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.9, 0.9)), 64, tmp_path)
    assert found == Mined(("n0-a.png",), looked_at=1, false_boxes=2)
    assert made == [pictures[0]]


def test_of_a_labelled_picture_what_meets_no_box_becomes_a_picture_as_large_as_it_was_seen(pictures, tmp_path):
    inside, across = (0.6, 0.2, 0.9, 0.8), (0.4, 0.2, 0.6, 0.8)
    false, near = (0.2, 0.2, 0.4, 0.6), (0.25, 0.3, 0.35, 0.5)
    found, (made,) = mine([], pictures[1:], Fake(inside, across, false, near), 64, tmp_path)
    assert found == Mined(("mined-t0-b-0.png",), looked_at=1, false_boxes=2)
    shown = np.array(Image.open(made))
    assert shown.shape == (100, 200, 3)
    assert (shown[:90, 10:100] == [10, 20, 30]).all()
    assert (shown[:, 100:] == 114).all()
    assert (tmp_path / "labels" / "mined-t0-b-0.txt").read_text() == ""


def test_nothing_false_is_nothing_mined_and_it_is_not_looked_for_twice(pictures, tmp_path):
    detector = Fake()
    assert mine(pictures[:1], pictures[1:], detector, 64, tmp_path) == (Mined((), 2, 0), [])
    assert mine(pictures[:1], pictures[1:], detector, 64, tmp_path) == (Mined((), 2, 0), [])
    assert detector.looks == 2


def test_a_training_that_mines_goes_on_after_a_kill_in_each_phase(folder, monkeypatch):  # noqa: F811
    chosen = options(folder, mine=2)
    told: list[tuple[int, int]] = []
    said: list[str] = []

    def kill_at(epoch):
        def progress(done, of, _loss):
            told.append((done, of))
            if done == epoch:
                raise KeyboardInterrupt

        return progress

    detectors = iter([Fake((0.1, 0.1, 0.5, 0.5), kill_at=2), Fake((0.1, 0.1, 0.5, 0.5)), Fake()])
    monkeypatch.setattr(training, "Detector", lambda *_: next(detectors))
    with pytest.raises(KeyboardInterrupt):
        train_detector(pairs(folder), chosen, kill_at(0))  # in the second of two pictures without animals
    assert told == [(1, 3)]
    with pytest.raises(KeyboardInterrupt):
        train_detector(pairs(folder), chosen, kill_at(2))
    assert told == [(1, 3), (2, 3)]
    train_detector(pairs(folder), chosen, kill_at(0), said.append)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert said == ["2 false boxes in 2 pictures: 2 to train on once more"]
    card = find_weights(str(folder / "out" / "fins.pt"), "detector").card
    assert card["mined"] == {"epochs": 2, "looked_at": 2, "false_boxes": 2, "pictures": 2}
    assert card["trained_on"][-1] == {
        "source": "pictures of sea in which earlier epochs found false boxes", "licence": "not stated",
        "folder": "mined", "photos": 2, "boxes": 0, "repeats": 1,
    }  # fmt: skip
    assert " --seed 0 --mine 2 --out" in card["retrain"]
    lines = (folder / "work" / "pictures-mined.txt").read_text().splitlines()
    assert (len(lines), len([line for line in lines if "n0-" in line])) == (10, 4)
    epochs = [line.split(",")[0] for line in (folder / "work" / "log.csv").read_text().splitlines()]
    assert epochs == ["1", "2", "3"]
    assert Image.open(folder / "work" / "curves.png").size == (960, 500)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mine": -1}, "must not be negative"),
        ({"mine_labelled": True}, "--mine-labelled needs it"),
        ({"mine": 1, "negatives": ()}, "finds nothing to look over"),
    ],
)
def test_what_cannot_be_mined(folder, change, message):  # noqa: F811
    with pytest.raises(WhalepipeError, match=message):
        train_detector(pairs(folder), options(folder, **change))
