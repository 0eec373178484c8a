"""Whether the reason that is given is what was done: good crops as they are, and spoiled by known amounts."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.config import QualityConfig
from whalepipe.evaluation.boxes import groups, interval, resample
from whalepipe.evaluation.degrade import FAULTS, Framed
from whalepipe.models.embedder import Look
from whalepipe.models.grade import Grader
from whalepipe.models.quality import sides_cut
from whalepipe.progress import Progress, silent
from whalepipe.stages.quality import decided, fault_named, judged, of_picture
from whalepipe.tables import Quality


def measures_of(crop: Framed) -> Quality:
    """The measures of a crop; its frame is the photo's where its box reaches it."""
    height, width = crop.pixels.shape[:2]
    return of_picture("", crop.pixels, crop.box, sides_cut(crop.box, width, height))


def spoiling(
    crops: Sequence[Framed],
    encounters: Sequence[str],
    parts: Sequence[str],
    grader: Grader,
    look: Callable[[npt.NDArray[np.uint8]], Look],
    least: Callable[[str], float],
    config: QualityConfig,
    times: int,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Every crop as it is, and, where that is kept, with every fault at every strength: which are set aside, and why.

    `reason_right` is the share of the spoiled ones set aside whose reason names what was done; intervals, 95 %, by
    resampling encounters. `false_rejected`: the share of the good crops that is set aside as it is.
    """

    def asked(crop: Framed, part: str) -> tuple[bool, str]:
        row = decided(judged(measures_of(crop), grader, part, look(crop.pixels)), least(part), config)
        return not row.keep, fault_named(row)

    rejected_as_is: list[bool] = []
    told: list[list[tuple[str, float, bool, bool]]] = []  # of each crop: fault, strength, set aside, reason is right
    for number, (crop, part) in enumerate(progress("spoil", list(zip(crops, parts, strict=True)))):
        rejected_as_is.append(asked(crop, part)[0])
        if rejected_as_is[-1]:
            told.append([])
            continue
        rng = np.random.default_rng([seed, number])
        told.append(
            [
                (fault.name, strength, *_named(asked(fault.spoil(crop, strength, rng), part), fault.name))
                for fault in FAULTS.values()
                for strength in fault.strengths
            ]
        )
    together, resampled = groups(encounters)
    draws = [np.concatenate([together[i] for i in draw]) for draw in resample(len(together), times, seed)]
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


def _named(asked: tuple[bool, str], fault: str) -> tuple[bool, bool]:
    return asked[0], asked[1] == fault


def _right(told: Sequence[tuple[str, float, bool, bool]]) -> float | None:
    right = [named for _, _, rejected, named in told if rejected]
    return round(float(np.mean(right)), 4) if right else None


def _by_fault(told: Sequence[tuple[str, float, bool, bool]]) -> dict[str, Any]:
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
