"""Species, attitudes and distractions: what the photo shows beside a fin square on."""

from dataclasses import replace

import numpy as np
import pytest

from whalepipe.render import Distraction, Scene, draw_individual, draw_scene, render_scene
from whalepipe.render.contour import part_outline
from whalepipe.render.individual import FinTraits, Individual
from whalepipe.render.pose import part_box, pose
from whalepipe.render.settings import DISTRACTIONS
from whalepipe.render.skin import skin
from whalepipe.render.texture import Array

SIZE = (320, 214)
FINS = [draw_individual("dorsal_fin", "shapes", number) for number in range(60)]


def of(species: str) -> list[Individual]:
    return [fin for fin in FINS if fin.species == species]


def height(fin: Individual) -> float:
    return float(part_outline(fin)[:, 1].max())


def lean(fin: Individual) -> float:
    outline = part_outline(fin)
    return float(outline[outline[:, 1].argmax(), 0])


def scene_of(part: str, seed: int, number: int = 0) -> Scene:
    return draw_scene(np.random.default_rng(seed), [draw_individual(part, "test", number)], *SIZE)


def test_a_killer_whale_s_fin_is_tall_and_upright_a_pilot_whale_s_low_and_swept_back() -> None:
    tursiops, orca, pilot = (of(name) for name in ("Tursiops truncatus", "Orcinus orca", "Globicephala melas"))
    assert min(map(height, orca)) > max(map(height, tursiops)) > max(map(height, pilot))
    assert max(map(lean, orca)) < min(map(lean, pilot))


def test_risso_s_dolphins_are_paler_and_more_scarred_than_pilot_whales() -> None:
    def look(fin: Individual) -> tuple[float, float]:
        light = skin(fin, "left").light
        fine = light - (np.roll(light, 3, 0) + np.roll(light, -3, 0)) / 2
        return float(light.mean()), float(fine.std())

    risso, pilot = (np.array([look(fin) for fin in of(name)[:3]]) for name in ("Grampus griseus", "Globicephala melas"))
    assert risso[:, 0].min() > pilot[:, 0].max()
    assert risso[:, 1].mean() > 1.5 * pilot[:, 1].mean()


def test_a_killer_whale_has_a_saddle_behind_its_fin() -> None:
    orca = of("Orcinus orca")[0]
    assert isinstance(orca.traits, FinTraits)
    made = skin(orca, "right")

    def at(x: float, y: float) -> float:
        column, row = made.to_pixels @ [x, y, 1]
        return float(made.light[int(row) - 4 : int(row) + 4, int(column) - 4 : int(column) + 4].mean())

    assert at(1.35, -0.28) > 2 * at(-0.4, -0.28)


@pytest.mark.parametrize("seed", range(3))
def test_the_box_of_a_dripping_submerged_fluke_ends_at_the_water(seed: int) -> None:
    scene = scene_of("fluke", seed)
    sighting = replace(scene.sightings[0], submerged=0.3, raised=0.0, wet=1.0, splash=0.0, roll=0.0)
    (truth,) = render_scene(replace(scene, sightings=(sighting,))).truths
    assert abs(truth.ymax - pose(sighting).water) < 0.06 * sighting.width + 2
    dry = render_scene(replace(scene, sightings=(replace(sighting, wet=0.0),))).truths[0]
    assert truth.ymax == dry.ymax


def test_a_curled_fluke_turned_sideways_shows_one_blade_broader() -> None:
    flat = replace(scene_of("fluke", 1).sightings[0], yaw=35.0, roll=0.0, bow=0.0)

    def shares(bow: float) -> float:
        stance = pose(replace(flat, bow=bow))
        left, middle, right = stance.project(np.array([[-1.0, 0.2], [0.0, 0.0], [1.0, 0.2]]))[:, 0]
        return float((middle - left) / (right - left))

    assert abs(shares(0.2) - shares(-0.2)) > 0.1


def test_pixels_lead_back_to_the_curled_plane() -> None:
    stance = pose(replace(scene_of("fluke", 2).sightings[0], yaw=30.0, bow=0.25))
    points = np.random.default_rng(0).uniform((-1, -0.5), (1, 0.2), (50, 2))
    pixels = stance.project(points)
    assert np.allclose(np.stack(stance.unproject(pixels[:, 0], pixels[:, 1]), 1), points, atol=1e-3)


def distraction(kind: str) -> Distraction:
    other = draw_individual("dorsal_fin", "test", 9)
    return Distraction(other, kind, 160.0, 120.0, 120.0, 1.0, 1.0, 0.2, (0.8, 0.0))


@pytest.mark.parametrize("kind", DISTRACTIONS)
def test_a_distraction_is_seen_and_has_no_truth(kind: str) -> None:
    empty = draw_scene(np.random.default_rng(3), [], *SIZE)
    shown = render_scene(replace(empty, distractions=(distraction(kind),)))
    assert shown.truths == ()
    changed = np.abs(shown.image.astype(int) - render_scene(empty).image.astype(int)).max(2) > 8
    assert changed[60:140, 100:220].mean() > 0.03


def test_distractions_leave_the_animal_and_its_box_alone() -> None:
    animal = draw_individual("dorsal_fin", "test", 0)
    plain, full = (draw_scene(np.random.default_rng(8), [animal], *SIZE, distractions=count) for count in (0, 3))
    assert len(full.distractions) == 3
    assert replace(full, distractions=()) == plain
    assert render_scene(full).truths == render_scene(plain).truths
    assert render_scene(full).image.tobytes() == render_scene(full).image.tobytes()


def overlap(scene: Scene) -> float:
    one, two = (part_box(sighting) for sighting in scene.sightings)
    wide, high = min(one[2], two[2]) - max(one[0], two[0]), min(one[3], two[3]) - max(one[1], two[1])
    return max(0.0, wide) * max(0.0, high) / min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two))


def test_some_animals_of_a_group_overlap_and_none_hides_another() -> None:
    pair = [draw_individual("dorsal_fin", "test", number) for number in (1, 2)]
    shares: Array = np.array([overlap(draw_scene(np.random.default_rng(seed), pair)) for seed in range(60)])
    assert 8 <= (shares > 0.05).sum() <= 34
    assert shares.max() < 0.5
