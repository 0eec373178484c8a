"""What is said of a rendered animal beside its box: mask, trailing edge, faults and their strength."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.render.test_scene import SIZE, clear, scene_of
from whalepipe.render import Scene, Truth, draw_individual, draw_scene, render_scene
from whalepipe.render.contour import part_outline, trailing_edge
from whalepipe.render.settings import FAULTS
from whalepipe.render.texture import Array

WIDTH, HEIGHT = SIZE


def plain(part: str, view: str, **changes: float) -> Scene:
    """One animal in the middle of the frame, square on, wholly out of the water."""
    scene = clear(scene_of(part, 1, number=2))
    still = {"yaw": 0.0, "roll": 0.0, "pitch": 0.0, "bend": 0.3, "submerged": 0.0, "raised": 0.1}
    middle = {"x": WIDTH / 2, "y": HEIGHT / 2, "width": 200.0}
    sighting = replace(scene.sightings[0], view=view, **(still | middle | changes))
    return replace(scene, sightings=(sighting,))


def told(scene: Scene) -> Truth:
    (truth,) = render_scene(scene).truths
    return truth


def strengths(truth: Truth) -> dict[str, float]:
    return {fault.name: fault.strength for fault in truth.faults}


def edge_of(mask: Array) -> Array:
    """The pixels of a mask that touch what is not in it."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(mask & (inner == 0))


@pytest.mark.parametrize("part", ["fluke", "dorsal_fin"])
@pytest.mark.parametrize("seed", range(4))
def test_the_visible_edge_lies_on_the_edge_of_the_mask_and_the_mask_fills_the_box(part: str, seed: int) -> None:
    for truth in render_scene(scene_of(part, seed, number=seed)).truths:
        mask = truth.mask(HEIGHT, WIDTH)
        rows, columns = np.nonzero(mask)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert box == (truth.xmin, truth.ymin, truth.xmax, truth.ymax)
        away = cv2.distanceTransform((~edge_of(mask)).astype(np.uint8), cv2.DIST_L2, 5)
        seen = np.floor(truth.contour[truth.visible]).astype(int)
        assert len(seen) > 100
        assert np.median(away[seen[:, 1], seen[:, 0]]) <= 1.5
        assert np.percentile(away[seen[:, 1], seen[:, 0]], 95) <= 4


def test_the_species_is_the_animals() -> None:
    assert told(plain("fluke", "ventral")).species == "Megaptera novaeangliae"


@pytest.mark.parametrize("view", ["ventral", "dorsal"])
def test_a_flukes_edge_runs_from_the_pictures_left_tip_to_the_right(view: str) -> None:
    truth = told(plain("fluke", view))
    # The blunt tips reach out a little further than where the trailing edge ends.
    assert truth.contour[0, 0] == pytest.approx(truth.xmin, abs=6)
    assert truth.contour[-1, 0] == pytest.approx(truth.xmax, abs=6)
    assert truth.visible.all()
    # Its lowest point, the central notch, is in the middle.
    assert truth.contour[truth.contour[:, 1].argmax(), 0] == pytest.approx(WIDTH / 2, abs=12)


@pytest.mark.parametrize(("view", "aft"), [("left", 1), ("right", -1)])
def test_a_fins_edge_runs_down_its_trailing_side(view: str, aft: int) -> None:
    truth = told(plain("dorsal_fin", view, raised=0.3))
    tip, base = truth.contour[0], truth.contour[-1]
    assert tip[1] == pytest.approx(truth.ymin, abs=6)
    assert base[1] == pytest.approx(truth.ymax, abs=12)
    assert aft * (base[0] - WIDTH / 2) > 80  # the base is 200 pixels long
    assert truth.visible.mean() > 0.95


def test_the_trailing_edge_is_a_piece_of_the_outline() -> None:
    for part in ("fluke", "dorsal_fin"):
        animal = draw_individual(part, "test", 4)
        outline = {tuple(point) for point in part_outline(animal)}
        assert all(tuple(point) in outline for point in trailing_edge(animal))


def test_what_lies_outside_the_frame_is_not_visible_and_counts_as_cut_off() -> None:
    truth = told(plain("fluke", "ventral", x=0.0))
    assert strengths(truth)["cut_off"] == pytest.approx(0.5, abs=0.03)
    assert not truth.visible[truth.contour[:, 0] < 0].any()
    assert truth.visible[truth.contour[:, 0] > 3].all()
    assert strengths(told(plain("fluke", "ventral")))["cut_off"] == 0


def test_what_is_under_water_is_not_visible_and_counts_as_submerged() -> None:
    deep = told(plain("dorsal_fin", "left", submerged=0.5))
    assert 0.5 < strengths(deep)["submerged"] < 0.9  # a fin is wider below
    assert deep.visible[0]
    assert not deep.visible[-1]
    assert strengths(told(plain("dorsal_fin", "left", raised=0.3)))["submerged"] == 0


def test_what_another_animal_hides_is_not_visible_and_counts_as_occluded() -> None:
    scene = plain("dorsal_fin", "left", raised=0.3)
    far = scene.sightings[0]
    near = replace(far, x=far.x + 60, y=far.y + 20)
    alone, (behind, _) = told(scene), render_scene(replace(scene, sightings=(far, near))).truths
    assert strengths(alone)["occluded"] == 0
    assert behind.inside.sum() == pytest.approx((1 - strengths(behind)["occluded"]) * alone.inside.sum(), rel=0.02)
    assert 0.2 < strengths(behind)["occluded"] < 0.9
    assert 0.05 < behind.visible.mean() < 0.9


def test_strengths_of_blur_distance_and_veil() -> None:
    scene = plain("fluke", "ventral")
    scene = replace(scene, camera=replace(scene.camera, motion=0.0))
    assert strengths(told(scene)) == {
        "blurred": 0, "cut_off": 0, "distant": 0, "glare": 0, "occluded": 0, "submerged": 0
    }  # fmt: skip
    blurred = replace(scene, camera=replace(scene.camera, blur=5.0, glare=0.8))
    # A Gaussian of a quarter of a period leaves exp(-pi^2 / 8) of the contrast.
    assert strengths(told(blurred))["blurred"] == pytest.approx(1 - np.exp(-(np.pi**2) / 8), abs=1e-4)
    assert strengths(told(blurred))["glare"] == 0.8
    moved = replace(scene, camera=replace(scene.camera, motion=5.0 * 12**0.5))
    assert strengths(told(moved))["blurred"] == strengths(told(blurred))["blurred"]
    small = told(plain("dorsal_fin", "left", width=20.0))
    share = (small.xmax - small.xmin) / WIDTH
    assert strengths(small)["distant"] == pytest.approx(1 - share / 0.07, abs=0.04)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault])
def test_a_planted_fault_is_strong(fault: str) -> None:
    found = []
    for seed in range(3):
        for truth in render_scene(scene_of("dorsal_fin", seed, fault)).truths:
            assert truth.fault == fault
            found.append(strengths(truth)[fault])
    assert len(found) >= 2
    assert min(found) > 0.1


def test_without_a_fault_nothing_is_cut_off_or_distant() -> None:
    for seed in range(4):
        scene = draw_scene(np.random.default_rng(seed), [draw_individual("fluke", "test", seed)], *SIZE)
        for truth in render_scene(scene).truths:
            assert truth.fault == ""
            assert strengths(truth)["cut_off"] == strengths(truth)["distant"] == 0
