"""What a detector is trained on: groups of prepared pictures, and the list of an epoch."""

import glob
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whalepipe.errors import TableError
from whalepipe.files import write_aside
from whalepipe.training.boxes import (
    PASTED,
    RENDERED,
    Example,
    Source,
    count_boxes,
    empty,
    labelled,
    paste_on,
    prepare,
    render,
)
from whalepipe.training.heldout import Held, hold_out
from whalepipe.training.seas import Seas
from whalepipe.training.sources import folder_name

if TYPE_CHECKING:
    from whalepipe.training.detector import DetectorTraining

LABELLED, NEGATIVE = "labelled", "negative"


@dataclass(frozen=True)
class Group:
    """Pictures of one source."""

    name: str
    kind: str  # LABELLED, NEGATIVE, RENDERED, PASTED or that of the mined
    pictures: list[Path]
    repeats: int = 1  # how often each stands in an epoch
    held: tuple[Held, ...] = ()  # others of its pictures, which are not trained on

    @property
    def source(self) -> Source:
        """Its counts, for the card."""
        return Source(self.name, len(self.pictures), count_boxes(self.pictures), self.repeats)


def gather(labels: Sequence[tuple[Path, Path]], options: "DetectorTraining") -> list[Group]:
    """Write the pictures of an epoch below `work_dir`, those that are not there yet.

    Raises TableError for a wrong table, and where no box is left.
    """
    work, size = options.work_dir, options.size
    read = [(folder_name(table), labelled(table, photos, options.parts, options.without)) for table, photos in labels]
    empties = [(folder.name, empty(folder, options.without)) for folder in options.negatives]
    sets = [_Set(name, LABELLED, e, prepare(e, work, f"t{n}", size)) for n, (name, e) in enumerate(read)]
    sets += [_Set(name, NEGATIVE, e, prepare(e, work, f"n{n}", size)) for n, (name, e) in enumerate(empties)]
    held = _held(sets, options)
    groups = [_group(one, held, options) for one in sets]
    if options.rendered:
        groups.append(Group(RENDERED, RENDERED, render(options.rendered, work, options.parts, size, options.seed)))
    if options.pasted:
        away = {word for group in groups for one in group.held for word in (one.encounter, one.name) if word}
        seas = Seas(options.seas, (*options.without, *sorted(glob.escape(word) for word in away)))
        groups.append(Group(PASTED, PASTED, paste_on(seas, options.pasted, work, options.parts, size, options.seed)))
    if not any(group.source.boxes for group in groups):
        raise TableError("no box is left to train on: see --without and the tables")
    return groups


@dataclass(frozen=True)
class _Set:
    """One table or folder: its examples and their pictures, in one order."""

    name: str
    kind: str
    examples: Sequence[Example]
    pictures: Sequence[Path]


def _held(sets: Sequence[_Set], options: "DetectorTraining") -> set[Path]:
    """The pictures to hold out: drawn over all tables and folders at once, so that what is in two of them is in none
    or both; nothing where that would hold out no box, for then nothing could be scored."""
    pictures = [picture for one in sets for picture in one.pictures]
    encounters = [example.encounter for one in sets for example in one.examples]
    kinds = [number for number, one in enumerate(sets) for _ in one.pictures]
    held = {pictures[i] for i in hold_out(pictures, encounters, kinds, options.held_out, options.seed)}
    return held if count_boxes(held) else set()


def _group(one: _Set, held: Collection[Path], options: "DetectorTraining") -> Group:
    pictures = [picture for picture in one.pictures if picture not in held]
    repeats = max(1, round(options.repeat_to / len(pictures))) if pictures and one.kind == LABELLED else 1
    both = zip(one.examples, one.pictures, strict=True)
    away = tuple(Held(picture, e.encounter, e.name) for e, picture in both if picture in held)
    return Group(one.name, one.kind, pictures, repeats, away)


def write_list(groups: Sequence[Group], path: Path) -> int:
    """Write the list of an epoch, from the folder in which it lies; how many pictures it has."""
    lines = [f"./images/{p.name}" for group in groups for p in group.pictures * group.repeats]
    write_aside(path, ("\n".join(lines) + "\n").encode())
    return len(lines)
