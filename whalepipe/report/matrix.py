"""Who was seen in which encounter: a table of crops for each part, in pieces that fit on paper."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from whalepipe.report.cards import Encounter, Group

COLUMNS = 24  # encounters side by side


@dataclass(frozen=True)
class Row:
    """An animal and its crops in each encounter of the piece."""

    group: Group
    crops: Sequence[int]

    @property
    def total(self) -> int:
        """Its crops in these encounters."""
        return sum(self.crops)


@dataclass(frozen=True)
class Piece:
    """Some encounters in their order, and the animals seen in them."""

    part: str
    encounters: Sequence[Encounter]
    rows: Sequence[Row]

    @property
    def title(self) -> str:
        """Which encounters these are."""
        numbers = [e.number for e in self.encounters if e.number]
        told = []
        if numbers:
            told.append(f"encounters {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"encounter {numbers[0]}")
        if len(numbers) < len(self.encounters):
            told.append("photos without a time")
        return " and ".join(told)


def matrix(encounters: Sequence[Encounter], groups: Sequence[Group]) -> list[Piece]:
    """The pieces, part by part. An encounter in which nobody of the part has a name has no column."""
    return [piece for part in sorted({g.part for g in groups}) for piece in _pieces(part, encounters, groups)]


def _pieces(part: str, encounters: Sequence[Encounter], groups: Sequence[Group]) -> Iterator[Piece]:
    mine = [(g, Counter(card.row.encounter for card in g.cards)) for g in groups if g.part == part]
    shown = [e for e in encounters if any(crops[e.name] for _, crops in mine)]
    for start in range(0, len(shown), COLUMNS):
        some = shown[start : start + COLUMNS]
        rows = [Row(g, [crops[e.name] for e in some]) for g, crops in mine]
        yield Piece(part, some, [row for row in rows if row.total])
