"""Wet skin in the light of a scene, and the animal in the water below it."""

from dataclasses import replace

import numpy as np
import pytest

from whalepipe.render import draw_individual, draw_scene
from whalepipe.render.contour import back_line
from whalepipe.render.light import lamp, reflect
from whalepipe.render.settings import Sea, Sighting
from whalepipe.render.splash import paint_mirror

SCENE = draw_scene(np.random.default_rng(2), [draw_individual("dorsal_fin", "test", 0)], 320, 214)
GREY = (0.7, 0.7, 0.7)
CALM = replace(SCENE.sea, wind=0.0, sun=0.0, sky_low=GREY, sky_high=(0.5, 0.5, 0.5), deep=(0.1, 0.1, 0.1))


def seen(sea: Sea, lightness: float, right: float, up: float) -> float:
    """The brightness of skin of one slope, without ripples on it."""
    light, across, along, still = (np.full((1, 1), value, np.float32) for value in (lightness, right, up, 0.0))
    return float(reflect(lamp(sea, (1.0, 0.0), 0.5), light, across, along, still, still, still).mean())


def test_black_skin_mirrors_the_sky_where_it_turns_away_alone() -> None:
    # Schlick's formula: 2 % of the light of a sky of 0.7 is 0.1 in a picture, a fifth of it, at 79 degrees, 0.3.
    assert 0.05 < seen(CALM, 0.0, 0.0, 0.0) < 0.1
    assert 0.05 < seen(CALM, 0.0, 0.0, 0.6) < 0.1
    assert 0.25 < seen(CALM, 0.0, 0.0, 5.0) < 0.35


def test_a_side_that_points_down_is_darker_than_one_that_points_up() -> None:
    assert seen(CALM, 0.35, 0.0, 0.6) > 1.15 * seen(CALM, 0.35, 0.0, -0.6)


def test_a_low_sun_behind_the_animal_leaves_its_side_dark() -> None:
    sunny = replace(CALM, sun=1.0, sun_height=25.0)
    before, behind = (seen(replace(sunny, sun_side=side), 0.35, 0.0, 0.0) for side in (180.0, 0.0))
    assert behind < 0.6 * before


def test_the_sun_glints_on_the_slope_that_throws_it_at_the_camera() -> None:
    sunny = replace(CALM, sun=1.0, sun_height=40.0, sun_side=180.0)
    # Half way between the view (level) and the sun (40 degrees up) stands 20 degrees: a slope of 0.36.
    assert seen(sunny, 0.3, 0.0, 0.364) > 1.0
    assert seen(sunny, 0.3, 0.0, 0.7) < 0.6
    assert seen(replace(sunny, sun=0.1), 0.3, 0.0, 0.364) < 0.5  # behind clouds


@pytest.mark.parametrize("arch", [0.6, 1.0, 1.7])
def test_the_back_goes_under_water_at_an_angle(arch: float) -> None:
    x = np.linspace(-4, 5, 2000)
    top = back_line(x, arch)
    sides = np.flatnonzero(np.diff(np.sign(top + 0.2)))
    slopes = np.degrees(np.arctan(np.abs(np.gradient(top, x)[sides])))
    assert len(sides) == 2
    assert 15 < slopes.min() < slopes.max() < 45


def mirrored(colour: float, level: float, first: int = 64) -> float:
    """How a white or black animal, 40 pixels high above row 60, changes calm water of one brightness below it."""
    body = np.zeros((120, 120), np.float32)
    body[20:60, 40:80] = 1
    sighting: Sighting = replace(SCENE.sightings[0], width=60.0, splash=0.0)
    painted, without = (np.full((120, 120, 3), level, np.float32) for _ in range(2))
    own = np.full((120, 120, 3), colour, np.float32) * body[..., None]
    line = np.full(120, 60.0, np.float32)
    paint_mirror(painted, own, body, line, sighting, CALM, np.random.default_rng(0))
    paint_mirror(without, own * 0, body * 0, line, sighting, CALM, np.random.default_rng(0))
    return float((painted - without)[first : first + 15, 45:75].mean())


def test_the_water_mirrors_an_animal_in_its_own_colours() -> None:
    assert mirrored(0.9, 0.5) > 0.02
    assert mirrored(0.05, 0.5) < -0.1


def test_water_that_mirrors_no_sky_mirrors_no_animal() -> None:
    def contrast(level: float, first: int) -> float:
        return mirrored(0.9, level, first) - mirrored(0.05, level, first)

    assert abs(contrast(0.1, 90)) < 0.15 * contrast(0.4, 90)
    # Close to the animal it lets it be seen under water.
    assert contrast(0.1, 64) > 0.02
