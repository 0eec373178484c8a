"""What a detector is trained on: groups of prepared pictures, and the list of an epoch."""

from collections.abc import Sequence
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
    groups = []
    for number, (table, photos) in enumerate(labels):
        examples = labelled(table, photos, options.parts, options.without)
        pictures, held = _parted(examples, prepare(examples, work, f"t{number}", size), options)
        repeats = max(1, round(options.repeat_to / len(pictures))) if pictures else 1
        groups.append(Group(folder_name(table), LABELLED, pictures, repeats, held))
    for number, folder in enumerate(options.negatives):
        examples = empty(folder, options.without)
        pictures, held = _parted(examples, prepare(examples, work, f"n{number}", size), options)
        groups.append(Group(folder.name, NEGATIVE, pictures, held=held))
    if options.rendered:
        groups.append(Group(RENDERED, RENDERED, render(options.rendered, work, options.parts, size, options.seed)))
    if options.pasted:
        seas = Seas(options.seas, options.without)
        groups.append(Group(PASTED, PASTED, paste_on(seas, options.pasted, work, options.parts, size, options.seed)))
    if not any(group.source.boxes for group in groups):
        raise TableError("no box is left to train on: see --without and the tables")
    return groups


def _parted(
    examples: Sequence[Example], pictures: Sequence[Path], options: "DetectorTraining"
) -> tuple[list[Path], tuple[Held, ...]]:
    """The pictures to train on, and those held out."""
    encounters = [example.encounter for example in examples]
    away = set(hold_out(pictures, encounters, options.held_out, options.seed) if options.held_out else ())
    held = tuple(Held(pictures[i], encounters[i]) for i in sorted(away))
    return [picture for i, picture in enumerate(pictures) if i not in away], held


def write_list(groups: Sequence[Group], path: Path) -> int:
    """Write the list of an epoch, from the folder in which it lies; how many pictures it has."""
    lines = [f"./images/{p.name}" for group in groups for p in group.pictures * group.repeats]
    write_aside(path, ("\n".join(lines) + "\n").encode())
    return len(lines)
