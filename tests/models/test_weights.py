import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import as_nobody, open_to_all
from whalepipe.errors import WeightsError
from whalepipe.files import digest
from whalepipe.models.device import pick_device
from whalepipe.models.weights import Weights, find_weights, load_state, save_weights


def placed(folder: Path, data: bytes = b"weights", **card: Any) -> Path:
    path = folder / "w.pt"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps({"kind": "detector", "sha256": digest(path), **card}))
    return path


def test_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = placed(tmp_path, parts=["fluke"])
    assert find_weights(str(path), "detector") == Weights(path, digest(path), find_weights(str(path), "detector").card)
    monkeypatch.setattr("whalepipe.models.weights.shipped_folder", lambda: tmp_path)
    assert find_weights("w", "detector").path == path
    assert find_weights("w", "detector").card["parts"] == ["fluke"]


def test_what_is_not_as_its_card_says_is_refused(tmp_path: Path) -> None:
    path = placed(tmp_path)
    with pytest.raises(WeightsError, match="its card says it is a 'detector', a 'embedder' is needed"):
        find_weights(str(path), "embedder")
    path.write_bytes(b"weightz")
    with pytest.raises(WeightsError, match="damaged or replaced"):
        find_weights(str(path), "detector")
    path.with_suffix(".json").write_bytes(b"\xff")
    with pytest.raises(WeightsError, match="card cannot be read"):
        find_weights(str(path), "detector")


@pytest.mark.parametrize("name", ["none", "", ".", "x" * 300, "a\0b", "../none.pt"])
def test_a_name_of_nothing(name: str) -> None:
    with pytest.raises(WeightsError, match="no weights"):
        find_weights(name, "detector")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = placed(tmp_path)
    path.chmod(0)
    open_to_all(tmp_path)
    with as_nobody(), pytest.raises(WeightsError, match="cannot be read"):
        find_weights(str(path), "detector")


def test_saved_and_loaded_again(tmp_path: Path) -> None:
    import torch

    state = {"a": torch.tensor([0.5, -2.0]), "n": torch.tensor(7)}
    saved = save_weights(tmp_path / "new" / "w.pt", state, {"kind": "embedder", "licence": "ü"})
    found = find_weights(str(tmp_path / "new" / "w.pt"), "embedder")
    assert (found.digest, found.card["licence"]) == (saved.digest, "ü")
    loaded = load_state(found)
    assert loaded["a"].tolist() == [0.5, -2.0]
    assert loaded["a"].dtype == torch.float32
    assert loaded["n"].tolist() == 7


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/whalepipe-was-here"),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("data", [b"", b"garbage", pickle.dumps([1]), pickle.dumps(Evil())], ids=len)
def test_what_holds_no_tensors_is_refused_and_runs_no_code(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_state(find_weights(str(placed(tmp_path, data)), "detector"))
    assert not Path("/tmp/whalepipe-was-here").exists()


def test_a_file_that_changes_between_look_and_load(tmp_path: Path) -> None:
    weights = find_weights(str(placed(tmp_path)), "detector")
    weights.path.write_bytes(b"others")
    with pytest.raises(WeightsError, match="changed while it was being read"):
        load_state(weights)


def test_devices() -> None:
    from whalepipe.errors import ConfigError

    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(ConfigError, match="no device 'toaster'"):
        pick_device("toaster")


def test_numbers_too_large_for_16_bits_are_kept(tmp_path: Path) -> None:
    import torch

    state = {"large": torch.tensor([1.0, 1e6]), "small": torch.tensor([1.0, 2.0]), "whole": torch.tensor([3])}
    saved = load_state(save_weights(tmp_path / "x.pt", state, {"kind": "test"}))
    assert {name: tensor.tolist() for name, tensor in saved.items()} == {
        "large": [1.0, 1e6],
        "small": [1.0, 2.0],
        "whole": [3],
    }
    assert torch.load(tmp_path / "x.pt", weights_only=True)["small"].dtype == torch.float16
