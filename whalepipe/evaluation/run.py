"""How right a whole run was: its tables against what its photos are known to show, detection and quality included."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
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


def score(truth: Path, out: Path) -> Score:
    """Compare the tables of a run in `out` with a table of `TruthRow`s. Raises TableError where one is missing."""
    truths = read_table(truth, TruthRow)
    ledger = read_table(out / "ledger.csv", Ledger)
    matches = read_table(out / "matches.csv", Match)
    pairs, left = paired(truths, read_table(out / "detections.csv", Detection), ledger)
    first = first_candidates(matches)
    usable = [(t, row) for t, row in pairs if not t.fault]
    boxed = [(t, row) for t, row in usable if row is not None]
    return Score(
        found=(len(boxed), len(usable)),
        named=(_right(boxed), sum(bool(t.known) for t, _ in boxed)),
        first=sum(bool(t.known) and first.get(row.crop) == t.individual for t, row in boxed),
        known_as_new=sum(bool(t.known) and row.state == "new" for t, row in boxed),
        misnamed=sum(row.state == "identified" for _, row in pairs if row) - _right((t, r) for t, r in pairs if r),
        new=(sum(row.state == "new" for t, row in boxed if not t.known), sum(not t.known for t, _ in boxed)),
        auroc_new=_auroc(boxed, matches),
        unsure=sum(row.state == "unsure" for _, row in boxed),
        set_aside=_set_aside(pairs),
        false_boxes=len(left),
        empty=_empty(ledger, {t.photo for t in truths}),
        bad_files=sum(row.state == "failed" for row in ledger),
    )


def first_candidates(matches: Sequence[Match]) -> dict[str, str]:
    """The first candidate of each crop, whether or not `new` stands before it."""
    named = sorted((m for m in matches if m.individual != NEW), key=lambda m: -m.rank)
    return {m.crop: m.individual for m in named}


def _right(pairs: Iterable[tuple[TruthRow, Ledger]]) -> int:
    return sum(row.state == "identified" and row.individual == t.individual for t, row in pairs)


def newness_of(matches: Sequence[Match]) -> dict[str, float]:
    """P(new) of each crop that was looked for."""
    return {m.crop: m.probability for m in matches if m.individual == NEW}


def _auroc(boxed: Sequence[tuple[TruthRow, Ledger]], matches: Sequence[Match]) -> float | None:
    newness = newness_of(matches)
    asked = [(t, newness[row.crop]) for t, row in boxed if row.crop in newness]  # a rejected crop is not asked
    return auroc([p for _, p in asked], [not t.known for t, _ in asked])


def _set_aside(pairs: Sequence[tuple[TruthRow, Ledger | None]]) -> dict[str, tuple[int, int]]:
    """For each fault: animals that were rejected or not found at all, and how many there are."""
    planted = Counter(t.fault for t, _ in pairs if t.fault)
    aside = Counter(t.fault for t, row in pairs if t.fault and (row is None or row.state == "rejected"))
    return {fault: (aside[fault], count) for fault, count in sorted(planted.items())}


def _empty(ledger: Sequence[Ledger], with_animals: set[str]) -> tuple[int, int]:
    states = {row.photo: row.state for row in ledger if row.photo not in with_animals and row.state != "failed"}
    return sum(state == "empty" for state in states.values()), len(states)


def paired(
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
