"""A tiny set of crops to train recipes on."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import REAL_DATA
from whalepipe.training.alike import chance
from whalepipe.training.crops import LabelSet
from whalepipe.training.recipes.card import RecipeTraining

PEOPLE, PHOTOS = 8, 4


def drawn(individual: int, photo: int) -> np.ndarray:
    """A crop with blotches of the individual's own, moved and lit as in this photo: (56, 64, 3) uint8."""
    blotches = (np.random.default_rng(individual).random((6, 7, 3)) * 200).astype(np.uint8)
    light = np.random.default_rng([individual, photo])
    large = cv2.resize(blotches, (90, 80), interpolation=cv2.INTER_CUBIC)
    moved = cv2.getRotationMatrix2D((45, 40), float(light.uniform(-12, 12)), float(light.uniform(0.9, 1.2)))
    moved[:, 2] += light.uniform(-12, 12, 2)
    out = cv2.warpAffine(large, moved, (64, 56), borderMode=cv2.BORDER_REFLECT)
    return np.clip(out + light.integers(0, 30, out.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def labels(tmp_path_factory: pytest.TempPathFactory) -> LabelSet:
    """Eight individuals of two species, four photos each."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "crops").mkdir()
    lines = ["crop,encounter,individual,species\n"]
    for n, photo in ((n, photo) for n in range(PEOPLE) for photo in range(PHOTOS)):
        Image.fromarray(drawn(n, photo)).save(folder / "crops" / f"{n}-{photo}.png")
        species = "Megaptera novaeangliae" if n % 2 else "Balaenoptera physalus"
        lines.append(f"{n}-{photo}.png,E{n}{photo},animal {n},{species}\n")
    (folder / "labels.csv").write_text("".join(lines))
    return LabelSet(folder / "labels.csv", folder / "crops", "head")


@pytest.fixture(scope="session")
def heads(labels: LabelSet, tmp_path_factory: pytest.TempPathFactory) -> LabelSet:
    """As many right whales, where their photos are: else those that are drawn. Two are held out whole."""
    folder = REAL_DATA / "rightwhale"
    if not folder.is_dir():
        return labels
    crops: dict[str, list[str]] = {}
    with (folder / "individuals.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            crops.setdefault(row["individual"], []).append(row["crop"])
    often = sorted(name for name, mine in crops.items() if len(mine) >= PHOTOS)
    away = [name for name in often if chance(0, "individual", name) < RecipeTraining.held_out]
    chosen = [*away[:2], *[name for name in often if name not in away][: PEOPLE - 2]]
    lines = [f"{crop},,{name},Eubalaena glacialis\n" for name in chosen for crop in crops[name][:PHOTOS]]
    table: Path = tmp_path_factory.mktemp("heads") / "labels.csv"
    table.write_text("crop,encounter,individual,species\n" + "".join(lines))
    return LabelSet(table, folder / "crops", "head")
