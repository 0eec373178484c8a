"""An animal is its name: the same for ever, another in every stream."""

import numpy as np
import pytest

from whalepipe.render import draw_individual
from whalepipe.render.contour import part_outline
from whalepipe.render.skin import skin


def test_the_same_name_gives_the_same_animal() -> None:
    assert draw_individual("fluke", "test", 3) == draw_individual("fluke", "test", 3)
    assert draw_individual("fluke", "test", 3).name == "test-fluke-0003"


def test_streams_share_no_seed() -> None:
    seeds = {
        draw_individual(part, stream, number).seed
        for part in ("fluke", "dorsal_fin")
        for stream in ("train", "demo", "test")
        for number in range(20)
    }
    assert len(seeds) == 2 * 3 * 20


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="dorsal_fin"):
        draw_individual("flank", "test", 0)


def test_fins_come_from_several_species_and_flukes_from_humpbacks() -> None:
    species = {draw_individual("dorsal_fin", "test", number).species for number in range(40)}
    assert species == {"Tursiops truncatus", "Orcinus orca", "Grampus griseus", "Globicephala melas"}
    assert draw_individual("fluke", "test", 0).species == "Megaptera novaeangliae"


def test_two_animals_have_different_edges() -> None:
    one, two = (part_outline(draw_individual("fluke", "test", number)) for number in (0, 1))
    assert np.abs(one - two).max() > 0.02


def test_the_sides_of_a_fin_share_the_outline_but_not_the_scratches() -> None:
    fin = draw_individual("dorsal_fin", "test", 1)
    left, right = skin(fin, "left"), skin(fin, "right")
    assert np.array_equal(left.form, right.form)
    assert np.abs(left.light - right.light).mean() > 0.01
