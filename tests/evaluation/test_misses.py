"""Which boxes are shown as the worst, of hand-made ones on photos of 100 x 50 pixels."""

from pathlib import Path

import numpy as np
import pytest

from whalepipe.config import DetectConfig
from whalepipe.evaluation.boxes import Sighting
from whalepipe.evaluation.detector import DetectorEvaluation, Looked
from whalepipe.evaluation.misses import Worst, worst
from whalepipe.models.detector import Box

PARTS = ("fluke", "dorsal_fin")
FLUKE, FIN = 0, 1


def sighting(name, truths=(), found=()):
    truths, found = np.array(truths, float).reshape(-1, 5), np.array(found, float).reshape(-1, 6)
    return Sighting("", truths, found, (100, 50), name, Path("folder") / name)


def of(*sightings, alarms=None) -> Worst:
    options = DetectorEvaluation(config=DetectConfig(confidence=0.3))
    return worst(Looked(PARTS, list(sightings), alarms), options)


def test_an_animal_found_is_neither_missed_nor_false():
    result = of(sighting("a", [(FIN, 10, 10, 30, 30)], [(FIN, 10, 10, 30, 30, 0.9)]))
    assert (result.missed, result.false, result.alarms) == ([], [], [])
    [case] = result.loose
    assert (case.name, case.path, case.overlap) == ("a", Path("folder/a"), 1.0)
    assert case.truth == Box("dorsal_fin", 0.1, 0.2, 0.3, 0.6, 1.0)
    assert case.found == Box("dorsal_fin", 0.1, 0.2, 0.3, 0.6, 0.9)


def test_the_largest_miss_comes_first_and_the_loosest_box():
    large, small = [(FIN, 0, 0, 50, 40)], [(FIN, 0, 0, 5, 5)]
    tight, loose = [(FIN, 10, 10, 30, 29, 0.9)], [(FIN, 10, 10, 30, 22, 0.9)]
    fin = [(FIN, 10, 10, 30, 30)]
    result = of(sighting("s", small), sighting("l", large), sighting("t", fin, tight), sighting("o", fin, loose))
    assert [case.name for case in result.missed] == ["l", "s"]
    assert [(case.name, round(case.overlap, 3)) for case in result.loose] == [("o", 0.6), ("t", 0.95)]


@pytest.mark.parametrize(
    ("found", "nearest"),
    [
        ([], None),
        ([(FIN, 10, 10, 18, 30, 0.8)], ("dorsal_fin", 0.8, 0.4)),  # too loose: 8 of 20 columns
        ([(FLUKE, 10, 10, 30, 30, 0.8)], ("fluke", 0.8, 1.0)),  # another part
        ([(FIN, 10, 10, 30, 30, 0.2)], ("dorsal_fin", 0.2, 1.0)),  # too unsure
        ([(FIN, 10, 10, 18, 30, 0.2)], None),  # too unsure and too loose: nothing like it
        ([(FIN, 10, 10, 11, 30, 0.8)], None),  # a sliver
        ([(FIN, 10, 10, 30, 30, 0.2), (FIN, 10, 10, 18, 30, 0.8)], ("dorsal_fin", 0.8, 0.4)),  # the sure one first
    ],
)
def test_a_miss_is_shown_with_what_came_nearest(found, nearest):
    [case] = of(sighting("a", [(FIN, 10, 10, 30, 30)], found)).missed
    got = case.found and (case.found.part, case.found.confidence, round(case.overlap, 3))
    assert got == nearest


def test_the_surest_false_box_comes_first_with_the_drawn_box_that_it_touches():
    fin = (FIN, 10, 10, 30, 30)
    found = [(*fin, 0.9), (FIN, 12, 10, 32, 30, 0.5), (FIN, 60, 0, 90, 40, 0.7), (FIN, 60, 0, 62, 2, 0.2)]
    result = of(sighting("a", [fin], found))
    assert [(c.found.confidence, c.truth is not None) for c in result.false] == [(0.7, False), (0.5, True)]
    assert len(result.loose) == 1


def test_false_boxes_without_animals_are_their_own():
    alarms = [sighting("x", (), [(FIN, 0, 0, 9, 9, 0.4)]), sighting("y", (), [(FLUKE, 0, 0, 9, 9, 0.8)])]
    result = of(sighting("a"), alarms=alarms)
    assert [(c.name, c.found.part, c.truth) for c in result.alarms] == [("y", "fluke", None), ("x", "dorsal_fin", None)]
    assert (result.missed, result.false, result.loose) == ([], [], [])


def test_rows_of_several_photos_do_not_mix():
    fin, other = (FIN, 10, 10, 30, 30), (FLUKE, 50, 10, 90, 40)
    whole = sighting("a", [other, fin], [(*fin, 0.8), (*other, 0.9)])
    result = of(whole, sighting("b", [fin, other], [(FIN, 70, 0, 75, 5, 0.6), (*other, 0.7)]), whole)
    assert [case.name for case in result.missed] == ["b"]
    assert [(case.name, case.found.confidence) for case in result.false] == [("b", 0.6)]
    assert [(case.overlap, case.truth.part == case.found.part) for case in result.loose] == [(1.0, True)] * 5
