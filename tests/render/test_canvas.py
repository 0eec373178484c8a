"""What is painted coarsely shows what is painted finely."""

import cv2
import numpy as np
import pytest

from whalepipe.render import draw_individual
from whalepipe.render.canvas import Canvas
from whalepipe.render.skin import ZOOMS, skin, zoom_for
from whalepipe.render.texture import Array

LOW, HIGH = (-1.0, -0.5), (1.0, 0.5)


def shrunk(plane: Array, like: Array) -> Array:
    return np.asarray(cv2.resize(plane, like.shape[::-1], interpolation=cv2.INTER_AREA))


def alike(one: Array, two: Array) -> float:
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def test_pixels_lead_back_to_the_plane() -> None:
    canvas = Canvas(LOW, HIGH, 100.0)
    x, y = canvas.axes()
    assert canvas.shape == (100, 200)
    assert (x[0, 0], y[0, 0]) == pytest.approx((-0.995, 0.495))
    assert canvas.pixels(np.array([[x[0, 30], y[20, 0]]]))[0] == pytest.approx([30, 20], abs=1e-4)


def test_noise_is_the_same_on_a_finer_canvas() -> None:
    few, many = (Canvas(LOW, HIGH, scale).noise(np.random.default_rng(1), (0.2, 0.3), 3) for scale in (60.0, 180.0))
    assert alike(few, shrunk(many, few)) > 0.99
    rngs = [np.random.default_rng(1) for _ in range(2)]
    for rng, scale in zip(rngs, (10.0, 300.0), strict=True):
        Canvas(LOW, HIGH, scale).noise(rng, (0.05, 0.05), 4)
    assert rngs[0].random() == rngs[1].random()  # chance stays in step


@pytest.mark.parametrize(("part", "view"), [("fluke", "ventral"), ("dorsal_fin", "left")])
def test_an_animal_painted_small_has_the_marks_that_it_has_painted_large(part: str, view: str) -> None:
    for number in range(3):
        animal = draw_individual(part, "test", number)
        other = draw_individual(part, "test", number + 3)
        large, small = (skin(animal, view, 0.0, zoom) for zoom in (1.0, ZOOMS[-1]))
        assert np.array_equal(large.form, small.form)
        assert alike(small.light, shrunk(large.light, small.light)) > 0.9
        assert alike(shrunk(skin(other, view).light, small.light), small.light) < 0.8


def test_a_skin_is_as_fine_as_it_is_seen() -> None:
    assert zoom_for("dorsal_fin", 60.0) == ZOOMS[-1]
    assert zoom_for("dorsal_fin", 300.0) == 1.0
    assert zoom_for("fluke", 2000.0) == 1.0
