from dataclasses import replace

import numpy as np

from whalepipe.config import ViewConfig
from whalepipe.stages.ledger import Findings, ledger
from whalepipe.stages.view import sure, view
from whalepipe.summary import summarize
from whalepipe.tables import Answer, Crop, Failure, Photo, Quality, Species, View


def quality(crop: str, reason: str = "") -> Quality:
    return Quality(
        crop, 100.0, 0.5, 1.0, 0.5, 1.0, 0.1, 0.5, 0.3, 0.0, 1.0, 0.0, 0.0, None, 1.0, None, 1.0, reason == "", reason
    )


A0, A1, B0 = (Crop(f"{p}{b}", f"{p}.jpg", f"id {p}", b, "fluke", 9, 9) for p, b in (("a", 0), ("a", 1), ("b", 0)))
PHOTOS = [
    Photo("a.jpg", "id a", 9, 9, "2024-05-01T10:00:00", encounter="e"), Photo("b.jpg", "id b"),
    Photo("c.jpg", "id c"), Photo("d.jpg", "id a", error="duplicate: the same bytes as a.jpg"),
    Photo("e.txt", error="skipped: not a photo (.txt)"), Photo("f.jpg", "id f", error="the file is empty"),
    Photo("g.jpg", "id g"),
]  # fmt: skip
FINDINGS = Findings(
    crops={"a.jpg": [A0, A1], "b.jpg": [B0]},
    failures={"g.jpg": Failure("g.jpg", "id g", "crop", "cut short")},
    views={"a0": View("a0", "left", 0.9)},
    quality={"a0": quality("a0"), "a1": quality("a1", "too small"), "b0": quality("b0")},
    species={"a0": Species("a0", 1, "Orcinus orca", "killer whale", 137102, 0.9)},
    answers={"a0": Answer("a0", "identified", "A", 0.9, ""), "b0": Answer("b0", "unsure", "", None, "why")},
)


def test_one_row_for_each_crop_or_file_in_one_state() -> None:
    rows = ledger(PHOTOS, FINDINGS)
    assert [(r.photo, r.crop, r.state, r.individual, r.probability, r.reason) for r in rows] == [
        ("a.jpg", "a0", "identified", "A", 0.9, ""),
        ("a.jpg", "a1", "rejected", "", None, "too small"),
        ("b.jpg", "b0", "unsure", "", None, "why"),
        ("c.jpg", "", "empty", "", None, "no fluke or dorsal fin found"),
        ("d.jpg", "", "duplicate", "", None, "the same bytes as a.jpg"),
        ("e.txt", "", "skipped", "", None, "not a photo (.txt)"),
        ("f.jpg", "", "failed", "", None, "the file is empty"),
        ("g.jpg", "", "failed", "", None, "crop: cut short"),
    ]
    assert [(r.view, r.species, r.part) for r in rows[:3]] == [
        ("left", "Orcinus orca", "fluke"), ("unknown", "unknown", "fluke"), ("unknown", "unknown", "fluke"),
    ]  # fmt: skip
    assert (rows[0].taken_at, rows[0].encounter, rows[0].photo_id) == ("2024-05-01T10:00:00", "e", "id a")


def test_the_counts_add_up() -> None:
    assert summarize(ledger(PHOTOS, FINDINGS)) == {
        "files": {"total": 7, "with_crops": 2, "empty": 1, "duplicate": 1, "skipped": 1, "failed": 2},
        "crops": {"total": 3, "identified": 1, "new": 0, "unsure": 1, "rejected": 1},
        "parts": {
            "fluke": {
                "crops": 3, "known_individuals": 1, "new_individuals": 0, "unsure_crops": 1, "rejected_crops": 1,
            }
        },
    }  # fmt: skip
    assert summarize([])["files"]["total"] == 0


def test_a_view_is_told_of_fins_and_is_unknown_where_nothing_tells_or_it_is_unsure() -> None:
    fin = replace(A0, part="dorsal_fin")

    def told(crop: Crop, left: float | None, sure_at: float = 0.9) -> View:
        return sure(view(crop, lambda: np.zeros((2, 2, 3), np.uint8), lambda _: left), ViewConfig(sure_at=sure_at))

    assert told(fin, 0.97) == View("a0", "left", 0.97)
    assert told(fin, 0.04) == View("a0", "right", 0.96)
    assert told(fin, 0.6) == told(fin, None) == View("a0", "unknown", None)
    assert told(fin, 0.6, sure_at=0.5) == View("a0", "left", 0.6)
    assert told(replace(A0, part="fluke"), 0.97) == View("a0", "unknown", None)
    assert view(fin, lambda: np.zeros((2, 2, 3), np.uint8), None) == View("a0", "unknown", None)
