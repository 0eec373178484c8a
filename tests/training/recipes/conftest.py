"""A tiny set of crops to train recipes on."""

import cv2
import numpy as np
import pytest
from PIL import Image

from whalepipe.training.crops import LabelSet

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
