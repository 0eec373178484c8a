"""The embedder with random weights: unit vectors, the same for the same crop, and what it refuses."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whalepipe.errors import WeightsError
from whalepipe.models.embedder import Embedder, build, squashed
from whalepipe.models.weights import Weights, find_weights, save_weights

CARD = {"kind": "embedder", "backbone": "tf_efficientnet_lite0", "dimension": 16, "size": 64}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pt"
    return save_weights(path, build("tf_efficientnet_lite0", 16).state_dict(), CARD)


@pytest.fixture(scope="module")
def embedder(weights: Weights) -> Embedder:
    return Embedder(weights)


def crop(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (20, 3000), (64, 64), (300, 200)])
def test_any_crop_gives_a_unit_vector(embedder: Embedder, shape: tuple[int, int]):
    vector = embedder(crop(*shape))
    assert (vector.shape, vector.dtype) == ((16,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)


def test_a_flat_crop_gives_numbers(embedder: Embedder):
    assert np.isfinite(embedder(np.zeros((50, 50, 3), np.uint8))).all()


def test_the_same_crop_gives_the_same_bytes(weights: Weights, embedder: Embedder):
    first = embedder(crop(90, 120))
    embedder(crop(90, 120, seed=1))
    assert embedder(crop(90, 120)).tobytes() == first.tobytes() == Embedder(weights)(crop(90, 120)).tobytes()


def test_another_crop_gives_another_vector(embedder: Embedder):
    assert not np.array_equal(embedder(crop(90, 120)), embedder(255 - crop(90, 120)))


def test_a_view_into_a_photo_is_taken_as_its_copy(embedder: Embedder):
    photo = crop(200, 200)
    assert np.array_equal(embedder(photo[20:110, 30:150]), embedder(photo[20:110, 30:150].copy()))


def test_numbers_have_five_decimals(embedder: Embedder):
    vector = embedder(crop(90, 120)).astype(np.float64)
    assert np.allclose(vector * 1e5, np.round(vector * 1e5), atol=0.01)


def test_squashed_to_a_square():
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 20:] = 200
    small = squashed(wide, 4)
    assert small[:, :, 0].tolist() == [[0, 0, 200, 200]] * 4


def test_it_opens_no_connection(weights: Weights, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object) -> None:
        raise AssertionError(f"a connection to {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert Embedder(weights)(crop(40, 40)).shape == (16,)


def test_its_import_loads_no_torch():
    code = "import sys, whalepipe.models.embedder; sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimension": 8}, "do not fit the network"),
        ({"dimension": None}, "gives no dimension"),
        ({"size": "64"}, "gives no size"),
        ({"size": 0}, "gives no size"),
    ],
)
def test_a_wrong_card_is_refused(weights: Weights, change: dict[str, object], message: str):
    with pytest.raises(WeightsError, match=message):
        Embedder(replace(weights, card={**CARD, **change}))


def test_damaged_weights_are_refused(weights: Weights, tmp_path: Path):
    data = bytearray(weights.path.read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "bad.pt").write_bytes(data)
    (tmp_path / "bad.json").write_text(json.dumps(dict(weights.card)))
    with pytest.raises(WeightsError, match="damaged"):
        find_weights(str(tmp_path / "bad.pt"), "embedder")


def test_a_file_that_is_no_state_dict_is_refused(tmp_path: Path):
    import hashlib

    data = b"not tensors"
    (tmp_path / "bad.pt").write_bytes(data)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        Embedder(Weights(tmp_path / "bad.pt", hashlib.sha256(data).hexdigest(), CARD))
