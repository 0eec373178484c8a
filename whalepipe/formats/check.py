"""What is wrong with a table of boxes: found before a detector learns from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from whalepipe.boxes import overlap
from whalepipe.errors import PhotoError
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import Size
from whalepipe.photos import read_photo
from whalepipe.progress import Progress, silent
from whalepipe.tables import BoxLabel, read_lines

PARTS = ("fluke", "dorsal_fin")
SAME = 0.9  # overlap (intersection over union) above which two boxes of one part are taken for one animal drawn twice
SLACK = 0.5  # pixels that a box may stand over the edge: what rounding does is not looked at again
DECODED = 256  # pixels of the longer side: a small picture shows as well as a large one that the file is whole

Numbered = tuple[int, BoxLabel]


@dataclass(frozen=True)
class Checked:
    """How much was looked at, and a text for each thing that is wrong, by line."""

    boxes: int
    photos: int
    wrong: list[str]


class _Placed(NamedTuple):
    line: int
    part: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float


def check(table: Path, photos: Path, parts: Sequence[str] = PARTS, progress: Progress = silent) -> Checked:
    """Look at every row of a table and every photo that it names.

    Found are lines that cannot be read, photos that are not there or cannot be read, boxes that are empty, inside
    out, without a corner, outside the photo, of no part of `parts`, or drawn twice; photos that are said to be empty
    beside having boxes, and those in two encounters. Raises ConfigError, TableError.
    """
    album = Album(photos)
    numbered, unreadable = read_lines(table, BoxLabel, aliases=True)
    of_photo: dict[str, list[Numbered]] = {}
    for line, row in numbered:
        of_photo.setdefault(row.photo, []).append((line, row))
    found: list[tuple[int, str]] = []
    for photo, rows in progress("check", list(of_photo.items())):
        found += [(line, f"{table}, line {line} ({photo}): {text}") for line, text in _look(photo, rows, album, parts)]
    boxes = sum(not row.says_empty for _, row in numbered)
    return Checked(boxes, len(of_photo), unreadable + [text for _, text in sorted(found)])


def _look(photo: str, rows: list[Numbered], album: Album, parts: Sequence[str]) -> list[tuple[int, str]]:
    boxes = [(line, row) for line, row in rows if not row.says_empty]
    found = [(line, text) for line, row in boxes for text in _faults(row, parts)]
    found += _against_others(rows) + _doubled([_placed(line, row) for line, row in boxes if not row.fault()])
    try:
        size = _seen(photo, album)
    except PhotoError as error:
        return [(rows[0][0], str(error)), *found]
    sound = [(line, row) for line, row in boxes if not row.fault()]
    return found + [(line, text) for line, row in sound for text in _outside(row, size)]


def _seen(photo: str, album: Album) -> Size:
    """The size of a photo whose pixels can be read. Raises PhotoError."""
    name = album.name(photo)
    if name != photo:  # it is found here, but not by those who put the folder before the name
        raise PhotoError(f"write it as {name}")
    size = album.size(name)
    read_photo((album.root or Path()) / name, max_side=DECODED)
    return size


def _faults(row: BoxLabel, parts: Sequence[str]) -> list[str]:
    unknown = f"unknown part {row.part!r}; known are {', '.join(parts)}" if row.part not in parts else ""
    return [text for text in (unknown, row.fault()) if text]


def _outside(row: BoxLabel, size: Size) -> list[str]:
    (xmin, ymin, xmax, ymax), (width, height) = row.corners, size
    frame = f"the photo's {width} x {height} pixels"
    if xmax <= 0 or ymax <= 0 or xmin >= width or ymin >= height:
        return [f"the box lies wholly outside {frame}"]
    low = [f"{name} {value:g}" for name, value in (("xmin", xmin), ("ymin", ymin)) if value < -SLACK]
    over = (("xmax", xmax, width), ("ymax", ymax, height))
    high = [f"{name} {value:g}" for name, value, limit in over if value > limit + SLACK]
    return [f"the box stands out of {frame}: {', '.join(low + high)}"] if low or high else []


def _placed(line: int, row: BoxLabel) -> _Placed:
    return _Placed(line, row.part, *row.corners)


def _doubled(boxes: Sequence[_Placed]) -> list[tuple[int, str]]:
    found = []
    for place, box in enumerate(boxes):
        for other in boxes[:place]:
            if box[2:] == other[2:]:
                found.append((box.line, f"the same box as in line {other.line}"))
            elif box.part == other.part and overlap(box, other) > SAME:
                share = overlap(box, other)
                found.append((box.line, f"overlaps the box of line {other.line} by {share:.3f}: drawn twice?"))
    return found


def _against_others(rows: list[Numbered]) -> list[tuple[int, str]]:
    (first, said), *_ = rows
    other = [(n, row) for n, row in rows if row.encounter != said.encounter]
    found = [
        (n, f"in encounter {row.encounter or 'unknown'!r} here, in {said.encounter or 'unknown'!r} in line {first}")
        for n, row in other
    ]
    empty = [n for n, row in rows if row.says_empty]
    if empty and len(rows) > 1:
        line = next(n for n, _ in rows if n != empty[0])
        found.append((empty[0], f"says that nothing is in the photo, of which line {line} speaks too"))
    return found
