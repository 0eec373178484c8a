"""How marked a fin is: by what its edge is made of, on rendered fins with and without nicks, on people's photos."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import PROJECT
from whalepipe.boxes import window
from whalepipe.config import QualityConfig
from whalepipe.errors import WeightsError
from whalepipe.evaluation.framing import graded
from whalepipe.evaluation.marked import marked_alike, told
from whalepipe.models.distinctive import PART, distinctiveness, find_distinctiveness, roughness
from whalepipe.render import draw_individual, draw_scene, render_scene, scene_rng

BENT = np.stack([np.linspace(-1, 2, 128), 0.5 * np.linspace(-1, 2, 128)]).astype(np.float32)  # of a smooth fin


def nicked(*places: int, depth: float = 3.0) -> np.ndarray:
    marks = BENT.copy()
    for place in places:
        marks[:, place - 2 : place + 3] -= depth
    return marks


def test_a_smooth_edge_is_not_marked_however_it_bends() -> None:
    assert roughness(BENT) < 0.01
    assert distinctiveness(BENT) < 0.001


def test_each_nick_and_its_depth_count() -> None:
    grades = [distinctiveness(nicked(*places)) for places in ((), (30,), (30, 50), (30, 50, 70))]
    assert grades == sorted(set(grades))
    assert roughness(nicked(30)) == pytest.approx(5 * 3.0 / 80, abs=0.03)
    assert distinctiveness(nicked(30, 50, depth=6.0)) > distinctiveness(nicked(30, 50)) + 0.1


def test_half_is_a_fin_as_rough_as_usual() -> None:
    wave = np.tile([1.112, 0.0, -1.112, 0.0], 32)  # about the median 0
    assert distinctiveness(np.stack([wave, wave]).astype(np.float32)) == pytest.approx(0.5, abs=0.001)
    assert 0 < distinctiveness(nicked(10)) < distinctiveness(nicked(*range(8, 84, 8), depth=9.0)) <= 1


def test_what_hangs_at_tip_and_base_does_not_count() -> None:
    assert distinctiveness(nicked(90, 110, 125, 2)) == pytest.approx(distinctiveness(BENT), abs=0.001)


def test_rendered_fins_lose_their_distinctiveness_with_their_nicks() -> None:
    tell = find_distinctiveness(QualityConfig(), "cpu")
    assert tell is not None
    lost = []
    for number in range(8):
        animal = draw_individual(PART, "marks tests", number)
        smooth = replace(animal, traits=replace(animal.traits, nicks=()))
        found = []
        for one in (animal, smooth):
            scene = draw_scene(scene_rng("marks tests", number), (one,), 640, 427)
            [truth] = render_scene(scene).truths
            left, top, right, bottom = window(truth, 0.1, 640, 427)
            found.append(tell(render_scene(scene).image[top:bottom, left:right]))
        if None not in found:
            lost.append(found[0] - found[1])
    assert len(lost) >= 5
    assert np.mean(lost) > 0.15
    assert np.mean(np.array(lost) > -0.02) >= 0.8


def test_what_shows_no_fin_is_not_told() -> None:
    tell = find_distinctiveness(QualityConfig(), "cpu")
    assert tell is not None
    for shape in ((1, 1, 3), (64, 80, 3)):
        assert tell(np.full(shape, 128, np.uint8)) is None


def test_it_can_be_switched_off_and_a_missing_network_is_said() -> None:
    assert find_distinctiveness(QualityConfig(silhouette="none"), "cpu") is None
    with pytest.raises(WeightsError, match=r"--set quality\.silhouette=none"):
        find_distinctiveness(QualityConfig(silhouette="gone"), "cpu")


def test_fins_that_people_call_marked_are(real_data) -> None:
    rows = list(graded(PROJECT / "labels" / "fins" / "marks.csv", real_data / "fins" / "crops", ("tune",)))
    marks = told(rows, find_distinctiveness(QualityConfig(), "cpu"))
    very, little = (
        marks[[row.distinctiveness == one and np.isfinite(m) for (row, _), m in zip(rows, marks, strict=True)]]
        for one in (1, 3)
    )
    assert (len(very), len(little)) == (12, 21)
    assert np.median(very) > 0.6
    assert np.median(little) < 0.2
    agreed = marked_alike([row for row, _ in rows], marks)
    assert agreed is not None
    assert agreed > 0.5
