import cv2
import numpy as np
import pytest

from tests.helpers import marks
from whalepipe.models.keypoints import COUNT, SIDE, Keypoints, agreeing, keypoints, pairs


def turned(picture: np.ndarray, degrees: float, scale: float, shift: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((128, 128), degrees, scale)
    matrix[:, 2] += shift
    return cv2.warpAffine(picture, matrix, (256, 256), borderValue=(110, 110, 110))


@pytest.mark.parametrize(("degrees", "scale", "shift"), [(0, 1, 0), (10, 0.9, 8), (-15, 1.2, -5), (0, 1.25, 0)])
def test_marks_agree_in_another_box_and_attitude(degrees: float, scale: float, shift: float) -> None:
    same = agreeing(keypoints(marks(1)), keypoints(turned(marks(1), degrees, scale, shift)))
    assert same > 30


def test_the_marks_of_two_do_not_agree() -> None:
    found = [keypoints(marks(seed)) for seed in range(5)]
    assert max(agreeing(a, b) for i, a in enumerate(found) for b in found[:i]) < 10


def test_what_is_elsewhere_or_upside_down_does_not_agree() -> None:
    for degrees, shift in ((180, 0), (0, 120)):
        assert agreeing(keypoints(marks(1)), keypoints(turned(marks(1), degrees, 1, shift))) < 10


def test_marks_of_the_sea_are_left_out() -> None:
    left = np.zeros((20, 30), np.bool_)
    left[:, :15] = True
    found, every = keypoints(marks(1), left), keypoints(marks(1))
    assert 10 < len(found.points) < len(every.points)
    assert found.points[:, 0].max() <= SIDE / 2


def test_light_and_proportions_do_not_matter() -> None:
    darker = np.clip(marks(1) * 0.5 + 20, 0, 255).astype(np.uint8)
    wide = cv2.resize(marks(1), (512, 256))  # squashed to a square again
    assert agreeing(keypoints(marks(1)), keypoints(darker)) > 30
    assert agreeing(keypoints(marks(1)), keypoints(wide)) > 30


def test_a_mirrored_animal_is_another() -> None:
    mirrored = np.ascontiguousarray(marks(1)[:, ::-1])
    assert agreeing(keypoints(marks(1)), keypoints(mirrored)) < 10


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (256, 256, 3)])
def test_a_flat_tone_has_none(shape: tuple[int, int, int]) -> None:
    found = keypoints(np.full(shape, 90, np.uint8))
    assert (found.points.shape, found.descriptors.shape) == ((0, 3), (0, 128))
    assert agreeing(found, keypoints(marks(1))) == agreeing(keypoints(marks(1)), found) == agreeing(found, found) == 0


def test_as_bytes_and_back() -> None:
    found = keypoints(np.random.default_rng(0).integers(0, 255, (300, 200, 3)).astype(np.uint8))
    assert len(found.points) == COUNT and 0 <= found.points.min() <= found.points.max() <= SIDE
    again = Keypoints.unpacked(found.packed())
    assert np.array_equal(again.points, found.points) and np.array_equal(again.descriptors, found.descriptors)
    assert len(found.packed()) == COUNT * 134
    assert len(Keypoints.unpacked(b"").points) == 0
    with pytest.raises(ValueError, match="7 bytes are no whole number of keypoints"):
        Keypoints.unpacked(b"7 bytes")


def test_pairs_lie_where_the_marks_do() -> None:
    wide = cv2.resize(turned(marks(1), 0, 1, 16), (512, 256))  # 16 pixels to the right and down, then stretched
    first, second = keypoints(marks(1)), keypoints(wide)
    found = pairs(first, second)
    assert found.dtype == np.float32 and found.shape == (agreeing(first, second), 4) and len(found) > 30
    assert 0 <= found.min() <= found.max() <= 1
    assert np.allclose(found[:, 2:] - found[:, :2], 16 / 256, atol=0.02)
    assert pairs(first, keypoints(np.full((9, 9, 3), 90, np.uint8))).shape == (0, 4)
