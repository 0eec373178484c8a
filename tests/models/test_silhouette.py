import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from whalepipe.errors import WeightsError
from whalepipe.models.edge import trace
from whalepipe.models.silhouette import KIND, Silhouettes
from whalepipe.models.weights import Weights, find_weights, save_weights
from whalepipe.training.outlines import EDGE, PART, Outlined, outlined
from whalepipe.training.rendered import STREAM


@pytest.fixture(scope="module")
def silhouettes() -> Silhouettes:
    return Silhouettes(find_weights("silhouette", KIND))


@pytest.fixture(scope="module", params=["fluke", "dorsal_fin"])
def crops(request: pytest.FixtureRequest) -> Outlined:
    """Of photos that the shipped weights were not trained on: another seed."""
    return outlined(request.param, range(16), STREAM, 987_654)


def middle(pixels: np.ndarray) -> np.ndarray:
    """Of a crop with a quarter of the box around it, what the pipeline cuts: with a tenth."""
    height, width = pixels.shape[:2]
    return pixels[height // 10 : -(height // 10), width // 10 : -(width // 10)]


def test_the_shipped_weights_see_rendered_parts_and_their_trailing_edges(
    silhouettes: Silhouettes, crops: Outlined
) -> None:
    shares, apart = [], []
    for picture, truth in zip(crops.pictures, crops.truths, strict=True):
        seen = silhouettes(middle(picture))
        known = cv2.resize(middle(truth), seen.part.shape[::-1], interpolation=cv2.INTER_NEAREST)
        inside = (known & PART) > 0
        shares.append(((seen.part > 0) & inside).sum() / max(((seen.part > 0) | inside).sum(), 1))
        found = trace(middle(picture), crops.part, seen)
        rows, columns = np.nonzero(middle(truth) & EDGE)
        if found is not None and len(rows):
            away = np.linalg.norm(found.pixels[:, None] - np.stack([columns, rows], 1)[None], axis=2)
            apart.append(float(np.median(away.min(1))))
    assert np.median(shares) > 0.85
    assert len(apart) > len(shares) / 2  # some are cut off, in glare, blurred or hidden behind others
    assert np.median(apart) < 3  # pixels of about 290; the true edge is drawn 4 wide


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    made = save_weights(tmp_path / "other.pt", {}, {"kind": KIND})
    with pytest.raises(WeightsError, match=r"other\.pt: its tensors are not those of a silhouette network"):
        Silhouettes(Weights(made.path, made.digest, json.loads(made.path.with_suffix(".json").read_text())))


def test_a_picture_of_any_size_is_seen(silhouettes: Silhouettes) -> None:
    for shape in ((1, 1, 3), (3, 900, 3), (500, 20, 3)):
        assert np.isfinite(silhouettes(np.full(shape, 90, np.uint8)).part).all()
