import math
from typing import Any

import numpy as np
import pytest

from whalepipe.errors import WeightsError
from whalepipe.models.calibration import Calibration, read_calibration

GOOD = {"slope": 20.0, "intercept": -10.0}


def test_log_ratio_and_its_reverse_by_hand() -> None:
    calibration = Calibration(20.0, -10.0)
    found = calibration.log_ratio(np.array([0.5, 0.6, 0.4, 9.0, -9.0])).tolist()
    assert found == pytest.approx([0, 2, -2, 30, -30], abs=0.1)
    assert calibration.cosine_at(0.5) == 0.5
    assert calibration.cosine_at(0.9) == pytest.approx((math.log(9) + 10) / 20, abs=1e-5)


def test_no_ratio_beyond_the_bounds() -> None:
    bounded = Calibration(20.0, -10.0, least=-math.log(3), most=math.log(50))
    found = bounded.log_ratio(np.array([-1.0, 0.4, 0.5, 0.6, 2.0]))
    assert np.exp(found[[0, 4]]).tolist() == pytest.approx([1 / 3, 50], rel=0.02)
    assert (np.diff(found) > 0).all() and found[2] == 0
    for probability in (0.3, 0.6, 0.9):
        at = bounded.log_ratio(np.array([bounded.cosine_at(probability)]))
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
