import numpy as np
import pytest

from whalepipe.evaluation.coverage import area, at, compared, risks

ERRORS = [True, False, True, False, False]


def test_the_error_among_the_best() -> None:
    wrong, scores = np.array(ERRORS, float), np.array([0.1, 0.9, 0.2, 0.8, 0.7])
    assert risks(wrong, scores).tolist() == [0, 0, 0, 0.25, 0.4]
    assert area(wrong, scores) == pytest.approx(0.13)
    assert [at(wrong, scores, c) for c in (1.0, 0.8, 0.6)] == [0.4, 0.25, 0]


def test_equal_scores_are_like_chance() -> None:
    wrong = np.array(ERRORS, float)
    assert risks(wrong, np.ones(5)).tolist() == pytest.approx([0.4] * 5)
    assert area(wrong, np.ones(5)) == pytest.approx(0.4)


def test_a_score_that_knows_beats_one_that_does_not_and_the_interval_says_so() -> None:
    rng = np.random.default_rng(0)
    wrong = (rng.random(400) < 0.4).tolist()
    knows = [-w + rng.normal(0, 0.7) for w in wrong]
    found = compared(wrong, {"grade": knows, "size": rng.random(400).tolist()}, [""] * 400, 200, 0)
    assert found["error"] == pytest.approx(0.4, abs=0.06)
    assert found["drop_of_error"] > 0.25
    assert found["aurc"] < 0.3 < found["aurc_of"]["size"]
    assert found["against"]["size"]["interval"][1] < 0
    assert found["resampled"] == "encounters"


def test_without_an_error_there_is_none_to_lower() -> None:
    assert compared([False, False], {"grade": [1, 2]}, ["a", "b"], 10, 0)["drop_of_error"] is None
