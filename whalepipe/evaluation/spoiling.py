"""Whether the reason that is given is what was done: good crops as they are, and spoiled by known amounts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.degrade import FAULTS, Fault, Framed
from whalepipe.models.cut import Tell, sides_cut
from whalepipe.progress import Progress, silent
from whalepipe.stages.quality import fault_named, of_picture, untold
from whalepipe.tables import Quality

_Told = tuple[str, float, bool, bool]  # a fault, its strength, whether the crop is set aside, for the right reason


def measures_of(crop: Framed, part: str, tell: Tell | None) -> Quality:
    """The measures of a crop; its frame is the photo's where its box reaches it. `tell`: see `stages.quality`."""
    height, width = crop.pixels.shape[:2]
    along = partial(tell, part, crop.pixels, crop.box) if tell else untold
    return of_picture("", crop.pixels, crop.box, sides_cut(crop.box, width, height, along))


def spoiling(
    crops: Sequence[tuple[Framed, str, str]],
    decide: Callable[[Framed, str], Quality],
    times: int,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Every crop as it is, and, where that is kept, with every fault at every strength: which are set aside, and why.

    `crops` are each with its part and its encounter; `decide` says of a crop of a part whether it is kept.
    `reason_right` is the share of the spoiled ones set aside whose reason names what was done; intervals, 95 %, by
    resampling encounters. `false_rejected`: the share of the good crops that is set aside as it is.
    """
    rejected_as_is = [not decide(crop, part).keep for crop, part, _ in crops]
    told: list[list[_Told]] = []
    for number, (crop, part, _) in enumerate(progress("spoil", crops)):
        rng = np.random.default_rng([seed, number])
        every = [] if rejected_as_is[number] else [(f, strength) for f in FAULTS.values() for strength in f.strengths]
        told.append([_asked(f, strength, decide(f.spoil(crop, strength, rng), part)) for f, strength in every])
    draws, resampled = redrawn([encounter for _, _, encounter in crops], times, seed)
    return {
        "crops": len(crops),
        "false_rejected": round(float(np.mean(rejected_as_is)), 4),
        "reason_right": _right([each for one in told for each in one]),
        "faults": _by_fault([each for one in told for each in one]),
        "intervals": {
            "false_rejected": interval([float(np.mean([rejected_as_is[i] for i in d])) for d in draws]),
            "reason_right": interval([_right([each for i in d for each in told[i]]) for d in draws]),
        },
        "resampled": resampled,
    }


def _asked(fault: Fault, strength: float, row: Quality) -> _Told:
    return fault.name, strength, not row.keep, fault_named(row) == fault.name


def _right(told: Sequence[_Told]) -> float | None:
    right = [named for _, _, rejected, named in told if rejected]
    return round(float(np.mean(right)), 4) if right else None


def _by_fault(told: Sequence[_Told]) -> dict[str, Any]:
    """For each fault its unit, the share of right reasons, and the share set aside at each strength."""
    return {
        fault.name: {
            "unit": fault.unit,
            "reason_right": _right([each for each in told if each[0] == fault.name]),
            "set_aside": {
                f"{strength:g}": round(
                    float(np.mean([r for n, s, r, _ in told if (n, s) == (fault.name, strength)])), 4
                )
                for strength in fault.strengths
            },
        }
        for fault in FAULTS.values()
    }
