"""The tensors of a weights file as numpy's arrays, without torch, which takes seconds to start.

A file of torch.save is a ZIP archive: `data.pkl` names the tensors and where in the other files their numbers lie. The
pickle is read by a reader that knows nothing but that, so that, as with torch's `weights_only`, no code runs.
"""

import hashlib
import io
import math
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.weights import Weights

KINDS = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}

Array = npt.NDArray[Any]


def load_arrays(weights: Weights) -> dict[str, Array]:
    """The tensors of a weights file, those of 16 bits as 32-bit floats. Raises WeightsError where they are none."""
    data = weights.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != weights.digest:
        raise WeightsError(f"{weights.path}: changed while it was being read; run again")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _Reader(archive).load()
        return {name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in found.items()}
    except Exception as error:  # pickle raises many kinds for a bad file
        raise WeightsError(f"{weights.path}: cannot be loaded ({error})") from error


class _Reader(pickle.Unpickler):
    """Reads the names and places of tensors, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        [names] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        self._folder = names.removesuffix("data.pkl")
        if archive.read(f"{self._folder}byteorder") != b"little":
            raise ValueError("its numbers begin with the highest byte")
        super().__init__(io.BytesIO(archive.read(names)))

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in KINDS:
            return KINDS[name]
        known = {("torch._utils", "_rebuild_tensor_v2"): _tensor, ("collections", "OrderedDict"): OrderedDict}
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no tensor")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Array:
        _, kind, key, _, _ = pid
        return np.frombuffer(self._archive.read(f"{self._folder}data/{int(key)}"), dtype=kind)


def _tensor(numbers: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Array:
    whole = tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
    if any(own != right for own, right, length in zip(strides, whole, shape, strict=True) if length > 1):
        raise ValueError("a tensor in it does not lie in one piece")
    return numbers[offset : offset + math.prod(shape)].reshape(shape)
