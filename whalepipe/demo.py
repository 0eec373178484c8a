"""The demo's photos: a rendered catalogue card, and a rendered card of weeks later.

Every animal, sea and camera is drawn from the stream "demo", from which no training draws. What each photo shows is
known exactly, so that the pipeline's answers can be counted (evaluation/run.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from whalepipe.evaluation.run import TruthRow
from whalepipe.render import Individual, draw_individual, draw_scene, render_scene, save_photo, scene_rng
from whalepipe.tables import BoxLabel, write_table
from whalepipe.training.drawn import spread

STREAM = "demo"
SEED = 20260601
FIRST_DAY = datetime(2026, 6, 1, 9, 0, 0)
WEEKS_LATER = timedelta(days=45)
FAULTS = ("blurred", "cut_off", "distant", "glare")


@dataclass(frozen=True)
class Plan:
    """How many photos of what; counts of individuals are for each part."""

    known: int = 8  # individuals in the catalogue: among fewer, guessing is right too often; an even number
    catalogue_shots: int = 3  # photos of each of them there
    alone: int = 4  # of the known ones, those with a photo of the second card to themselves, beside one in a pair
    newcomers: int = 3  # individuals that the catalogue does not hold
    new_shots: int = 2  # photos of each of them
    faulty: int = 2  # photos of each fault
    empty_seas: int = 3
    width: int = 1280  # pixels
    height: int = 853
    burst: int = 1  # photos of the second card that are taken one after the other, a second apart, of the same animals
    stream: str = STREAM  # of animals and cameras
    seed: int = SEED  # of the photos


STANDARD = Plan()


@dataclass(frozen=True)
class Shot:
    """A photo to be rendered."""

    path: Path
    individuals: tuple[Individual, ...]
    seed: int
    taken_at: datetime
    size: tuple[int, int]  # width and height, pixels
    stream: str
    fault: str = ""


def render_cards(folder: Path, plan: Plan = STANDARD, workers: int = 2) -> None:
    """Write `known/` with `known.csv` (the catalogue's photos), and `card/` with `truth.csv` (weeks later)."""
    known = {
        part: [draw_individual(part, plan.stream, i) for i in range(plan.known)] for part in ("fluke", "dorsal_fin")
    }
    others = {p: [draw_individual(p, plan.stream, plan.known + i) for i in range(plan.newcomers)] for p in known}
    names = {i.name for animals in known.values() for i in animals}
    catalogue = _catalogue_shots(folder / "known", plan, [i for p in known for i in known[p]])
    card = _card_shots(folder / "card", plan, known, others)
    truths = spread(_render, [*catalogue, *card], workers, chunk=4)
    labels = [row for rows in truths[: len(catalogue)] for row in rows]
    write_table(folder / "known.csv", BoxLabel, [_label(row) for row in labels])
    rows = [replace(row, known=row.individual in names) for rows in truths[len(catalogue) :] for row in rows]
    write_table(folder / "truth.csv", TruthRow, rows)
    _plant_bad_files(folder / "card")


def _catalogue_shots(folder: Path, plan: Plan, individuals: Sequence[Individual]) -> list[Shot]:
    """A photo an animal, each time in another encounter."""
    return [
        Shot(
            folder / f"K{number:02d}_{shot}.jpg",
            (individual,),
            plan.seed + 100 * number + shot,
            FIRST_DAY + timedelta(days=shot, minutes=number),
            (plan.width, plan.height),
            plan.stream,
        )
        for number, individual in enumerate(individuals)
        for shot in range(plan.catalogue_shots)
    ]


def _card_shots(
    folder: Path, plan: Plan, known: dict[str, list[Individual]], others: dict[str, list[Individual]]
) -> list[Shot]:
    """Known animals, new ones, two in one photo, faults, empty seas: in the order of a day at sea."""
    rng = np.random.default_rng([plan.seed, 1])
    subjects: list[tuple[tuple[Individual, ...], str]] = []
    for part, animals in known.items():
        subjects += [((a,), "") for a in animals[: plan.alone]]
        subjects += [((a,), "") for a in others[part] for _ in range(plan.new_shots)]
        subjects += [((animals[i], animals[i + 1]), "") for i in range(0, plan.known, 2)]
    everyone = [a for animals in known.values() for a in animals]
    for fault in FAULTS:
        subjects += [((everyone[int(rng.integers(len(everyone)))],), fault) for _ in range(plan.faulty)]
    subjects += [((), "")] * plan.empty_seas
    order = rng.permutation(len(subjects))
    start = FIRST_DAY + WEEKS_LATER
    return [
        Shot(
            folder / f"DSC_{1000 + plan.burst * place + frame}.jpg",
            subjects[index][0],
            plan.seed + 100_000 + place + 1000 * frame,
            start + timedelta(seconds=75 * place + frame),
            (plan.width, plan.height),
            plan.stream,
            subjects[index][1],
        )
        for place, index in enumerate(order)
        for frame in range(plan.burst)
    ]


def _render(shot: Shot) -> list[TruthRow]:
    rng = scene_rng(shot.stream, shot.seed)
    rendered = render_scene(draw_scene(rng, shot.individuals, *shot.size, fault=shot.fault))
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
