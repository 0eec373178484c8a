"""Crops that were spoiled on purpose, and what became of their measures: examples of each fault."""

from collections.abc import Iterator, Sequence

import numpy as np

from whalepipe.evaluation.degrade import FAULTS, Framed
from whalepipe.evaluation.spoiling import measures_of
from whalepipe.models.grade import FINE, OF_PICTURE
from whalepipe.progress import Progress, silent

Measures = dict[str, float | None]  # by name
Good = tuple[str, Framed]  # a crop that may be spoiled, after its group: one animal or one encounter

WORST = 2  # strengths of each fault, the highest, that nobody could doubt


def spoiled(crop: Framed, rng: np.random.Generator) -> Framed:
    """The crop with one fault by chance, of a strength by chance."""
    fault = FAULTS[str(rng.choice(list(FAULTS)))]
    return fault.spoil(crop, float(rng.choice(fault.strengths)), rng)


def named_measures(crop: Framed) -> Measures:
    """The measures of a crop's picture by their names."""
    found = measures_of(crop)
    return {key: getattr(found, key) for key in OF_PICTURE}


def examples(crops: Sequence[Good], seed: int, progress: Progress = silent) -> Iterator[tuple[str, str, Measures]]:
    """The name of a fault, a group, and measures: of each crop as it is (FINE), and with each fault at its WORST."""
    for number, (group, crop) in enumerate(progress("spoil", crops)):
        rng = np.random.default_rng([seed, number])
        yield FINE, group, named_measures(crop)
        for fault in FAULTS.values():
            for strength in fault.strengths[-WORST:]:
                yield fault.name, group, named_measures(fault.spoil(crop, strength, rng))
