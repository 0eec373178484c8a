"""The results of a run as the pipeline leaves them, written without running it: as many crops as are asked for."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tests import fakes
from whalepipe.boxes import crop_origin
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.job import Job
from whalepipe.photos import encode_jpeg
from whalepipe.stages.ledger import Findings, ledger
from whalepipe.summary import summarize
from whalepipe.tables import (
    NEW,
    Answer,
    Crop,
    Detection,
    Ledger,
    Match,
    Photo,
    Quality,
    Species,
    View,
    write_table,
)

BEGIN = datetime(2026, 7, 3, 8, 0)
RANKED = {
    "unsure": (("Mn-2", 0.6), (NEW, 0.3), ("Mn-1", 0.1)),
    "new": ((NEW, 0.85), ("Mn-2", 0.1), ("Mn-1", 0.05)),
    "identified": (("Mn-1", 0.9), ("Mn-2", 0.06), (NEW, 0.04)),
}
PIXELS = fakes.sea(fakes.Animal(40, 40, 120, 120, 3))
LINKS = 10_000  # names of one file: a file system allows so many
COLUMNS = 12  # shades of the catalogue's animals: each looks another


@dataclass(frozen=True)
class Plan:
    """One crop of a card. Crops of one `burst` were taken a second apart, those of one `photo` are in one photo."""

    state: str
    burst: int
    photo: str = ""
    view: str = "left"
    ranked: Sequence[tuple[str, float]] | None = None
    grade: float = 0.8


def plans(*states: str) -> list[Plan]:
    """A crop for each state, each in a burst of its own."""
    return [Plan(state, number) for number, state in enumerate(states)]


def card(
    folder: Path, crops: Sequence[Plan], individuals: int = 4, link: bool = False, place: Place | None = None
) -> Job:
    """Write a whole run and its catalogue, at `place` or beside it. `link`: crops share files on disk."""
    place = place or folder / "whales.sqlite"
    job = Job(folder / "card", folder / "out", Config(), place, device="cpu")
    job.raw_dir.mkdir(parents=True)
    (job.out / "crops").mkdir(parents=True)
    _catalogue(place, individuals)
    photos, rows, findings = _findings(crops)
    for name, row, made in rows:
        write_table(job.out / f"{name}.csv", row, made)
    _pictures(job.out / "crops", [c.crop for c in rows[1][2]], link)
    told = ledger(photos, findings)
    write_table(job.out / "ledger.csv", Ledger, told)
    made_with = {"whalepipe": "0", "catalogue": "r", "config": asdict(job.config)}
    summary = {**summarize(told), "new_between": {}, "made_with": made_with, "asked": job.asked()}
    (job.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    write_table(job.out / "answers.csv", Answer, [findings.answer(c.crop) for c in rows[1][2]])
    return job


def names(job: Job) -> list[str]:
    """The crops of a card."""
    return sorted(path.name for path in (job.out / "crops").iterdir())


def origin(photo_id: str, box: int) -> str:
    """Of a crop of a card, as the catalogue knows it."""
    return crop_origin(photo_id, "dorsal_fin", _box("", photo_id, box))


def _box(photo: str, photo_id: str, box: int) -> Detection:
    return Detection(photo, photo_id, box, "dorsal_fin", 30 + 10 * box, 40, 110 + 10 * box, 120, 0.9)


def _findings(plans: Sequence[Plan]) -> tuple[list[Photo], list[tuple[str, type, list]], Findings]:
    photos: dict[str, Photo] = {}
    boxes, crops, views, quality, species, matches, answers = [], [], [], [], [], [], []
    in_photo: dict[str, int] = {}
    for number, plan in enumerate(plans):
        name = plan.photo or f"IMG_{number:06d}.jpg"
        photo_id = photos[name].photo_id if name in photos else f"{number:08x}" + f"{number:056x}"
        box = in_photo[name] = in_photo.get(name, -1) + 1
        photos.setdefault(name, _photo(name, photo_id, number, plan.burst))
        boxes.append(_box(name, photo_id, box))
        crop = f"{Path(name).stem}_{photo_id[:8]}_{box}.jpg"
        crops.append(Crop(crop, name, photo_id, box, "dorsal_fin", PIXELS.shape[1], PIXELS.shape[0]))
        views.append(View(crop, plan.view, 0.95))
        quality.append(_quality(crop, plan))
        species.append(Species(crop, 1, "Megaptera novaeangliae", "humpback whale", 137092, 0.9))
        if plan.state == "rejected":
            continue
        ranked = plan.ranked or RANKED[plan.state]
        matches += [_match(crop, rank, name, p) for rank, (name, p) in enumerate(ranked, start=1)]
        answers.append(_answer(crop, plan.state, ranked))
    findings = Findings(
        crops={p: [c for c in crops if c.photo == p] for p in in_photo} if len(plans) < 2000 else _single(crops),
        views={v.crop: v for v in views},
        quality={q.crop: q for q in quality},
        species={s.crop: s for s in species},
        answers={a.crop: a for a in answers},
    )
    tables = [
        ("photos", Photo, list(photos.values())), ("crops", Crop, crops), ("detections", Detection, boxes),
        ("views", View, views), ("quality", Quality, quality), ("species", Species, species),
        ("matches", Match, matches),
    ]  # fmt: skip
    return list(photos.values()), tables, findings


def _single(crops: Sequence[Crop]) -> dict[str, list[Crop]]:
    return {c.photo: [c] for c in crops}


def _photo(name: str, photo_id: str, number: int, burst: int) -> Photo:
    begin = BEGIN + timedelta(minutes=burst)
    encounter = (BEGIN + timedelta(minutes=100 * (burst // 100))).isoformat()
    at = begin + timedelta(seconds=number % 60)
    return Photo(name, photo_id, 240, 160, at.isoformat(), 44.0, -8.5, "Canon", begin.isoformat(), encounter)


def _quality(crop: str, plan: Plan) -> Quality:
    reason = "too small: 31 pixels, 60 are needed" if plan.state == "rejected" else ""
    measures = 80.0, 0.5, 1.0, 0.5, 1.0, 0.1, 0.5, 0.3, 0.0, 1.0, 0.0, 0.0, None, 1.0, None
    return Quality(crop, *measures, plan.grade, reason == "", reason)


def _match(crop: str, rank: int, individual: str, probability: float) -> Match:
    if individual == NEW:
        return Match(crop, rank, NEW, probability, None, "", "", "", "w")
    return Match(crop, rank, individual, probability, 0.5, f"{individual}.jpg", "2025-06-01T09:00:00", "right", "w")


def _answer(crop: str, state: str, ranked: Sequence[tuple[str, float]]) -> Answer:
    best = ranked[0]
    if state == "unsure":
        return Answer(crop, "unsure", "", None, "neither is sure enough")
    return Answer(crop, state, f"new-{crop[4:10]}" if state == "new" else best[0], best[1], "")


def _catalogue(place: Place, individuals: int) -> None:
    one = Entry("", "dorsal_fin", "", b"", "", encounter="2025-06-01T09:00:00", view="right",
                species="Megaptera novaeangliae")  # fmt: skip
    entries = [
        replace(one, individual=f"Mn-{n}", crop=f"Mn-{n}.jpg", origin=str(n), jpeg=_jpeg(n))
        for n in range(1, individuals + 1)
    ]
    Catalog.open_or_create(place).add(entries)


def _jpeg(shade: int) -> bytes:
    return encode_jpeg(np.roll(PIXELS, 3 * (shade % COLUMNS), axis=1), 80)


def _pictures(folder: Path, crops: Sequence[str], link: bool) -> None:
    for number, name in enumerate(crops):
        if link and number % LINKS:
            (folder / name).hardlink_to(folder / crops[number - number % LINKS])
        else:
            (folder / name).write_bytes(_jpeg(number))
