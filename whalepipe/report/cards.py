"""The crops, animals and encounters that the page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whalepipe.catalog.entries import Summary
from whalepipe.explain.table import Explained
from whalepipe.report.pictures import Source
from whalepipe.report.words import span, words
from whalepipe.tables import Ledger


@dataclass(frozen=True)
class Candidate:
    """A ranked answer, with the crop of the catalogue that speaks for it."""

    individual: str
    probability: float
    source: Source | None = None  # None for `new`


@dataclass(frozen=True)
class Why:
    """What `whalepipe explain` made of a crop and one answer."""

    row: Explained
    source: Source


@dataclass(frozen=True)
class Card:
    """One crop on the page."""

    row: Ledger
    source: Source
    candidates: Sequence[Candidate] = ()  # the best few and `new`, best first
    grade: float = 0.0  # of its quality
    why: Sequence[Why] = ()  # explanations, where there are any


@dataclass(frozen=True)
class Group:
    """The crops of one individual, the best graded first.

    `others` are other candidates, each with the most that any crop gave it.
    """

    anchor: str
    individual: str
    part: str
    state: str
    cards: Sequence[Card]
    species: str = ""
    common_name: str = ""
    held: Summary | None = None  # what the catalogue has of it
    best: Candidate | None = None  # the catalogue's crop that speaks most for it
    others: Sequence[Candidate] = ()

    @property
    def most(self) -> float | None:
        """The largest probability that the crops give it; None where a person named them."""
        return max((c.row.probability for c in self.cards if c.row.probability is not None), default=None)


@dataclass(frozen=True)
class Encounter:
    """One group of animals at one time and place. `name` is empty for photos without a time."""

    name: str
    begins: str
    ends: str
    photos: int
    seen: Mapping[str, Sequence[Group]]  # by part
    states: Mapping[str, int]  # crops
    number: int = 0  # in the order of time, from 1; 0 for photos without a time

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"e-{self.number}"

    @property
    def who(self) -> str:
        """The animals with a name, part by part, in words."""
        seen = [f"{words(part)}: {', '.join(g.individual for g in groups)}" for part, groups in self.seen.items()]
        return "; ".join(seen) or "nobody named"

    @property
    def says(self) -> str:
        """When it was and who was seen, in one line."""
        photos = f"{self.photos:,} photo{'s' if self.photos != 1 else ''}"
        return f"Encounter {self.number}, {span((self.begins, self.ends))}, {photos}. {self.who}"
