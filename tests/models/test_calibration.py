import math
from typing import Any

import numpy as np
import pytest

from whalepipe.errors import WeightsError
from whalepipe.models.calibration import Calibration, Joint, read_calibration

GOOD = {"slope": 20.0, "intercept": -10.0}


def test_a_ratio_and_its_reverse_by_hand() -> None:
    calibration = Calibration(20.0, -10.0)
    found = calibration.bent(calibration.line(np.array([0.5, 0.6, 0.4, 9.0, -9.0]))).tolist()
    assert found == pytest.approx([0, 2, -2, 30, -30], abs=0.1)
    assert calibration.cosine_at(0.5) == 0.5
    assert calibration.cosine_at(0.9) == pytest.approx((math.log(9) + 10) / 20, abs=1e-5)


def test_details_count_where_somebody_looked() -> None:
    calibration = Calibration(20.0, -10.0, joint=Joint(10.0, 2.0, 3.0, 1.0, -9.0))
    cosines, points = np.full(4, 0.5), np.array([math.nan, 0.0, 10 + math.e - 1, 10 + math.e**3 - 1])
    # Nobody looked: 20 * 0.5 - 10; else 10 * 0.5 - 9, and 2 for each factor of e beyond the 10 that chance gives.
    assert calibration.bent(calibration.line(cosines, points)).tolist() == pytest.approx([0, -4, -2, 2], abs=0.01)
    edges = np.array([1.0, 1.0, math.nan, -0.5])  # 3 * edge + 1, but where nobody looked or nothing was traced
    assert calibration.line(cosines, points, edges).tolist() == pytest.approx([0, 0, -2, 1.5])
    assert calibration.bent(calibration.line(cosines)).tolist() == [0, 0, 0, 0]
    assert Calibration(20.0, -10.0).bent(Calibration(20.0, -10.0).line(cosines, points, edges)).tolist() == [0, 0, 0, 0]
    bounded = Calibration(20.0, -10.0, -2.0, 3.0, Joint(10.0, 2.0, 3.0, 1.0, -9.0))
    assert bounded.bent(bounded.line(np.array([1.0]), np.array([1e6]))).tolist() == pytest.approx([3], abs=0.01)


def test_a_card_with_details() -> None:
    joint = {"cosine": 9.0, "points": 2.5, "edge": 1.5, "traced": -0.5, "intercept": -8.0}
    found = read_calibration({"calibration": {"default": {**GOOD, "joint": joint}}}, "fluke").joint
    assert found == Joint(9, 2.5, 1.5, -0.5, -8)
    assert read_calibration({"calibration": {"default": GOOD}}, "fluke").joint is None
    wrong: list[dict[str, float]] = [{"cosine": -1}, {"points": -0.1}, {"edge": -0.1}, {"points": math.inf}]
    for change in [*wrong, {"traced": math.nan}, {"intercept": math.nan}]:
        with pytest.raises(WeightsError, match="does not rise"):
            read_calibration({"calibration": {"default": {**GOOD, "joint": {**joint, **change}}}}, "fluke")
    with pytest.raises(WeightsError, match="no calibration"):
        read_calibration({"calibration": {"default": {**GOOD, "joint": {"cosine": 1.0}}}}, "fluke")


def test_no_ratio_beyond_the_bounds() -> None:
    bounded = Calibration(20.0, -10.0, least=-math.log(3), most=math.log(50))
    found = bounded.bent(bounded.line(np.array([-1.0, 0.4, 0.5, 0.6, 2.0])))
    assert np.exp(found[[0, 4]]).tolist() == pytest.approx([1 / 3, 50], rel=0.02)
    assert (np.diff(found) > 0).all() and found[2] == 0
    for probability in (0.3, 0.6, 0.9):
        at = bounded.bent(bounded.line(np.array([bounded.cosine_at(probability)])))
        assert at == pytest.approx(math.log(probability / (1 - probability)))
    assert (bounded.cosine_at(0.99), bounded.cosine_at(0.1)) == (math.inf, -math.inf)


def test_a_part_has_its_own_or_the_default_one() -> None:
    card = {"calibration": {"fluke": {"slope": 5, "intercept": 1}, "default": GOOD}}
    assert read_calibration(card, "fluke") == Calibration(5.0, 1.0)
    assert read_calibration(card, "dorsal_fin") == Calibration(20.0, -10.0)


@pytest.mark.parametrize(
    "calibration",
    [
        None, [], "x", {}, {"dorsal_fin": GOOD}, {"default": None}, {"default": []}, {"default": {"slope": 1}},
        {"default": {"slope": "steep", "intercept": 0}}, {"default": {"slope": 0, "intercept": 0}},
        {"default": {"slope": -1, "intercept": 0}}, {"default": {"slope": math.nan, "intercept": 0}},
        {"default": {"slope": math.inf, "intercept": 0}}, {"default": {"slope": 1, "intercept": math.nan}},
        {"default": {**GOOD, "most": 0}}, {"default": {**GOOD, "least": "wide"}},
        {"default": {**GOOD, "least": -99}},
    ],
)  # fmt: skip
def test_a_card_without_a_usable_one_is_refused(calibration: Any) -> None:
    with pytest.raises(WeightsError, match="calibration for 'fluke'"):
        read_calibration({"calibration": calibration}, "fluke")
    with pytest.raises(WeightsError, match="no calibration"):
        read_calibration({}, "fluke")
