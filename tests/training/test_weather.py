"""Haze, glare and blur over photos to train on: what each does to a sea with a dark fin in it."""

import numpy as np
import pytest

from whalepipe.training.weather import Weather, defocused, glaring, hazy, moved, veiled


@pytest.fixture
def sea() -> np.ndarray:
    """240 x 360: rippled water, brighter above, with a black triangle of a fin in its middle."""
    rows, columns = np.mgrid[:240, :360]
    water = 120 - 0.1 * rows + 18 * np.sin(rows / 3 + 2 * np.sin(columns / 17))
    picture = np.repeat(water[:, :, None], 3, axis=2) * [0.7, 0.9, 1.0]
    picture[fin()] = 12
    return picture.astype(np.uint8)


def fin() -> np.ndarray:
    rows, columns = np.mgrid[:240, :360]
    return (rows < 160) & (rows > 80) & (abs(columns - 180) < (rows - 80) * 0.6)


def sharpness(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=0)).mean())


SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_haze_takes_contrast_and_more_of_it_the_farther_off(sea, seed):
    out = hazy(sea, np.random.default_rng(seed))
    kept = [out[rows].std() / sea[rows].std() for rows in (slice(0, 60), slice(180, 240))]
    assert kept[0] < kept[1] < 1
    assert out[fin()].mean() > sea[fin()].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_glints_burn_out_specks_of_the_water_and_leave_an_animal_against_the_light_dark(sea, seed):
    out = glaring(sea, np.random.default_rng(seed))
    assert (out >= sea).all()
    burnt = (out > 240).all(axis=2)
    assert 0.0005 < burnt[~fin()].mean() < 0.5
    assert burnt[fin()].mean() < 0.2 * burnt[~fin()].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_veil_is_brightest_at_the_border(sea, seed):
    risen = veiled(sea, np.random.default_rng(seed)).astype(float).mean(axis=2) - sea.mean(axis=2)
    border = np.concatenate([risen[0], risen[-1], risen[:, 0], risen[:, -1]])
    assert border.max() > risen[100:140, 160:200].max()
    assert risen.min() >= -1


@pytest.mark.parametrize("change", [defocused, moved])
@pytest.mark.parametrize("seed", SEEDS)
def test_blur_takes_sharpness_and_no_light(sea, change, seed):
    out = change(sea, np.random.default_rng(seed))
    assert sharpness(out) <= sharpness(sea)
    assert abs(out.mean() - sea.mean()) < 1


def test_weather_comes_as_often_as_it_is_asked_for_and_never_changes_the_photo_itself(sea):
    before = sea.copy()
    rng = np.random.default_rng(0)
    usual = [Weather()(sea, rng) is not sea for _ in range(200)]
    assert 0.25 < np.mean(usual) < 0.5  # 1 - 0.9 x 0.9 x 0.95 x 0.92 x 0.92 = 0.35
    assert all(Weather().scaled(0)(sea, rng) is sea for _ in range(20))
    assert Weather(haze=0.1).scaled(3).haze == pytest.approx(0.3)
    assert (sea == before).all()


def test_all_weather_at_once_is_the_same_for_the_same_seed(sea):
    first, again, other = (Weather().scaled(20)(sea, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (first.shape, first.dtype) == (sea.shape, np.uint8)
    assert (first == again).all() and (first != other).any()
