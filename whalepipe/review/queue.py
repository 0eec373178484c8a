"""What is asked of a person, and in which order. The order stands here and nowhere else:

1. `unsure`: crops that the program left to a person. First those whose answer tells most: the entropy, in bits, of
   their candidates' probabilities (the measure of Shannon 1948 that uncertainty sampling goes by: Settles 2009, "Active
   learning literature survey", section 3.1). A crop between two animals comes before one that is nearly decided.
2. `new`: an animal that is missed here is counted twice ever after. First those least surely new.
3. `confirm`: names that the program gave with less than CONFIRM. First the least sure.
4. `rejected`: set aside by quality. First those of the best grade, which are the likeliest to be taken back.

Animals are asked about, not crops: those that follow one animal through a burst have one list of candidates
(stages/together.py) and are one item, with the best graded crop shown first. Within equal worth the earlier photo is
first. What a person left `unsure` stands behind the rest of its kind until it is decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whalepipe.review.index import Frame, Index
from whalepipe.tables import UNKNOWN

CONFIRM = 0.95  # probability of a name from which on nobody is asked to confirm it
SECTIONS: Mapping[str, str] = {"unsure": "Unsure", "new": "New", "confirm": "To confirm", "rejected": "Set aside"}


@dataclass(frozen=True)
class Item:
    """One question: the crops of one animal in one burst, the best graded first."""

    crops: tuple[str, ...]
    section: str
    worth: float

    @property
    def first(self) -> str:
        """The crop that is shown."""
        return self.crops[0]


@dataclass(frozen=True)
class Wanted:
    """Which items are asked for; empty: all."""

    section: str = ""
    part: str = ""
    encounter: str | None = None
    side: str = ""

    def fits(self, item: Item, frame: Frame) -> bool:
        """Whether an item is wanted; `frame` is its first crop."""
        row = frame.row
        return (
            self.section in ("", item.section)
            and self.part in ("", row.part)
            and self.encounter in (None, row.encounter)
            and self.side in ("", row.view or UNKNOWN)
        )


def queue(index: Index) -> list[Item]:
    """Every item of a run, in the order above."""
    together: dict[Any, list[Frame]] = {}
    for frame in index.frames.values():
        if _section(frame):
            together.setdefault(_animal(index, frame), []).append(frame)
    items = [_item(index, frames) for found in together.values() for frames in _apart(found)]
    places = {section: number for number, section in enumerate(SECTIONS)}
    return sorted(items, key=lambda i: (places[i.section], -i.worth, index.frames[i.first].place, i.first))


def _section(frame: Frame) -> str:
    row = frame.row
    if row.state == "identified":
        return "confirm" if (row.probability or 0.0) < CONFIRM else ""
    return row.state if row.state in SECTIONS else ""


def _animal(index: Index, frame: Frame) -> Any:
    """Equal for crops that follow one animal through a burst."""
    row = frame.row
    if not frame.burst or row.state == "rejected":
        return row.crop
    return frame.burst, row.part, row.state, row.individual, index.candidates.signature(row.crop)


def _apart(frames: Sequence[Frame]) -> Iterable[Sequence[Frame]]:
    """Two crops of one photo are two animals, however alike their lists: then each stands for itself."""
    if len({f.crop.photo for f in frames}) < len(frames):
        return [[frame] for frame in frames]
    return [frames]


def _item(index: Index, frames: Sequence[Frame]) -> Item:
    ordered = sorted(frames, key=lambda f: (-f.grade, f.place, f.crop.crop))
    return Item(tuple(f.crop.crop for f in ordered), _section(ordered[0]), _worth(index, ordered[0]))


def _worth(index: Index, frame: Frame) -> float:
    if frame.row.state == "rejected":
        return frame.grade
    if frame.row.state == "unsure":
        return index.candidates.bits(frame.crop.crop)
    return 1.0 - (frame.row.probability or 0.0)
