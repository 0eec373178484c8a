"""A table of associations for SOCPROG: a workbook with a row for each animal in each encounter.

Whitehead 2019, "SOCPROG: programs for analyzing social structure" (manual of version 2.9), section 3.1, linear mode: a
record for each identification, with its date and time as a spreadsheet's date, the animal's id, and the group that it
was seen in; the first row names the fields, and the program asks which of them is which.
"""

from datetime import datetime
from pathlib import Path

from whalepipe.errors import ConfigError
from whalepipe.formats.book import write_book
from whalepipe.formats.results.given import Given

HEADER = ("Date", "Group", "ID")


def write(given: Given, path: Path) -> list[str]:
    """Write the workbook; returns what it has no place for. Raises ConfigError, StorageError."""
    named = [s for s in given.sightings if s.individual]
    rows = [(_clock(s.photos[0].taken_at), s.encounter, s.individual) for s in named if s.encounter]
    if not rows:
        raise ConfigError("no animal with a name was seen at a known time: there is no association to write")
    write_book(path, [("sightings", HEADER, rows)])
    notes = given.not_chosen()
    if len(named) > len(rows):
        notes.append(f"{len(named) - len(rows)} sightings in photos without a time belong to no group: left out")
    return [*notes, "photos, places, parts and probabilities are left out"]


def _clock(taken_at: str) -> datetime:
    """The time on the camera's clock: a spreadsheet's date knows no offset, nor parts of a second."""
    return datetime.fromisoformat(taken_at).replace(tzinfo=None, microsecond=0)
