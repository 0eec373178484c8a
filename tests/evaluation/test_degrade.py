import numpy as np
import pytest

from whalepipe.evaluation.degrade import FAULTS, Framed


def crop() -> Framed:
    rng = np.random.default_rng(0)
    return Framed(rng.integers(60, 180, (100, 120, 3), dtype=np.uint8), (10.0, 10.0, 110.0, 90.0))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda f: f.name)
def test_every_strength_changes_the_picture_and_not_the_original(fault) -> None:
    whole = crop()
    for strength in fault.strengths:
        found = fault.spoil(whole, strength, np.random.default_rng(1))
        assert found.pixels.dtype == np.uint8
        assert found.pixels.shape != whole.pixels.shape or (found.pixels != whole.pixels).any()
    assert np.array_equal(whole.pixels, crop().pixels)


def test_a_stop_doubles_the_light() -> None:
    half = FAULTS["dark"].spoil(Framed(np.full((4, 4, 3), 200, np.uint8), (0, 0, 4, 4)), -1, np.random.default_rng(0))
    assert half.pixels[0, 0, 0] == round(255 * ((200 / 255) ** 2.2 / 2) ** (1 / 2.2)) == 146


def test_haze_lifts_the_dark_and_leaves_its_own_light() -> None:
    black = FAULTS["haze"].spoil(Framed(np.zeros((4, 4, 3), np.uint8), (0, 0, 4, 4)), 0.5, np.random.default_rng(0))
    assert black.pixels[0, 0, 0] == round(255 * 0.375 ** (1 / 2.2)) == 163


def test_half_the_size_has_half_the_box() -> None:
    found = FAULTS["small"].spoil(crop(), 0.5, np.random.default_rng(0))
    assert found.pixels.shape == (50, 60, 3)
    assert found.box == (5, 5, 55, 45)


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_box_ends_at_the_frame_and_has_lost_its_share(seed: int) -> None:
    found = FAULTS["cut"].spoil(crop(), 0.4, np.random.default_rng(seed))
    height, width = found.pixels.shape[:2]
    xmin, ymin, xmax, ymax = found.box
    assert (xmin, ymin) == (0, 10) or (xmin, ymin) == (10, 0) or (xmax, ymin) == (width, 10)
    assert (xmax - xmin) * (ymax - ymin) == pytest.approx(0.6 * 8000)
    assert ymax <= height
