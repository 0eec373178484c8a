"""From the cosine of two crops to how much more likely it is for one animal than for two."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.errors import WeightsError


@dataclass(frozen=True)
class Calibration:
    """log LR = slope * cosine + intercept: the natural logarithm of P(cosine | same) / P(cosine | different).

    A logistic regression fitted with both classes weighted alike gives exactly this (Brümmer and du Preez 2006,
    "Application-independent evaluation of speaker detection", section 6).
    """

    slope: float
    intercept: float

    def log_ratio(self, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """log LR of each cosine, of any shape; kept within what exp can hold."""
        return np.clip(self.slope * cosine + self.intercept, -30.0, 30.0)

    def cosine_at(self, probability: float) -> float:
        """The cosine at which one animal and two, equally likely before, give this probability of one."""
        return (math.log(probability / (1 - probability)) - self.intercept) / self.slope


def read_calibration(card: Mapping[str, Any], part: str) -> Calibration:
    """The calibration that a card gives for a part, or its default one. Raises WeightsError where it has neither."""
    try:
        fitted = card["calibration"]
        values = fitted.get(part) or fitted["default"]
        calibration = Calibration(float(values["slope"]), float(values["intercept"]))
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"the embedder's card has no calibration for {part!r}; train it anew") from error
    if not (0 < calibration.slope < math.inf and math.isfinite(calibration.intercept)):
        raise WeightsError(f"the embedder's card has a calibration for {part!r} that does not rise; train it anew")
    return calibration
