"""The exported form of weights, NAME.onnx beside NAME.pt: it runs faster than torch runs the weights, without torch.

Its sha256 stands in the card of the weights that it was made from (export.py), so it is never another's. What runs it
is told in runtimes.py. Weights without one get one in the user's cache (kept.py).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.files import digest, write_aside
from whalepipe.models.kept import keep
from whalepipe.models.runtimes import AUTO, NAMES, ONNX, TORCH, open_network, pick_runtime
from whalepipe.models.weights import Weights

ENDING = ".onnx"
KEY = "exported"  # in the card: {"sha256": ...}


@dataclass(frozen=True)
class Form(Weights):
    """An exported form, and what runs it."""

    runtime: str = ONNX

    @property
    def cause(self) -> str:
        """Hex, of what runs: it changes with the numbers that come out, for each runtime rounds in its own way."""
        told = f"{self.runtime} {self.digest}"
        return self.digest if self.runtime == ONNX else hashlib.sha256(told.encode()).hexdigest()


def find_exported(weights: Weights, backend: str, device: str, needed: bool = True) -> Form | None:
    """The form that runs in place of weights' own tensors (`DetectConfig.backend`); None where torch runs those.

    `auto` takes one wherever one is there or can be made, and can run, but not where a graphics processor is to be used
    or may be found. Where a backend is named and there is no form, torch runs too, unless it is `needed`: then
    WeightsError says so. Raises WeightsError also where a form differs from its card, ConfigError where what is to run
    it is not installed.
    """
    runtime = pick_runtime(backend, device)
    if runtime == TORCH:
        return None
    path, named = weights.path.with_suffix(ENDING), weights.card.get(KEY)
    if isinstance(named, dict) and path.is_file():
        return Form(path, _checked(path, named.get("sha256")), {}, runtime=runtime)
    made = keep(weights)
    if made:
        return Form(made.path, made.digest, {}, runtime=runtime)
    if needed and backend != AUTO:
        raise WeightsError(f"{weights.path}: has no exported form; set detect.backend=torch")
    return None


def runs_by(form: Form | None, device: str) -> str:
    """What runs a network, in words; `device` is where it runs without a form."""
    return NAMES[form.runtime] if form else NAMES[TORCH].format(device)


def _checked(path: Path, expected: object) -> str:
    try:
        found = digest(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if found != expected:
        raise WeightsError(f"{path}: damaged or replaced, not the file that its card names; restore it")
    return found


def keep_exported(weights: Weights, made: Weights) -> None:
    """Put the exported form of weights beside the same weights under another card. Raises StorageError."""
    path = weights.path.with_suffix(ENDING)
    if KEY in made.card and path.is_file():
        write_aside(made.path.with_suffix(ENDING), path.read_bytes())


class Exported:
    """An exported network. Raises WeightsError where the file is none."""

    def __init__(self, form: Weights) -> None:
        """ONNX Runtime runs it, unless it is a Form that names another runtime."""
        data = form.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != form.digest:
            raise WeightsError(f"{form.path}: changed while it was being read; run again")
        try:
            self._inputs, self._run = open_network(data, form.runtime if isinstance(form, Form) else ONNX)
        except Exception as error:  # of many kinds, which the runtimes do not export
            raise WeightsError(f"{form.path}: cannot be loaded ({' '.join(str(error).split())[:200]})") from error

    def __call__(self, *pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """What the network says of a picture (height, width, 3) uint8 RGB, or of one at each size that it looks at."""
        said: npt.NDArray[np.float32] = self._run({n: p[None] for n, p in zip(self._inputs, pictures, strict=True)})[0]
        return said
