"""Rendered animals in a photo of sea: what is measured on the photo, and that the animal fits it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.render.test_scene import SIZE, scene_of
from whalepipe.render import Scene, paste
from whalepipe.render.paste import look_of, tiles
from whalepipe.render.texture import Array

WIDTH, HEIGHT = SIZE


def sea(level: float = 0.45, grain: float = 0.0, soft: float = 0.0, seed: int = 0) -> Array:
    """A photo of wave-like streaks (HEIGHT, WIDTH, 3) uint8, bluish."""
    rng = np.random.default_rng(seed)
    streaks = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)), (0, 0), sigmaX=12, sigmaY=3)
    grey = level + 0.06 * np.sign(streaks)  # sharp edges, whose softness is then known
    grey = cv2.GaussianBlur(grey, (0, 0), soft) if soft else grey
    image = grey[..., None] * np.array([0.8, 1.0, 1.2]) + rng.normal(0, grain, (HEIGHT, WIDTH, 1))
    return np.asarray(np.clip(image * 255, 0, 255).round().astype(np.uint8))


def scene(seed: int = 1, **changes: object) -> Scene:
    drawn = scene_of("dorsal_fin", seed, number=2)
    return replace(drawn, camera=replace(drawn.camera, jpeg=97), **changes)


@pytest.mark.parametrize("grain", [0.0, 0.01, 0.03])
def test_the_grain_is_measured(grain: float) -> None:
    assert look_of(sea(grain=grain, soft=2.0)).grain == pytest.approx(grain, abs=0.15 * grain + 0.0015)


@pytest.mark.parametrize("soft", [0.8, 1.5, 2.5])
def test_the_softness_is_measured(soft: float) -> None:
    assert look_of(sea(soft=soft)).soft == pytest.approx(soft, abs=0.35)


def test_the_colours_are_measured() -> None:
    look = look_of(sea(level=0.4))
    assert look.mean == pytest.approx((0.32, 0.4, 0.48), abs=0.01)
    assert look.dark == pytest.approx((0.272, 0.34, 0.408), abs=0.01)
    assert look.bright == pytest.approx((0.368, 0.46, 0.552), abs=0.01)
    assert look.contrast == pytest.approx(0.06, abs=0.01)


def test_the_animal_stands_in_the_sea_and_the_rest_is_the_photo() -> None:
    tile = sea()
    made = paste(scene(), tile)
    (truth,) = made.truths
    mask = truth.mask(HEIGHT, WIDTH)
    changed = np.abs(made.image.astype(int) - tile.astype(int)).max(2)
    assert made.image.dtype == np.uint8
    assert np.median(changed[mask]) > 40
    far = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=90) == 0
    assert changed[far].mean() < 4  # JPEG
    assert paste(scene(), tile).image.tobytes() == made.image.tobytes()


def test_the_truth_is_that_of_the_rendered_scene() -> None:
    from whalepipe.render import render_scene

    (pasted,), (rendered,) = paste(scene(), sea()).truths, render_scene(scene()).truths
    assert (pasted.individual, pasted.view, pasted.part) == (rendered.individual, rendered.view, rendered.part)
    assert np.array_equal(pasted.inside, rendered.inside)
    assert np.array_equal(pasted.contour, rendered.contour)


def test_the_blur_told_is_the_photos() -> None:
    blurred = {}
    for soft in (0.5, 1.1):
        (truth,) = paste(scene(), sea(soft=soft)).truths
        blurred[soft] = {f.name: f.strength for f in truth.faults}["blurred"]
    assert 0.02 < 2 * blurred[0.5] < blurred[1.1] < 0.5


def test_the_animal_is_lit_blurred_and_grained_like_the_photo() -> None:
    mask = paste(scene(), sea()).truths[0].mask(HEIGHT, WIDTH)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    dim, bright = (paste(scene(), sea(level=level)).image[inner].mean() for level in (0.2, 0.7))
    assert bright > 1.2 * dim
    rough = []
    for grain in (0.0, 0.03):
        grey = cv2.cvtColor(paste(scene(), sea(grain=grain, soft=1.0)).image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        rough.append((grey - cv2.GaussianBlur(grey, (0, 0), 1.5))[inner].std())
    assert rough[1] > rough[0] + 2


def test_an_empty_scene_is_the_photo() -> None:
    tile = sea()
    made = paste(scene(sightings=()), tile)
    assert made.truths == ()
    assert np.abs(made.image.astype(int) - tile.astype(int)).mean() < 2.5


def test_what_cannot_be_pasted_is_refused() -> None:
    with pytest.raises(ValueError, match="the scene is 426 x 640 pixels"):
        paste(scene(), sea()[:400])
    for fault in ("blurred", "glare"):
        with pytest.raises(ValueError, match=f"cannot paste with the fault '{fault}'"):
            paste(scene_of("dorsal_fin", 1, fault), sea())


def photo() -> Array:
    """A photo of 1280 x 852 pixels of sea."""
    return np.tile(sea(), (2, 2, 1))


def test_windows_leave_out_the_boxes_with_room_for_the_rest_of_the_animal() -> None:
    box = np.array([[600.0, 300.0, 660.0, 360.0]])
    found = tiles(photo(), box, (320, 213))
    assert len(found) >= 4
    for left, top in found:
        assert 0 <= left <= 1280 - 320
        assert 0 <= top <= 852 - 213
        # Three widths to either side, a quarter of the height above, three quarters below.
        assert left >= 840 or left + 320 <= 420 or top >= 405 or top + 213 <= 285
    apart = {(a, b): abs(a[0] - b[0]) >= 320 or abs(a[1] - b[1]) >= 213 for a in found for b in found if a != b}
    assert all(apart.values())


def test_a_photo_full_of_animals_has_no_window_and_an_empty_one_is_covered() -> None:
    full = np.array([[x, 400.0, x + 90, 470.0] for x in range(0, 1280, 100)])
    assert tiles(photo(), full, (640, 426)) == []
    assert tiles(photo(), np.zeros((0, 4)), (640, 426)) == [(0, 426), (640, 426), (0, 0), (640, 0)]
    assert tiles(photo(), np.zeros((0, 4)), (1400, 900)) == []


def test_the_sky_is_no_sea() -> None:
    image = photo()
    image[:300] = np.linspace(180, 220, 300).astype(np.uint8)[:, None, None]
    found = tiles(image, np.zeros((0, 4)), (320, 213))
    assert found
    assert min(top for _, top in found) >= 300 + 0.1 * 852
