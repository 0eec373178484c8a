"""A Darwin Core Archive of occurrences, as OBIS and GBIF take them: occurrence.csv and meta.xml in one zip file.

Terms: Darwin Core quick reference guide (dwc.tdwg.org/terms); the archive: Darwin Core text guide (dwc.tdwg.org/text);
what OBIS needs: OBIS manual, "Darwin Core term checklist" (occurrenceID, eventDate, position, scientificName and its
LSID in WoRMS, occurrenceStatus, basisOfRecord).
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from whalepipe.errors import ConfigError
from whalepipe.files import aside
from whalepipe.formats.results.given import Given, Sighting
from whalepipe.taxonomy import species_of

TERMS = "http://rs.tdwg.org/dwc/terms/"
LSID = "urn:lsid:marinespecies.org:taxname:"
COLUMNS = (
    "occurrenceID", "basisOfRecord", "occurrenceStatus", "eventID", "eventDate", "decimalLatitude", "decimalLongitude",
    "geodeticDatum", "scientificName", "scientificNameID", "vernacularName", "organismID", "individualCount",
    "identifiedBy", "identificationVerificationStatus", "identificationRemarks", "occurrenceRemarks", "associatedMedia",
)  # fmt: skip
BEGAN = (1980, 1, 1, 0, 0, 0)  # the time of files in the zip: the same results give the same archive


def write(given: Given, path: Path) -> list[str]:
    """Write the archive; returns what it has no place for. Raises ConfigError, StorageError."""
    whole = [s for s in given.sightings if s.encounter and s.place and given.species(s)]
    if not whole:
        lacking = "; ".join(_lacking(given))
        raise ConfigError(f"no occurrence has a time, a position and a species; nothing is written ({lacking})")
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerows([COLUMNS, *(_line(s, given) for s in whole)])
    with aside(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("meta.xml", BEGAN), meta())
        archive.writestr(zipfile.ZipInfo("occurrence.csv", BEGAN), text.getvalue())
    return _notes(given, whole)


def meta() -> str:
    """What the archive's table holds, by the text guide."""
    fields = "\n".join(f'    <field index="{i}" term="{TERMS}{name}"/>' for i, name in enumerate(COLUMNS))
    quote = quoteattr('"')
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy={quote} ignoreHeaderLines="1"
        rowType="{TERMS}Occurrence">
    <files><location>occurrence.csv</location></files>
    <id index="0"/>
{fields}
  </core>
</archive>
"""


def _line(sighting: Sighting, given: Given) -> Sequence[str | int]:
    latitude, longitude = sighting.place or ("", "")
    label = given.species(sighting)
    taxon = species_of(label)
    times = [p.taken_at for p in sighting.photos]
    values = {
        "occurrenceID": f"whalepipe:{_digest(sighting)}",
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventID": sighting.encounter,
        "eventDate": times[0] if times[0] == times[-1] else f"{times[0]}/{times[-1]}",
        "decimalLatitude": latitude,
        "decimalLongitude": longitude,
        "geodeticDatum": "EPSG:4326",  # what GPS receivers give
        "scientificName": taxon.species if taxon else label,
        "scientificNameID": f"{LSID}{taxon.aphia_id}" if taxon and taxon.aphia_id else "",
        "vernacularName": taxon.common_name if taxon else "",
        "organismID": sighting.individual,
        "individualCount": 1,
        "identifiedBy": f"whalepipe {given.made_with.get('whalepipe', '')}".strip(),
        "identificationVerificationStatus": "verified by a person" if sighting.confirmed else "unverified",
        "identificationRemarks": _remarks(sighting),
        "occurrenceRemarks": "seen: " + ", ".join(p.replace("_", " ") for p in sighting.parts),
        "associatedMedia": " | ".join(p.photo for p in sighting.photos),
    }
    return [str(values[name]) for name in COLUMNS]


def _digest(sighting: Sighting) -> str:
    """The same for the same animal and encounter however often they are written."""
    first = sighting.rows[0]
    alone = "" if sighting.individual else first.crop
    parts = "\0".join((first.photo_id if alone else sighting.encounter, sighting.individual, alone))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _remarks(sighting: Sighting) -> str:
    if sighting.confirmed:
        return "named by a person"
    if sighting.probability is None:
        return sighting.rows[0].reason
    return f"{sighting.state}, probability {sighting.probability:.4g}"


def _lacking(given: Given) -> list[str]:
    counts = {
        "sightings without a time are left out": sum(not s.encounter for s in given.sightings),
        "sightings without a position are left out": sum(s.place is None for s in given.sightings),
        "sightings without a species are left out: give it with --species": sum(
            not given.species(s) for s in given.sightings
        ),
    }
    return [f"{n} {what}" for what, n in counts.items() if n] or ["nobody of the chosen states was seen"]


def _notes(given: Given, whole: Sequence[Sighting]) -> list[str]:
    left = _lacking(given) if len(whole) < len(given.sightings) else []
    taxa = map(species_of, {given.species(w) for w in whole})
    names = {taxon.species for taxon in taxa if taxon and not taxon.aphia_id}
    unknown = [f"no AphiaID is known here of {', '.join(sorted(names))}: scientificNameID is empty"] if names else []
    parts = {p for w in whole if w.state == "new" for p in w.parts}
    twice = ["a new animal may stand twice, once by its fin and once by its fluke"] if len(parts) > 1 else []
    more = "the data set's title, contacts and licence (eml.xml) are written by the tool that publishes it"
    return [*given.not_chosen(), *left, *unknown, *twice, "associatedMedia has file names, no addresses", more]
