"""The photo of a scene, and that what is said about it is true."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from whalepipe.render import Scene, Sighting, draw_individual, draw_scene, render_scene
from whalepipe.render.contour import part_outline
from whalepipe.render.pose import pose
from whalepipe.render.texture import Array

SIZE = (640, 426)
PARTS = ("fluke", "dorsal_fin")


def scene_of(part: str, seed: int, fault: str = "", number: int = 0) -> Scene:
    individual = draw_individual(part, "test", number)
    return draw_scene(np.random.default_rng(seed), [individual], *SIZE, fault=fault)


def clear(scene: Scene) -> Scene:
    """Return the scene through a perfect lens: only the animal tells it from the empty sea."""
    camera = replace(
        scene.camera, noise=0.0, blur=0.0, defocus=0.0, glare=0.0, sharpen=0.0, contrast=1.0, exposure=1.0, jpeg=100
    )
    sightings = tuple(replace(s, splash=0.0, wet=0.0) for s in scene.sightings)
    return replace(scene, camera=camera, sightings=sightings)


def sharpness(image: Array, box: tuple[float, float, float, float]) -> float:
    left, top, right, bottom = (int(v) for v in box)
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def box_of(scene: Scene) -> tuple[float, float, float, float]:
    (truth,) = render_scene(scene).truths
    return truth.xmin, truth.ymin, truth.xmax, truth.ymax


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_photo() -> None:
    first, again = (render_scene(scene_of("fluke", 5)).image for _ in range(2))
    assert first.shape == (426, 640, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != render_scene(scene_of("fluke", 6)).image.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_an_empty_sea_has_no_truth_but_waves(seed: int) -> None:
    rendered = render_scene(draw_scene(np.random.default_rng(seed), [], *SIZE))
    assert rendered.truths == ()
    assert rendered.image.std() > 1


@pytest.mark.parametrize("seed", range(4))
def test_the_box_of_a_fluke_is_tight(seed: int) -> None:
    scene = clear(scene_of("fluke", seed))
    (truth,) = render_scene(scene).truths
    with_it = render_scene(scene).image.astype(int)
    without = render_scene(replace(scene, sightings=())).image.astype(int)
    # Below the box is the mirror image, which is not the animal.
    above = np.abs(with_it - without).max(2)[: int(truth.ymax)] > 30
    rows, columns = np.flatnonzero(above.sum(1) > 1), np.flatnonzero(above.sum(0) > 1)
    assert truth.xmin - 4 <= columns[0] <= truth.xmin + 6
    assert truth.xmax - 7 <= columns[-1] <= truth.xmax + 3
    assert truth.ymin - 6 <= rows[0] <= truth.ymin + 6


@pytest.mark.parametrize("seed", range(4))
def test_the_box_of_a_fin_begins_at_its_tip_and_leaves_the_back_out(seed: int) -> None:
    scene = clear(scene_of("dorsal_fin", seed))
    (truth,) = render_scene(scene).truths
    with_it = render_scene(scene).image.astype(int)
    without = render_scene(replace(scene, sightings=())).image.astype(int)
    changed = np.abs(with_it - without).max(2) > 25
    assert truth.ymin - 6 <= np.flatnonzero(changed.sum(1) > 1)[0] <= truth.ymin + 6
    assert truth.xmax - truth.xmin <= 1.5 * scene.sightings[0].width


def test_without_a_fault_every_part_is_inside_the_frame_and_large_enough() -> None:
    for seed in range(60):
        part = PARTS[seed % 2]
        scene = draw_scene(np.random.default_rng(seed), [draw_individual(part, "test", seed)])
        stance, (sighting,) = pose(scene.sightings[0]), scene.sightings
        edge = stance.project(part_outline(sighting.individual))
        edge = edge[edge[:, 1] < stance.water]
        assert edge[:, 0].min() > 0
        assert edge[:, 0].max() < 1280
        assert edge[:, 1].min() > 0
        assert np.ptp(edge[:, 0]) > 90


@pytest.mark.parametrize("seed", range(4))
def test_cut_off_touches_the_edge_of_the_frame(seed: int) -> None:
    xmin, ymin, xmax, ymax = box_of(scene_of(PARTS[seed % 2], seed, "cut_off"))
    assert xmin == 0 or ymin == 0 or xmax == 640 or ymax == 426


@pytest.mark.parametrize("seed", range(4))
def test_blurred_is_blurred(seed: int) -> None:
    blurred = scene_of(PARTS[seed % 2], seed, "blurred")
    sharp = scene_of(PARTS[seed % 2], seed)
    assert replace(blurred, camera=sharp.camera, fault="") == sharp
    # The sensor's noise comes after the lens and is no sharpness.
    blurred, sharp = (replace(s, camera=replace(s.camera, noise=0.0, jpeg=100)) for s in (blurred, sharp))
    box = box_of(sharp)
    assert sharpness(render_scene(blurred).image, box) < 0.3 * sharpness(render_scene(sharp).image, box)


@pytest.mark.parametrize("part", PARTS)
def test_distant_is_small(part: str) -> None:
    xmin, _, xmax, _ = box_of(scene_of(part, 3, "distant"))
    assert 5 < xmax - xmin < 36


def test_glare_washes_the_animal_out() -> None:
    glare, plain = scene_of("dorsal_fin", 2, "glare"), scene_of("dorsal_fin", 2)
    left, top, right, bottom = (int(v) for v in box_of(plain))
    assert render_scene(glare).image[top:bottom, left:right].mean() > 150
    assert render_scene(glare).image.mean() > render_scene(plain).image.mean() + 40


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="blurred"):
        draw_scene(np.random.default_rng(0), [], fault="foggy")


def test_the_nearer_animal_hides_the_farther() -> None:
    scene = clear(scene_of("dorsal_fin", 1))
    far = replace(scene.sightings[0], submerged=0.0, raised=0.3)
    near = replace(far, x=far.x + 4, y=far.y + 2, width=far.width * 1.6)
    alone = render_scene(replace(scene, sightings=(far,))).truths[0]
    seen = render_scene(replace(scene, sightings=(far, near))).truths
    hidden = (seen[0].xmax - seen[0].xmin) * (seen[0].ymax - seen[0].ymin) if len(seen) == 2 else 0.0
    assert hidden < 0.5 * (alone.xmax - alone.xmin) * (alone.ymax - alone.ymin)


def square_on(scene: Scene, view: str) -> Sighting:
    plain = replace(scene.sightings[0], view=view, x=320.0, y=200.0, width=200.0, yaw=0.0, roll=0.0, pitch=0.0)
    return replace(plain, submerged=0.0, raised=0.3, bend=1.0)


def silhouette(scene: Scene, view: str) -> Array:
    """Return where the animal of a scene stands in pale water, square on: its outline in the photo."""
    pale, sighting = (0.9, 0.9, 0.9), replace(square_on(scene, view), tone=(0.6, 0.0))
    sea = replace(scene.sea, deep=pale, sky_low=pale, sky_high=pale, foam=0.0, sun=0.0)
    scene = clear(replace(scene, sea=sea, sightings=(sighting,)))
    changed = render_scene(scene).image.astype(int) - render_scene(replace(scene, sightings=())).image.astype(int)
    fin = np.abs(changed).max(2)[:255] > 24
    return np.asarray(cv2.morphologyEx(fin.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))


def overlap(one: Array, two: Array) -> float:
    return float((one & two).sum() / (one | two).sum())


def test_an_edge_is_the_same_on_another_day_and_mirrored_from_the_other_side() -> None:
    today, later = scene_of("dorsal_fin", 1, number=2), scene_of("dorsal_fin", 12, number=2)
    assert cv2.absdiff(render_scene(today).image, render_scene(later).image).mean() > 10
    left, again, right = silhouette(today, "left"), silhouette(later, "left"), silhouette(today, "right")
    other = silhouette(scene_of("dorsal_fin", 1, number=7), "left")
    assert overlap(left, again) > 0.9
    assert overlap(left, right[:, ::-1]) > 0.9
    assert overlap(left, other) < 0.85


def test_a_left_view_faces_left() -> None:
    """The tip trails aft, to the right of the middle of the base."""
    for view, sign in (("left", 1), ("right", -1)):
        scene = scene_of("dorsal_fin", 1, number=2)
        sighting = square_on(scene, view)
        outline = part_outline(sighting.individual)
        tip = pose(sighting).project(outline[[int(outline[:, 1].argmax())]])[0]
        assert sign * (tip[0] - sighting.x) > 0
