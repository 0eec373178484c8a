"""The demo's photos: a rendered catalogue card, and a rendered card of weeks later.

Every animal, sea and camera is drawn from the stream "demo", from which no training draws. What each photo shows is
known exactly, so that the pipeline's answers can be counted (evaluation/run.py).
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from whalepipe.evaluation.run import TruthRow
from whalepipe.render import Individual, draw_individual, draw_scene, render_scene, save_photo, scene_rng
from whalepipe.tables import BoxLabel, write_table

STREAM = "demo"
SEED = 20260601
FIRST_DAY = datetime(2026, 6, 1, 9, 0, 0)
WEEKS_LATER = timedelta(days=45)
KNOWN, NEWCOMERS = 8, 3  # individuals of each part: among fewer, guessing is right too often
CATALOGUE_SHOTS = 3  # photos of each known individual in the catalogue
ALONE = 4  # known individuals of each part that have the second card's photo to themselves, beside one in a pair
NEW_SHOTS = 2  # photos of each new individual
FAULTS = {"blurred": 2, "cut_off": 2, "distant": 2, "glare": 2}
EMPTY_SEAS = 3


@dataclass(frozen=True)
class Shot:
    """A photo to be rendered."""

    path: Path
    individuals: tuple[Individual, ...]
    seed: int
    taken_at: datetime
    fault: str = ""


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
        subjects += [((a,), "") for a in animals[:ALONE]]
        subjects += [((a,), "") for a in others[part] for _ in range(NEW_SHOTS)]
        subjects += [((animals[i], animals[i + 1]), "") for i in range(0, KNOWN, 2)]
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
    rng = scene_rng(STREAM, shot.seed)
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
