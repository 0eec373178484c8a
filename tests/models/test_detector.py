"""The detector: its geometry and order with invented predictions, its loading with random weights."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whalepipe.boxes import overlap
from whalepipe.config import DetectConfig
from whalepipe.errors import WeightsError
from whalepipe.models.detector import Box, Detector, build_model, letterbox, suppress
from whalepipe.models.weights import Weights, find_weights, save_weights
from whalepipe.photos import read_photo

CARD = {"kind": "detector", "architecture": "yolov5n.yaml", "parts": ["fluke", "dorsal_fin"]}
SMALL = DetectConfig(size=64, confidence=0.0)


class Invented(Detector):
    """Predicts the given rows: centre x, centre y, width, height in pixels of the input, a score a part.

    At one look, or, of several lists of rows, the one whose turn it is.
    """

    def __init__(self, *rows: tuple[float, ...], looks: tuple[list[tuple[float, ...]], ...] = ()) -> None:
        self.parts = ("fluke", "dorsal_fin")
        self._rows, self.seen = [np.reshape(one, (-1, 6)) for one in looks or (rows,)], []

    def _predict(self, padded):
        self.seen.append(max(padded.shape))
        return self._rows[(len(self.seen) - 1) % len(self._rows)]


@pytest.fixture
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the picture as large as it is asked for."""
    monkeypatch.setattr("whalepipe.models.detector.LOOKS", ((1.0, 0.0),))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path = tmp_path_factory.mktemp("weights") / "random.pt"
    return save_weights(path, build_model("yolov5n.yaml", 2).state_dict(), CARD)


@pytest.mark.parametrize(
    ("height", "width", "size", "shape", "place"),
    [
        (427, 640, 640, (448, 640), (0, 10, 640, 427)),
        (1600, 800, 640, (640, 320), (0, 0, 320, 640)),
        (1, 1, 64, (64, 64), (0, 0, 64, 64)),
        (20, 30000, 960, (32, 960), (0, 15, 960, 1)),
        (30000, 20, 960, (960, 32), (15, 0, 1, 960)),
    ],
)
def test_letterbox_keeps_the_shape_and_pads_to_whole_cells(height, width, size, shape, place):
    padded, where = letterbox(np.zeros((height, width, 3), np.uint8), size)
    assert padded.shape == (*shape, 3)
    assert where == place
    left, top, w, h = where
    assert not padded[top : top + h, left : left + w].any()
    assert padded.sum() == 3 * 114 * (shape[0] * shape[1] - w * h)


@pytest.mark.usefixtures("one_look")
def test_boxes_are_fractions_of_the_picture_best_first():
    # A picture of 100 x 50 is seen as 64 x 32, without padding.
    detector = Invented((32, 16, 16, 8, 0.1, 0.3), (8, 8, 8, 8, 0.9, 0.2), (32, 16, 16, 16, 0.2, 0.24))
    found = detector(np.zeros((50, 100, 3), np.uint8), DetectConfig(size=64, confidence=0.25))
    assert found == [
        Box("fluke", 0.0625, 0.125, 0.1875, 0.375, 0.9),
        Box("dorsal_fin", 0.375, 0.375, 0.625, 0.625, 0.3),
    ]


@pytest.mark.usefixtures("one_look")
def test_numbers_are_rounded_before_the_threshold_decides():
    detector = Invented((32, 16, 16.000001, 8, 0.0, 0.24996), (8, 8, 4, 4, 0.24994, 0.0))
    found = detector(np.zeros((50, 100, 3), np.uint8), DetectConfig(size=64, confidence=0.25))
    assert found == [Box("dorsal_fin", 0.375, 0.375, 0.625, 0.625, 0.25)]


@pytest.mark.usefixtures("one_look")
def test_boxes_are_cut_at_the_edge_and_those_in_the_padding_dropped():
    # 64 x 40 has 12 grey rows above and 12 below.
    detector = Invented((0, 32, 20, 10, 0.5, 0.0), (32, 4, 10, 6, 0.9, 0.0))
    found = detector(np.zeros((40, 64, 3), np.uint8), DetectConfig(size=64))
    assert found == [Box("fluke", 0.0, 0.375, 0.15625, 0.625, 0.5)]


