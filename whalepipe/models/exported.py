"""The exported form of weights, NAME.onnx beside NAME.pt: ONNX Runtime runs it faster than torch does, without it.

Its sha256 stands in the card of the weights that it was made from (training/export.py), so it is never another's.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.errors import ConfigError, WeightsError
from whalepipe.files import digest, write_aside
from whalepipe.models.device import may_have_gpu, threads_each
from whalepipe.models.weights import Weights

ENDING = ".onnx"
KEY = "exported"  # in the card: {"sha256": ...}
INPUT, OUTPUT = "picture", "predictions"
RUNTIME = "onnxruntime"


def find_exported(weights: Weights, backend: str, device: str) -> Weights | None:
    """The form that runs in place of weights' own tensors (`DetectConfig.backend`); None where torch runs those.

    `auto` takes it wherever it is there and can run, but not where a graphics processor is to be used or may be found.
    Raises WeightsError where it is asked for and missing, or differs from its card, ConfigError without ONNX Runtime.
    """
    path = weights.path.with_suffix(ENDING)
    named = weights.card.get(KEY)
    installed = importlib.util.find_spec(RUNTIME) is not None
    here = isinstance(named, dict) and path.is_file()
    on_processor = device == "cpu" or (device == "auto" and not may_have_gpu())
    if backend == "torch" or (backend == "auto" and not (here and installed and on_processor)):
        return None
    if not here or not isinstance(named, dict):
        raise WeightsError(f"{weights.path}: has no exported form; set detect.backend=torch")
    if not installed:
        raise ConfigError("detect.backend=onnx needs the package 'onnxruntime': pip install 'whalepipe[fast]'")
    return _checked(path, named.get("sha256"))


def _checked(path: Path, expected: object) -> Weights:
    try:
        found = digest(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if found != expected:
        raise WeightsError(f"{path}: damaged or replaced, not the file that its card names; restore it")
    return Weights(path, found, {})


def keep_exported(weights: Weights, made: Weights) -> None:
    """Put the exported form of weights beside the same weights under another card. Raises StorageError."""
    path = weights.path.with_suffix(ENDING)
    if KEY in made.card and path.is_file():
        write_aside(made.path.with_suffix(ENDING), path.read_bytes())


class Exported:
    """An exported network. Always on the processor. Raises WeightsError where the file is none."""

    def __init__(self, weights: Weights) -> None:
        import onnxruntime

        data = weights.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != weights.digest:
            raise WeightsError(f"{weights.path}: changed while it was being read; run again")
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads_each()
        options.log_severity_level = 3  # errors, which are raised too
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own kinds, which it does not export
            raise WeightsError(f"{weights.path}: cannot be loaded ({' '.join(str(error).split())[:200]})") from error
        self._inputs = [each.name for each in self._session.get_inputs()]

    def __call__(self, *pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """What the network says of a picture (height, width, 3) uint8 RGB, or of one at each size that it looks at."""
        given = {name: picture[None] for name, picture in zip(self._inputs, pictures, strict=True)}
        [raw] = self._session.run([OUTPUT], given)
        return np.asarray(raw[0], np.float32)
