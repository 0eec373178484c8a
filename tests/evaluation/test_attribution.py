"""`evaluate identity --attribution` on rendered fins, with an embedder of random weights and the shipped outlines."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.cli.figures import say_figures
from whalepipe.models.embedder import build
from whalepipe.models.weights import save_weights
from whalepipe.training.crops import rendered_crop
from whalepipe.training.rendered import STREAM

pytest.importorskip("captum", reason="captum is not installed: pip install 'whalepipe[explain]'")
SHARES = {"attribution", "chance", "ceiling", "above_chance", "gradcam"}


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Two fins, each in the gallery and among the queries; a third query shows none."""
    import torch

    torch.manual_seed(0)
    calibration = {"default": {"slope": 20.0, "intercept": -10.0}}
    card = {"kind": "embedder", "backbone": "test_efficientnet", "dimension": 8, "size": 32, "calibration": calibration}
    save_weights(tmp_path / "random.pt", build("test_efficientnet", 8).state_dict(), card)
    for side, shot in (("known", 0), ("later", 1)):
        for number in range(2):
            crop = rendered_crop("dorsal_fin", 31, STREAM, 9000 + number, shot)
            assert crop is not None
            fakes.save(tmp_path / side / f"{number}.png", crop)
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    fakes.save(tmp_path / "later" / "2.png", noise)
    head = "crop,encounter,individual\n"
    (tmp_path / "known.csv").write_text(f"{head}0.png,e1,one\n1.png,e1,two\n")
    (tmp_path / "later.csv").write_text(f"{head}0.png,e2,one\n1.png,e3,two\n2.png,e4,three\n")
    folders = [f"--{what}={tmp_path / name}" for what, name in (("gallery", "known"), ("query", "later"))]
    labels = [f"--{what}-labels={tmp_path / name}.csv" for what, name in (("gallery", "known"), ("query", "later"))]
    return [*folders, *labels, "--set", f"embed.weights={tmp_path / 'random.pt'}", "--device", "cpu"]


def test_how_much_of_it_lies_on_the_animal(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = whalepipe("evaluate", "identity", *command, "--part", "dorsal_fin", "--attribution", "--json")
    told = json.loads(said.out)["attribution"]
    assert (told["crops"], told["without_outline"], told["resampled"]) == (2, 1, "encounters")
    assert told.keys() >= SHARES == told["intervals"].keys()
    assert 0.15 < told["chance"] < told["ceiling"] < 0.9 and 0 <= told["attribution"] <= 1
    assert told["above_chance"] == pytest.approx(told["attribution"] - told["chance"], abs=2e-4)
    for name in SHARES:
        low, high = told["intervals"][name]
        assert low <= told[name] <= high
    say_figures({"top1": 1.0, "attribution": told}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("attribution") + 1].startswith(f"attribution         {told['attribution']:.4g}  (")


def test_without_being_asked_for_it_is_not_told(command: list[str]) -> None:
    assert "attribution" not in json.loads(
        whalepipe("evaluate", "identity", *command, "--part", "dorsal_fin", "--json").out
    )


def test_what_has_no_outline_cannot_be_told(command: list[str]) -> None:
    said = whalepipe("evaluate", "identity", *command, "--part", "head", "--attribution")
    assert "needs to know where the animal is, which is told of dorsal_fin and fluke" in said.complaint
