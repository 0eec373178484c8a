"""What people decided about the crops of a run: it goes before whatever the program says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whalepipe.catalog.decisions import Decision, Standing, Verdict
from whalepipe.tables import Answer

if TYPE_CHECKING:
    from whalepipe.catalog.store import Catalog

NAMES = (Verdict.same, Verdict.new)
EVERY = 1_000_000_000  # decisions: all of them


@dataclass(frozen=True)
class Said:
    """What holds of a crop by a person's last word. `id` is its decision's."""

    id: int
    verdict: Verdict
    individual: str  # whom `same` and `new` affirm and `different` denies
    who: str
    made_at: str  # ISO 8601, UTC
    why: str

    @property
    def reason(self) -> str:
        """As the ledger has it."""
        return f"decided by {self.who} on {self.made_at[:10]}" + (f": {self.why}" if self.why else "")


def everything_said(catalog: "Catalog") -> dict[str, Said]:
    """What holds of every crop that people ever decided about, by origin. Raises CatalogError."""
    return said_of(catalog.standings(), catalog.decisions(limit=EVERY))


def said_of(standings: Iterable[Standing], decisions: Iterable[Decision]) -> dict[str, Said]:
    """By origin (catalog.entries.Entry.origin): the verdicts that hold, with who gave them and when."""
    last = {d.subject: d for d in decisions if d.kind == "judge" and d.undone_by is None}
    return {s.origin: _said(s, last[s.origin]) for s in standings if s.origin in last and _whole(s)}


def _whole(standing: Standing) -> bool:
    """Whether an individual that was affirmed is still there."""
    return standing.individual != "" or standing.verdict not in NAMES


def _said(standing: Standing, decision: Decision) -> Said:
    about = decision.id, standing.verdict, standing.individual
    return Said(*about, decision.who, decision.made_at, decision.why)


def decided(program: Iterable[Answer], origins: Mapping[str, str], said: Mapping[str, Said]) -> dict[str, Answer]:
    """The answers that people's words change, by crop. `program` has its own answers, `origins` are by crop."""
    found = {a.crop: changed(a, said[origins[a.crop]]) for a in program if origins[a.crop] in said}
    return {crop: answer for crop, answer in found.items() if answer}


def changed(program: Answer, said: Said) -> Answer | None:
    """The answer about a crop by what a person said of it; None where that leaves the program's as it is."""
    if said.verdict in NAMES:
        return Answer(program.crop, "identified", said.individual, None, said.reason)
    if said.verdict is Verdict.unsure:
        return Answer(program.crop, "unsure", "", None, said.reason)
    if said.verdict is Verdict.not_usable:
        return Answer(program.crop, "rejected", "", None, said.reason)
    if program.state == "identified" and program.individual == said.individual:
        return Answer(program.crop, "unsure", "", None, f"not {said.individual}, {said.reason}")
    return None
