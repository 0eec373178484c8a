"""Water, weather and camera: what a parameter says is what the photo shows."""

from dataclasses import fields, replace

import numpy as np
import pytest

from whalepipe.render import Camera, Scene, Sea, draw_individual, draw_scene, render_scene
from whalepipe.render.texture import Array

SIZE = (320, 240)
HORIZON = 80

SEA = Sea(
    wind=0.3,
    swell=0.3,
    patches=0.5,
    foam=0.0,
    deep=(0.03, 0.08, 0.15),
    sky_low=(0.7, 0.75, 0.8),
    sky_high=(0.3, 0.45, 0.7),
    clouds=0.0,
    sun=0.6,
    sun_side=180.0,
    sun_height=30.0,
    haze=0.1,
    rain=0.0,
    coast=0.0,
    boat=False,
    ships=0,
    birds=0,
    rafting=0,
)
CAMERA = Camera(
    height=4.0,
    focal=900.0,
    focus=60.0,
    horizon=float(HORIZON),
    tilt=0.0,
    exposure=1.0,
    contrast=1.0,
    warmth=0.0,
    saturation=1.0,
    blur=0.0,
    motion=0.0,
    motion_angle=0.0,
    glare=0.0,
    noise=0.0,
    chroma=0.0,
    sharpen=0.0,
    vignette=0.0,
    aberration=0.0,
    defocus=0.0,
    jpeg=100,
    subsampled=False,
)

EVEN = {"sky_low": (0.8, 0.8, 0.8), "sky_high": (0.8, 0.8, 0.8), "wind": 0.5, "haze": 0.0}


def scene(camera: dict[str, float] | None = None, **sea: object) -> Scene:
    """Return an empty sea with the horizon a third down, changed as said."""
    return Scene(*SIZE, 7, replace(SEA, **sea), replace(CAMERA, **(camera or {})), ())  # type: ignore[arg-type]


def photo(camera: dict[str, float] | None = None, **sea: object) -> Array:
    return render_scene(scene(camera, **sea)).image.astype(int)


def horizon_row(image: Array, column: int) -> int:
    """Return the first row that differs from the sky, which must be even, about a column."""
    grey = image[:, column - 4 : column + 5].mean((1, 2))
    return int((np.abs(grey - grey[:10].mean()) > 8).argmax())


# What another value does to the photo must be seen in it; a focus shows only through a lens that blurs.
CHANGES: list[tuple[str, object, dict[str, float], dict[str, object]]] = [
    ("wind", 0.9, {}, {}),
    ("swell", 1.0, {}, {}),
    ("patches", 1.0, {}, {}),
    ("foam", 1.0, {}, {"wind": 0.8}),
    ("deep", (0.05, 0.3, 0.3), {}, {}),
    ("sky_low", (0.9, 0.6, 0.5), {}, {}),
    ("sky_high", (0.6, 0.6, 0.6), {}, {}),
    ("clouds", 1.0, {}, {}),
    ("sun", 1.0, {}, {"sun_side": 0.0}),
    ("sun_side", 0.0, {}, {}),
    ("sun_height", 10.0, {}, {"sun_side": 0.0}),
    ("haze", 0.9, {}, {}),
    ("rain", 1.0, {}, {}),
    ("coast", 40.0, {}, {}),
    ("boat", True, {}, {}),
    ("ships", 3, {}, {}),
    ("birds", 3, {}, {}),
    ("rafting", 3, {}, {}),
    ("height", 8.0, {}, {}),
    ("focal", 2000.0, {}, {}),
    ("focus", 25.0, {"defocus": 6.0}, {}),
    ("horizon", 40.0, {}, {}),
    ("tilt", 4.0, {}, {}),
    ("exposure", 1.3, {}, {}),
    ("contrast", 0.7, {}, {}),
    ("warmth", 0.1, {}, {}),
    ("saturation", 0.0, {}, {}),
    ("blur", 1.5, {}, {}),
    ("motion", 9.0, {}, {}),
    ("motion_angle", 90.0, {"motion": 9.0}, {}),
    ("glare", 0.5, {}, {}),
    ("noise", 0.03, {}, {}),
    ("chroma", 0.03, {}, {}),
    ("sharpen", 0.9, {}, {}),
    ("vignette", 0.2, {}, {}),
    ("aberration", 2.0, {}, {}),
    ("defocus", 6.0, {}, {}),
    ("jpeg", 30, {}, {}),
    ("subsampled", True, {}, {}),
]


def test_every_parameter_of_sea_and_camera_is_listed() -> None:
    names = [field.name for kind in (Sea, Camera) for field in fields(kind)]
    assert [name for name, *_ in CHANGES] == names


@pytest.mark.parametrize(("name", "value", "camera", "sea"), CHANGES, ids=[change[0] for change in CHANGES])
def test_every_parameter_changes_the_photo(
    name: str, value: object, camera: dict[str, float], sea: dict[str, object]
) -> None:
    plain = photo(camera, **sea)
    of_sea = name in {field.name for field in fields(Sea)}
    changed = photo(camera, **{**sea, name: value}) if of_sea else photo({**camera, name: value}, **sea)  # type: ignore[dict-item]
    assert np.abs(plain - changed).max() > 4


def test_the_same_scene_gives_the_same_bytes_whatever_the_weather() -> None:
    wild = scene(wind=0.9, foam=0.8, rain=0.7, coast=30.0, boat=True, ships=2, birds=2, rafting=2)
    assert render_scene(wild).image.tobytes() == render_scene(wild).image.tobytes()


