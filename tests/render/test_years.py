"""The same animal some years later: known again by its edge, with new nicks and other marks."""

from dataclasses import replace

import numpy as np
import pytest

from whalepipe.render import draw_individual, draw_scene, render_scene
from whalepipe.render.contour import part_outline, trailing_edge
from whalepipe.render.individual import FinTraits, FlukeTraits, Individual, edge_at
from whalepipe.render.skin import skin
from whalepipe.render.texture import Array, fill

PARTS = ("fluke", "dorsal_fin")


def inside(individual: Individual, years: float) -> Array:
    return fill((260, 480), part_outline(individual, years) * [200, -150] + [230, 200]) > 0.5


def nicks(individual: Individual, years: float) -> int:
    traits = individual.traits
    if isinstance(traits, FlukeTraits):
        return len(edge_at(traits.left, years)) + len(edge_at(traits.right, years))
    assert isinstance(traits, FinTraits)
    return len(edge_at(traits.nicks, years))


@pytest.mark.parametrize("part", PARTS)
def test_eight_years_add_nicks_and_keep_the_outline(part: str) -> None:
    animals = [draw_individual(part, "test", number) for number in range(8)]
    for animal in animals:
        now, later = inside(animal, 0.0), inside(animal, 8.0)
        assert (now & later).sum() / (now | later).sum() > 0.95
        # What an edge lost does not grow again, but for pixels between teeth that lean over one another.
        assert (later & ~now).sum() < 0.002 * now.sum()
        assert nicks(animal, 8.0) >= nicks(animal, 0.0)
    assert sum(nicks(animal, 8.0) - nicks(animal, 0.0) for animal in animals) >= 4


def test_another_animal_is_less_alike_than_the_same_ten_years_later() -> None:
    for number in range(6):
        animal, other = (draw_individual("dorsal_fin", "test", at) for at in (number, number + 1))
        edge, aged, strange = trailing_edge(animal), trailing_edge(animal, 10.0), trailing_edge(other)
        apart = np.abs(edge[-400:] - strange[-400:]).mean()
        assert np.abs(edge[-400:] - aged[-400:]).mean() < 0.5 * apart


def test_a_nick_wears_deeper() -> None:
    traits = draw_individual("dorsal_fin", "test", 2).traits
    assert isinstance(traits, FinTraits)
    first, later = edge_at(traits.nicks, 0.0)[0], edge_at(traits.nicks, 9.0)
    (same,) = (nick for nick in later if nick.at == first.at)
    assert first.depth < same.depth <= 1.35 * first.depth


def test_marks_fade_and_come() -> None:
    fin = draw_individual("dorsal_fin", "test", 1)
    fin = replace(fin, traits=replace(fin.traits, nicks=(), scars=(16, 16)))
    now, soon, later = (skin(fin, "left", years).light for years in (0.0, 0.2, 9.0))
    assert np.abs(now - soon).mean() < 0.4 * np.abs(now - later).mean()
    assert (later - now).max() > 0.02 < (now - later).max()


def test_a_photo_of_later_years_differs_in_the_animal_alone() -> None:
    animal = draw_individual("fluke", "test", 3)
    now, later = (draw_scene(np.random.default_rng(4), [animal], 320, 214, years=years) for years in (0.0, 12.0))
    assert replace(later, sightings=(replace(later.sightings[0], years=0.0),)) == now
    assert render_scene(now).image.tobytes() != render_scene(later).image.tobytes()
