"""Closer looks at large photos, with a network that sees white squares and is unsure of those that look small."""

from itertools import pairwise, product

import cv2
import numpy as np
import pytest

from whalepipe.config import DetectConfig
from whalepipe.models.detector import Box, Detector
from whalepipe.models.tiles import Seen, Window, around, cover, pays

CONFIG = DetectConfig(size=128)
WIDTH, HEIGHT = 1280, 640  # of the photos: ten times as large as the first look


@pytest.fixture(autouse=True)
def two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame is looked at with 128 pixels, and with 64 where something large is seen."""
    monkeypatch.setattr("whalepipe.models.detector.LOOKS", ((1.0, 0.0), (0.5, 0.2)))


class Squares(Detector):
    """Finds white squares: surely those of 12 pixels of its input, hardly those of 3. `looks`: its inputs' long sides.

    `parts` as in the shipped weights; all that it finds are dorsal fins.
    """

    def __init__(self) -> None:
        self.parts = ("fluke", "dorsal_fin")
        self.looks: list[int] = []

    def _predict(self, padded):
        self.looks.append(max(padded.shape))
        _, _, stats, _ = cv2.connectedComponentsWithStats((padded[..., 0] > 180).astype(np.uint8))
        rows = [(x + w / 2, y + h / 2, w, h, 0.0, 0.9 if max(w, h) >= 12 else 0.1) for x, y, w, h, _ in stats[1:]]
        return np.reshape([row for row in rows if max(row[2:4]) >= 3], (-1, 6)).astype(np.float64)


def photo(*squares: tuple[int, int, int]) -> np.ndarray:
    """White squares, each given by left, top and side, on black."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for left, top, side in squares:
        picture[top : top + side, left : left + side] = 255
    return picture


def found(picture: np.ndarray, config: DetectConfig = CONFIG) -> tuple[list[Box], list[int]]:
    """The boxes in a photo of which the detector is given a small version, and the looks that it took."""
    detector = Squares()
    boxes = detector(cv2.resize(picture, (128, 64), interpolation=cv2.INTER_AREA), config, lambda: picture)
    return boxes, detector.looks


def box(left: int, top: int, side: int) -> Box:
    corners = left / WIDTH, top / HEIGHT, (left + side) / WIDTH, (top + side) / HEIGHT
    return Box("dorsal_fin", *(round(c, 5) for c in corners), 0.9)


SMALL, LARGE = (600, 300, 40), (100, 100, 200)


def test_a_small_animal_is_suspected_and_found_in_a_closer_look():
    # The first look; the window around the suspect; the frame with twice the pixels, since nothing was sure.
    assert found(photo(SMALL)) == ([box(*SMALL)], [128, 320, 256])


def test_beside_a_sure_animal_only_what_is_suspected_is_looked_at():
    foam = [(600 + x, 300 + y, 6) for x, y in product(range(0, 40, 7), repeat=2)]  # white enough from afar
    boxes, looks = found(photo(LARGE, *foam))
    assert boxes == [box(*LARGE)]
    assert looks == [128, 64, 320]


def test_a_small_animal_is_seldom_alone():
    boxes, looks = found(photo(LARGE, SMALL, (900, 500, 20)))
    assert sorted(boxes, key=lambda b: b.xmin) == [box(*LARGE), box(*SMALL), box(900, 500, 20)]
    assert looks == [128, 64, 320, 256, 320]  # that of twice the pixels shows the third


def test_what_no_first_look_suspects_is_sought_where_nothing_is_sure():
    tiny = (600, 300, 20)  # 2 pixels in the first look, 4 in that of twice the pixels
    assert found(photo(tiny)) == ([box(*tiny)], [128, 256, 320])
    assert found(photo(LARGE, tiny)) == ([box(*LARGE)], [128, 64])


def test_an_empty_photo_costs_one_more_look():
    assert found(photo()) == ([], [128, 256])


def test_without_suspects_the_full_size_photo_is_not_read():
    def refuse():
        raise AssertionError("read")

    small = cv2.resize(photo(LARGE), (128, 64), interpolation=cv2.INTER_AREA)
    assert Squares()(small, CONFIG, refuse) == [box(*LARGE)]
    assert Squares()(small, CONFIG) == [box(*LARGE)]


