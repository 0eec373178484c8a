"""What all formats share: what is said of a photo on one side, rows of `BoxLabel` on the other.

A format's file has `read(path, reading)`, which puts rows and wrong lines into a `Reading`, and
`write(sheets, path, album)`, which writes `Sheet`s.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from whalepipe.errors import PhotoError
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import Corners, Rectangle, Size, exact
from whalepipe.tables import BoxLabel

EXTRAS = ("individual", "view", "species", "drawn_by")  # of a box, beside its photo, encounter, part and corners
FAR_OUT = 2  # photos away: a box may stand over the edge, but what lies this far outside is no part of a photo
EVERYTHING = frozenset({"part", "encounter", *EXTRAS})


class LineError(ValueError):
    """One line of a label file cannot be used; the message says why."""


@dataclass
class Reading:
    """What has been read of a label file so far."""

    album: Album
    least_confidence: float = 0.0  # boxes that a detector was less sure of are passed over
    rows: list[BoxLabel] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # a text for each wrong line: file, line, what is wrong
    passed_over: Counter[str] = field(default_factory=Counter)  # how often what was not taken

    @contextmanager
    def line(self, where: str | Callable[[], str]) -> Iterator[None]:
        """Note a LineError or a PhotoError of the block as that of a line, and go on after it."""
        try:
            yield
        except (LineError, PhotoError) as error:
            self.wrong.append(f"{where if isinstance(where, str) else where()}: {error}")

    def add(self, row: BoxLabel) -> None:
        """Take a row. Raises LineError where it is no box."""
        self.rows.append(sound(row))


@dataclass(frozen=True)
class Guess:
    """What a detector made of a photo: its boxes are suggestions, which a person has yet to look at."""

    confidences: tuple[float, ...]  # 0 to 1, of the sheet's boxes in their order
    uncertainty: float | None  # 0 to 1; None where nobody asked
    model: str  # sha256 of its weights, hex
    parts: tuple[str, ...]  # what it can find, whether it did here or not


@dataclass(frozen=True)
class Sheet:
    """A photo and all that is said of it."""

    photo: str
    size: Size | None  # where the format needs it
    boxes: tuple[BoxLabel, ...]
    empty: BoxLabel | None  # the row without a box, where there are no boxes
    guess: Guess | None = None  # where a detector drew the boxes

    @property
    def encounter(self) -> str:
        """That of the photo: what a box says otherwise is kept with the box."""
        row = self.empty or self.boxes[0]
        return row.encounter

    @property
    def uncertainty(self) -> float:
        """How little a detector was certain of; 0 where nobody asked."""
        return (self.guess.uncertainty if self.guess else None) or 0.0

    @property
    def attributes(self) -> dict[str, str]:
        """What is said of the photo itself."""
        found = {} if self.empty is None else extras(self.empty)
        part = self.empty.part if self.empty else ""
        return {**_filled(encounter=self.encounter, part=part), **found}

    def extras(self, box: BoxLabel) -> dict[str, str]:
        """What is said of a box beside its part and corners, and not already of the photo."""
        other = {} if box.encounter == self.encounter else {"encounter": box.encounter}
        return {**other, **extras(box)}


def sound(row: BoxLabel) -> BoxLabel:
    """The row as it is. Raises LineError where it is no box."""
    fault = "" if row.says_empty else row.fault()
    if fault:
        raise LineError(fault)
    return row


def parts_of(values: Sequence[float | Fraction], whole: int = 1) -> Rectangle:
    """Four numbers that are parts of a photo, `whole` being all of it. Raises LineError where they cannot be."""
    x, y, width, height = (value if isinstance(value, Fraction) else exact(value) for value in values)
    if max(map(abs, (x, y, width, height))) > FAR_OUT * whole:
        shown = " ".join(f"{float(value):g}" for value in values)
        raise LineError(f"{shown} do not lie between 0 and {whole}; are they pixels?")
    return x, y, width, height


def extras(row: BoxLabel) -> dict[str, str]:
    """Individual, view, species and who drew it, as far as they are known."""
    return _filled(**{name: getattr(row, name) for name in EXTRAS})


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def known(*attributes: Any) -> dict[str, str]:
    """What whalepipe's tables hold of the attributes that a file gives; later ones go before earlier ones."""
    found: dict[str, str] = {}
    for each in attributes:
        if isinstance(each, dict):
            found |= {k: v for k, v in each.items() if k in EVERYTHING and isinstance(v, str)}
    return found


def box_row(photo: str, part: str, corners: Corners, attributes: Mapping[str, str]) -> BoxLabel:
    """A box; what `attributes` says of it comes from `known`."""
    more = (attributes.get(name, "") for name in EXTRAS)
    return BoxLabel(photo, attributes.get("encounter", ""), part, *corners, *more)


def empty_row(photo: str, attributes: Mapping[str, str]) -> BoxLabel:
    """A photo in which nothing is."""
    more = (attributes.get(name, "") for name in EXTRAS)
    return BoxLabel(photo, attributes.get("encounter", ""), attributes.get("part", ""), None, None, None, None, *more)


def parts_in(sheets: Sequence[Sheet]) -> list[str]:
    """What the boxes show, and what else may be drawn where a detector suggested them; sorted."""
    shown = {box.part for sheet in sheets for box in sheet.boxes}
    return sorted(shown.union(*(sheet.guess.parts for sheet in sheets if sheet.guess)))


def gather(numbered: Sequence[tuple[int, BoxLabel]], reading: Reading, table: str, sized: bool) -> list[Sheet]:
    """The sheets of a table of boxes in the order of their first lines, sizes read if `sized`.

    Lines that are no box or whose photo cannot be used are noted in `reading` and left out.
    """
    photos: dict[str, list[BoxLabel]] = {}
    for line, row in numbered:
        with reading.line(f"{table}, line {line} ({row.photo})"):
            photo = reading.album.name(row.photo)
            if sized:
                reading.album.size(photo)
            reading.add(row)
            photos.setdefault(photo, []).append(row)
    return [_sheet(photo, rows, reading.album.size(photo) if sized else None) for photo, rows in photos.items()]


def _sheet(photo: str, rows: list[BoxLabel], size: Size | None) -> Sheet:
    boxes = tuple(row for row in rows if not row.says_empty)
    return Sheet(photo, size, boxes, None if boxes else rows[0])
