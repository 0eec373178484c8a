import numpy as np
import pytest

from whalepipe.training.found import FLAT, grades_left_out, line, parts_found
from whalepipe.training.graded import Example


def example(
    response: float, good: bool, part: str = "head", asked: str = "heads: found again", **more: bool
) -> Example:
    return Example({"response": response}, good, asked, f"{response}", part, **more)


def test_the_share_that_is_found_rises_with_the_response() -> None:
    # of ten at 1.0 two are found, of ten at 2.0 eight: log odds -1.386 and 1.386
    made = [example(1.0, i < 2) for i in range(10)] + [example(2.0, i < 8) for i in range(10)]
    assert line(made) == pytest.approx([2.7726, -4.1589], abs=1e-2)


def test_a_line_that_falls_is_none() -> None:
    made = [example(1.0, True), example(1.0, True), example(2.0, True), example(2.0, False)]
    assert line(made).tolist() == FLAT.tolist()
    assert line([example(1.0, True), example(2.0, True)]).tolist() == [0, 0]


def test_parts_that_nobody_graded_have_their_own_line_where_others_were_graded() -> None:
    looked_for = [example(1.0, True), example(1.0, True, "fluke", "rendered fluke: found again")]
    assert parts_found(looked_for) == []
    people = example(1.0, True, "dorsal_fin", "grades: usable", by_people=True)
    assert parts_found([*looked_for, people]) == ["head"]
    assert parts_found([example(1.0, True, "dorsal_fin"), people]) == []


def test_grades_left_out_know_nothing_of_their_fold() -> None:
    made = [example(1.0, i < 2) for i in range(10)] + [example(2.0, i < 8) for i in range(10)]
    grades = grades_left_out([*made, example(1.0, True), example(1.5, True, "flank")], np.array([0] * 20 + [1, 1]))
    assert grades[20] == pytest.approx(0.2, abs=1e-2)
    assert grades[:20].tolist() == [0.5] * 20  # nothing is left to learn from
    assert grades[21] == 0.5
