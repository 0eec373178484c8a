"""The log of a training and its picture."""

import numpy as np
import pytest
from PIL import Image

from whalepipe.training.curves import COLOURS, draw, log_epoch, read_log, ticks


def blue(path) -> np.ndarray:
    """Where the first curve's colour is: (height, width)."""
    pixels = np.array(Image.open(path).convert("RGB"))
    return (pixels == [int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2)


def test_each_epoch_is_a_line_of_the_log_and_a_point_of_the_picture(tmp_path):
    log_epoch(tmp_path, 1, 4.0, {"box_loss": 2.5, "learning rate": 0.001, "ap50": 0.25})
    first = blue(tmp_path / "curves.png")
    log_epoch(tmp_path, 2, 3.0, {"box_loss": 2.0, "learning rate": 0.0005, "ap50": 0.5})
    assert read_log(tmp_path / "log.csv") == {
        "loss": {1: 4.0, 2: 3.0},
        "box_loss": {1: 2.5, 2: 2.0},
        "learning rate": {1: 0.001, 2: 0.0005},
        "ap50": {1: 0.25, 2: 0.5},
    }
    assert Image.open(tmp_path / "curves.png").size == (960, 750)
    assert blue(tmp_path / "curves.png").sum() > first.sum()


def test_what_is_not_there_has_no_panel_and_a_falling_curve_falls(tmp_path):
    draw({"loss": {1: 4.0, 2: 1.0, 3: float("nan")}}, tmp_path / "loss.png")
    assert Image.open(tmp_path / "loss.png").size == (960, 250)
    rows, columns = np.nonzero(blue(tmp_path / "loss.png")[:, :710])
    assert rows[columns.argmin()] < rows[columns.argmax()] - 100


def test_half_a_line_is_passed_over_and_an_epoch_trained_twice_has_its_last_values(tmp_path):
    log = tmp_path / "log.csv"
    lines = ["1,4.0,10:00:00,iou 0.5", "2,3.5,10:05:00,iou 0.6", "2,3.0,11:00:00,iou 0.7", "3,2.9,11:05:00,iou "]
    log.write_text("\n".join(lines))
    assert read_log(log) == {"loss": {1: 4.0, 2: 3.0}, "iou": {1: 0.5, 2: 0.7}}


@pytest.mark.parametrize(
    ("highest", "marks"),
    [
        (0.0, [0, 1]),
        (0.55, [0, 0.2, 0.4, 0.6]),
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (3.4155, [0, 1, 2, 3, 4]),
        (0.001, [0, 0.0002, 0.0004, 0.0006, 0.0008, 0.001]),
        (123.0, [0, 50, 100, 150]),
    ],
)
def test_ticks_are_round_numbers(highest, marks):
    assert ticks(highest) == marks
