"""Crops that follow one animal through a burst: which they are, and the one list of candidates that they get."""

import numpy as np

from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.stages.together import Track, follow, pooled
from whalepipe.tables import NEW, Crop, Match

EVEN = {"fluke": Calibration(10.0, -5.0), "dorsal_fin": Calibration(10.0, -5.0)}  # one animal as likely as two at 0.5


def crop(name: str, photo: str, part: str = "fluke") -> Crop:
    return Crop(name, photo, photo * 8, 0, part, 10, 10)


def at(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def test_crops_of_a_burst_that_look_alike_are_one_animal_and_those_of_one_photo_never():
    crops = [crop("a0", "a"), crop("a1", "a"), crop("b0", "b"), crop("c0", "c")]
    vectors = {"a0": at(0), "a1": at(20), "b0": at(10), "c0": at(90)}
    bursts = {"a": "noon", "b": "noon", "c": "noon"}
    # b0 is as near to a0 as to a1: it goes with the first. c0 is unlike any.
    assert follow(crops, bursts, vectors, EVEN, 0.5) == [Track("fluke", ("a0", "b0"))]
    assert follow(crops, {"a": "noon", "b": "one", "c": "one"}, vectors, EVEN, 0.5) == []
    assert follow(crops, dict.fromkeys("abc", ""), vectors, EVEN, 0.5) == []  # photos without a time are never pooled
    assert follow(crops, bursts, vectors, EVEN, 0.997) == []  # e^(10 x 0.98 - 5) = 122 to 1


def test_parts_are_followed_each_for_itself():
    crops = [crop("a0", "a"), crop("a1", "a", "dorsal_fin"), crop("b0", "b", "dorsal_fin"), crop("b1", "b")]
    vectors = dict.fromkeys(("a0", "a1", "b0", "b1"), at(0))
    tracks = follow(crops, dict.fromkeys("ab", "noon"), vectors, EVEN, 0.5)
    assert tracks == [Track("dorsal_fin", ("a1", "b0")), Track("fluke", ("a0", "b1"))]


def ranked(name: str, **probabilities: float) -> list[Match]:
    answers = sorted(probabilities.items(), key=lambda answer: -answer[1])
    return [
        Match(name, rank, who, p, None if who == NEW else p, "" if who == NEW else f"{who} in {name}", "", "", "w")
        for rank, (who, p) in enumerate(answers, start=1)
    ]


def shown(rows: list[Match], name: str) -> list[tuple[int, str, float]]:
    return [(m.rank, m.individual, m.probability) for m in rows if m.crop == name]


def test_probabilities_are_averaged():
    first, second = ranked("x", A=0.6, new=0.3, B=0.1), ranked("y", B=0.6, new=0.2, A=0.2)
    rows = pooled([*first, *second], [Track("fluke", ("x", "y"))], {"fluke": 2}, MatchConfig())
    assert shown(rows, "x") == [(1, "A", 0.4), (2, "B", 0.35), (3, "new", 0.25)]
    assert shown(rows, "y") == shown(rows, "x")
    assert [(m.gallery_crop, m.score) for m in rows if m.crop == "y" and m.individual == "B"] == [("B in y", 0.6)]


def test_nobody_is_named_more_surely_than_by_the_surest_crop():
    lists = [ranked("x", A=0.6, B=0.3998, new=0.0002), ranked("y", A=0.6, C=0.3998, new=0.0002)]
    rows = pooled([*lists[0], *lists[1]], [Track("fluke", ("x", "y"))], {"fluke": 3}, MatchConfig())
    assert shown(rows, "x")[0] == (1, "A", 0.6)


def test_crops_that_agree_stay_as_sure_as_one_and_others_stay_as_they_are():
    one, same, apart = (ranked(name, A=0.8, new=0.15, B=0.05) for name in ("x", "y", "z"))
    rows = pooled([*one, *same, *apart], [Track("fluke", ("x", "y"))], {"fluke": 2}, MatchConfig())
    assert shown(rows, "x") == shown(rows, "y") == [(1, "A", 0.8), (2, "new", 0.15), (3, "B", 0.05)]
    assert [m for m in rows if m.crop == "z"] == apart


def test_a_bad_frame_is_outvoted():
    good = [ranked(name, A=0.9, new=0.05, B=0.05) for name in ("x", "y")]
    bad = ranked("z", B=0.5, new=0.45, A=0.05)
    rows = pooled([*good[0], *good[1], *bad], [Track("fluke", ("x", "y", "z"))], {"fluke": 2}, MatchConfig())
    assert shown(rows, "z")[0][1] == "A"


def test_one_that_a_crop_does_not_list_has_its_share_of_what_is_left():
    # Of 4 known animals x lists A and y lists B. Left are 0.3 for three each: 0.1. A and B: (0.6 + 0.1) / 2.
    rows = pooled(
        [*ranked("x", A=0.6, new=0.1), *ranked("y", B=0.6, new=0.1)],
        [Track("fluke", ("x", "y"))], {"fluke": 4}, MatchConfig(),
    )  # fmt: skip
    assert shown(rows, "x") == [(1, "A", 0.35), (2, "B", 0.35), (3, "new", 0.1)]
    borrowed = next(m for m in rows if m.crop == "x" and m.individual == "B")
    assert (borrowed.gallery_crop, borrowed.crop) == ("B in y", "x")


def test_lists_stay_as_long_as_asked_for_and_an_empty_catalogue_has_new_alone():
    rows = pooled(
        [*ranked("x", A=0.5, new=0.3, B=0.2), *ranked("y", C=0.5, new=0.3, B=0.2)],
        [Track("fluke", ("x", "y"))], {"fluke": 3}, MatchConfig(candidates=3),
    )  # fmt: skip
    assert len(shown(rows, "x")) == 3
    alone = pooled([*ranked("x", new=1.0), *ranked("y", new=1.0)], [Track("fluke", ("x", "y"))], {}, MatchConfig())
    assert shown(alone, "x") == shown(alone, "y") == [(1, "new", 1.0)]
