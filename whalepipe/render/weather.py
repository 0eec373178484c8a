"""Drawing weather, light and camera at random, about as often as they are met in photos of flukes and fins.

The shares were estimated by eye from some sixty photos of animals at the surface: about one in seven shows the
horizon, a third lie under an overcast sky, a third each show blue and green water, a few are black and white.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .settings import Camera, Colour, Scene, Sea

BLUE: tuple[Colour, ...] = ((0.02, 0.065, 0.105), (0.02, 0.085, 0.15), (0.03, 0.11, 0.17))
GREEN: tuple[Colour, ...] = ((0.03, 0.13, 0.14), (0.05, 0.12, 0.1), (0.04, 0.15, 0.16))
SLATE: tuple[Colour, ...] = ((0.05, 0.08, 0.08), (0.08, 0.12, 0.13), (0.04, 0.09, 0.13), (0.06, 0.09, 0.08))
GREY: tuple[Colour, ...] = ((0.76, 0.81, 0.86), (0.6, 0.67, 0.74), (0.83, 0.84, 0.85))
CLEAR: tuple[Colour, ...] = ((0.72, 0.83, 0.95), (0.6, 0.74, 0.9), (0.9, 0.85, 0.76), (0.8, 0.87, 0.93))
ZENITH: tuple[Colour, ...] = ((0.26, 0.41, 0.64), (0.34, 0.49, 0.69), (0.19, 0.31, 0.5), (0.42, 0.54, 0.68))


def spoil(rng: np.random.Generator, scene: Scene) -> Scene:
    """Return the scene with its fault, if that comes from camera or light."""
    size = max((sighting.width for sighting in scene.sightings), default=200.0)
    camera = scene.camera
    if scene.fault == "blurred" and rng.random() < 0.6:
        camera = replace(camera, blur=max(3.5, size * float(rng.uniform(0.025, 0.05))), sharpen=0.0)
    elif scene.fault == "blurred":
        length = max(14.0, size * float(rng.uniform(0.12, 0.22)))
        camera = replace(camera, motion=length, motion_angle=float(rng.uniform(0, 180)), blur=1.5, sharpen=0.0)
    elif scene.fault == "glare":
        # Through a thinner veil a boldly marked fluke can still be told: that is no fault yet.
        camera = replace(camera, glare=float(rng.uniform(0.9, 1.0)), exposure=float(rng.uniform(1.5, 1.9)))
        sea = replace(scene.sea, sun=1.0, sun_side=float(rng.uniform(-12, 12)), sun_height=float(rng.uniform(14, 30)))
        scene = replace(scene, sea=sea)
    return replace(scene, camera=camera)


def _mix(rng: np.random.Generator, colours: Sequence[Colour], jitter: float) -> Colour:
    """Return a random mixture of colours, then each channel and the whole made a little lighter or darker."""
    weights = rng.dirichlet(np.full(len(colours), 0.6))
    mixed = weights @ np.array(colours) * rng.normal(1, jitter) + rng.normal(0, jitter * 0.05, 3)
    red, green, blue = (float(v) for v in np.clip(mixed, 0.01, 1.0))
    return red, green, blue


def draw_sea(rng: np.random.Generator, height: int) -> Sea:
    """Return random water and weather for a picture of so many rows."""
    wind = 0.05 + 0.95 * float(rng.beta(1.6, 2.1))
    overcast, backlit = bool(rng.random() < 0.36), bool(rng.random() < 0.06)
    rain = float(rng.uniform(0.2, 1.0)) if overcast and rng.random() < 0.12 else 0.0
    waters = (SLATE, GREEN, BLUE)[int(rng.choice(3, p=[0.5, 0.3, 0.2] if overcast else [0.1, 0.45, 0.45]))]
    low = _mix(rng, GREY if overcast else CLEAR, 0.06)
    heavy = 1.0 - 0.3 * float(rng.random())
    high = (low[0] * heavy, low[1] * heavy, low[2] * heavy) if overcast else _mix(rng, ZENITH, 0.12)
    return Sea(
        wind=wind,
        swell=float(rng.beta(1.2, 2.5)),
        patches=float(rng.uniform(0.05, 0.5)),
        foam=float(np.clip(rng.normal(wind - 0.6, 0.18), 0, 1)),
        deep=_mix(rng, waters, 0.2),
        sky_low=low,
        sky_high=high,
        clouds=float(rng.uniform(0.3, 0.9) if overcast else max(0.0, rng.uniform(-0.5, 0.7))),
        sun=float(rng.uniform(0, 0.1) if overcast else rng.uniform(0.35, 1.0)),
        sun_side=float(rng.normal(0, 18) if backlit else rng.normal(180, 65)),
        sun_height=float(rng.uniform(6, 24) if backlit else rng.uniform(12, 60)),
        haze=min(1.0, float(max(0.0, rng.uniform(-0.4, 0.5))) + 0.3 * rain),
        rain=rain,
        coast=float(rng.uniform(0.01, 0.13) * height) if rng.random() < 0.45 else 0.0,
        boat=bool(rng.random() < 0.08),
        ships=int(rng.integers(1, 4)) if rng.random() < 0.15 else 0,
        birds=int(rng.integers(1, 3)) if rng.random() < 0.03 else 0,
        rafting=int(rng.integers(1, 4)) if rng.random() < 0.03 else 0,
    )


def draw_stand(rng: np.random.Generator, scale: float, row: float) -> float:
    """Return the camera's height in metres, where a metre is `scale` pixels at `row`.

    A camera `row / scale` metres up sees the horizon at the picture's upper edge: most photos look down past it.
    """
    stand = float(rng.uniform(1.8, 5.0) * rng.choice([1, 1, 1, 2]))
    if rng.random() < 0.6:
        stand = max(stand, min(row / scale * float(rng.uniform(1.05, 1.8)), 16.0))
    return stand


def _aperture(reach: float, rng: np.random.Generator) -> float:
    """Return the width in metres of the opening of a lens `reach` frame widths long, on a sensor 24 to 36 mm wide.

    Lenses end at 500 mm, the rest is cropping; by daylight they stand at f/5.6 to f/11.
    """
    return min(0.028 * reach, 0.5) / float(rng.uniform(5.6, 11))


def draw_camera(rng: np.random.Generator, sea: Sea, stand: float, scale: float, row: float, width: int) -> Camera:
    """Return a random camera `stand` metres up that shows a metre as `scale` pixels at `row`, where it is focused."""
    # The lens is as long as the distance asks. From decks 2 to 8 m up, animals are met 20 to 150 m off: the view falls
    # on the water at 2 to 11 degrees (real seas are brighter than their wave fronts; steeper views show the reverse).
    dip = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
    focal = float(np.clip(stand * scale / dip, 1.6 * width, 40.0 * width))
    return Camera(
        height=stand,
        focal=focal,
        focus=focal / scale,
        # Where the horizon lies follows from how large a metre looks at the animal's row.
        horizon=float(row - stand * scale),
        tilt=float(rng.normal(0, 2.0)),
        exposure=float(np.exp(rng.normal(0.0, 0.12))),
        contrast=float(min(1.1, rng.normal(1.0, 0.1))) * (1 - 0.2 * sea.rain),
        warmth=float(rng.normal(-0.01, 0.035)),
        saturation=0.0 if rng.random() < 0.05 else float(rng.uniform(0.65, 1.05)),
        blur=float(max(0.0, rng.uniform(-0.4, 0.9)) * width / 1280),
        motion=float(max(0.0, rng.uniform(-8, 3))),
        motion_angle=float(rng.uniform(0, 180)),
        glare=float(max(0.0, rng.uniform(-0.3, 0.15))),
        noise=float(0.002 + 0.013 * rng.random() ** 2),
        chroma=float(0.001 + 0.008 * rng.random() ** 2),
        sharpen=float(max(0.0, rng.uniform(-0.5, 0.6))),
        vignette=float(max(0.0, rng.uniform(-0.1, 0.12))),
        aberration=float(max(0.0, rng.uniform(-0.8, 0.9)) * width / 1280),
        # A lens of aperture A sees infinity, focused at s, as a disc of A / s: sigma is a quarter of its diameter,
        # and 5 pixels in 1280 at most: in the softest real photos waves can still be told apart.
        defocus=float(min(0.25 * _aperture(focal / width, rng) * scale, 0.004 * width)),
        jpeg=int(rng.integers(72, 98)),
        subsampled=bool(rng.random() < 0.8),
    )