def test_an_animal_is_taken_from_the_look_that_shows_it_as_large_as_those_that_were_learned():
    # Of a picture of 96 x 96: sides of 96, 64 and 48 pixels, the last in a frame of 64. Each look finds three, the
    # smaller the picture the surer.
    def rows(side: int, edge: int, score: float) -> list[tuple[float, ...]]:
        squares = ((0.8, 0.5), (0.2, 0.2), (0.1, 0.04))  # middle and width, in shares
        return [(*2 * (edge + side * middle,), *2 * (side * wide,), score, 0.0) for middle, wide in squares]

    detector = Invented(looks=(rows(96, 0, 0.5), rows(64, 0, 0.6), rows(48, 8, 0.7)))
    found = detector(np.zeros((96, 96, 3), np.uint8), DetectConfig(size=96))
    assert detector.seen == [96, 64, 64]
    assert found == [
        Box("fluke", 0.55, 0.55, 1.0, 1.0, 0.7),
        Box("fluke", 0.1, 0.1, 0.3, 0.3, 0.6),
        Box("fluke", 0.08, 0.08, 0.12, 0.12, 0.5),
    ]


def test_one_that_two_looks_measure_differently_is_lost_in_neither():
    def seen(side: int, edge: int, wide: float) -> list[tuple[float, ...]]:
        return [(*2 * (edge + side * 0.5,), *2 * (side * wide,), 0.9, 0.0)]

    # The look for smaller ones finds it too large, that for larger ones too small.
    unsure = (48.0, 48.0, 4.0, 4.0, 0.01, 0.0)  # for its sake the next look is taken
    small = seen(96, 0, 0.0605), seen(64, 0, 0.0595)
    large = [unsure], seen(64, 0, 0.404), seen(48, 8, 0.396)
    for looks, taken in ((small, 2), (large, 3)):
        detector = Invented(looks=looks)
        assert len(detector(np.zeros((96, 96, 3), np.uint8), DetectConfig(size=96))) == 1
        assert len(detector.seen) == taken


def test_a_coarser_look_is_taken_where_a_finer_one_suspects_what_it_is_for():
    def looks_after(wide: float, score: float) -> int:
        first = [(48.0, 48.0, 96 * wide, 96 * wide, score, 0.0)]
        detector = Invented(looks=(first, [], []))
        detector(np.zeros((96, 96, 3), np.uint8), DetectConfig(size=96))
        return len(detector.seen)

    # The second look is for boxes of 0.06 of the long side and more: 0.6 of that is enough, and 0.005 of a score.
    assert looks_after(0.037, 0.005) == 2
    assert looks_after(0.035, 0.9) == 1
    assert looks_after(0.5, 0.0049) == 1


@pytest.mark.usefixtures("one_look")
def test_of_two_that_overlap_the_surer_stays_and_no_more_than_asked():
    rows = [(20, 20, 10, 10, 0.6, 0), (21, 20, 10, 10, 0, 0.8), (50, 50, 10, 10, 0.5, 0), (50, 20, 10, 10, 0.4, 0)]
    picture, config = np.zeros((64, 64, 3), np.uint8), DetectConfig(size=64)
    assert [b.confidence for b in Invented(*rows)(picture, config)] == [0.8, 0.5, 0.4]
    assert [b.confidence for b in Invented(*rows)(picture, replace(config, max_boxes=1))] == [0.8]


@pytest.mark.usefixtures("one_look")
def test_those_that_nearly_cover_a_box_and_are_nearly_as_sure_have_a_vote_on_its_corners():
    sure, near = (32, 32, 16, 16, 0.9, 0), (34, 32, 16, 16, 0.6, 0)
    unsure, another, apart = (35, 32, 16, 16, 0.4, 0), (30, 32, 16, 16, 0, 0.8), (38, 32, 16, 16, 0.8, 0)
    picture, config = np.zeros((64, 64, 3), np.uint8), DetectConfig(size=64, confidence=0.3)
    # (0.9 * 24 + 0.6 * 26) / 1.5 = 24.8 pixels of 64
    assert Invented(sure, near)(picture, config) == [Box("fluke", 0.3875, 0.375, 0.6375, 0.625, 0.9)]
    found = Invented(sure, near, unsure, another, apart)(picture, config)
    assert found == [Box("fluke", 0.3875, 0.375, 0.6375, 0.625, 0.9)]


