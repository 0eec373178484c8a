"""From the cosine of two crops to how much more likely it is for one animal than for two."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.errors import WeightsError

UNBOUNDED = 30.0  # as much as exp should be asked for
BEND = 4  # how close to its bound a ratio stays on the line: at half of it within 2 %


@dataclass(frozen=True)
class Calibration:
    """log LR of a cosine: the natural logarithm of P(cosine | same) / P(cosine | different).

    slope * cosine + intercept, as a logistic regression fitted with both classes weighted alike gives it (Brümmer and
    du Preez 2006, "Application-independent evaluation of speaker detection", section 6), bent so that it stays between
    `least` and `most`. A line fitted on few animals would claim any ratio far from them; none is claimed that the
    evidence is too small to show (Vergeer et al. 2016, "Numerical likelihood ratios outputted by LR systems are often
    based on extrapolation: when to stop extrapolating?").
    """

    slope: float
    intercept: float
    least: float = -UNBOUNDED
    most: float = UNBOUNDED

    def log_ratio(self, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """log LR of each cosine, of any shape; it rises with the cosine."""
        line = self.slope * cosine + self.intercept
        bound = np.where(line < 0, self.least, self.most)
        return np.asarray(line / (1 + (line / bound) ** BEND) ** (1 / BEND))

    def cosine_at(self, probability: float) -> float:
        """The cosine at which one animal and two, equally likely before, give this probability of one.

        Infinite, either way, where no cosine does.
        """
        ratio = math.log(probability / (1 - probability))
        if not self.least < ratio < self.most:
            return math.copysign(math.inf, ratio)
        share = ratio / (self.least if ratio < 0 else self.most)
        line: float = ratio / (1 - share**BEND) ** (1 / BEND)
        return (line - self.intercept) / self.slope


def read_calibration(card: Mapping[str, Any], part: str) -> Calibration:
    """The calibration that a card gives for a part, or its default one. Raises WeightsError where it has neither."""
    try:
        fitted = card["calibration"]
        values = fitted.get(part) or fitted["default"]
        least, most = float(values.get("least", -UNBOUNDED)), float(values.get("most", UNBOUNDED))
        calibration = Calibration(float(values["slope"]), float(values["intercept"]), least, most)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"the embedder's card has no calibration for {part!r}; train it anew") from error
    rises = 0 < calibration.slope < math.inf and -UNBOUNDED <= calibration.least < 0 < calibration.most <= UNBOUNDED
    if not (rises and math.isfinite(calibration.intercept)):
        raise WeightsError(f"the embedder's card has a calibration for {part!r} that does not rise; train it anew")
    return calibration
