from pathlib import Path

import numpy as np
import pytest
import torch

from whalepipe.errors import WeightsError
from whalepipe.models.grade import FEATURES, Grader, described, expanded, find_grader, least_grade, standardised
from whalepipe.models.weights import Weights, find_weights, save_weights

MEASURES = {
    "size": 127.0,
    "sharpness": 0.3,
    "motion": 0.1,
    "exposure": 0.9,
    "light": 0.5,
    "edge": 0.3,
    "glare": 0.0,
    "contrast": 0.4,
    "noise": 1.0,
    "squares": 0.0,
    "written": 0.0,
    "completeness": 1.0,
    "hidden": 0.25,
    "response": 1.25,
}
WIDE = 12 + 78  # measures of the picture, their squares and products of two


def weights(folder: Path, **changed: object) -> Weights:
    """What grades by sharpness alone, and calls what is small small and all else dark."""
    grade, fault = torch.zeros(15), torch.zeros(3, WIDE)
    grade[FEATURES.index("sharpness")] = 2.0
    fault[1, FEATURES.index("size")] = -5.0
    state = {
        "mean": torch.tensor([7.0, 0.2, *[0.0] * 12]),
        "scale": torch.tensor([1.0, 0.1, *[1.0] * 12]),
        "grade": grade,
        "grade_at": torch.tensor([-1.0]),
        "fault": fault,
        "fault_at": torch.zeros(3),
    }
    card = {
        "embedder": "e1",
        "kind": "quality",
        "faults": ["dark", "small", "fine"],
        "kept": {"any": {"0.9": 0.4, "1.0": 0.2}, "fluke": {"0.9": 0.7}},
    }
    return save_weights(folder / "q.pt", {**state, **changed.pop("state", {})}, {**card, **changed})


def test_size_and_noise_count_by_how_many_times() -> None:
    assert described(MEASURES).tolist() == [7.0, 0.3, 0.1, 0.9, 0.5, 0.3, 0.0, 0.4, 1.0, 0.0, 0.0, 1.0, 0.25, 1.25]


def test_measures_their_squares_and_products() -> None:
    assert expanded(np.array([[2.0, 3.0], [4.0, -4.0]])).tolist() == [[2, 3, 4, 6, 9], [4, -4, 16, -16, 16]]


def test_none_is_taken_for_more_than_four_deviations_and_what_nobody_told_for_usual() -> None:
    found = standardised(np.array([[12.0, -90.0, np.nan]]), np.array([10.0, 0.0, 5.0]), np.array([2.0, 10.0, 1.0]))
    assert found.tolist() == [[1.0, -4.0, 0.0]]


def test_what_is_hidden_is_told_of_the_parts_that_were_learned(tmp_path: Path) -> None:
    grader = Grader(weights(tmp_path, state={"hidden.fluke": torch.tensor([0.5, 0.0, 0.25])}), "e1")
    assert grader.hidden("fluke", np.array([0.6, 0.8], np.float32)) == pytest.approx(0.55, abs=1e-3)
    assert grader.hidden("fluke", np.array([-0.6, 0.8], np.float32)) == 0.0
    assert grader.hidden("head", np.array([0.6, 0.8], np.float32)) is None
    assert grader.hidden("fluke", np.array([0.6, 0.8, 0.0], np.float32)) is None
    of_another = Grader(weights(tmp_path, state={"hidden.fluke": torch.tensor([0.5, 0.0, 0.25])}), "e2")
    assert of_another.hidden("fluke", np.array([0.6, 0.8], np.float32)) is None


def test_the_grade_and_the_likeliest_fault(tmp_path: Path) -> None:
    grader = Grader(weights(tmp_path), "e1")
    assert grader(MEASURES, "fluke").grade == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-3)
    assert grader({**MEASURES, "sharpness": 0.2}, "fluke").grade == pytest.approx(1 / (1 + np.exp(1)), abs=1e-3)
    assert grader({**MEASURES, "size": 7.0}, "fluke").faults["small"] > 0.99
    assert sum(grader(MEASURES, "fluke").faults.values()) == pytest.approx(1, abs=1e-3)


def test_a_part_that_nobody_graded_is_graded_by_the_response(tmp_path: Path) -> None:
    own = {"found.head": torch.tensor([4.0, -6.0])}
    grader = Grader(weights(tmp_path, state=own), "e1")
    assert grader({**MEASURES, "response": 1.5}, "head").grade == 0.5
    assert grader({**MEASURES, "response": 2.0}, "head").grade == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-3)
    assert grader(MEASURES, "head").faults == grader(MEASURES, "fluke").faults
    assert grader(MEASURES, "fluke").grade == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-3)
    of_another = Grader(weights(tmp_path, state=own), "e2")
    assert of_another(MEASURES, "head").grade == of_another(MEASURES, "fluke").grade
    with pytest.raises(WeightsError, match="has not two numbers"):
        Grader(weights(tmp_path, state={"found.head": torch.zeros(3)}), "e1")


def test_the_least_grade_lies_between_those_of_the_card(tmp_path: Path) -> None:
    found = weights(tmp_path)
    assert [least_grade(found, kept, "head") for kept in (0.5, 0.9, 0.95, 1.0)] == pytest.approx([0.4, 0.4, 0.3, 0.2])
    assert least_grade(found, 0.95, "fluke") == 0.7


@pytest.mark.parametrize("kept", [None, {}, {"any": {"much": 1}}, {"any": {}}, [1]])
def test_a_card_without_them_is_refused(tmp_path: Path, kept: object) -> None:
    with pytest.raises(WeightsError, match="does not say which grade"):
        least_grade(weights(tmp_path, kept=kept), 0.9, "fluke")


def test_tensors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="do not fit"):
        Grader(weights(tmp_path, state={"grade": torch.zeros(3)}), "e1")
    with pytest.raises(WeightsError, match="do not fit"):
        Grader(weights(tmp_path, faults=["dark"]), "e1")


def test_missing_weights_say_how_to_go_without() -> None:
    assert find_grader("none") is None
    with pytest.raises(WeightsError, match=r"quality\.weights=none"):
        find_grader("nowhere.pt")
    assert find_weights("quality", "quality").card["kept"]["dorsal_fin"]["0.98"] > 0
