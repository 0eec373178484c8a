"""What every format of results is written from: the tables of a run and what the user chose of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from whalepipe.tables import UNKNOWN, Crop, Detection, Ledger, Photo
from whalepipe.taxonomy import accepted


@dataclass(frozen=True)
class Wish:
    """What the user chose; a format refuses what it has no use for."""

    part: str = ""  # of capture histories
    occasions: str = "encounter"  # or `day`
    states: frozenset[str] = frozenset({"identified"})  # crops of these states are written as animals
    species: str = ""  # of animals whose species is not known
    location: str = ""  # of photos without a position: how the receiving system calls the place


@dataclass(frozen=True)
class Sighting:
    """One animal at one encounter: all crops that were given to it, of whatever part. An unsure crop stands alone."""

    individual: str  # empty where it is unsure
    state: str
    encounter: str  # empty for a photo without a time, which stands alone
    rows: Sequence[Ledger]
    photos: Sequence[Photo]  # each once, in the order of time

    @property
    def probability(self) -> float | None:
        """The most that one of its crops gives it; None where nobody says."""
        return max((r.probability for r in self.rows if r.probability is not None), default=None)

    @property
    def confirmed(self) -> bool:
        """Whether a person named one of its crops: the ledger then has the name and no probability."""
        return self.state == "identified" and any(r.probability is None for r in self.rows)

    @property
    def parts(self) -> list[str]:
        """What of the animal was seen."""
        return sorted({r.part for r in self.rows})

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude of the first photo that has both."""
        placed = ((p.latitude, p.longitude) for p in self.photos)
        return next(((lat, lon) for lat, lon in placed if lat is not None and lon is not None), None)


@dataclass(frozen=True)
class Given:
    """The tables of a run, and the wish."""

    photos: Sequence[Photo]
    timed: Sequence[Photo]  # those with a time, the earliest first
    detections: Sequence[Detection]
    crops: Sequence[Crop]
    ledger: Sequence[Ledger]
    made_with: Mapping[str, Any] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)

    @cached_property
    def chosen(self) -> list[Ledger]:
        """The rows of crops that are written as animals."""
        return [r for r in self.ledger if r.crop and r.state in self.wish.states]

    @cached_property
    def sightings(self) -> list[Sighting]:
        """Every animal in every encounter, the earliest first; those without a time last."""
        order = {p.photo: i for i, p in enumerate(self.timed)}
        by_name = {p.photo: p for p in self.photos}
        rows = sorted(self.chosen, key=lambda r: (order.get(r.photo, len(order)), r.photo, r.crop))
        grouped: dict[tuple[str, str, str], list[Ledger]] = {}
        for row in rows:
            alone = "" if row.individual and row.encounter else row.photo if row.individual else row.crop
            grouped.setdefault((row.individual, row.encounter, alone), []).append(row)
        return [
            Sighting(who, mine[0].state, encounter, mine, [by_name[p] for p in dict.fromkeys(r.photo for r in mine)])
            for (who, encounter, _), mine in grouped.items()
        ]

    def species(self, sighting: Sighting) -> str:
        """The scientific name of what most of its crops were taken for, or of what the user said where none is known;
        empty where neither says."""
        named = [r.species for r in sighting.rows if r.species not in ("", UNKNOWN)]
        return accepted(max(dict.fromkeys(named), key=named.count) if named else self.wish.species)

    def not_chosen(self) -> list[str]:
        """What was left out by the choice of states, in words."""
        told = []
        for state, what in (("new", "of new animals"), ("unsure", "unsure")):
            crops = sum(r.state == state for r in self.ledger)
            if crops and state not in self.wish.states:
                told.append(f"{crops} crops {what} are left out")
        return told
