import cv2
import numpy as np
import pytest

from tests import fakes
from whalepipe.models import faults


def skin(seed: int = 0, side: int = 192) -> fakes.Pixels:
    """Grey patches of all sizes, none with a direction of its own."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(0, 60 * s, (side, side)), (0, 0), s) for s in (1, 2, 4, 8)]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)])
def test_a_quantile_lies_between_the_values_beside_it(share: float, value: float) -> None:
    assert faults.quantile(np.array([[8.0, 2.0], [1.0, 4.0]]), share) == pytest.approx(value)


def test_of_one_value_every_share_lies_below_it() -> None:
    assert faults.quantile(np.array([7]), 0.98) == 7


@pytest.mark.parametrize("deviation", [5, 10, 20])
def test_noise_is_told_in_grey_values(deviation: int) -> None:
    rng = np.random.default_rng(1)
    calm = cv2.GaussianBlur(skin(), (0, 0), 3).astype(float)
    assert faults.noise(calm.astype(np.uint8)) < 1
    noisy = np.clip(calm + rng.normal(0, deviation, calm.shape), 0, 255).astype(np.uint8)
    assert faults.noise(noisy) == pytest.approx(deviation, rel=0.25)


@pytest.mark.parametrize(("quality", "least", "most"), [(95, 0.0, 0.1), (30, 0.2, 2.0), (10, 0.8, 4.0)])
@pytest.mark.parametrize("cut", [0, 3])
def test_the_squares_of_a_jpeg_wherever_they_begin(quality: int, least: float, most: float, cut: int) -> None:
    data = cv2.imencode(".jpg", skin(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert least <= faults.squares(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)[cut:, cut:]) <= most


@pytest.mark.parametrize("turn", [0, 30, 90, 135])
def test_motion_takes_from_one_direction_and_a_lens_from_all(turn: int) -> None:
    kernel = np.zeros((25, 25), np.float32)
    reach = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))]) * 10
    cv2.line(kernel, tuple(np.round(12 - reach).astype(int)), tuple(np.round(12 + reach).astype(int)), 1)
    moved = cv2.filter2D(skin(), -1, kernel / kernel.sum())
    assert faults.motion(skin()) < 0.1
    assert faults.motion(cv2.GaussianBlur(skin(), (0, 0), 4)) < 0.1
    assert faults.motion(moved) > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_a_moved_outline_is_told_from_a_blurred_one_though_it_runs_one_way(seed: int) -> None:
    fin = np.full((192, 192), 150, np.uint8)
    cv2.fillPoly(fin, [np.array([[10, 180], [60 + 30 * seed, 20], [180, 180]])], 60)
    fin = np.clip(fin + 0.08 * (skin(seed).astype(float) - 128), 0, 255).astype(np.uint8)
    along = cv2.blur(fin, (17, 1))
    assert faults.motion(along) > 0.6 > faults.motion(cv2.GaussianBlur(fin, (0, 0), 4)) + 0.1


def test_a_frame_is_told_by_its_share() -> None:
    picture = cv2.cvtColor(skin(side=100), cv2.COLOR_GRAY2RGB)
    assert faults.framed(picture) == 0
    picture[:10] = picture[90:] = 255
    assert faults.framed(picture) == pytest.approx(0.2)
    picture[:, :25] = (255, 0, 0)
    assert faults.framed(picture) == pytest.approx(1 - 0.8 * 0.75)


def test_a_picture_of_one_tone_is_no_frame() -> None:
    assert faults.framed(np.full((20, 30, 3), 90, np.uint8)) == 0


@pytest.mark.parametrize("tone", [0, 255])
def test_words_are_seen_and_glints_are_not(tone: int) -> None:
    picture = cv2.cvtColor(np.clip(skin(), 40, 200), cv2.COLOR_GRAY2RGB)
    rng = np.random.default_rng(0)
    for x, y, radius in zip(*rng.integers(10, 180, (2, 40)), rng.integers(1, 6, 40), strict=True):
        cv2.circle(picture, (int(x), int(y)), int(radius), (tone,) * 3, -1)
    assert faults.written(picture) == 0
    cv2.putText(picture, "2019 B14", (20, 170), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (tone,) * 3, 2)
    assert faults.written(picture) == pytest.approx(0.55, abs=0.02)
