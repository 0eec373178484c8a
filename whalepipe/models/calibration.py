"""From the cosine of two crops to how much more likely it is for one animal than for two."""

import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.errors import WeightsError

UNBOUNDED = 30.0  # as much as exp should be asked for
CHANCE = 10  # of 100 crops of two animals 95 share no more keypoints that agree: so many say nothing
BEND = 4  # how close to its bound a ratio stays on the line: at half of it within 2 %


def grown(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """What agreeing keypoints count: log(1 + those beyond CHANCE), of any shape."""
    return np.asarray(np.log1p(np.maximum(points - CHANCE, 0.0)))


@dataclass(frozen=True)
class Joint:
    """The line of `Calibration` where details were compared too.

    cosine * c + points * grown(keypoints that agree) + edge * what trailing edges share + traced + intercept, the
    terms of the edge only where both crops' edges could be traced. All scores in one logistic regression, as Cermak
    et al. 2024, "WildFusion: individual animal identification with calibrated similarity fusion", section 3 add
    calibrated scores of global and local matchers. A score that tells nothing has a weight of 0.
    """

    cosine: float
    points: float
    edge: float
    traced: float
    intercept: float

    def line(
        self, cosine: NDArray[np.float64], points: NDArray[np.float64], edges: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Unbent log LR; all of one shape, `edges` nan where edges were not compared."""
        by_edge = np.where(np.isnan(edges), 0.0, self.edge * np.nan_to_num(edges) + self.traced)
        return np.asarray(self.cosine * cosine + self.points * grown(points) + by_edge + self.intercept)


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
    joint: Joint | None = None  # None: nobody measured what details say

    def line(
        self,
        cosine: NDArray[np.float64],
        points: NDArray[np.float64] | None = None,
        edges: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """log LR before it is bent: what ranks. It rises with the cosine and with what details share.

        `points` are the keypoints on which crops agree, nan where nobody looked; `edges` what their trailing edges
        share, nan where they could not be compared. All of one shape.
        """
        plain = np.asarray(self.slope * cosine + self.intercept)
        if self.joint is None or points is None:
            return plain
        edges = np.full(plain.shape, np.nan) if edges is None else edges
        return np.where(np.isnan(points), plain, self.joint.line(cosine, np.nan_to_num(points), edges))

    def bent(self, line: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is claimed of a line: log LR between `least` and `most`."""
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
        calibration = Calibration(float(values["slope"]), float(values["intercept"]), least, most, _joint(values))
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"the embedder's card has no calibration for {part!r}; train it anew") from error
    rises = 0 < calibration.slope < math.inf and -UNBOUNDED <= calibration.least < 0 < calibration.most <= UNBOUNDED
    joint = calibration.joint
    if joint:
        rises = rises and joint.cosine > 0 and min(joint.points, joint.edge) >= 0
    numbers = (calibration.intercept, *(astuple(joint) if joint else ()))
    if not (rises and all(math.isfinite(n) for n in numbers)):
        raise WeightsError(f"the embedder's card has a calibration for {part!r} that does not rise; train it anew")
    return calibration


def entry_of(calibration: Calibration) -> dict[str, Any]:
    """What a card says of it, as `read_calibration` reads it."""
    joint = {"joint": asdict(calibration.joint)} if calibration.joint else {}
    bounds = {"least": calibration.least, "most": calibration.most}
    return {"slope": calibration.slope, "intercept": calibration.intercept, **joint, **bounds}


def _joint(values: Mapping[str, Any]) -> Joint | None:
    given = values.get("joint")
    return Joint(**{f.name: float(given[f.name]) for f in fields(Joint)}) if given else None
