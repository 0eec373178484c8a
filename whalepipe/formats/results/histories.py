"""Capture histories: who was seen on which occasion, for estimates of abundance and survival by mark and recapture."""

from collections.abc import Sequence
from dataclasses import dataclass

from whalepipe.errors import ConfigError
from whalepipe.formats.results.given import Given
from whalepipe.tables import Ledger, Photo


@dataclass(frozen=True)
class Histories:
    """The histories of the animals of one part. Every occasion on which photos were taken counts, also an empty one."""

    part: str
    occasions: Sequence[str]  # the time of an encounter's first photo, or a day
    seen: Sequence[tuple[str, Sequence[int]]]  # individual, and 1 or 0 for each occasion
    notes: Sequence[str]

    def history(self, captures: Sequence[int]) -> str:
        """`0101`."""
        return "".join(map(str, captures))


def histories(given: Given) -> Histories:
    """The histories under the user's wish. Raises ConfigError where nobody is named, or parts would be added up."""
    part = _part(given)
    occasion = {p.photo: _occasion(p, given.wish.occasions) for p in given.timed}
    occasions = list(dict.fromkeys(occasion.values()))
    rows = [r for r in given.chosen if r.part == part and r.individual]
    timed = [r for r in rows if r.photo in occasion]
    if not timed:
        raise ConfigError(f"no photo of a named {part} has a time: there are no occasions; nothing is written")
    within: dict[str, set[str]] = {}
    for row in timed:
        within.setdefault(row.individual, set()).add(occasion[row.photo])
    seen = [(who, [int(o in within[who]) for o in occasions]) for who in sorted(within)]
    notes = _notes(given, part, rows, timed)
    if len(occasions) == 1:
        notes.append("there is one occasion: nobody can be seen again, and nothing be estimated")
    return Histories(part, occasions, seen, notes)


def _occasion(photo: Photo, kind: str) -> str:
    return photo.taken_at[:10] if kind == "day" else photo.encounter


def _part(given: Given) -> str:
    named = sorted({r.part for r in given.chosen if r.individual})
    wanted = given.wish.part
    if not named:
        raise ConfigError("no animal has a name: there is no history to write; --with new writes the new ones too")
    if wanted and wanted not in named:
        raise ConfigError(f"--part {wanted}: no animal is named by it; there are {', '.join(named)}")
    if not wanted and len(named) > 1:
        raise ConfigError(
            f"animals are named by {' and '.join(named)}: choose one with --part, since a fin and a fluke may be one"
        )
    return wanted or named[0]


def _notes(given: Given, part: str, rows: Sequence[Ledger], timed: Sequence[Ledger]) -> list[str]:
    notes = given.not_chosen()
    others = sum(r.part != part for r in given.chosen if r.individual)
    if others:
        notes.append(f"{others} crops of other parts are left out: histories are of {part}")
    if len(rows) > len(timed):
        notes.append(f"{len(rows) - len(timed)} crops of photos without a time belong to no occasion: left out")
    return [*notes, "photos, places and probabilities have no place in histories"]
