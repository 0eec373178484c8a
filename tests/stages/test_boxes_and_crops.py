from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests import fakes
from whalepipe.boxes import window
from whalepipe.config import CropConfig, DetectConfig, QualityConfig
from whalepipe.errors import TableError
from whalepipe.evaluation.degrade import FAULTS as DEGRADED
from whalepipe.models.detector import Box
from whalepipe.models.embedder import Look
from whalepipe.models.grade import Verdict
from whalepipe.stages.crop import crop, crop_name
from whalepipe.stages.detect import detect, drawn
from whalepipe.stages.embed import Vector, embed
from whalepipe.stages.quality import FAULTS, decided, judged, measured, overridden
from whalepipe.tables import BoxLabel, Crop, Detection, Override, Photo, Quality

PHOTO = Photo("sub/a b.jpg", "0123456789abcdef", 1000, 500)
BOX = Detection(PHOTO.photo, PHOTO.photo_id, 0, "fluke", 100.0, 100.0, 300.0, 200.0, 0.9)


def test_found_boxes_are_in_full_size_pixels_from_left_to_right() -> None:
    def detector(image: object, config: object) -> list[Box]:  # noqa: ARG001
        return [Box("fluke", 0.5, 0.5, 1.0, 1.0, 0.98765), Box("dorsal_fin", 0.12345, 0, 0.2, 0.1, 0.5)]

    found = detect(PHOTO, np.zeros((5, 10, 3), dtype=np.uint8), detector, DetectConfig())
    assert found == [
        Detection(PHOTO.photo, PHOTO.photo_id, 0, "dorsal_fin", 123.5, 0.0, 200.0, 50.0, 0.5),
        Detection(PHOTO.photo, PHOTO.photo_id, 1, "fluke", 500.0, 250.0, 1000.0, 500.0, 0.9877),
    ]


@pytest.mark.parametrize(
    ("inner", "left"),
    [
        (Box("dorsal_fin", 0.12, 0.10, 0.30, 0.34, 0.6), 1),  # a fin's upper part
        (Box("dorsal_fin", 0.12, 0.10, 0.30, 0.34, 0.95), 1),  # the surer one is left
        (Box("dorsal_fin", 0.32, 0.10, 0.50, 0.34, 0.6), 2),  # half inside: another animal
        (Box("dorsal_fin", 0.20, 0.20, 0.25, 0.25, 0.6), 2),  # far behind
        (Box("fluke", 0.12, 0.10, 0.30, 0.34, 0.6), 2),
    ],
)
def test_a_box_inside_another_is_no_second_animal(inner: Box, left: int) -> None:
    fin = Box("dorsal_fin", 0.1, 0.1, 0.4, 0.5, 0.9)

    def detector(image: object, config: object) -> list[Box]:  # noqa: ARG001
        return [fin, inner]

    found = detect(PHOTO, np.zeros((5, 10, 3), dtype=np.uint8), detector, DetectConfig())
    assert len(found) == left
    assert max(d.confidence for d in found) == max(fin.confidence, inner.confidence)


@pytest.mark.parametrize(
    ("width", "tiles", "given"), [(1919, "auto", 0), (1920, "auto", 1), (1920, "all", 1), (6024, "none", 0)]
)
def test_only_a_large_photo_is_offered_in_full_size(width: int, tiles: str, given: int) -> None:
    offered = []

    def detector(image: object, config: object, *read: object) -> list[Box]:  # noqa: ARG001
        offered.append(len(read))
        return []

    small = np.zeros((5, 10, 3), dtype=np.uint8)
    detect(replace(PHOTO, width=width), small, detector, DetectConfig(tiles=tiles), lambda: small)
    detect(replace(PHOTO, width=width), small, detector, DetectConfig(tiles=tiles))
    assert offered == [given, 0]


def test_drawn_boxes_are_cut_at_the_photos_edges() -> None:
    labels = [BoxLabel("x", part="fluke", xmin=-10, ymin=400, xmax=60, ymax=9000), BoxLabel("x")]
    [box] = drawn(PHOTO, labels)
    assert (box.xmin, box.ymin, box.xmax, box.ymax, box.confidence) == (0.0, 400.0, 60.0, 500.0, 1.0)


