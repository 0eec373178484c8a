"""How good ranked answers with probabilities are: pure functions of what was answered and what was true.

A query's true individual is either in the gallery ("known") or not ("new"). Every figure that has no meaning for the
queries at hand (no known one, no new one) is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from whalepipe.config import LONGEST_LIST

Numbers = npt.NDArray[np.float64]
TOPS = (1, 5, 20)
LISTS = (1, 2, 3, 5, 10, 20, 50)  # lengths of the list of candidates for which the miss rate is given
MISS_RATES = (0.02, 0.05, 0.1)
BINS = 15  # of the expected calibration error
LEAST = 1e-4  # smallest probability in the logarithm: probabilities are written with four decimals


@dataclass(frozen=True)
class Answer:
    """What was answered for one query."""

    individual: str  # who it is
    known: bool  # whether the gallery holds that individual
    rank: int | None  # of the right individual among the candidates without `new`, from 1; None for a new one
    place: int | None  # of the right answer (`new` for a new one) among the answers with `new`; None: not among them
    probability: float  # that was given to the right answer
    best: float  # probability of the first answer
    newness: float  # grows with P(new)
    base: float  # probability of the right answer by base rates alone
    beyond: tuple[float, ...] = ()  # of its being known, and not among the first so many candidates: none, then LISTS

    @property
    def right(self) -> bool:
        """Whether the first answer is the right one."""
        return self.place == 1


def figures(answers: Sequence[Answer]) -> dict[str, float | None]:
    """The figures that have one number each: top1, top5, top20, map5, auroc_new, baks, baus, ece, log_loss_skill."""
    known = [a for a in answers if a.known]
    return {
        **{f"top{k}": top(known, k) for k in TOPS},
        "map5": _mean([1.0 / a.place if a.place is not None and a.place <= 5 else 0.0 for a in answers]),
        "auroc_new": auroc([a.newness for a in answers], [not a.known for a in answers]),
        "baks": balanced(known),
        "baus": balanced([a for a in answers if not a.known]),
        "ece": calibration_error([a.best for a in answers], [a.right for a in answers]),
        "log_loss_skill": skill([a.probability for a in answers], [a.base for a in answers]),
    }


def top(known: Sequence[Answer], k: int) -> float | None:
    """The share of known queries whose individual is among the first `k` candidates."""
    return _mean([float(a.rank is not None and a.rank <= k) for a in known])


def misses(known: Sequence[Answer]) -> dict[str, float]:
    """False-negative rate by length of the list: the share of known queries whose individual is not on it."""
    shares = {k: top(known, k) for k in LISTS}
    return {str(k): round(1 - share, 4) for k, share in shares.items() if share is not None}


def cmc(known: Sequence[Answer]) -> list[float]:
    """The share of known queries whose individual is among the first k candidates, for each k up to LONGEST_LIST."""
    shares = (top(known, k) for k in range(1, LONGEST_LIST + 1))
    return [round(share, 4) for share in shares if share is not None]


def expected_misses(answers: Sequence[Answer]) -> dict[str, float]:
    """What `misses` would be if the probabilities were true: of all queries, each known as far as it is probably so."""
    told = np.array([a.beyond for a in answers if a.beyond], dtype=np.float64)
    if not told.size or not told[:, 0].sum() > 0:
        return {}
    shares = told[:, 1:].sum(axis=0) / told[:, 0].sum()
    return {str(k): round(float(share), 4) for k, share in zip(LISTS, shares, strict=True)}


def list_lengths(known: Sequence[Answer]) -> dict[str, int | None]:
    """For each of MISS_RATES the shortest list with no higher miss rate; None where none of LONGEST_LIST has it."""
    ranks = np.array([a.rank or np.inf for a in known])
    lengths: dict[str, int | None] = {}
    for rate in MISS_RATES:
        fits = [k for k in range(1, LONGEST_LIST + 1) if len(ranks) and np.mean(ranks > k) <= rate]
        lengths[str(rate)] = fits[0] if fits else None
    return lengths


def balanced(answers: Sequence[Answer]) -> float | None:
    """Right first answers, each individual weighted alike (BAKS of the known, BAUS of the new).

    Adam et al. 2024, "WildlifeReID-10k", section 4: balanced accuracy on known and on unknown samples.
    """
    by_name: dict[str, list[float]] = {}
    for a in answers:
        by_name.setdefault(a.individual, []).append(float(a.right))
    return _mean([float(np.mean(v)) for v in by_name.values()])


def auroc(scores: Sequence[float], positive: Sequence[bool], weights: Sequence[float] | None = None) -> float | None:
    """The chance that a positive scores above a negative (ties count half), each pair weighted by both weights."""
    order = np.argsort(np.asarray(scores, dtype=np.float64), kind="stable")
    return auroc_sorted(
        np.asarray(scores, dtype=np.float64)[order],
        np.asarray(positive, dtype=np.bool_)[order],
        np.ones(len(order)) if weights is None else np.asarray(weights, dtype=np.float64)[order],
    )


def auroc_sorted(scores: Numbers, positive: npt.NDArray[np.bool_], weights: Numbers) -> float | None:
    """`auroc` of scores that are in rising order; all are (n,)."""
    yes, no = np.where(positive, weights, 0.0), np.where(positive, 0.0, weights)
    total = float(yes.sum() * no.sum())
    if total <= 0:
        return None
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])  # equal scores are one step
    yes, no = np.add.reduceat(yes, starts), np.add.reduceat(no, starts)
    below = np.cumsum(no) - no
    return float((yes * (below + no / 2)).sum() / total)


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float | None:
    """Expected calibration error: |mean confidence - share right| over bins of equal width, weighted by their counts.

    Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """
    rows = reliability(confidences, right, bins)
    count = sum(row["count"] for row in rows)
    return sum(row["count"] * abs(row["confidence"] - row["right"]) for row in rows) / count if count else None


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Mapping[str, float]]:
    """For each bin that is not empty: how many answers, their mean confidence, the share of them that is right."""
    sure, hit = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    return [
        {"count": int(m.sum()), "confidence": float(sure[m].mean()), "right": float(hit[m].mean())}
        for m in (which == b for b in range(bins))
        if m.any()
    ]


def skill(probabilities: Sequence[float], base: Sequence[float]) -> float | None:
    """1 - log-loss / log-loss of the base rates: 1 is certain and right, 0 no better than the base rates."""
    if not probabilities:
        return None
    reference = log_loss(base)
    return 1 - log_loss(probabilities) / reference if reference > 0 else None


def log_loss(probabilities: Sequence[float]) -> float:
    """The mean of -log of the probabilities given to what was right, those below `LEAST` taken as that."""
    return float(-np.log(np.clip(probabilities, LEAST, 1.0)).mean())


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
