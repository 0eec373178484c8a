"""A run that compares details: what is made once, what makes it again, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import rows, run, tables, whalepipe
from whalepipe.models.details import CloserLook
from whalepipe.models.silhouette import KIND, SHAPE, Silhouette
from whalepipe.models.weights import Weights, find_weights

SEEN: list[str] = []


class Silhouettes:
    """Sees no outline, and counts how often it was loaded and asked."""

    def __init__(self, weights: Weights, device: str, exported: Weights | None) -> None:  # noqa: ARG002
        SEEN.append("loaded")

    def __call__(self, crop: fakes.Pixels) -> Silhouette:  # noqa: ARG002
        SEEN.append("asked")
        nothing = np.full(SHAPE[::-1], -9, np.float32)
        return Silhouette(nothing, nothing)


def calibrated(folder: Path) -> str:
    """Weights of silhouettes, and an embedder's card that says what details count; their digest."""
    outlines, card = folder / "silhouette.pt", folder / "embedder.json"
    outlines.write_bytes(b"outlines")
    outlines.with_suffix(".json").write_text(json.dumps({"kind": KIND, "sha256": fakes.digest(outlines)}))
    made = find_weights("silhouette", KIND)
    entry = json.loads(card.read_text())
    joint = {"cosine": 20.0, "points": 1.0, "edge": 1.0, "traced": 0.0, "intercept": -10.0}
    entry["calibration"]["default"]["joint"], entry["details"] = joint, CloserLook(made).method
    card.write_text(json.dumps(entry))
    return made.digest


@pytest.fixture
def looked(tmp_path: Path, raw: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of one animal, beside models that look closer."""
    monkeypatch.setattr("whalepipe.models.silhouette.Silhouettes", Silhouettes)
    labels, path = tmp_path / "known.csv", tmp_path / "catalogue.sqlite"
    labels.write_text("photo,part,xmin,ymin,xmax,ymax,individual\na.jpg,dorsal_fin,40,60,90,110,Ada\n")
    added = whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", path, "--device", "cpu", "--quiet")
    assert added.code == 0, added.complaint
    SEEN.clear()
    fake_models.loaded.clear()
    return path


def test_details_are_found_once(looked: Path, raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    digest, out = calibrated(tmp_path / "fake-weights"), tmp_path / "out"
    assert run(raw, out, "--catalog", looked).code == 0
    crops = 1 + len(rows(out, "crops"))  # the catalogue's and the card's
    assert (SEEN.count("loaded"), SEEN.count("asked")) == (1, crops)
    assert json.loads((out / "summary.json").read_text())["made_with"]["silhouette"] == digest
    assert digest in (out / "report.html").read_text()
    before = tables(out)
    fake_models.loaded.clear()
    assert run(raw, out, "--catalog", looked).code == 0
    assert len(SEEN) == 1 + crops and not fake_models.loaded
    assert tables(out) == before


def test_vectors_alone_need_no_silhouettes(looked: Path, raw: Path, tmp_path: Path) -> None:
    calibrated(tmp_path / "fake-weights")
    (tmp_path / "fake-weights" / "silhouette.pt").unlink()
    off = ("detect.tighten=none", "view.tell=none", "quality.silhouette=none")
    loose = [part for setting in off for part in ("--set", setting)]
    said = whalepipe("run", raw, "--out", tmp_path / "no", "--catalog", looked, *loose)
    assert "no weights 'silhouette'" in said.complaint
    assert run(raw, tmp_path / "plain", "--catalog", looked, *loose, "--set", "match.looked_at=0").code == 0
    assert run(raw, tmp_path / "nobody", *loose).code == 0  # without a catalogue there is nobody to look closer at
    assert not SEEN


def test_details_by_another_method_are_not_weighed_as_if_they_were_known(
    looked: Path, raw: Path, tmp_path: Path
) -> None:
    calibrated(tmp_path / "fake-weights")
    card = tmp_path / "fake-weights" / "embedder.json"
    card.write_text(card.read_text().replace("edge-", "edge-0."))
    said = whalepipe("run", raw, "--out", tmp_path / "out", "--catalog", looked)
    assert said.code == 2 and "embedder.pt: its card says what details count" in said.complaint
    assert "match.looked_at=0" in said.complaint
