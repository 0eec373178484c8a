"""A run beside a catalogue with planted errors, as the fake models see them."""

from dataclasses import replace
from pathlib import Path

from tests import fakes
from tests.review.cards import card, plans
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.store import Catalog
from whalepipe.job import Job
from whalepipe.photos import encode_jpeg


def crop(name: str, shade: int, seed: int, **more: object) -> Entry:
    """The fake embedder tells the shade; no two seeds look nearly the same."""
    jpeg, file = encode_jpeg(fakes.painted(shade, seed), 95), f"{name}-{seed}.jpg"
    made = Entry(name, "dorsal_fin", file, jpeg, f"{name} {seed}", f"IMG_{seed}.jpg", "2025-06-01", "unknown")
    return replace(made, **more)  # type: ignore[arg-type]


def suspicious() -> list[Entry]:
    """A and A-again are one animal, the last crop of B is C's, the first of D shows its other side, E has one twice."""
    twice = crop("E", 4, 50)
    return [
        *(crop("A", 1, n, species="Orcinus orca") for n in range(3)),
        *(crop("A-again", 1, n, encounter="2026-06-01") for n in (10, 11)),
        *(crop("B", 2, n) for n in (20, 21, 22)), crop("B", 3, 23, taken_at="2025-06-01T10:00:00",
                                                       latitude=44.0, longitude=-8.5),
        *(crop("C", 3, n, taken_at="2025-06-01T12:00:00", latitude=49.0, longitude=-8.5) for n in (30, 31)),
        crop("D", 7, 40, view="right"), crop("D", 7, 41, view="left"),
        twice, replace(twice, origin="E 50 again", encounter="2025-07-01"), crop("E", 4, 51),
        *(crop("F", 5, n) for n in (60, 61)),
    ]  # fmt: skip


def audited(folder: Path) -> Job:
    """A run of two crops whose catalogue has these errors."""
    job = card(folder, plans("unsure", "new"), individuals=0)
    assert isinstance(job.catalog, Path)
    Catalog.open(job.catalog).add(suspicious(), By("ann"))
    return job
