"""What goes into the catalogue, and what it says of what it holds."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Entry:
    """A crop of a known individual, to be added."""

    individual: str
    part: str
    crop: str  # file name
    jpeg: bytes
    origin: str  # what makes a crop the same crop, however it is encoded: its file's digest, and its box if it has one
    photo: str = ""
    encounter: str = ""
    view: str = "unknown"
    species: str = ""
    photo_id: str = ""  # sha256 of the photo's bytes, hex
    taken_at: str = ""  # ISO 8601
    latitude: float | None = None  # degrees north
    longitude: float | None = None  # degrees east
    place: str = ""  # of the encounter


@dataclass(frozen=True)
class Individual:
    """One animal, and what is known of it."""

    name: str
    species: str = ""  # scientific name
    sex: str = ""  # female, male; empty: nobody knows
    born: str = ""  # ISO 8601 date, or its year and month, or its year alone
    died: str = ""
    notes: str = ""
    distinctiveness: float | None = None  # 0 to 1; None: nobody said


@dataclass(frozen=True)
class Encounter:
    """One group of animals at one place and time, and how many individuals and crops the catalogue has of it."""

    name: str
    place: str = ""
    time: str = ""  # ISO 8601, when it began
    individuals: int = 0
    crops: int = 0


@dataclass(frozen=True)
class Added:
    """How many crops were added, and how many the catalogue already held under the same name."""

    added: int
    held: int


@dataclass(frozen=True)
class Summary:
    """An individual in one line."""

    individual: str
    species: str
    part: str
    crops: int
    encounters: int


@dataclass(frozen=True)
class Holding:
    """A crop in the catalogue."""

    crop: str
    part: str
    view: str
    encounter: str
    photo: str
    embedded_by: str  # digests of the weights that made its embeddings
    origin: str = ""


@dataclass(frozen=True)
class Fact:
    """A crop in the catalogue, whose it is, and what is known of where and when."""

    number: int
    origin: str
    crop: str
    owner: int  # the individual's number
    individual: str
    part: str
    view: str
    encounter: str
    place: str
    photo: str
    taken_at: str
    latitude: float | None
    longitude: float | None


class Kind(StrEnum):
    """What an audit suspects."""

    two_ids = "two-ids"  # one animal under two ids
    two_animals = "two-animals"  # two animals under one id
    side = "side"
    species = "species"
    duplicate = "duplicate"  # nearly the same photo twice
