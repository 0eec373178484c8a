"""Which candidates are shown: filters that are always seen and can always be taken off. `new` is never hidden."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from whalepipe.tables import UNKNOWN

if TYPE_CHECKING:
    from whalepipe.review.content import Candidate

TIME = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")  # a day, or its month or year, where no more is known
NAMED = re.compile(r"\d{4}-\d{2}-\d{2}")  # what begins the name of an encounter and can be nothing but a day
LABELS = {"place": "place", "side": "side", "species": "species", "since": "from", "until": "to"}


@dataclass(frozen=True)
class Kept:
    """A filter that is set."""

    name: str  # as in the page's address
    label: str
    value: str


@dataclass(frozen=True)
class Narrow:
    """Candidates by the place, side and day of the catalogue's crop, and by their species; empty: all.

    What nobody knows of a candidate hides it from no one: one of unknown side, species or day stays.
    """

    place: str = ""  # a part of the encounter's name or of its place
    side: str = ""
    species: str = ""
    since: str = ""  # days, YYYY-MM-DD, both included
    until: str = ""

    def kept(self) -> list[Kept]:
        """The filters that are set."""
        return [Kept(f.name, LABELS[f.name], v) for f in fields(self) if (v := getattr(self, f.name))]

    def fits(self, c: "Candidate") -> bool:
        """Whether a candidate is shown."""
        return (
            self.place.casefold() in f"{c.encounter}\n{c.place}".casefold()
            and (c.view in ("", UNKNOWN) or self.side in ("", c.view))
            and (not c.species or self.species in ("", c.species))
            and self._in_time(TIME.match(c.time) or NAMED.match(c.encounter))
        )

    def _in_time(self, found: re.Match[str] | None) -> bool:
        day = found.group() if found else ""
        since, until = (bound[: len(day)] for bound in (self.since, self.until))
        return since <= day and (not until or day <= until)


def narrowed(candidates: Sequence["Candidate"], narrow: Narrow) -> tuple[list["Candidate"], int]:
    """The candidates that are shown, under the numbers that they have unfiltered, and how many are not."""
    shown = [c for c in candidates if narrow.fits(c)]
    return shown, len(candidates) - len(shown)
