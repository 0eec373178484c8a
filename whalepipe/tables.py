"""The tables between the stages. A row's dataclass is its schema, its documentation and its CSV header.

Numbers are rounded where a row is made, so that what is compared later is what was written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite, nan

from whalepipe.csvtable import columns, read_lines, read_table, write_table

__all__ = ["columns", "read_lines", "read_table", "write_table"]

SKIPPED = "skipped: "
DUPLICATE = "duplicate: "
NEW, UNKNOWN = "new", "unknown"
VIEWS = ("left", "right", "ventral", "dorsal")  # the sides of an animal that a crop may show; or it is UNKNOWN


@dataclass(frozen=True)
class Photo:
    """One file below RAW_DIR. A file that is not used as a photo has its cause in `error`."""

    photo: str  # path below RAW_DIR, "/" between its parts
    photo_id: str = ""  # sha256 of the file's bytes, hex; empty where they could not be read
    width: int | None = None  # pixels, upright
    height: int | None = None
    taken_at: str = ""  # ISO 8601, with fractions of a second and offset where the camera wrote them
    latitude: float | None = None  # degrees north
    longitude: float | None = None  # degrees east
    camera: str = ""
    burst: str = ""
    encounter: str = ""
    error: str = ""

    @property
    def usable(self) -> bool:
        """Whether the stages look at this photo."""
        return not self.error

    @property
    def failed(self) -> bool:
        """Whether this is a photo that could not be read, not a double or another kind of file."""
        return self.error != "" and not self.error.startswith((SKIPPED, DUPLICATE))


@dataclass(frozen=True)
class Detection:
    """One part of one animal in one photo; pixels of the upright full-size photo, origin top left."""

    photo: str
    photo_id: str
    box: int  # 0, 1, ... within the photo
    part: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    confidence: float


@dataclass(frozen=True)
class Crop:
    """A file in crops/: one part of one animal, upright, with a margin."""

    crop: str
    photo: str
    photo_id: str
    box: int
    part: str
    width: int
    height: int


@dataclass(frozen=True)
class Embedding:
    """Where a crop's unit vector lies in embeddings.npy, and the digest of the weights that made it."""

    crop: str
    row: int
    weights: str


@dataclass(frozen=True)
class View:
    """Which side of the animal a crop shows: left, right, ventral, dorsal or unknown."""

    crop: str
    view: str
    probability: float | None


@dataclass(frozen=True)
class Quality:
    """Named measures of a crop (see stages/quality.py for their units), the grade, and why it is set aside."""

    crop: str
    size: float
    sharpness: float
    exposure: float
    contrast: float
    completeness: float
    motion: float
    light: float
    edge: float
    glare: float
    noise: float
    squares: float
    written: float
    hidden: float | None
    response: float
    distinctiveness: float | None
    grade: float
    keep: bool
    reason: str


@dataclass(frozen=True)
class Override:
    """What a person says of a crop, whatever its grade: it is kept, or set aside."""

    crop: str
    keep: bool
    reason: str = ""


@dataclass(frozen=True)
class Species:
    """A candidate species of a crop, best first."""

    crop: str
    rank: int
    species: str
    common_name: str
    aphia_id: int | None
    probability: float | None


@dataclass(frozen=True)
class Match:
    """A candidate individual of a crop, or `new`, best first."""

    crop: str
    rank: int
    individual: str
    probability: float
    score: float | None
    gallery_crop: str
    gallery_encounter: str
    gallery_view: str
    weights: str


@dataclass(frozen=True)
class Answer:
    """What is said of one crop. `individual` is empty where the state is `unsure`."""

    crop: str
    state: str
    individual: str
    probability: float | None
    reason: str


@dataclass(frozen=True)
class Ledger:
    """What became of each file and each crop; one state each."""

    photo: str
    photo_id: str
    taken_at: str
    encounter: str
    crop: str
    part: str
    view: str
    state: str
    species: str
    individual: str
    probability: float | None
    reason: str


STATES = ("identified", "new", "unsure", "rejected", "empty", "duplicate", "skipped", "failed")


@dataclass(frozen=True)
class Failure:
    """A photo that a stage could not work on, and why."""

    photo: str
    photo_id: str
    stage: str
    error: str


@dataclass(frozen=True)
class BoxLabel:
    """A box that a person drew. `part` may be given as `label`; a photo without animals has empty corners."""

    photo: str
    encounter: str = ""
    part: str = ""
    xmin: float | None = None
    ymin: float | None = None
    xmax: float | None = None
    ymax: float | None = None
    individual: str = ""
    view: str = ""
    species: str = ""
    drawn_by: str = ""

    @property
    def says_empty(self) -> bool:
        """Whether it has no corners at all: nothing is in the photo."""
        return self.xmin is self.ymin is self.xmax is self.ymax is None

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax; a missing one is not a number."""
        found = [nan if c is None else c for c in (self.xmin, self.ymin, self.xmax, self.ymax)]
        return found[0], found[1], found[2], found[3]

    def fault(self, parts: Sequence[str] = ()) -> str:
        """What makes this no box of one of `parts` (none given: of any part); empty where nothing does."""
        xmin, ymin, xmax, ymax = self.corners
        if None in (self.xmin, self.ymin, self.xmax, self.ymax):
            return "a corner of the box is missing"
        if not all(map(isfinite, self.corners)):
            return "a corner of the box is not a finite number"
        if parts and self.part not in parts:
            return f"unknown part {self.part!r}; known are {', '.join(parts)}"
        if xmax < xmin or ymax < ymin:
            return "the box is inside out: xmax and ymax must be larger than xmin and ymin"
        if xmax == xmin or ymax == ymin:
            return "the box is empty: xmax and ymax must be larger than xmin and ymin"
        return ""


@dataclass(frozen=True)
class GradeLabel(BoxLabel):
    """What a person said of a crop: `grade`, higher for better (Wildbook's 0 to 4, say), `usable` yes or no, or both.

    The box in a photo; without corners the photo is a ready crop.
    """

    grade: float | None = None
    usable: str = ""
    distinctiveness: float | None = None  # 1: very marked, 2, 3: less and less; 0: cannot be told
    half: str = ""  # of a table that is parted in one half to tune and one to score


@dataclass(frozen=True)
class FaultLabel:
    """Something wrong with one box's picture. `box` counts the photo's boxes in their table: 0, 1, ..."""

    photo: str
    box: int
    fault: str
    strength: float  # 0 to 1; labels/README.md says of what
    unusable: bool  # whether the box is to be set aside for it


@dataclass(frozen=True)
class ContourPoint:
    """A point of the trailing edge that a box shows; pixels of the upright photo, the first one's middle at 0.5."""

    photo: str
    box: int
    part: str
    point: int  # 0, 1, ...: of a fluke from its tip on the left to the one on the right, of a fin from tip to base
    x: float
    y: float
    visible: bool  # whether the photo shows it: inside the frame, above the water, behind nothing


@dataclass(frozen=True)
class CropLabel:
    """Who a ready crop shows, as a person said."""

    crop: str
    encounter: str = ""
    individual: str = ""
    part: str = ""
    view: str = ""
    species: str = ""


def by_crop(matches: Iterable[Match]) -> dict[str, list[Match]]:
    """The candidates of each crop, by its name, in the order in which they come."""
    found: dict[str, list[Match]] = {}
    for row in matches:
        found.setdefault(row.crop, []).append(row)
    return found


def fits(patterns: Sequence[str], *names: str) -> bool:
    """Whether one of a row's names (its encounter, its photo's path or file name) fits one of the glob patterns."""
    return any(fnmatchcase(name, pattern) for name in names if name for pattern in patterns)
