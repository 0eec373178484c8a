"""Where a detector is worst, for a person to see: animals that it missed, its surest false boxes, its loosest boxes.

What is missed and what is false is decided by COCO's matching, as for the figures: evaluation/boxes.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whalepipe.boxes import area, overlap
from whalepipe.evaluation.boxes import Scores, Sighting
from whalepipe.evaluation.detector import DetectorEvaluation, Looked
from whalepipe.models.detector import Box

FOUND_AT = 0.5  # overlap at which a box has found an animal
TOUCHES = 0.1  # overlap from which a box says something about another one


@dataclass(frozen=True)
class Case:
    """A place in a photo: the box that a person drew there, the box that was found there, or both."""

    name: str
    path: Path
    truth: Box | None
    found: Box | None

    @property
    def overlap(self) -> float:
        """Intersection over union of the two boxes; 0 where there is but one."""
        return overlap(self.truth, self.found) if self.truth and self.found else 0.0


@dataclass(frozen=True)
class Worst:
    """Cases of each kind, the worst first, all of them."""

    missed: Sequence[Case]  # drawn and not found: the largest first; with the box that came nearest
    loose: Sequence[Case]  # found: the least overlap first
    false: Sequence[Case]  # found where nobody drew one: the surest first; with the drawn box that is nearest
    alarms: Sequence[Case]  # the same in photos without animals


def worst(looked: Looked, options: DetectorEvaluation) -> Worst:
    """The cases at the configuration's confidence."""
    scores = Scores(looked.sightings, len(looked.parts), options.config.confidence, options.config.max_boxes)
    missed: list[Case] = []
    loose: list[Case] = []
    false: list[Case] = []
    for number, sighting in enumerate(looked.sightings):
        truths, found = _boxes(sighting, looked.parts)
        hits = scores.hits(number)
        sure = [row for row, box in enumerate(found) if box.confidence >= options.config.confidence]
        loose += [Case(sighting.name, sighting.path, truths[t], found[f]) for t, f in hits.items()]
        missed += [
            Case(sighting.name, sighting.path, truth, _came_nearest(truth, found, sure))
            for row, truth in enumerate(truths)
            if row not in hits
        ]
        wrong = (found[row] for row in sure if row not in hits.values())
        false += [Case(sighting.name, sighting.path, _nearest(box, truths), box) for box in wrong]
    return Worst(
        missed=sorted(missed, key=_smallness),
        loose=sorted(loose, key=lambda c: (c.overlap, c.name)),
        false=sorted(false, key=_doubt),
        alarms=sorted(_alarms(looked), key=_doubt),
    )


def _alarms(looked: Looked) -> Iterator[Case]:
    for sighting in looked.alarms or ():
        for box in _boxes(sighting, looked.parts)[1]:
            yield Case(sighting.name, sighting.path, None, box)


def _boxes(sighting: Sighting, parts: Sequence[str]) -> tuple[list[Box], list[Box]]:
    """The drawn and the found boxes of a photo, corners as shares of its width and height."""
    width, height = sighting.size
    drawn, found = (
        [
            Box(parts[int(part)], x0 / width, y0 / height, x1 / width, y1 / height, *(sure or (1.0,)))
            for part, x0, y0, x1, y1, *sure in rows.tolist()
        ]
        for rows in (sighting.truths, sighting.found)
    )
    return drawn, found


def _came_nearest(truth: Box, found: Sequence[Box], sure: Sequence[int]) -> Box | None:
    """The sure box that overlaps a missed animal most; where none does, the surest unsure one that lies right."""
    near = _nearest(truth, [found[row] for row in sure])
    right = [box for box in found if box.part == truth.part and overlap(truth, box) >= FOUND_AT]
    return near or max(right, key=lambda b: b.confidence, default=None)


def _nearest(box: Box, others: Sequence[Box]) -> Box | None:
    near = max(others, key=lambda other: overlap(box, other), default=None)
    return near if near and overlap(box, near) >= TOUCHES else None


def _smallness(case: Case) -> tuple[float, str]:
    return -area(case.truth) if case.truth else 0.0, case.name


def _doubt(case: Case) -> tuple[float, str]:
    return -case.found.confidence if case.found else 0.0, case.name
