"""Sheets for Wildbook's bulk import (Flukebook and its kin), and the names that the photos must have there.

Wildbook's documentation, "Bulk Import" (docs.wildme.org, researcher guide): a row is one animal at one time and place,
a workbook has 200 at most, columns without a value are left out, uncurated data are `unapproved`, ids of sightings are
of letters, digits, - and _, file names of English letters, digits, full stops and spaces, and unique.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from whalepipe.csvtable import to_cell, write_cells
from whalepipe.errors import ConfigError
from whalepipe.files import folder_aside
from whalepipe.formats.book import write_book
from whalepipe.formats.results.given import Given, Sighting

ROWS = 200
Row = dict[str, Any]


def write(given: Given, path: Path) -> list[str]:
    """Write the folder `path`: wildbook-1.xlsx, ... and names.csv (photo, name). Returns what has no place in them.

    Raises ConfigError where there is nothing to write, StorageError.
    """
    dated = [s for s in given.sightings if s.photos[0].taken_at]
    if not dated:
        raise ConfigError("no chosen animal was seen at a known time, and Wildbook needs a year; nothing is written")
    photos = sorted({p.photo for s in dated for p in s.photos})
    names = file_names(photos)
    rows = [_row(s, given, names) for s in dated]
    with folder_aside(path) as folder:
        for number, start in enumerate(range(0, len(rows), ROWS), 1):
            _write_sheet(folder / f"wildbook-{number}.xlsx", rows[start : start + ROWS])
        lines = [[to_cell(photo), to_cell(names[photo])] for photo in photos]
        write_cells(folder / "names.csv", [["photo", "name"], *lines])
    return _notes(given, dated, names)


def _write_sheet(path: Path, rows: Sequence[Row]) -> None:
    media = max(sum(key.startswith("Encounter.mediaAsset") for key in row) for row in rows)
    order = [f"Encounter.mediaAsset{i}" for i in range(media)]
    order += [key for key in dict.fromkeys(key for row in rows for key in row) if key not in order]
    write_book(path, [("encounters", order, ([row.get(key) for key in order] for row in rows))])


def _row(sighting: Sighting, given: Given, names: Mapping[str, str]) -> Row:
    """What is known of one animal at one time and place, by Wildbook's columns."""
    first = sighting.photos[0]
    at = datetime.fromisoformat(first.taken_at)
    genus, _, epithet = given.species(sighting).partition(" ")
    latitude, longitude = sighting.place or (None, None)
    row: Row = {f"Encounter.mediaAsset{i}": names[p.photo] for i, p in enumerate(sighting.photos)}
    row |= {
        "MarkedIndividual.individualID": sighting.individual,
        "Encounter.genus": genus,
        "Encounter.specificEpithet": epithet,
        "Encounter.year": at.year,
        "Encounter.month": at.month,
        "Encounter.day": at.day,
        "Encounter.hour": at.hour,
        "Encounter.minutes": at.minute,
        "Encounter.decimalLatitude": latitude,
        "Encounter.decimalLongitude": longitude,
        "Encounter.locationID": given.wish.location,
        "Encounter.state": "approved" if sighting.confirmed else "unapproved",
        "Sighting.sightingID": _sighting_id(sighting, given),
        "Encounter.researcherComments": _comment(sighting),
    }
    return {key: value for key, value in row.items() if value not in ("", None)}


def _sighting_id(sighting: Sighting, given: Given) -> str:
    """The encounter's time and a digest of its first photo: that of no other card."""
    first = next(p for p in given.timed if p.encounter == sighting.encounter)
    return f"{re.sub('[^0-9A-Za-z]', '', sighting.encounter)}-{first.photo_id[:8]}"


def _comment(sighting: Sighting) -> str:
    seen = " and ".join(p.replace("_", " ") for p in sighting.parts)
    if sighting.confirmed:
        return f"{seen}, named by a person"
    if sighting.probability is None:
        return f"{seen}: {sighting.rows[0].reason}"
    return f"{seen}, {sighting.state} by whalepipe with a probability of {sighting.probability:.2f}"


def file_names(photos: Sequence[str]) -> dict[str, str]:
    """A name for each path that Wildbook takes as it is: its own file name where that may stay and is the only one,
    else the path with spaces for what may not, and a number where that is taken already."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for photo in photos:
        own = PurePosixPath(photo)
        plain = re.sub("[^0-9A-Za-z.]+", " ", own.name).strip()
        longer = re.sub("[^0-9A-Za-z.]+", " ", photo).strip()
        stem, ending = longer.removesuffix(own.suffix), own.suffix
        choices = (plain, longer, *(f"{stem} {n}{ending}" for n in range(2, len(photos) + 2)))
        names[photo] = next(c for c in choices if c.lower() not in taken)
        taken.add(names[photo].lower())
    return names


def _notes(given: Given, dated: Sequence[Sighting], names: Mapping[str, str]) -> list[str]:
    renamed = sum(PurePosixPath(photo).name != name for photo, name in names.items())
    several = [p.photo for s in dated for p in s.photos]
    counts = {
        "sightings in photos without a time are left out: Wildbook needs a year": len(given.sightings) - len(dated),
        "photos must be uploaded under another name, which names.csv has": renamed,
        "photos show several animals and stand in several rows": sum(several.count(p) > 1 for p in names),
        "rows have no species, which Wildbook needs: give it with --species": sum(not given.species(s) for s in dated),
        "rows have no position, and Wildbook needs a place: give its id there with --location": sum(
            s.place is None and not given.wish.location for s in dated
        ),
    }
    notes = [*given.not_chosen(), *(f"{n} {what}" for what, n in counts.items() if n)]
    return [*notes, "grades are left out (Wildbook's quality of 0 to 4 is another scale), boxes too (it finds its own)"]