def test_the_horizon_is_where_the_camera_says() -> None:
    assert abs(horizon_row(photo(**EVEN), 160) - HORIZON) <= 4


def test_tilt_turns_the_horizon() -> None:
    image = photo({"tilt": 6.0}, **EVEN)
    # 260 columns at 6 degrees: 27 rows.
    assert 20 <= horizon_row(image, 290) - horizon_row(image, 30) <= 34


def test_a_coast_stands_above_the_horizon_and_nowhere_else() -> None:
    changed = np.abs(photo() - photo(coast=40.0)).max(2) > 25
    assert changed[HORIZON - 30 : HORIZON].mean() > 0.15
    assert not changed[HORIZON + 4 :].any()
    assert not changed[: HORIZON - 65].any()


def test_haze_pales_the_coast() -> None:
    air = 255 * 0.75
    clear, hazy = (
        np.abs(photo(coast=40.0, haze=haze)[HORIZON - 14 : HORIZON - 4].mean(2) - air).mean() for haze in (0.0, 0.9)
    )
    assert hazy < 0.7 * clear


def test_the_glitter_lies_on_the_side_of_the_sun() -> None:
    def brighter_on_the_right(side: float) -> float:
        water = photo({"focal": 300.0}, sun=1.0, sun_side=side, sun_height=15.0)[HORIZON + 6 :]
        return float(water[:, 240:].mean() - water[:, :80].mean())

    assert brighter_on_the_right(25.0) > 4
    assert brighter_on_the_right(-25.0) < -4


def test_the_sun_behind_the_camera_does_not_glitter() -> None:
    assert np.array_equal(photo(sun_side=180.0, sun_height=20.0), photo(sun_side=180.0, sun_height=50.0))


def test_rain_greys_the_picture() -> None:
    assert photo(rain=1.0).std() < 0.9 * photo().std()


def test_a_rough_sea_is_rougher() -> None:
    calm, rough = (photo({"horizon": -200.0}, wind=wind, swell=0.0) for wind in (0.03, 0.8))
    assert np.abs(np.diff(rough, axis=0)).mean() > 1.5 * np.abs(np.diff(calm, axis=0)).mean()


def test_foam_whitens_a_rough_sea() -> None:
    dusk = {"wind": 0.8, "sky_low": (0.2, 0.25, 0.3), "sky_high": (0.2, 0.25, 0.3)}
    water = [(photo({"horizon": -120.0}, foam=foam, **dusk).min(2) > 190).mean() for foam in (0.0, 1.0)]
    assert water[1] > water[0] + 0.005


def test_what_is_far_from_the_focus_is_soft() -> None:
    def detail(focus: float, rows: slice) -> float:
        image = photo({"horizon": 0.0, "defocus": 8.0, "focus": focus}, wind=0.6)
        return float(np.abs(np.diff(image[rows].mean(2), axis=0)).mean())

    # 3,600 / row metres: row 30 is 120 m away, row 225 16 m.
    assert detail(120.0, slice(25, 35)) > 1.5 * detail(16.0, slice(25, 35))
    assert detail(16.0, slice(215, 235)) > 1.5 * detail(120.0, slice(215, 235))


def test_motion_blurs_along_its_angle() -> None:
    image = photo({"motion": 15.0, "motion_angle": 90.0, "horizon": -100.0}, wind=0.8).mean(2)
    still = photo({"horizon": -100.0}, wind=0.8).mean(2)
    assert np.abs(np.diff(image, axis=0)).mean() < 0.5 * np.abs(np.diff(still, axis=0)).mean()


def test_aberration_spreads_red_from_the_middle() -> None:
    plain, fringed = photo(coast=40.0), photo({"aberration": 4.0}, coast=40.0)
    # JPEG mixes the channels a little.
    assert np.abs(plain[..., 2] - fringed[..., 2]).mean() < 1
    assert np.abs(plain[..., 0] - fringed[..., 0])[:, 280:].max() > 10


def test_a_worse_jpeg_has_flatter_blocks() -> None:
    fine, coarse = (photo({"jpeg": jpeg}, wind=0.8).mean(2) for jpeg in (98, 20))

    def inside(image: Array) -> float:
        steps = np.abs(np.diff(image, axis=1))
        return float(steps[:, np.arange(319) % 8 != 7].mean())

    assert inside(coarse) < 0.95 * inside(fine)


def test_subsampled_colour_is_coarser() -> None:
    def colour_steps(subsampled: bool) -> float:
        image = photo({"chroma": 0.06, "subsampled": subsampled})
        return float(np.abs(np.diff(image[..., 0] - image[..., 2], axis=1)).mean())

    assert colour_steps(True) < 0.9 * colour_steps(False)


def test_a_boat_stands_out_only_where_the_horizon_is_near() -> None:
    assert np.abs(photo() - photo(boat=True)).max() > 30
    looking_down = {"horizon": -3000.0}
    assert np.array_equal(photo(looking_down), photo(looking_down, boat=True))


def test_few_photos_show_the_horizon() -> None:
    seen = 0
    for number in range(200):
        individual = draw_individual(("fluke", "dorsal_fin")[number % 2], "test", number)
        seen += draw_scene(np.random.default_rng(number), [individual]).camera.horizon > 0
    assert 12 <= seen <= 60
