"""From ranked candidates to what was answered for each query, in the order that the pipeline gives."""

from collections.abc import Sequence

import numpy as np

from whalepipe.evaluation.ranking import LISTS, Answer
from whalepipe.stages.match import Candidate, probabilities
from whalepipe.tables import NEW, CropLabel


def answered(found: Sequence[Sequence[Candidate]], rows: Sequence[CropLabel], prior_new: float) -> list[Answer]:
    """The answer to each query: `found` has every individual, the likeliest first; `rows` say who it is."""
    held = {c.shot.individual for c in found[0]} if found else set()
    known = [r.individual.strip() in held for r in rows]
    share_new = 1 - float(np.mean(known))
    return [
        _answer(candidates, row.individual.strip(), is_known, prior_new, share_new)
        for candidates, row, is_known in zip(found, rows, known, strict=True)
    ]


def first_answers(candidates: Sequence[Candidate], prior_new: float, count: int) -> list[str]:
    """The most probable answers to a query, NEW among them at its place, the best first."""
    each, new = probabilities(np.array([c.log_ratio for c in candidates], dtype=np.float64), prior_new)
    names = [c.shot.individual for c in candidates]
    place = _place_of_new(each, new)
    return [*names[: place - 1], NEW, *names[place - 1 :]][:count]


def _place_of_new(each: Sequence[float], new: float) -> int:
    """`new` stands before individuals that are no more probable, as in the pipeline."""
    return 1 + sum(p > new for p in each)


def _answer(
    candidates: Sequence[Candidate], individual: str, known: bool, prior_new: float, share_new: float
) -> Answer:
    ratios = np.array([c.log_ratio for c in candidates], dtype=np.float64)
    each, new = probabilities(ratios, prior_new)
    names = [c.shot.individual for c in candidates]
    place_new = _place_of_new(each, new)
    rank = names.index(individual) + 1 if known else None
    place = place_new if rank is None else rank + (rank >= place_new)
    return Answer(
        individual=individual,
        known=known,
        rank=rank,
        place=place,
        probability=new if rank is None else each[rank - 1],
        best=max(new, each[0]),
        newness=-float(np.logaddexp.reduce(ratios)),
        base=(1 - share_new) / len(names) if known else share_new,
        beyond=tuple(round(sum(each[k:]), 4) for k in (0, *LISTS)),
    )
