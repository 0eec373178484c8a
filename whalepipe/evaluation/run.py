"""How right a whole run was: its tables against what its photos are known to show, detection and quality included."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whalepipe.boxes import overlap
from whalepipe.evaluation.ranking import auroc
from whalepipe.tables import NEW, BoxLabel, Detection, Ledger, Match, read_table

LEAST_OVERLAP = 0.4  # intersection over union at which a found box counts as the animal


@dataclass(frozen=True)
class TruthRow:
    """One animal in one photo, or, without corners, a photo without any.

    `fault`: why its crop ought to be set aside; `known`: whether the catalogue has it, None: nobody said.
    """

    photo: str
    individual: str = ""
    part: str = ""
    view: str = ""
    fault: str = ""
    known: bool | None = None
    xmin: float | None = None
    ymin: float | None = None
    xmax: float | None = None
    ymax: float | None = None
    encounter: str = ""

    @property
    def box(self) -> BoxLabel:
        """Where it is."""
        return BoxLabel(self.photo, self.encounter, self.part, self.xmin, self.ymin, self.xmax, self.ymax)


@dataclass(frozen=True)
class Score:
    """How right a run was; every pair is (how many, of how many)."""

    found: tuple[int, int]  # animals without a fault that have a box
    named: tuple[int, int]  # crops of known animals that were identified, under the right name
    first: int  # crops of known animals whose first candidate is the right one, however sure
    known_as_new: int  # crops of known animals that were called new
    misnamed: int  # crops of any animal identified under a wrong name
    new: tuple[int, int]  # crops of new animals that were called new
    auroc_new: float | None  # the chance that P(new) of a new animal's crop is above that of a known one's
    unsure: int  # crops of usable animals given back as unsure
    set_aside: dict[str, tuple[int, int]] = field(default_factory=dict)  # fault -> animals nobody was named after
    false_boxes: int = 0  # boxes where no animal is
    empty: tuple[int, int] = (0, 0)  # photos without an animal that were found empty
    bad_files: int = 0  # files listed as failed


@dataclass(frozen=True)
class Outcome:
    """What became of one animal in one photo. `state` is empty where it has no box."""

    photo: str
    known: bool  # to the catalogue
    fault: str  # why its crop ought to be set aside
    state: str = ""
    named: bool = False  # identified, under the right name
    first: bool = False  # the first candidate is the right one
    newness: float | None = None  # P(new) of its crop; None where nobody was looked for

    @property
    def aside(self) -> bool:
        """Whether nobody was named after it: it was rejected, or not found at all."""
        return self.state in ("", "rejected")


def score(truth: Path, out: Path) -> Score:
    """Compare the tables of a run in `out` with a table of `TruthRow`s. Raises TableError where one is missing."""
    truths = read_table(truth, TruthRow)
    ledger = read_table(out / "ledger.csv", Ledger)
    detections = read_table(out / "detections.csv", Detection)
    every, left = outcomes(truths, detections, ledger, read_table(out / "matches.csv", Match))
    usable = [o for o in every if not o.fault]
    boxed = [o for o in usable if o.state]
    known, new = ([o for o in boxed if o.known is which] for which in (True, False))
    return Score(
        found=(len(boxed), len(usable)),
        named=(sum(o.named for o in boxed), len(known)),
        first=sum(o.first for o in known),
        known_as_new=sum(o.state == "new" for o in known),
        misnamed=sum(o.state == "identified" and not o.named for o in every),
        new=(sum(o.state == "new" for o in new), len(new)),
        auroc_new=auroc_new(boxed),
        unsure=sum(o.state == "unsure" for o in boxed),
        set_aside=_set_aside(every),
        false_boxes=len(left),
        empty=_empty(ledger, {t.photo for t in truths}),
        bad_files=sum(row.state == "failed" for row in ledger),
    )


def outcomes(
    truths: Sequence[TruthRow], detections: Sequence[Detection], ledger: Sequence[Ledger], matches: Sequence[Match]
) -> tuple[list[Outcome], list[Detection]]:
    """What became of each animal, and the boxes where none is."""
    pairs, left = _paired(truths, detections, ledger)
    first = _first(matches)
    newness = {m.crop: m.probability for m in matches if m.individual == NEW}
    return [_outcome(truth, row, first, newness) for truth, row in pairs], left


def _outcome(truth: TruthRow, row: Ledger | None, first: Mapping[str, str], newness: Mapping[str, float]) -> Outcome:
    known = bool(truth.known)
    if row is None:
        return Outcome(truth.photo, known, truth.fault)
    named = row.state == "identified" and row.individual == truth.individual
    right = first.get(row.crop) == truth.individual
    return Outcome(truth.photo, known, truth.fault, row.state, named, right, newness.get(row.crop))


def auroc_new(boxed: Sequence[Outcome]) -> float | None:
    """The chance that P(new) of a new animal's crop is above that of a known one's."""
    asked = [(o.newness, not o.known) for o in boxed if o.newness is not None]  # a rejected crop is not asked
    return auroc([newness for newness, _ in asked], [new for _, new in asked])


def _first(matches: Sequence[Match]) -> dict[str, str]:
    """The first candidate of each crop, whether or not `new` stands before it."""
    named = sorted((m for m in matches if m.individual != NEW), key=lambda m: -m.rank)
    return {m.crop: m.individual for m in named}


def _set_aside(every: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """For each fault: animals that nobody was named after, and how many there are."""
    planted = Counter(o.fault for o in every if o.fault)
    aside = Counter(o.fault for o in every if o.fault and o.aside)
    return {fault: (aside[fault], count) for fault, count in sorted(planted.items())}


def _empty(ledger: Sequence[Ledger], with_animals: set[str]) -> tuple[int, int]:
    states = {row.photo: row.state for row in ledger if row.photo not in with_animals and row.state != "failed"}
    return sum(state == "empty" for state in states.values()), len(states)


def _paired(
    truths: Sequence[TruthRow], detections: Sequence[Detection], ledger: Sequence[Ledger]
) -> tuple[list[tuple[TruthRow, Ledger | None]], list[Detection]]:
    """Each animal with the ledger's row of the box that overlaps it most, None where none does; and the boxes left."""
    rows = {(r.photo, int(r.crop.rpartition("_")[2].removesuffix(".jpg"))): r for r in ledger if r.crop}
    free: dict[str, list[Detection]] = defaultdict(list)
    for d in detections:
        free[d.photo].append(d)
    pairs: list[tuple[TruthRow, Ledger | None]] = []
    for truth in truths:
        mine, drawn = free[truth.photo], Detection(truth.photo, "", 0, truth.part, *truth.box.corners, 1.0)
        best = max(mine, key=lambda d: overlap(drawn, d), default=None)
        if best is None or overlap(drawn, best) < LEAST_OVERLAP:
            pairs.append((truth, None))
            continue
        mine.remove(best)
        pairs.append((truth, rows.get((best.photo, best.box))))
    return pairs, [d for boxes in free.values() for d in boxes]
