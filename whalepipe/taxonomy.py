"""The living cetaceans and what people call them: scientific and common names, WoRMS AphiaIDs, mended label errors.

species.csv holds the 94 species of the Society for Marine Mammalogy's list (Committee on Taxonomy 2024, the baiji
included). An AphiaID stands only where a public table was found that gives it, named in `sources`; the others are
empty, to be filled from marinespecies.org:
AmP    the species files of the Add-my-Pet collection (`id_WoRMS`)
ICES   a table over the cetacean surveys that ICES keeps
SWFSC  NOAA's Southwest Fisheries Science Center, its acoustic records for OBIS
TDWG   the Darwin Core guide to LSIDs
`other_names` holds synonyms and the errors of public label tables: Happywhale's `globis`, `pilot_whale`,
`kiler_whale`, `bottlenose_dolpin` and `pantropic_spotted_dolphin` as those who made the set mend them
(Patton et al. 2023); its `white_sided_dolphin` is taken for the Pacific one, whose catalogue is among its sources.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "species.csv"


@dataclass(frozen=True)
class Taxon:
    """One species as it is written in tables."""

    species: str  # scientific name
    common_name: str
    aphia_id: int | None  # of the World Register of Marine Species; None where no source for it was found


def species_of(label: str) -> Taxon | None:
    """The species that a label means; None for one that names no species, or none of a cetacean.

    Case, spaces, underscores, hyphens, apostrophes and accents do not matter, nor a plural at the end.
    """
    return _names().get(_plain(label))


def accepted(label: str) -> str:
    """The scientific name that a label means, or the label as it stands where it means none that is known."""
    taxon = species_of(label)
    return taxon.species if taxon else label


@cache
def taxa() -> tuple[Taxon, ...]:
    """All species of the table."""
    return tuple(_taxon(row) for row in _rows())


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _taxon(row: dict[str, str]) -> Taxon:
    return Taxon(row["species"], row["common_name"], int(row["aphia_id"]) if row["aphia_id"] else None)


@cache
def _names() -> dict[str, Taxon]:
    return {
        _plain(name): _taxon(row)
        for row in _rows()
        for name in (row["species"], row["common_name"], *row["other_names"].split(";"))
        if name
    }


def _plain(label: str) -> str:
    letters = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[\s_-]+", " ", re.sub(r"['`.]", "", letters)).strip()
    # Scientific names end in s too, but no two names of the table differ by it alone.
    return words.removesuffix("s")