def test_the_cost_of_a_photo_full_of_suspects_is_bounded():
    many = [(x, y, 40) for x, y in product(range(20, 1260, 120), range(20, 620, 120))]
    boxes, looks = found(photo(*many))
    assert looks == [128, *16 * [320], 256]
    assert {b.confidence for b in boxes} == {0.9}


def test_neighbours_share_a_window_and_each_is_found_once():
    pair = [(600, 300, 40), (650, 310, 40)]
    boxes, looks = found(photo(LARGE, *pair))
    assert looks == [128, 64, 320, 256]
    assert len(boxes) == 3


def test_a_suspect_at_the_photos_edge_keeps_its_cut_box():
    at_the_edge = (0, 600, 40)
    boxes, looks = found(photo(LARGE, at_the_edge))
    assert looks == [128, 64, 320, 256]
    assert box(*at_the_edge) in boxes


def test_what_is_looked_at_does_not_depend_on_the_confidence_asked_for():
    for confidence in (0.001, 0.5):
        boxes, looks = found(photo(LARGE, SMALL), DetectConfig(size=128, confidence=confidence))
        assert looks == [128, 64, 320, 256]
        assert [b.confidence for b in boxes] == [0.9, 0.9]  # the unsure box of the frame gave way to the window's


@pytest.mark.parametrize("left", range(80, 140, 6))
def test_all_tiles_find_an_animal_across_their_borders_once(left):
    # Tiles of 128 pixels begin each 96 pixels across (13) and each 85 or 86 down (7).
    boxes, looks = found(photo((left, 300, 24)), DetectConfig(size=128, tiles="all"))
    assert boxes == [box(left, 300, 24)]
    assert looks == [128] + 13 * 7 * [128]


def test_pieces_of_a_sure_animal_are_no_animals():
    torn = [(100, 100, 60), (162, 100, 60)]  # the gap between them is a fifth of a pixel in the first look
    frame, _ = found(photo(*torn), DetectConfig(size=128, tiles="none"))
    assert len(frame) == 1
    assert found(photo(*torn), DetectConfig(size=128, tiles="all"))[0] == frame


def test_tiles_cover_the_photo_and_any_small_animal_lies_whole_in_one():
    assert cover(50, 40, 60) == [Window(0, 0, 50, 40)]
    assert cover(100, 60, 60) == [Window(0, 0, 60, 60), Window(40, 0, 60, 60)]
    assert len(cover(6024, 4020, 960)) == 8 * 5
    for width, height, side in ((61, 60, 60), (109, 157, 60), (6024, 4020, 960), (4001, 1000, 640)):
        tiles = cover(width, height, side)
        assert all(t.left + t.width <= width and t.top + t.height <= height for t in tiles)
        for low, whole in ((0, width), (1, height)):
            starts = sorted({t[low] for t in tiles})
            assert starts[0] == 0 and starts[-1] + min(side, whole) == whole
            assert all(b - a <= side - side // 5 for a, b in pairwise(starts))


def test_windows_lie_in_the_photo_and_are_five_times_the_suspect():
    def windows(*corners):
        return around(Seen(np.array(corners), np.full((len(corners), 1), 0.1)), 1000, 500)

    assert windows((0.5, 0.5, 0.54, 0.56)) == [Window(420, 165, 200, 200)]
    assert windows((0.0, 0.9, 0.01, 1.0)) == [Window(0, 250, 250, 250)]
    assert windows((0.5, 0.5, 0.51, 0.51)) == [Window(425, 172, 160, 160)]  # not smaller
    assert windows((0.1, 0.1, 0.5, 0.5)) == [Window(0, 0, 1000, 500)]  # not larger than the photo


def test_small_photos_do_not_pay():
    assert not pays(1600, 1067, DetectConfig())
    assert not pays(1067, 1919, DetectConfig())
    assert pays(1067, 1920, DetectConfig())
    assert not pays(6024, 4020, DetectConfig(tiles="none"))
