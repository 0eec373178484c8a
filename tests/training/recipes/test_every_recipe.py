"""Every recipe trains two epochs on a small part of rightwhale/, of tiny size, and what it made can be used."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers import Said, whalepipe
from tests.training.recipes.conftest import drawn
from whalepipe.models.architecture import Architecture, create, stages
from whalepipe.models.embedder import Embedder
from whalepipe.models.weights import find_weights
from whalepipe.training.crops import LabelSet
from whalepipe.training.recipes.fitting import architecture_of
from whalepipe.training.recipes.recipe import names, read_recipe

# Smaller ones of the same kind, so that all recipes together take little more than a minute.
SMALLER = {
    "efficientnet_b4": "plain",
    "tf_efficientnet_b6": "test_efficientnet",
    "tf_efficientnet_b7": "test_efficientnet",
    "efficientnet_b0": "test_efficientnet",
    "resnet101": "test_resnet",
    "resnet50": "test_resnet",
    "resnet18": "test_resnet",
    "vgg16": "vgg11",
    "coatnet_0_rw_224": "test_coatnet",
    "levit_192": "levit_128s",
}
LARGER = {"contest-inception-v3": "75", "contest-coatnet-0": "96"}  # which can be shown nothing as small as 64 pixels


def train(labels: LabelSet, out: Path, recipe: str, *more: str | Path) -> Said:
    """`whalepipe train embedder ... --recipe ...` for two epochs of tiny crops."""
    known = read_recipe(recipe)
    small = ("--size", LARGER.get(known.name, "64"), "--epochs", "2", "--batch", "16", "--workers", "0")
    smaller = ("--backbone", SMALLER.get(known.backbone.name, known.backbone.name))
    args = (labels.labels, "--photos", labels.crops, "--part", labels.part, "--pretrained", "none", "--threads", "1")
    return whalepipe("train", "embedder", *args, "--recipe", recipe, *small, *smaller, "--out", out, *more)


def small(name: str, folder: Path) -> str:
    """The recipe's name, or a file like it whose mask network learns next to nothing, and quickly."""
    if read_recipe(name).shown.mask == "none":
        return name
    file = folder / f"small-{name}.yaml"
    file.write_text(f"like: {name}\nfollows: a test\nmask: {{photos: 3, epochs: 1, size: 32}}\n")
    return str(file)


@pytest.mark.parametrize("name", names())
def test_it_trains_and_what_it_made_tells_animals(name: str, heads: LabelSet, tmp_path: Path) -> None:
    out = tmp_path / "made.pt"
    said = train(heads, out, small(name, tmp_path))
    assert said.code == 0, said.err
    assert "epoch 2 of 2: loss " in said.out
    lines = [line.split() for line in said.out.splitlines()]
    figures = {line[0]: float(line[1]) for line in lines if line[0] in ("top1", "top5", "chance_criterion", "queries")}
    assert figures["queries"] >= 3 and 0 <= figures["top1"] <= figures["top5"] <= 1
    assert 1.25 / 6 - 1e-4 <= figures["chance_criterion"] < 1.25 / 5  # six are left to train on
    weights = find_weights(str(out), "embedder")
    vector = Embedder(weights)(drawn(0, 0))
    assert vector.shape == (weights.card["dimension"],) and np.isfinite(vector).all()
    assert weights.card["recipe"]["follows"] and "--recipe" in weights.card["retrain"]
    assert str(heads.crops.parent) not in json.dumps(dict(weights.card))


@cache
def parts_of(backbone: str, size: int, masked: int) -> int:
    """How many stages a backbone has; several recipes share one, and large ones take a second to make."""
    with torch.device("meta"):
        return len(stages(create(Architecture(backbone, size=size, masked=masked)).backbone))


@pytest.mark.parametrize("name", names())
def test_its_own_network_is_one_that_exists(name: str) -> None:
    recipe, its = read_recipe(name), architecture_of(read_recipe(name))
    count, frozen = parts_of(its.backbone, its.size, its.masked), recipe.freezing.first
    assert count >= 2 and recipe.freezing.but_last < count and (frozen == 100 or frozen < count)


def test_an_unknown_backbone_is_one_line(labels: LabelSet, tmp_path: Path) -> None:
    said = train(labels, tmp_path / "made.pt", "report-plain", "--backbone", "efficientnet_b99")
    assert "no backbone 'efficientnet_b99': give the name of one of timm's, plain or alexnet" in said.complaint


def test_what_it_made_is_scored_and_votes(labels: LabelSet, tmp_path: Path) -> None:
    out = tmp_path / "made.pt"
    own = ("--calibrate", f"{labels.labels}:{labels.crops}:{labels.part}")  # two of eight held out are too few for it
    assert train(labels, out, "report-resnet18", *own).code == 0
    work = tmp_path / "made.work"
    [gallery] = work.glob("*-gallery.csv")
    [query] = work.glob("*-query.csv")
    args = ("--gallery", labels.crops, "--gallery-labels", gallery, "--query", labels.crops, "--query-labels", query)
    said = whalepipe(
        "evaluate",
        "identity",
        *args,
        "--part",
        "head",
        "--device",
        "cpu",
        "--json",
        "--allow-leaks",
        "--set",
        f"embed.weights={out}",
        "--set",
        "match.looked_at=0",
    )
    assert said.code == 0, said.err
    assert json.loads(said.out)["weights"] == find_weights(str(out), "embedder").digest
    assert train(labels, tmp_path / "both.pt", "report-plain", "--beside", out).code == 0
    both = find_weights(str(tmp_path / "both.pt"), "embedder")
    vector, alone = (Embedder(weights)(drawn(1, 1)) for weights in (both, find_weights(str(out), "embedder")))
    assert vector[-len(alone) :] * np.sqrt(2) == pytest.approx(alone, abs=1e-3) and len(vector) == len(alone) + 256
    assert both.card["beside"][0]["architecture"]["backbone"] == "test_resnet"


def test_a_killed_training_goes_on_to_the_same_weights(
    labels: LabelSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(labels, tmp_path / "whole.pt", "report-plain").code == 0

    class Killed(BaseException):
        pass

    def kill(done: int, of: int, loss: float) -> None:  # noqa: ARG001
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("whalepipe.cli.train.options.say_epoch", kill)
        with pytest.raises(Killed):
            train(labels, tmp_path / "killed.pt", "report-plain")
    said = train(labels, tmp_path / "killed.pt", "report-plain")
    assert "epoch 1 of 2" not in said.out and "epoch 2 of 2" in said.out
    digests = [find_weights(str(tmp_path / f"{name}.pt"), "embedder").digest for name in ("whole", "killed")]
    assert digests[0] == digests[1]
    assert (tmp_path / "killed.work" / "epoch-001.pt").is_file() and (tmp_path / "killed.work" / "curves.png").is_file()
