"""A season as the stages would leave it, without running them: tables, crops, a catalogue."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from tests import fakes
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.job import Job
from whalepipe.photos import encode_jpeg
from whalepipe.pipeline import Tables
from whalepipe.stages.decide import Newcomers
from whalepipe.summary import summarize
from whalepipe.tables import Ledger, Match, Photo, Species, write_table

BEGIN = datetime(2026, 7, 3, 8, 0)
HUMPBACK = ("Megaptera novaeangliae", "humpback whale")
# state, individual, probability, reason of the crops of the small season; one photo each, ten minutes apart
CROPS = (
    ("identified", "Mn-1", 0.9, ""),
    ("identified", "Mn-1", 0.7, ""),
    ("identified", "Mn-2", 0.999, ""),
    ("new", "new-1", 0.85, ""),
    ("unsure", "", None, "Mn-2 0.60, new 0.30: neither is sure enough"),
    ("rejected", "", None, "too small: 31 pixels, 60 are needed"),
    ("rejected", "", None, "too small: 40 pixels, 60 are needed"),
    ("rejected", "", None, "cut off by the photo's edge"),
)
RANKED = {
    "identified": (("Mn-1", 0.9), ("Mn-2", 0.06), ("new", 0.04)),
    "new": (("new", 0.85), ("Mn-2", 0.1), ("Mn-1", 0.05)),
    "unsure": (("Mn-2", 0.6), ("new", 0.3), ("Mn-1", 0.08), ("Mn-3", 0.015), ("Mn-4", 0.005)),
}


def small(folder: Path) -> tuple[Job, Tables]:
    """Eight crops in every state, and a file in every state that has none."""
    job = _job(folder, [_picture(shade) for shade in range(1, 5)])
    photos, ledger, matches = [], [], []
    for number, (state, individual, probability, reason) in enumerate(CROPS):
        at = BEGIN + timedelta(minutes=10 * number + (600 if number >= 4 else 0))
        photos.append(_photo(number, at, "first" if number < 4 else "second"))
        crop = f"c{number}.jpg"
        (job.out / "crops" / crop).write_bytes(_picture(number))
        ledger.append(_row(photos[-1], state, reason, crop, individual, probability))
        matches += _matches(crop, individual, state)
    for state, reason in (("empty", "no fluke"), ("duplicate", "as 0.jpg"), ("skipped", "a film"), ("failed", "cut")):
        error = "" if state == "empty" else f"{state}: {reason}"
        photos.append(Photo(f"{state}.jpg", "", error=error))
        ledger.append(_row(photos[-1], state, reason))
    species = [Species(r.crop, 1, *HUMPBACK, None, 0.9) for r in ledger if r.crop]
    return job, _written(job, Tables(photos=photos, ledger=ledger, matches=matches, species=species))


def large(folder: Path, crops: int) -> tuple[Job, Tables]:
    """Unsure crops that compress no better than photos, each with three candidates."""
    rng = np.random.default_rng(1)
    job = _job(folder, [_noise(rng) for _ in range(4)])
    photos, ledger, matches = [], [], []
    for number in range(crops):
        photos.append(_photo(number, BEGIN + timedelta(minutes=number), "first"))
        crop = f"c{number}.jpg"
        (job.out / "crops" / crop).write_bytes(_noise(rng))
        ledger.append(_row(photos[-1], "unsure", "neither is sure enough", crop))
        matches += _matches(crop, "", "unsure")
    return job, _written(job, Tables(photos=photos, ledger=ledger, matches=matches))


def long(folder: Path, days: int = 12, photos: int = 60, animals: int = 40, noisy: bool = False) -> tuple[Job, Tables]:
    """Two encounters a day, `photos` photos a day with positions along a track; animals named, new, unsure or set
    aside, a photo in eight empty; some crops of fins beside the flukes. `noisy`: crops compress like photos."""
    rng = np.random.default_rng(7)
    job = _job(folder, [_picture(shade) for shade in range(1, 5)])
    picture = _picture(3)
    taken, ledger, matches = [], [], []
    for number in range(days * photos):
        day, of_day = divmod(number, photos)
        half, turn = divmod(of_day, photos // 2)
        at = BEGIN + timedelta(days=day * 3, hours=4 * half, seconds=40 * turn)
        way = turn / photos + 0.3 * half
        place = 38.5 + 0.03 * day * np.sin(day) + 0.1 * way, -28.4 + 0.05 * np.cos(2 * day) + 0.15 * np.sin(3 * way)
        photo = Photo(f"d{day:02}/{of_day:04}.jpg", f"{number:064x}", 60, 40, at.isoformat(), *map(float, place))
        taken.append(Photo(**{**asdict(photo), "encounter": f"{day}/{half}"}))
        if rng.random() < 1 / 8:
            ledger.append(_row(taken[-1], "empty", "nothing found"))
            continue
        crop = f"l{number}.jpg"
        (job.out / "crops" / crop).write_bytes(_noise(rng) if noisy else picture)
        who = int(rng.integers(0, 4 + min(animals, 3 * day)))
        ledger.append(_found(taken[-1], crop, who, float(rng.random()), number % 5 == 0))
        matches += _matches(crop, ledger[-1].individual, ledger[-1].state) if ledger[-1].state != "new" else []
    tables = Tables(photos=taken, ledger=ledger, matches=matches, newcomers=_newcomers(ledger))
    return job, _written(job, tables)


def _found(photo: Photo, crop: str, who: int, chance: float, fin: bool) -> Ledger:
    if chance < 0.25:
        row = _row(photo, "unsure", "neither is sure enough", crop)
    elif chance < 0.4:
        row = _row(photo, "rejected", "out of focus: 0.1, 0.3 is needed", crop)
    else:
        known = who % 2 == 0
        name = f"Mn-{who:03}" if known else f"new-{hash_of(who, fin)}"
        row = _row(photo, "identified" if known else "new", "", crop, name, 0.9)
    return Ledger(**{**asdict(row), "part": "dorsal_fin" if fin else "fluke", "view": "unknown"})


def hash_of(who: int, fin: bool) -> str:
    return f"{0x9E3779B97F * (2 * who + fin) & 0xFFFFFFFFFF:010x}"


def _newcomers(ledger: list[Ledger]) -> dict[str, Newcomers]:
    """Each third new animal may be one with the one before, and each fourth crop of one another animal."""
    found = {}
    for part in ("fluke", "dorsal_fin"):
        firsts: dict[str, str] = {}
        rows = [r for r in ledger if r.part == part and r.state == "new"]
        for row in rows:
            firsts.setdefault(row.individual, row.crop)
        few = [crop for i, crop in enumerate(firsts.values()) if i % 3 != 2]
        others = [r.crop for i, r in enumerate(rows) if i % 12 == 11 and r.crop not in firsts.values()]
        found[part] = Newcomers(few, [*firsts.values(), *others])
    return found


def _job(folder: Path, pictures: list[bytes]) -> Job:
    raw, out, catalogue = folder / "card", folder / "out", folder / "whales.sqlite"
    raw.mkdir(parents=True)
    (out / "crops").mkdir(parents=True)
    entries = [
        Entry(f"Mn-{number}", "fluke", "k.jpg", data, str(number), encounter="e", species=HUMPBACK[0])
        for number, data in enumerate(pictures, 1)
    ]
    Catalog.open_or_create(catalogue).add(entries)
    return Job(raw, out, Config(), catalogue)


def _photo(number: int, at: datetime, encounter: str) -> Photo:
    photo = Photo(f"{number}.jpg", f"{number:064x}", 60, 40, at.isoformat(), 44.0 + number / 100, -8.5, "Canon")
    return Photo(**{**asdict(photo), "encounter": encounter})


def _row(
    photo: Photo, state: str, reason: str, crop: str = "", individual: str = "", probability: float | None = None
) -> Ledger:
    part, view, species = ("fluke", "ventral", HUMPBACK[0]) if crop else ("", "", "")
    known = (photo.photo, photo.photo_id, photo.taken_at, photo.encounter, crop, part, view)
    return Ledger(*known, state, species, individual, probability, reason)


def _matches(crop: str, individual: str, state: str) -> list[Match]:
    ranked = list(RANKED.get(state, ()))
    if individual == "Mn-2":
        ranked = [("Mn-2", 0.999), ("new", 0.001)]
    picture = {"new": ""}
    return [Match(crop, i, n, p, None, picture.get(n, "k.jpg"), "e", "", "w") for i, (n, p) in enumerate(ranked, 1)]


def _written(job: Job, tables: Tables) -> Tables:
    made_with = {"whalepipe": "0", "detector": "d" * 64, "embedder": "e" * 64, "catalogue": "r", "config": {}}
    shown = (("photos", Photo), ("ledger", Ledger), ("matches", Match), ("species", Species))
    for name, row in shown:
        write_table(job.out / f"{name}.csv", row, getattr(tables, name))
    (job.out / "summary.json").write_text(json.dumps({**summarize(tables.ledger), "made_with": made_with}))
    return tables


def _picture(shade: int) -> bytes:
    return encode_jpeg(fakes.sea(fakes.Animal(40, 40, 120, 120, shade)), 90)


def _noise(rng: np.random.Generator) -> bytes:
    coarse = rng.integers(0, 256, (15, 20, 3)).astype(np.uint8)
    return encode_jpeg(np.asarray(cv2.resize(coarse, (400, 300)), dtype=np.uint8), 90)
