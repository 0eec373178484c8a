import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import fakes
from whalepipe.config import Config, with_settings
from whalepipe.files import digest
from whalepipe.job import Job
from whalepipe.report.trust import instruments

FIGURES = {
    "note": "measured on folds",
    "rendered fluke": {"top1": 0.42, "intervals": {"top1": [0.28, 0.55]}},
    "fins, encounter IMG_49": {"ap50": 0.853, "recall": 0.77, "intervals_95": {"recall": [0.66, 0.88]}},
    "right whales": {"unseen_top1": {"share": 0.53, "low": 0.466, "high": 0.59}, "of": "no number"},
    "flukes": {"found": 10, "of": 13, "recall": 0.77},
    "seas": {"at_0.3": 0.0, "upper_bound_95": 3.7},
    "strange": {"unheard": [1, 2]},
    "stranger": 3,
}


@pytest.fixture
def job(tmp_path: Path, fake_models: fakes.Calls) -> Job:  # noqa: ARG001
    return Job(tmp_path, tmp_path / "out", Config())


def card(tmp_path: Path, name: str, **more: object) -> None:
    """Write what a card says beside the fake weights."""
    path = tmp_path / "fake-weights" / f"{name}.json"
    path.write_text(json.dumps({"kind": name, "sha256": digest(path.with_suffix(".pt")), **more}))


def test_figures_on_real_photos_come_first_with_their_intervals(tmp_path: Path, job: Job) -> None:
    card(tmp_path, "detector", figures=FIGURES, cannot=["see in the dark"])
    detector, *_ = instruments(job)
    shown = {m.what: [(f.label, f.value, f.interval) for f in m.figures] for m in detector.measured}
    assert shown == {
        "fins, encounter IMG_49": [
            ("average precision (AP50)", "0.85", ""),
            ("animals found", "77 %", "66 to 88 %"),
        ],
        "right whales": [("nearest photo right, animals never trained on", "53 %", "47 to 59 %")],
        "flukes": [("found", "10 of 13", "")],
        "seas": [("at threshold 0.3", "0", ""), ("upper bound (95 %)", "3.7", "")],
        "rendered fluke": [("first candidate right", "42 %", "28 to 55 %")],
    }
    assert [m.rendered for m in detector.measured] == [False] * 4 + [True]
    assert (detector.note, detector.cannot) == ("measured on folds", ["see in the dark"])


def test_a_card_says_what_it_was_trained_on(tmp_path: Path, job: Job) -> None:
    sources = [{"source": "boats", "licence": None, "photos": 1200, "boxes": 0}, "the sea"]
    card(tmp_path, "embedder", trained_on=sources)
    _, embedder, *_ = instruments(job)
    assert embedder.trained_on == ["boats (1,200 photos; licence: none stated)", "the sea"]


def test_boxes_drawn_by_a_person_need_no_detector(tmp_path: Path, job: Job) -> None:
    drawn = Job(job.raw_dir, job.out, job.config, boxes=tmp_path / "boxes.csv")
    assert [i.kind for i in instruments(drawn)] == ["embedder", "quality", "silhouette"]
    assert [
        i.kind for i in instruments(replace(drawn, config=with_settings(drawn.config, ["quality.weights=none"])))
    ] == [
        "embedder",
        "silhouette",
    ]


def test_weights_that_are_gone_are_a_line_on_the_page(tmp_path: Path, job: Job) -> None:
    (tmp_path / "fake-weights" / "detector.json").unlink()
    detector, embedder, *_ = instruments(job)
    assert "detector.json" in detector.problem and not embedder.problem


@pytest.mark.parametrize("name", ["detector", "embedder", "quality", "species"])
def test_the_shipped_cards_have_figures_on_real_photos_and_limits(name: str, tmp_path: Path) -> None:
    [found] = [i for i in instruments(Job(tmp_path, tmp_path, Config())) if i.kind == name]
    assert not found.problem
    assert [m for m in found.measured if not m.rendered]
    assert len(found.cannot) >= 3 and found.trained_on
