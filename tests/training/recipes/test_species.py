"""Species by a recipe: a classifier, its accuracy beside the chance criterion, and `evaluate species` with it."""

import json
from pathlib import Path

import pytest

from tests.helpers import whalepipe
from tests.training.recipes.conftest import drawn
from whalepipe.models.classifier import Classifier
from whalepipe.models.weights import find_weights
from whalepipe.training.crops import LabelSet


@pytest.mark.parametrize("name", ["report-plain", "report-b4-arcface"])
def test_a_classifier_of_species(name: str, labels: LabelSet, tmp_path: Path) -> None:
    out = tmp_path / "species.pt"
    table = ("--photos", labels.crops, "--part", "head")
    small = (
        "--pretrained",
        "none",
        "--size",
        "48",
        "--epochs",
        "2",
        "--batch",
        "8",
        "--workers",
        "0",
        "--threads",
        "1",
    )
    args = (labels.labels, *table, "--recipe", name, "--backbone", "plain", "--out", out, *small)
    said = whalepipe("train", "species", *args)
    assert said.code == 0, said.err
    lines = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line}
    assert float(lines["chance_criterion"][0]) == pytest.approx(1.25 / 2, abs=0.02)
    assert float(lines["top5"][0]) == 1.0  # there are two
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["classes"]["names"] == ["Balaenoptera physalus", "Megaptera novaeangliae"]
    assert card["classes"]["scale"] == (30 if "arcface" in name else 0)
    told = Classifier(find_weights(str(out), "classifier"))(drawn(0, 0))
    assert sum(p for _, p in told.candidates) == pytest.approx(1, abs=1e-3) and len(told.candidates) == 2
    evaluated = whalepipe(
        "evaluate", "species", "--photos", labels.crops, "--labels", labels.labels, "--part", "head", "--device", "cpu",
        "--set", f"species.weights={out}", "--json",
    )  # fmt: skip
    figures = json.loads(evaluated.out)
    assert figures["specimens"] == 32 and 0 <= figures["accuracy"] <= 1
    assert figures["chance_criterion"] == pytest.approx(0.625) and figures["weights"] == card["sha256"]


def test_one_species_alone_is_refused(labels: LabelSet, tmp_path: Path) -> None:
    args = (
        labels.labels,
        "--photos",
        labels.crops,
        "--part",
        "head",
        "--without",
        "[1357]-*",
        "--recipe",
        "report-plain",
    )
    said = whalepipe("train", "species", *args, "--size", "32", "--out", tmp_path / "x.pt")
    assert "one species alone cannot be told from others" in said.complaint
