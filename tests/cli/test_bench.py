"""`whalepipe bench` with real processes and the shipped weights, on one rendered photo."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.helpers import snapshot, whalepipe

STAGES = ["read", "decode", "detect", "crop", "quality", "embed", "match", "write"]


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    folder.mkdir()
    shutil.copy(PROJECT / "labels" / "rendered" / "photos" / "0004.jpg", folder)
    return folder


def test_two_copies_of_a_photo_beside_a_naive_script(card: Path, tmp_path: Path) -> None:
    before, plot = snapshot(card), tmp_path / "plot.png"
    options = ["--repeats", "1", "--copies", "2", "--device", "cpu", "--plot", plot, "--json"]
    said = whalepipe("bench", card, "--against", "naive", *options)
    found = json.loads(said.out)
    assert (said.code, said.err, found["photos"], found["repeats"]) == (0, "", 2, 1)
    assert list(found["stages"]) == STAGES
    assert all(found["stages"][stage]["ms_per_photo"] > 0 for stage in STAGES)
    assert 0 < found["of_ideal"] < 1 and found["peak_memory_mib"] > 50
    naive = found["against"]["naive"]
    assert naive["ratio"] == pytest.approx(naive["our_photos_per_second"] / naive["photos_per_second"], rel=0.02)
    assert naive["boxes"] == 2
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert snapshot(card) == before


def test_in_words(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"photos": 40, "photos_per_second": 4.0, "of_ideal": 0.9, "peak_memory_mib": 700.0}
    told["stages"] = {stage: {"ms_per_photo": 12.34, "cores": 0.5} for stage in STAGES}
    told["against"] = {"yolo": {"command": "detect", "ratio": 2.5}}
    asked = []
    monkeypatch.setattr("whalepipe.bench.measure.bench", lambda given, _: asked.append(given) or told)
    said = whalepipe("bench", card, "--against", "yolo", "--copies", "40", "--set", "detect.size=640")
    assert [(a.against, a.copies, a.repeats, a.config.detect.size) for a in asked] == [(("yolo",), 40, 5, 640)]
    lines = said.out.splitlines()
    assert lines[:2] == ["40 photos, 4.00 a second: 90% of what decoder and models alone reach", "peak memory 700 MiB"]
    assert lines[4:12] == [f"{stage:<9}       12.3    0.50" for stage in STAGES]
    assert lines[-1] == "against yolo: whalepipe detect does 2.50 times as many photos a second"


def test_wrong_words_are_one_line(card: Path, tmp_path: Path) -> None:
    assert "--against x: known are naive, yolo" in whalepipe("bench", card, "--against", "x").complaint
    assert "is no folder" in whalepipe("bench", tmp_path / "none").complaint
