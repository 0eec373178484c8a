"""Boxes of flukes drawn anew around what is seen of them; everything else stays as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whalepipe.config import DetectConfig
from whalepipe.errors import WeightsError
from whalepipe.models import silhouette
from whalepipe.models.detector import Box
from whalepipe.models.silhouette import SHAPE, Silhouette
from whalepipe.models.tighten import Tightener, find_tightener, tightened
from whalepipe.models.weights import Weights, find_weights

FLUKE = Box("fluke", 0.4, 0.4, 0.6, 0.6, 0.8)
BRIGHT = 200


def looked(crop: np.ndarray) -> Silhouette:
    """Says that whatever is bright is the part."""
    rows = np.linspace(0, crop.shape[0] - 1, SHAPE[1]).round().astype(int)
    columns = np.linspace(0, crop.shape[1] - 1, SHAPE[0]).round().astype(int)
    odds = np.where(crop[rows][:, columns, 0] >= BRIGHT, 5.0, -5.0).astype(np.float32)
    return Silhouette(odds, odds)


def sea(*animals: tuple[int, int, int, int]) -> np.ndarray:
    """A dark picture (400, 500, 3) with bright rectangles: left, top, right, bottom in pixels."""
    picture = np.zeros((400, 500, 3), np.uint8)
    for left, top, right, bottom in animals:
        picture[top:bottom, left:right] = BRIGHT
    return picture


def corners(box: Box) -> np.ndarray:
    return np.array([box.xmin, box.ymin, box.xmax, box.ymax])


def test_the_box_is_drawn_around_what_is_seen():
    new = tightened(sea((190, 170, 320, 220)), FLUKE, looked)
    assert corners(new) == pytest.approx([0.38, 0.425, 0.64, 0.55], abs=0.005)
    assert (new.part, new.confidence) == ("fluke", 0.8)


def test_a_fluke_that_spray_parts_in_two_has_one_box():
    new = tightened(sea((195, 165, 240, 235), (260, 165, 305, 235)), FLUKE, looked)
    assert corners(new) == pytest.approx([0.39, 0.4125, 0.61, 0.5875], abs=0.005)


def test_a_splash_beside_the_fluke_does_not_count():
    new = tightened(sea((200, 165, 300, 235), (155, 125, 170, 135)), FLUKE, looked)
    assert corners(new) == pytest.approx([0.4, 0.4125, 0.6, 0.5875], abs=0.005)


@pytest.mark.parametrize("animal", [(0, 0, 60, 60), (155, 125, 190, 160)], ids=["nothing near", "elsewhere"])
def test_a_box_stays_where_nothing_or_something_else_is_seen(animal):
    assert tightened(sea(animal), FLUKE, looked) == FLUKE


def test_at_the_edge_of_the_photo_the_box_stays_inside():
    new = tightened(sea((0, 0, 100, 90)), Box("fluke", 0.0, 0.0, 0.25, 0.25, 0.5), looked)
    assert corners(new) == pytest.approx([0.0, 0.0, 0.2, 0.225], abs=0.005)


def test_a_box_of_a_few_pixels_is_not_looked_at():
    tiny = Box("fluke", 0.5, 0.5, 0.505, 0.505, 0.9)
    assert tightened(sea((240, 190, 260, 210)), tiny, looked) == tiny


class Faked(Tightener):
    """Looks as `looked` does."""

    _silhouettes = staticmethod(looked)


@pytest.fixture
def fake() -> Faked:
    return Faked(find_weights("silhouette", silhouette.KIND))


def test_fins_stay_as_they_are(fake):
    fin = replace(FLUKE, part="dorsal_fin")
    assert fake(sea((190, 170, 320, 220)), [fin], 0.4) == [fin]


def test_two_boxes_that_turn_out_to_be_of_one_fluke_are_one_and_the_surer_stays(fake):
    picture = sea((190, 160, 310, 240))
    lower = Box("fluke", 0.42, 0.45, 0.64, 0.66, 0.5)
    found = fake(picture, [FLUKE, lower], 0.4)
    assert found == [tightened(picture, FLUKE, looked)]


def test_two_fins_that_overlap_stay_two(fake):
    fins = [Box("dorsal_fin", 0.1, 0.1, 0.3, 0.3, 0.9), Box("dorsal_fin", 0.12, 0.1, 0.32, 0.3, 0.8)]
    assert fake(sea(), fins, 0.4) == fins


def detector(*parts: str) -> Weights:
    return Weights(Path("detector.pt"), "", {"parts": list(parts)})


def test_where_nothing_is_to_be_drawn_nothing_is_loaded():
    assert find_tightener(DetectConfig(tighten="none"), detector("fluke"), "cpu") is None
    assert find_tightener(DetectConfig(silhouette="no such weights"), detector("dorsal_fin"), "cpu") is None


def test_missing_weights_are_named_with_the_way_out():
    with pytest.raises(WeightsError, match=r"no weights 'nobody'.*--set detect\.tighten=none"):
        find_tightener(DetectConfig(silhouette="nobody"), detector("fluke"), "cpu")


def test_the_digest_says_which_form_runs():
    own = find_tightener(DetectConfig(backend="torch"), detector("fluke"), "cpu")
    assert own is not None
    assert own.digest == find_weights("silhouette", silhouette.KIND).digest
    pytest.importorskip("onnxruntime", reason="the extra `fast` is not installed")
    form = find_tightener(DetectConfig(backend="onnx"), detector("fluke"), "cpu")
    assert form is not None
    assert form.exported is not None
    assert form.digest == form.exported.digest != own.digest


def test_on_rendered_flukes_the_shipped_network_draws_closer_than_a_loose_box(rendered_flukes):
    tightener = find_tightener(DetectConfig(), detector("fluke"), "cpu")
    gained = []
    for picture, truth in rendered_flukes:
        wide, high = truth.xmax - truth.xmin, truth.ymax - truth.ymin
        loose = replace(truth, xmin=max(truth.xmin - 0.1 * wide, 0), ymax=min(truth.ymax + 0.25 * high, 1))
        [new] = tightener(picture, [loose], 0.4)
        gained.append(np.abs(corners(loose) - corners(truth)).max() - np.abs(corners(new) - corners(truth)).max())
    assert np.mean(gained) > 0
    assert np.mean(np.array(gained) > 0) >= 0.75


@pytest.fixture(scope="module")
def rendered_flukes() -> list[tuple[np.ndarray, Box]]:
    """Rendered photos of a fluke and its box."""
    from whalepipe.render import draw_individual, draw_scene, render_scene, scene_rng

    found = []
    for number in range(8):
        rng = scene_rng("tests", "tighten", number)
        photo = render_scene(draw_scene(rng, [draw_individual("fluke", "tests", number)], 960, 640))
        for t in photo.truths:
            found.append((photo.image, Box("fluke", t.xmin / 960, t.ymin / 640, t.xmax / 960, t.ymax / 640, 0.9)))
    return found