@pytest.mark.usefixtures("one_look")
def test_a_box_below_the_threshold_votes_as_it_would_below_a_lower_one():
    sure, near = (32, 32, 16, 16, 0.9, 0), (34, 32, 16, 16, 0.6, 0)
    picture = np.zeros((64, 64, 3), np.uint8)
    high, low = (Invented(sure, near)(picture, DetectConfig(size=64, confidence=c)) for c in (0.7, 0.1))
    assert high == low == [Box("fluke", 0.3875, 0.375, 0.6375, 0.625, 0.9)]


def test_suppress():
    corners = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.4], [0.6, 0.6, 0.9, 0.9], [0, 0, 0.5, 0.2]])
    assert suppress(corners, 0.5).tolist() == [0, 2, 3]
    assert suppress(corners[:0], 0.5).tolist() == []


@pytest.mark.parametrize("shape", [(1, 1), (20, 3000), (3000, 20), (50, 64)])
def test_any_shape_of_picture_and_the_same_boxes_again(weights, shape):
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    first, again = Detector(weights)(picture, SMALL), Detector(weights)(picture, SMALL)
    assert first == again
    assert all(0 <= b.xmin < b.xmax <= 1 and 0 <= b.ymin < b.ymax <= 1 for b in first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": ["fluke", "dorsal_fin", "head"]}, "not the tensors of its card's architecture"),
        ({"parts": []}, "names no parts"),
        ({"parts": "fluke"}, "names no parts"),
        ({"architecture": "yolov5n-none.yaml"}, "no architecture 'yolov5n-none.yaml'"),
        ({"architecture": "yolov5s.yaml"}, "not the tensors of its card's architecture"),
    ],
)
def test_weights_that_are_not_what_their_card_says(weights, change, message):
    with pytest.raises(WeightsError, match=message):
        Detector(Weights(weights.path, weights.digest, {**CARD, **change}))


def test_weights_with_a_tensor_missing(tmp_path):
    state = build_model("yolov5n.yaml", 2).state_dict()
    state.pop("model.0.conv.weight")
    with pytest.raises(WeightsError, match=r"model\.0\.conv\.weight"):
        Detector(save_weights(tmp_path / "w.pt", state, CARD))


def _run(script: str, home: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", script], env={"HOME": str(home), "PATH": ""}, check=True, capture_output=True, text=True
    ).stdout


def test_importing_the_module_imports_no_torch(tmp_path):
    loaded = _run("import sys, whalepipe.models.detector; print('torch' in sys.modules)", tmp_path)
    assert loaded == "False\n"


def test_ultralytics_neither_connects_nor_prints_nor_writes_into_the_home(tmp_path):
    script = """
import os, socket
def refuse(*a, **k): raise SystemExit("a connection was tried")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import cv2
threads = cv2.getNumThreads()
from whalepipe.models.detector import build_model
build_model("yolov5n.yaml", 2)
import ultralytics.utils
assert not ultralytics.utils.SETTINGS["sync"] and not ultralytics.utils.ONLINE
assert cv2.getNumThreads() == threads and "OMP_NUM_THREADS" not in os.environ
"""
    assert _run(script, tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("photo", "drawn"),
    [
        ("fins/photos/IMG_4906.jpg", [("dorsal_fin", 0.449, 0.533, 0.529, 0.663)]),
        (
            "fins/photos/SB19-1767-558.jpg",
            [("dorsal_fin", 0.390, 0.298, 0.582, 0.611), ("dorsal_fin", 0.711, 0.441, 0.881, 0.636)],
        ),
        ("flukes/photos/hw_tail_mallory.jpg", [("fluke", 0.040, 0.080, 0.950, 0.880)]),
        ("negatives/n01530575_brambling.jpg", []),
    ],
)
def test_the_shipped_weights_find_what_people_drew(real_data, photo, drawn):
    config = DetectConfig(size=960, confidence=0.4, overlap=0.4)
    found = Detector(find_weights("detector", "detector"))(read_photo(real_data / photo, config.size), config)
    found.sort(key=lambda box: box.xmin)
    assert [b.part for b in found] == [part for part, *_ in drawn]
    # Not its own numbers: processors round differently, which moves a box by a few per cent.
    for box, (part, *corners) in zip(found, drawn, strict=True):
        assert overlap(box, Box(part, *corners, 1.0)) > 0.5
