"""Crops that were spoiled on purpose, and what became of their measures: examples of each fault."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from whalepipe.evaluation.degrade import FAULTS, Framed
from whalepipe.models.grade import FINE
from whalepipe.progress import Progress, silent

Measures = dict[str, float | None]  # by name

WORST = 2  # strengths of each fault, the highest, that nobody could doubt


@dataclass(frozen=True)
class Good:
    """A crop that may be spoiled; `group`: one animal or one encounter."""

    group: str
    part: str
    crop: Framed = field(repr=False)


def spoiled(crop: Framed, rng: np.random.Generator) -> Framed:
    """The crop with one fault by chance, of a strength by chance."""
    fault = FAULTS[str(rng.choice(list(FAULTS)))]
    return fault.spoil(crop, float(rng.choice(fault.strengths)), rng)


def examples(
    crops: Sequence[Good], measure: Callable[[Framed, str], Measures], seed: int, progress: Progress = silent
) -> Iterator[tuple[str, str, Measures]]:
    """The name of a fault, a group, and measures: of each crop as it is (FINE), and with each fault at its WORST.

    `measure` takes a crop and its part.
    """
    for number, good in enumerate(progress("spoil", crops)):
        rng = np.random.default_rng([seed, number])
        yield FINE, good.group, measure(good.crop, good.part)
        for fault in FAULTS.values():
            for strength in fault.strengths[-WORST:]:
                yield fault.name, good.group, measure(fault.spoil(good.crop, strength, rng), good.part)
