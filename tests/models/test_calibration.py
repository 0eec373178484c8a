import math
from typing import Any

import numpy as np
import pytest

from whalepipe.errors import WeightsError
from whalepipe.models.calibration import Calibration, read_calibration

GOOD = {"slope": 20.0, "intercept": -10.0}


def test_log_ratio_and_its_reverse_by_hand() -> None:
    calibration = Calibration(20.0, -10.0)
    assert calibration.log_ratio(np.array([0.5, 0.6, 0.4, 9.0, -9.0])).tolist() == pytest.approx([0, 2, -2, 30, -30])
    assert calibration.cosine_at(0.5) == 0.5
    assert calibration.cosine_at(0.9) == pytest.approx((math.log(9) + 10) / 20)


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
    ],
)  # fmt: skip
def test_a_card_without_a_usable_one_is_refused(calibration: Any) -> None:
    with pytest.raises(WeightsError, match="calibration for 'fluke'"):
        read_calibration({"calibration": calibration}, "fluke")
    with pytest.raises(WeightsError, match="no calibration"):
        read_calibration({}, "fluke")
