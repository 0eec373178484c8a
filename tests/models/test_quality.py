import cv2
import numpy as np
import pytest

from tests import fakes
from whalepipe.models.quality import Measures, animal_mask, measure

BOX = (20.0, 20.0, 120.0, 100.0)


def fin(value: tuple[int, int, int] = (60, 60, 60)) -> fakes.Pixels:
    """A grey triangle on a flat sea."""
    picture = np.full((120, 140, 3), (120, 150, 170), dtype=np.uint8)
    cv2.fillPoly(picture, [np.array([[20, 99], [70, 20], [119, 99]])], value)
    return picture


def test_a_blurred_animal_is_less_sharp() -> None:
    values = [measure(cv2.GaussianBlur(fin(), (0, 0), s) if s else fin(), BOX).sharpness for s in (0, 1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.2
    assert values[-1] < 0.1


def test_sharp_waves_around_a_blurred_animal_do_not_count() -> None:
    waves = cv2.GaussianBlur(fin((10, 10, 10)), (0, 0), 5)
    waves[:12, ::4] = 255
    waves[110:, ::4] = 255
    assert measure(waves, BOX).sharpness < 0.15


@pytest.mark.parametrize(("value", "least", "most"), [((50, 50, 50), 0.99, 1.0), ((255, 255, 255), 0.0, 0.3)])
def test_glare_on_the_animal(value: tuple[int, int, int], least: float, most: float) -> None:
    assert least <= measure(fin(value), BOX).exposure <= most


@pytest.mark.parametrize(("darkest", "exposure"), [(40, 1.0), (53, 0.9972), (110, 0.5337), (130, 0.4277)])
def test_a_veil_of_light_leaves_fewer_tones(darkest: int, exposure: float) -> None:
    # 2.2 log2(255 / 110) = 2.67 of five stops
    assert measure(fin((darkest, darkest, darkest)), BOX).exposure == exposure


def test_foam_at_the_foot_of_a_fin_that_moved_is_not_sharpness() -> None:
    moved = cv2.GaussianBlur(fin(), (0, 0), 6)
    foam = moved.copy()
    foam[84:100:3, 30:110:4] = 255
    assert measure(foam, BOX).sharpness < 0.1
    higher = moved.copy()
    higher[60:76:3, 50:90:4] = 255
    assert measure(higher, BOX).sharpness > 0.15


def test_contrast_by_hand() -> None:
    picture = np.zeros((100, 100, 3), dtype=np.uint8)
    picture[:, 50:] = 51
    assert measure(picture, (0, 0, 100, 100)).contrast == 0.2


def test_measures_do_not_depend_on_the_cameras_pixels() -> None:
    small = measure(cv2.GaussianBlur(fin(), (0, 0), 1), BOX)
    factor = 4
    picture = cv2.resize(cv2.GaussianBlur(fin(), (0, 0), 1), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    large = measure(picture, tuple(factor * c for c in BOX))
    half = measure(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), tuple(2 * c for c in BOX))
    assert large.sharpness == pytest.approx(half.sharpness, abs=0.02)
    assert large.contrast == pytest.approx(small.contrast, abs=0.03)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (20, 30_000), (2, 2), (3000, 1)])
def test_pictures_of_any_shape_are_measured(shape: tuple[int, int]) -> None:
    height, width = shape
    for box in ((0.0, 0.0, float(width), float(height)), (0.0, 0.0, 0.0, 0.0), (width, height, width, height)):
        found = measure(np.full((*shape, 3), 40, dtype=np.uint8), box)
        assert found == Measures(0.0, 0.0, 1.0, 5.8793, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_mask_is_the_animal() -> None:
    inside = np.zeros((120, 140), dtype=bool)
    inside[20:100, 20:120] = True
    mask = animal_mask(fin(), inside)
    truth = (fin()[..., 0] == 60) & inside
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95


def test_the_edge_is_told_by_its_step_and_its_glare() -> None:
    dark = measure(fin((30, 30, 30)), BOX)
    assert dark.edge == pytest.approx((147 - 30) / 255, abs=0.06)  # the sea's grey is 147
    assert dark.glare == 0
    assert measure(fin((120, 120, 120)), BOX).edge < dark.edge / 2
    assert measure(fin((255, 255, 255)), BOX).glare == pytest.approx(0.5, abs=0.1)
