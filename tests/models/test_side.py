"""The side of a fin from its outline: drawn ones, rendered ones, and those of people's photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import PROJECT
from whalepipe.boxes import window
from whalepipe.config import ViewConfig
from whalepipe.errors import WeightsError
from whalepipe.models.side import PART, find_sides, lean
from whalepipe.models.silhouette import SHAPE, Silhouette
from whalepipe.photos import read_photo
from whalepipe.render import draw_individual, draw_scene, render_scene, scene_rng
from whalepipe.tables import CropLabel, read_table


def drawn(*corners: tuple[int, int]) -> Silhouette:
    """A network that is sure of a polygon, given in the pixels of its answer (224 x 160)."""
    image = Image.new("L", SHAPE)
    ImageDraw.Draw(image).polygon(corners, fill=1)
    part = np.where(np.array(image) > 0, 5.0, -5.0).astype(np.float32)
    return Silhouette(part, np.full_like(part, -5.0))


def test_a_lean_is_measured_in_fin_heights_and_turns_its_sign_in_a_mirror():
    # A fin 100 high, its foot from 20 to 120, its tip above 120: leaning by about half its foot.
    right = lean(drawn((20, 150), (120, 150), (120, 50)), 224, 160)
    left = lean(drawn((204, 150), (104, 150), (104, 50)), 224, 160)
    assert right == pytest.approx(0.55, abs=0.06)
    assert left == pytest.approx(-right, abs=0.02)
    # The same crop in a photo twice as wide: twice the lean.
    assert lean(drawn((20, 150), (120, 150), (120, 50)), 448, 160) == pytest.approx(2 * right, abs=1e-9)
    assert lean(drawn((20, 150), (120, 150), (70, 50)), 224, 160) == pytest.approx(0.0, abs=0.02)


def test_what_hardly_shows_a_fin_tells_no_side():
    assert lean(drawn((20, 150), (24, 150), (22, 140)), 224, 160) is None
    nothing = np.full(SHAPE[::-1], -5.0, np.float32)
    assert lean(Silhouette(nothing, nothing), 224, 160) is None


def test_rendered_fins_are_told():
    tell = find_sides(ViewConfig(), "cpu")
    right = sure = 0
    for number in range(12):
        rng = scene_rng("side tests", number)
        scene = render_scene(draw_scene(rng, (draw_individual(PART, "side tests", number),), 640, 427))
        for truth in scene.truths:
            left, top, end, bottom = window(truth, 0.1, 640, 427)
            told = tell(scene.image[top:bottom, left:end])
            if told is not None and max(told, 1 - told) >= 0.9:
                sure += 1
                right += (told > 0.5) == (truth.view == "left")
    assert sure >= 8
    assert right == sure


def test_a_mirrored_crop_is_seen_from_the_other_side_and_the_exported_form_says_the_same(real_data: Path):
    exported, torch_alone = find_sides(ViewConfig(), "cpu"), find_sides(ViewConfig(), "cpu")
    torch_alone._exported = None
    rows = read_table(PROJECT / "labels" / "fins" / "sides.csv", CropLabel, aliases=True)[::9]
    right = sure = 0
    for row in rows:
        crop = read_photo(real_data / "fins" / "crops" / row.crop)
        told, mirrored = exported(crop), exported(np.ascontiguousarray(crop[:, ::-1]))
        assert told == pytest.approx(torch_alone(crop), abs=0.01)
        if max(told, 1 - told) >= 0.9 and row.view != "unknown":
            sure += 1
            right += (told > 0.5) == (row.view == "left")
            assert (mirrored < 0.5) == (told > 0.5)
    assert sure >= 25
    assert right == sure


def test_it_can_be_switched_off_and_says_what_it_lacks():
    assert find_sides(ViewConfig(tell="none"), "cpu") is None
    with pytest.raises(WeightsError, match=r"no weights 'gone'.*; without it: --set view\.tell=none"):
        find_sides(ViewConfig(silhouette="gone"), "cpu")
