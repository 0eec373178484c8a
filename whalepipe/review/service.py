"""What the pages and the interface share: the desk, pictures, marks, models, and what is asked of an address."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import HTTPException, Query

from whalepipe.catalog.decisions import By, login
from whalepipe.instruments import Instruments
from whalepipe.review.audit import Auditing
from whalepipe.review.desk import Desk
from whalepipe.review.guard import Rules
from whalepipe.review.heat import Heats
from whalepipe.review.identify import Identifier
from whalepipe.review.narrow import Narrow
from whalepipe.review.pictures import Held, Pictures
from whalepipe.review.points import Points
from whalepipe.review.queue import Wanted

LONGEST = 200  # characters of a name or a search
Text = Annotated[str, Query(max_length=LONGEST)]
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]


@dataclass
class Service:
    """One server. `who` decides where nobody says who does; `started` tells this start from others."""

    desk: Desk
    rules: Rules
    who: str = field(default_factory=login)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def __post_init__(self) -> None:
        job = self.desk.job
        instruments = Instruments(job.config, job.device)
        self.pictures = Pictures(job.out / "crops", self.desk.catalog)
        self.auditing, self.held = Auditing(self.desk.catalog, job), Held(self.desk.catalog)
        self.points = Points(instruments)
        self.heats = Heats(instruments)
        self.identifier = Identifier(job)

    def known(self, crop: str) -> str:
        """The name, where the run has such a crop. Raises HTTPException: nothing else is ever looked for."""
        self.desk.refresh()
        if crop not in self.desk.index.frames:
            raise HTTPException(404, "this run has no such crop")
        return crop

    def by(self, who: str, why: str) -> By:
        """Who decides, and why."""
        return By(who.strip() or self.who, why.strip())


def wanted(section: Text = "", part: Text = "", encounter: Annotated[str | None, Query(max_length=LONGEST)] = None,
           seen_side: Text = "") -> Wanted:  # fmt: skip
    """The items that are asked for, from the address."""
    return Wanted(section, part, encounter, seen_side)


def narrow(place: Text = "", side: Text = "", species: Text = "", since: Day = "", until: Day = "") -> Narrow:
    """The candidates that are asked for, from the address."""
    return Narrow(place, side, species, since, until)


def address(items: Wanted, candidates: Narrow | None = None, **other: str | int) -> str:
    """The part of an address after `?`, with the `?`, that asks for these; empty where for all."""
    asked = {"section": items.section, "part": items.part, "seen_side": items.side}
    asked |= {k.name: k.value for k in candidates.kept()} if candidates else {}
    asked |= {name: str(value) for name, value in other.items()}
    found = {name: value for name, value in asked.items() if value}
    if items.encounter is not None:
        found["encounter"] = items.encounter
    return "?" + urlencode(found) if found else ""