NOTHING = [(1000, 0, 1100, 9), (5, 5, 5.5, 50), (9, 9, 5, 5), (None, 1, 9, 9), (1, 1, 9, None)]


@pytest.mark.parametrize("corners", NOTHING)
def test_a_drawn_box_with_nothing_in_it_is_refused(corners: tuple[float | None, ...]) -> None:
    with pytest.raises(TableError, match="nothing of it lies inside the photo's 1000 x 500 pixels"):
        drawn(PHOTO, [BoxLabel("x", "", "fluke", *corners)])


def test_the_window_of_a_crop() -> None:
    assert window(BOX, 0.1, 1000, 500) == (80, 90, 320, 210)
    assert window(BOX, 0.0, 1000, 500) == (100, 100, 300, 200)
    assert window(BOX, 10.0, 1000, 500) == (0, 0, 1000, 500)
    assert window(replace(BOX, xmin=999.9, xmax=1000.0), 0.0, 1000, 500) == (999, 100, 1000, 200)
    assert window(replace(BOX, xmin=0, ymin=0, xmax=0, ymax=0), 0.1, 1, 1) == (0, 0, 1, 1)


def test_a_crop_is_the_pixels_of_its_window() -> None:
    pixels = np.zeros((500, 1000, 3), dtype=np.uint8)
    pixels[90:210, 80:320] = 7
    [(row, cut)] = crop(pixels, [BOX], CropConfig(margin=0.1))
    assert row == Crop("a b_01234567_0.jpg", PHOTO.photo, PHOTO.photo_id, 0, "fluke", 240, 120)
    assert cut.shape == (120, 240, 3)
    assert cut.min() == 7


@pytest.mark.parametrize(
    ("photo", "stem"),
    [
        ("a.b.JPG", "a.b"), ("x/\n:\"*?<>|.jpg", "________"), ("...jpg", "photo"), ("鯨-1.png", "鯨-1"),
        ("=1+1.jpg", "_1+1"), (" .jpg", "photo"), ("n" * 250 + ".jpg", "n" * 100), ("é" * 120 + ".jpg", "é" * 50),
    ],
)  # fmt: skip
def test_names_of_crops(photo: str, stem: str) -> None:
    assert crop_name(replace(BOX, photo=photo, box=12)) == f"{stem}_01234567_12.jpg"


def test_a_vector_survives_as_text() -> None:
    values = np.array([0.1, -1e-30, 1.0], dtype=np.float32)
    assert Vector.of(values).array.tolist() == values.tolist()
    seer = SimpleNamespace(look=lambda _: Look(values, 0.875))
    assert embed(np.zeros((8, 8, 3), dtype=np.uint8), seer) == [Vector.of(values, 0.875)]
    assert Vector.of(np.array([1.0, -2.0], dtype=np.float32)) == Vector("AACAPwAAAMA=")


GOOD = Quality(
    "c",
    120.0,
    0.3,
    0.9,
    0.4,
    1.0,
    0.1,
    0.5,
    0.3,
    0.0,
    1.0,
    0.0,
    0.0,
    None,
    1.0,
    None,
    0.7,
    True,
    "out of focus: sharpness 0.30",
)
LIMITS = QualityConfig(min_size=60, min_sharpness=0.115, min_exposure=0.5, min_contrast=0.08, min_completeness=0.9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"size": 59.9}, "too small: 59.9 pixels, 60 are needed"),
        ({"sharpness": 0.099, "reason": ""}, "out of focus or moved: sharpness 0.10"),
        ({"exposure": 0.4, "reason": ""}, "glare, haze or blackness: exposure 0.40"),
        ({"contrast": 0.05, "reason": ""}, "too little contrast: 0.05"),
        ({"contrast": 0.05}, "out of focus: sharpness 0.30"),
        ({"completeness": 0.75, "size": 1.0}, "too small: 1 pixels, 60 are needed"),
        ({"completeness": 0.75, "reason": ""}, "cut off by the photo's edge"),
        ({"completeness": 0.75}, "out of focus: sharpness 0.30"),
        ({"size": 60.0, "sharpness": 0.115, "exposure": 0.5, "contrast": 0.08}, ""),
        ({"grade": 0.6}, ""),
        ({"grade": 0.59}, "out of focus: sharpness 0.30"),
    ],
)
def test_one_plain_reason(change: dict[str, float], reason: str) -> None:
    row = decided(replace(GOOD, **change), 0.6, LIMITS)
    assert (row.keep, row.reason) == (reason == "", reason)


