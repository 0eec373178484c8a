"""Tensors read without torch are those that torch reads, and nothing else is read."""

import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import PROJECT
from whalepipe.errors import WeightsError
from whalepipe.files import digest
from whalepipe.models.arrays import load_arrays
from whalepipe.models.weights import Weights, find_weights, load_state, save_weights


@pytest.mark.parametrize("name", ["quality", "species", "silhouette"])
def test_the_shipped_ones_are_as_torch_reads_them(name: str) -> None:
    weights = find_weights(name, name)
    arrays, state = load_arrays(weights), load_state(weights)
    assert arrays.keys() == state.keys() != set()
    for key, tensor in state.items():
        assert arrays[key].dtype == tensor.numpy().dtype and np.array_equal(arrays[key], tensor.numpy()), key


def test_whatever_shape_and_kind(tmp_path: Path) -> None:
    state = {"none": torch.zeros(0, 3), "one": torch.tensor(2.5), "whole": torch.arange(6).reshape(2, 3)}
    found = load_arrays(save_weights(tmp_path / "w.pt", state, {}))
    assert {name: (a.shape, a.tolist()) for name, a in found.items()} == {
        "none": ((0, 3), []), "one": ((), 2.5), "whole": ((2, 3), [[0, 1, 2], [3, 4, 5]]),
    }  # fmt: skip


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as error:
        load_arrays(Weights(path, digest(path), {}))
    return str(error.value)


def test_code_is_not_run_and_what_is_no_tensor_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, (f"open({str(tmp_path / 'run')!r}, 'w')",)

    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", pickle.dumps({"a": Evil()}, protocol=2))
        archive.writestr("w/byteorder", "little")
    assert "eval is no tensor" in refused(path)
    assert not (tmp_path / "run").exists()
    path.write_bytes(b"no archive")
    assert "w.pt: cannot be loaded" in refused(path)
    torch.save({"turned": torch.arange(6).reshape(2, 3).T}, path)
    assert "does not lie in one piece" in refused(path)
    with pytest.raises(WeightsError, match="changed while it was being read"):
        load_arrays(Weights(path, "0" * 64, {}))


def test_torch_stays_out() -> None:
    program = (
        "import sys\nfrom whalepipe.models.arrays import load_arrays\n"
        "from whalepipe.models.weights import find_weights\n"
        "print(len(load_arrays(find_weights('quality', 'quality'))) > 0, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout.split() == ["True", "False"], done.stderr
