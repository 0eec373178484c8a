"""A page of pictures where a detector is worst: one file that opens without a server and runs nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whalepipe.boxes import window
from whalepipe.errors import PhotoError
from whalepipe.evaluation.misses import FOUND_AT, Case, Worst
from whalepipe.files import write_aside
from whalepipe.models.detector import Box
from whalepipe.photos import as_text, read_photo
from whalepipe.progress import Progress, silent
from whalepipe.report.page import templates
from whalepipe.report.pictures import inline, shrunk, webp
from whalepipe.report.words import words

SHOWN = 24  # of each kind
SIDE = 480  # pixels, the longer side of a picture
AROUND = 1.0  # of a box's width and height, shown on each side of it
LEAST = 0.12  # of the photo's width and height, shown at least: what lies around a tiny box says what it is


@dataclass(frozen=True)
class Drawn:
    """A box in a picture: its corner, width and height in the picture's pixels."""

    kind: str  # truth, found
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Cut:
    """A piece of a photo, with the boxes on it."""

    link: str
    width: int
    height: int
    boxes: Sequence[Drawn]


@dataclass(frozen=True)
class Entry:
    """One case on the page. `cut` is None where the photo can no longer be read."""

    name: str
    says: str
    part: str
    cut: Cut | None


@dataclass(frozen=True)
class Kind:
    """The cases of one kind: how many there are, and the worst of them."""

    anchor: str
    title: str
    about: str
    count: int
    entries: list[Entry] = field(default_factory=list)


MISSED = "Boxes that a person drew and that were not found, the largest first, each with the box that came nearest."
FALSE = "Boxes where nobody drew one, the surest first. Look twice: some may be animals that nobody drew."
ALARMS = "The surest first."
LOOSE = "Boxes that count as right, the least overlap first. A crop cut by such a box may lack a piece of the animal."


def write_worst(path: Path, title: str, worst: Worst, figures: Mapping[str, Any], progress: Progress = silent) -> None:
    """Write the page: `worst` with pictures, under a table of `figures` (as evaluation/detector.py returns them).

    Raises StorageError.
    """
    kinds = [
        (Kind("missed", "Missed", MISSED, len(worst.missed)), worst.missed),
        (Kind("false", "False boxes on these photos", FALSE, len(worst.false)), worst.false),
        (Kind("alarms", "False boxes on photos without animals", ALARMS, len(worst.alarms)), worst.alarms),
        (Kind("loose", "Found, but loosely", LOOSE, len(worst.loose)), worst.loose),
    ]
    shown = [(kind, case) for kind, cases in kinds for case in cases[:SHOWN]]
    for kind, case in progress("page", shown):
        kind.entries.append(_entry(kind.anchor, case))
    text = (
        templates()
        .get_template("worst.html")
        .render(title=as_text(title), figures=figures, kinds=[kind for kind, _ in kinds], shown=SHOWN)
    )
    write_aside(path, text.encode("utf-8"))


def _entry(kind: str, case: Case) -> Entry:
    box = case.truth if kind == "missed" else case.found
    says = _missed(case) if kind == "missed" else _found(case, kind)
    return Entry(case.name, says, box.part if box else "", _cut(case))


def _missed(case: Case) -> str:
    """Why a box that a person drew counts as missed."""
    if case.found is None:
        return "nothing found there"
    sure = f"confidence {case.found.confidence:.2f}, overlap {case.overlap:.2f}"
    if case.truth and case.found.part != case.truth.part:
        return f"taken for a {words(case.found.part)} ({sure})"
    if case.overlap < FOUND_AT:
        return f"a box too loose to count ({sure})"
    return f"a box not sure enough, or counted for a neighbour ({sure})"


def _found(case: Case, kind: str) -> str:
    """How sure a found box is, and what it overlaps."""
    sure = f"confidence {case.found.confidence:.2f}" if case.found else ""
    if case.truth is None:
        return sure if kind == "alarms" else f"{sure}, overlaps no drawn box"
    overlap = f"{sure}, overlap {case.overlap:.2f}"
    if kind == "loose":
        return overlap
    if case.found and case.found.part != case.truth.part:
        return f"{overlap} with a {words(case.truth.part)}"
    return f"{overlap}: {'too loose' if case.overlap < FOUND_AT else 'a second box'}"


def _cut(case: Case) -> Cut | None:
    """What lies around the boxes of a case, about SIDE pixels long."""
    boxes = {kind: box for kind, box in (("truth", case.truth), ("found", case.found)) if box}
    shown = _around(list(boxes.values()))
    try:
        pixels = read_photo(case.path, math.ceil(SIDE / max(shown.xmax - shown.xmin, shown.ymax - shown.ymin)))
    except PhotoError:
        return None
    height, width = pixels.shape[:2]
    left, top, right, bottom = window(_scaled(shown, width, height), 0.0, width, height)
    picture = shrunk(np.ascontiguousarray(pixels[top:bottom, left:right]), SIDE)
    scale = picture.shape[1] / (right - left)
    drawn = []
    for kind, box in boxes.items():
        at = _scaled(box, width, height)
        corner = (at.xmin - left) * scale, (at.ymin - top) * scale
        sides = (at.xmax - at.xmin) * scale, (at.ymax - at.ymin) * scale
        drawn.append(Drawn(kind, *(round(v, 1) for v in (*corner, *sides))))
    return Cut(inline(webp(picture)), picture.shape[1], picture.shape[0], drawn)


def _around(boxes: Sequence[Box]) -> Box:
    """The piece of a photo to be shown, as shares of its width and height."""
    x = _span(min(b.xmin for b in boxes), max(b.xmax for b in boxes))
    y = _span(min(b.ymin for b in boxes), max(b.ymax for b in boxes))
    return Box("", x[0], y[0], x[1], y[1], 1.0)


def _span(low: float, high: float) -> tuple[float, float]:
    more = max(AROUND * (high - low), (LEAST - (high - low)) / 2)
    return max(low - more, 0.0), min(high + more, 1.0)


def _scaled(box: Box, width: int, height: int) -> Box:
    corners = box.xmin * width, box.ymin * height, box.xmax * width, box.ymax * height
    return Box(box.part, *corners, box.confidence)