class Fixed:
    """A grader with one answer."""

    def __init__(self, hidden: float | None = None, **faults: float) -> None:
        self._hidden, self._faults = hidden, {"fine": 0.6, "dark": 0.3, "small": 0.1, **faults}

    def hidden(self, part: str, vector: np.ndarray) -> float | None:
        return self._hidden if part == "fluke" and vector[1] == 1 else None

    def __call__(self, measures: dict[str, float], part: str) -> Verdict:  # noqa: ARG002
        return Verdict(0.25, self._faults)


SEEN = Look(np.array([0.0, 1.0], np.float32), 0.875)


def test_the_reason_is_the_likeliest_fault_whatever_else_may_be_fine() -> None:
    row = judged(replace(GOOD, light=2.04), Fixed(), "fluke", SEEN)
    assert (row.grade, row.keep, row.reason) == (0.25, True, "too dark: its lightest tones are 2.0 stops below white")
    assert (row.hidden, row.response) == (None, 0.875)
    assert judged(GOOD, None, "fluke", SEEN) == replace(GOOD, response=0.875)


@pytest.mark.parametrize(
    ("part", "grader", "begins"),
    [
        ("fluke", Fixed(0.45), "hardly to be seen: about 45% of it is under water"),
        ("dorsal_fin", Fixed(0.45), "too dark"),
        ("fluke", Fixed(0.25), "too dark"),
        ("fluke", Fixed(0.45, dark=0.7), "too dark"),
    ],
)
def test_where_the_picture_is_fine_and_the_animal_hidden_that_is_the_reason(
    part: str, grader: Fixed, begins: str
) -> None:
    assert judged(GOOD, grader, part, SEEN).reason.startswith(begins)


@pytest.mark.parametrize("fault", DEGRADED)
def test_every_fault_that_is_learned_has_words(fault: str) -> None:
    assert FAULTS[fault](GOOD)


@pytest.mark.parametrize(
    ("keep", "said", "found"),
    [
        (False, None, (False, "too small: 9 pixels")),
        (False, Override("c", False, "no"), (False, "too small: 9 pixels")),
        (False, Override("c", True), (True, "kept by hand, though too small: 9 pixels")),
        (True, Override("c", False, "it is a boat"), (False, "set aside by hand (it is a boat)")),
        (True, Override("c", True), (True, "")),
    ],
)
def test_what_a_person_says_goes(keep: bool, said: Override | None, found: tuple[bool, str]) -> None:
    row = overridden(replace(GOOD, keep=keep, reason="" if keep else "too small: 9 pixels"), said)
    assert (row.keep, row.reason, row.grade) == (*found, 0.7)


@pytest.mark.parametrize(
    ("corners", "completeness"),
    [
        ((40, 40, 100, 100), 1.0),
        ((0, 40, 60, 100), 0.75),
        ((0.4, 0, 60, 60), 0.5),
        ((0, 0, 240, 160), 1.0),
        ((2, 40, 122, 100), 0.75),
        ((3, 40, 122, 100), 1.0),
    ],
)
def test_measures_of_a_crop(corners: tuple[float, float, float, float], completeness: float) -> None:
    photo = Photo("a.jpg", "x" * 64, 240, 160)
    box = Detection("a.jpg", photo.photo_id, 0, "dorsal_fin", *corners, 0.9)
    pixels = fakes.sea(fakes.Animal(*(int(c) for c in corners), 1))
    [(row, cut)] = crop(pixels, [box], CropConfig())
    [found] = measured(photo, box, row, cut, CropConfig(), None)
    assert found.completeness == completeness
    assert found.size == round(((corners[2] - corners[0]) * (corners[3] - corners[1])) ** 0.5, 1)
    assert (found.keep, found.reason) == (True, "")
