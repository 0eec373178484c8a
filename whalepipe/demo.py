"""The demo: a rendered catalogue card, a rendered card of weeks later, and how right the pipeline is about it.

Every animal, sea and camera is drawn from the stream "demo", from which no training draws. What each photo shows is
known exactly, so the pipeline's answers can be counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from whalepipe.boxes import overlap
from whalepipe.render import Individual, draw_individual, draw_scene, render_scene, save_photo
from whalepipe.tables import NEW, BoxLabel, Detection, Ledger, Match, read_table, write_table

STREAM = "demo"
SEED = 20260601
FIRST_DAY = datetime(2026, 6, 1, 9, 0, 0)
WEEKS_LATER = timedelta(days=45)
KNOWN, NEWCOMERS = 5, 2  # individuals of each part
CATALOGUE_SHOTS = 3  # photos of each known individual in the catalogue
KNOWN_SHOTS, NEW_SHOTS = 2, 2  # and of each individual on the second card
FAULTS = {"blurred": 3, "cut_off": 3, "distant": 3}
EMPTY_SEAS = 4
LEAST_OVERLAP = 0.4  # intersection over union at which a found box counts as the rendered animal


@dataclass(frozen=True)
class Shot:
    """A photo to be rendered."""

    path: Path
    individuals: tuple[Individual, ...]
    seed: int
    taken_at: datetime
    fault: str = ""


@dataclass(frozen=True)
class TruthRow:
    """What a rendered photo shows: truth.csv beside the card, never inside it."""

    photo: str
    individual: str
    part: str
    view: str
    fault: str
    known: bool
    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class Score:
    """How right the run was; every pair is (how many, of how many)."""

    found: tuple[int, int]  # animals without a fault that have a box
    named: tuple[int, int]  # crops of known animals that were identified, under the right name
    first: int  # crops of known animals whose first candidate is the right one, however sure
    known_as_new: int  # crops of known animals that were called new
    misnamed: int  # crops of any animal identified under a wrong name
    new: tuple[int, int]  # crops of new animals that were called new
    unsure: int  # crops of usable animals given back as unsure
    set_aside: tuple[int, int]  # planted blurred, cut off and distant animals that nobody was named after
    false_boxes: int  # boxes where no animal is
    bad_files: tuple[int, int]  # planted unreadable files that are listed as failed


def render_cards(folder: Path, workers: int = 2) -> None:
    """Write `known/` with `known.csv` (the catalogue's photos), and `card/` with `truth.csv` (weeks later)."""
    known = {part: [draw_individual(part, STREAM, i) for i in range(KNOWN)] for part in ("fluke", "dorsal_fin")}
    others = {p: [draw_individual(p, STREAM, KNOWN + i) for i in range(NEWCOMERS)] for p in known}
    names = {i.name for animals in known.values() for i in animals}
    catalogue = _catalogue_shots(folder / "known", [i for p in known for i in known[p]])
    card = _card_shots(folder / "card", known, others)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        truths = list(pool.map(_render, [*catalogue, *card], chunksize=4))
    labels = [row for rows in truths[: len(catalogue)] for row in rows]
    write_table(folder / "known.csv", BoxLabel, [_label(row) for row in labels])
    rows = [replace(row, known=row.individual in names) for rows in truths[len(catalogue) :] for row in rows]
    write_table(folder / "truth.csv", TruthRow, rows)
    _plant_bad_files(folder / "card")


def _catalogue_shots(folder: Path, individuals: Sequence[Individual]) -> list[Shot]:
    """A photo an animal, each time in another encounter."""
    return [
        Shot(
            folder / f"K{number:02d}_{shot}.jpg",
            (individual,),
            SEED + 100 * number + shot,
            FIRST_DAY + timedelta(days=shot, minutes=number),
        )
        for number, individual in enumerate(individuals)
        for shot in range(CATALOGUE_SHOTS)
    ]


def _card_shots(
    folder: Path, known: dict[str, list[Individual]], others: dict[str, list[Individual]]
) -> list[Shot]:
    """Known animals, new ones, two in one photo, faults, empty seas: in the order of a day at sea."""
    rng = np.random.default_rng([SEED, 1])
    subjects: list[tuple[tuple[Individual, ...], str]] = []
    for part, animals in known.items():
        subjects += [((a,), "") for a in animals for _ in range(KNOWN_SHOTS - 1)]
        subjects += [((a,), "") for a in others[part] for _ in range(NEW_SHOTS)]
        subjects += [((animals[i], animals[(i + 1) % KNOWN]), "") for i in range(0, KNOWN, 2)]
    everyone = [a for animals in known.values() for a in animals]
    for fault, count in FAULTS.items():
        subjects += [((everyone[int(rng.integers(len(everyone)))],), fault) for _ in range(count)]
    subjects += [((), "")] * EMPTY_SEAS
    order = rng.permutation(len(subjects))
    start = FIRST_DAY + WEEKS_LATER
    return [
        Shot(
            folder / f"DSC_{1000 + place}.jpg",
            subjects[index][0],
            SEED + 100_000 + place,
            start + timedelta(seconds=75 * place),
            subjects[index][1],
        )
        for place, index in enumerate(order)
    ]


def _render(shot: Shot) -> list[TruthRow]:
    import cv2

    cv2.setNumThreads(1)  # as many processes as cores are at it already
    rng = np.random.default_rng([SEED, shot.seed])
    rendered = render_scene(draw_scene(rng, shot.individuals, fault=shot.fault))
    shot.path.parent.mkdir(parents=True, exist_ok=True)
    save_photo(shot.path, rendered.image, shot.taken_at, camera="Rendered")
    return [
        TruthRow(shot.path.name, t.individual, t.part, t.view, t.fault, False, t.xmin, t.ymin, t.xmax, t.ymax)
        for t in rendered.truths
    ]


def _label(row: TruthRow) -> BoxLabel:
    encounter = row.photo.split("_")[1].removesuffix(".jpg")
    return BoxLabel(
        row.photo, f"day-{encounter}", row.part, row.xmin, row.ymin, row.xmax, row.ymax, row.individual, row.view
    )


def _plant_bad_files(card: Path) -> None:
    whole = min(card.glob("*.jpg")).read_bytes()
    (card / "DSC_2000.jpg").write_bytes(whole[: len(whole) // 3])
    (card / "DSC_2001.jpg").write_text("This is no photo.\n", encoding="utf-8")


def score(folder: Path, out: Path) -> Score:
    """Compare the tables of a run in `out` with `truth.csv`. Raises TableError where one is missing."""
    truths = read_table(folder / "truth.csv", TruthRow)
    ledger = read_table(out / "ledger.csv", Ledger)
    pairs, false_boxes = _paired(truths, read_table(out / "detections.csv", Detection), ledger)
    first = _first(read_table(out / "matches.csv", Match))
    usable = [(t, row) for t, row in pairs if not t.fault]
    with_box = [(t, row) for t, row in usable if row is not None]
    planted = [(t, row) for t, row in pairs if t.fault]
    states = Counter(row.state for _, row in with_box)
    return Score(
        found=(len(with_box), len(usable)),
        named=(_right(with_box), sum(t.known for t, _ in with_box)),
        first=sum(t.known and first.get(row.crop) == t.individual for t, row in with_box),
        known_as_new=sum(t.known and row.state == "new" for t, row in with_box),
        misnamed=sum(row.state == "identified" for _, row in pairs if row) - _right((t, r) for t, r in pairs if r),
        new=(sum(row.state == "new" for t, row in with_box if not t.known), sum(not t.known for t, _ in with_box)),
        unsure=states["unsure"],
        set_aside=(sum(row is None or row.state == "rejected" for _, row in planted), len(planted)),
        false_boxes=false_boxes,
        bad_files=(sum(r.state == "failed" for r in ledger), 2),
    )


def _first(matches: Sequence[Match]) -> dict[str, str]:
    """The first candidate of each crop, whether or not `new` stands before it."""
    named = sorted((m for m in matches if m.individual != NEW), key=lambda m: -m.rank)
    return {m.crop: m.individual for m in named}


def _right(pairs: Iterable[tuple[TruthRow, Ledger]]) -> int:
    return sum(row.state == "identified" and row.individual == t.individual for t, row in pairs)


def _paired(
    truths: Sequence[TruthRow], detections: Sequence[Detection], ledger: Sequence[Ledger]
) -> tuple[list[tuple[TruthRow, Ledger | None]], int]:
    """Each rendered animal with the ledger's row of the box that overlaps it most; and how many boxes are left."""
    rows = {(r.photo, int(r.crop.rpartition("_")[2].removesuffix(".jpg"))): r for r in ledger if r.crop}
    free: dict[str, list[Detection]] = defaultdict(list)
    for d in detections:
        free[d.photo].append(d)
    pairs: list[tuple[TruthRow, Ledger | None]] = []
    for truth in truths:
        mine = free[truth.photo]
        best = max(mine, key=lambda d: overlap(truth, d), default=None)
        if best is None or overlap(truth, best) < LEAST_OVERLAP:
            pairs.append((truth, None))
            continue
        mine.remove(best)
        pairs.append((truth, rows.get((best.photo, best.box))))
    return pairs, sum(len(boxes) for boxes in free.values())
