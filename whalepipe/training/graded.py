"""What the grade is learned from: crops of which it is known whether they were good enough.

Three kinds, whichever a lab has: grades that people gave; crops with names, which are good where they find their own
animal again among the others (and, spoiled on purpose, often are no longer); and rendered animals, likewise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from whalepipe.errors import TableError
from whalepipe.evaluation.degrade import Framed
from whalepipe.evaluation.framing import ready
from whalepipe.evaluation.spoiling import measures_of
from whalepipe.models.cut import Tell
from whalepipe.models.embedder import Look
from whalepipe.models.grade import OF_PICTURE, Lines
from whalepipe.progress import Progress, silent
from whalepipe.tables import GradeLabel
from whalepipe.training.crops import Labelled
from whalepipe.training.exemplars import Exemplar
from whalepipe.training.spoiled import Measures, spoiled


@dataclass(frozen=True)
class Example:
    """A crop, its measures by name, and whether it was good enough by one measure of that."""

    measures: Measures = field(repr=False)
    good: bool
    asked: str  # by what: examples that were asked the same are compared with one another
    group: str  # never on both sides of a split
    part: str = ""
    natural: bool = True  # not spoiled on purpose
    by_people: bool = False
    step: float | None = None  # a grade of people's that it reached or not


@dataclass(frozen=True)
class Seer:
    """The embedder, what tells by its vector how much of a part is hidden, and what tells how it meets the frame."""

    look: Callable[[npt.NDArray[np.uint8]], Look]
    hidden: Lines
    cuts: Tell | None = None

    def of_picture(self, crop: Framed, part: str) -> Measures:
        """The measures of a crop's picture by their names."""
        found = measures_of(crop, part, self.cuts)
        return {key: getattr(found, key) for key in OF_PICTURE}

    def measures(self, crop: Framed, part: str, look: Look) -> Measures:
        """All measures of a crop, of which the embedder made that, by their names."""
        told = {"hidden": self.hidden(part, look.vector), "response": look.response}
        return {**self.of_picture(crop, part), **told}


@dataclass(frozen=True)
class Sitter:
    """A crop of a named animal; crops of one `burst` are near-duplicates."""

    crop: Framed = field(repr=False)
    individual: str
    burst: str
    asked: bool = True  # whether it is also looked for, not only looked among


def by_grades(rows: Sequence[tuple[GradeLabel, Framed]], seer: Seer, name: str) -> Iterator[Example]:
    """Whether each crop reaches each of the grades but the lowest, and whether it is usable, as people said.

    An ordinal regression by all thresholds (Rennie and Srebro 2005, "Loss functions for preference levels", section
    4.2): one line, each threshold its own intercept. Raises TableError where a row says neither.
    """
    steps = sorted({row.grade for row, _ in rows if row.grade is not None})
    for row, crop in rows:
        if row.grade is None and row.usable not in ("yes", "no"):
            raise TableError(f"{row.photo}: neither a grade nor `usable`, yes or no")
        measures, group = seer.measures(crop, row.part, seer.look(crop.pixels)), row.encounter or row.photo
        if row.usable:
            yield Example(measures, row.usable == "yes", f"{name}: usable", group, row.part, by_people=True)
        for step in steps[1:] if row.grade is not None else ():
            asked, good = f"{name}: {step:g} or better", (row.grade or 0.0) >= step
            yield Example(measures, good, asked, group, row.part, by_people=True, step=step)


def by_finding(
    sitters: Sequence[Sitter], part: str, seer: Seer, name: str, copies: int, seed: int, progress: Progress = silent
) -> Iterator[Example]:
    """Whether each crop, and as many spoiled copies of it, has its own animal as the nearest of those in other bursts.

    Crops whose animal has no other burst cannot be found again and are not asked for.
    """
    looks = [seer.look(s.crop.pixels) for s in progress("embed", sitters)]
    vectors = np.stack([look.vector for look in looks])
    names, bursts = np.array([s.individual for s in sitters]), np.array([s.burst for s in sitters])
    for number, sitter in enumerate(progress("find", sitters)):
        others = bursts != sitter.burst
        if not (sitter.asked and (names[others] == sitter.individual).any()):
            continue
        rng = np.random.default_rng([seed, number])
        spoilt = [spoiled(sitter.crop, rng) for _ in range(copies)]
        for crop, look in [(sitter.crop, looks[number]), *((c, seer.look(c.pixels)) for c in spoilt)]:
            nearest = names[others][int(np.argmax(vectors[others] @ look.vector))]
            told, good = seer.measures(crop, part, look), bool(nearest == sitter.individual)
            yield Example(told, good, f"{name}: found again", sitter.individual, part, crop is sitter.crop)


def sitters_of(one: Labelled, bursts: Sequence[int], asked: Callable[[str], bool]) -> list[Sitter]:
    """The crops of a label set at their own size; `asked` says by its name whether a crop is looked for."""
    return [
        Sitter(ready(one.closer(row)), one.individuals[row], str(bursts[row]), asked(one.crops[row]))
        for row in range(len(one.crops))
    ]


def sitters_drawn(drawn: Sequence[Exemplar]) -> list[Sitter]:
    """Rendered crops: each a photo of its own."""
    return [Sitter(e.crop, e.individual, f"{e.individual}-{e.shot}") for e in drawn]
