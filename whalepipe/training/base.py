"""What a detector's training begins with: weights of ours, tensors alone, or a checkpoint as Ultralytics writes it.

Such a checkpoint is a pickle of a whole model. It is opened with torch's restricted unpickler, to which the layers of
torch and Ultralytics are named as harmless: a file that asks for anything else is refused before any of it runs.
"""

import hashlib
import io
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from whalepipe.errors import WeightsError
from whalepipe.models.detector import STRIDE, build_model, import_ultralytics
from whalepipe.models.weights import Weights, load_state

if TYPE_CHECKING:
    import torch

ARCHITECTURE = "yolov5n.yaml"  # of a training that begins with nothing, or with tensors alone
LAYERS = ("conv", "block", "head", "transformer", "activation", "utils")  # rooms of ultralytics.nn.modules


@dataclass(frozen=True)
class Base:
    """Tensors by name, and the YAML file of Ultralytics' that they belong to, as far as the file says."""

    state: "dict[str, torch.Tensor]" = field(default_factory=dict)
    architecture: str = ""


def load_base(path: Path | None) -> Base:
    """Read a file of tensors or an Ultralytics checkpoint; an empty base where there is none.

    Raises WeightsError where it cannot be read, is neither, or asks for code that is no layer of a network.
    """
    if path is None:
        return Base()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: the base cannot be read ({error.strerror})") from error
    if _is_checkpoint(data):
        return _checkpoint(path, data)
    return Base(load_state(Weights(path, hashlib.sha256(data).hexdigest(), {})))


def architecture(asked: str, base: Base) -> str:
    """The YAML file to train: the one asked for, or the base's, or yolov5n.yaml.

    Raises WeightsError where Ultralytics does not know it, where it is no detector, or where it sees another number
    of pixels as one cell than the pipeline reckons with.
    """
    name = asked or base.architecture or ARCHITECTURE
    model: Any = build_model(name, 1)
    if float(model.stride.max()) != STRIDE:
        raise WeightsError(f"{name}: its coarsest cell has {float(model.stride.max()):g} pixels, not {STRIDE}")
    return name


def _is_checkpoint(data: bytes) -> bool:
    """Whether a file's pickle names Ultralytics."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            pickles = [name for name in whole.namelist() if PurePath(name).name == "data.pkl"]
            return any(b"ultralytics" in whole.read(name) for name in pickles)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError):
        return False


def _checkpoint(path: Path, data: bytes) -> Base:
    import torch

    with torch.serialization.safe_globals(_harmless()):
        try:
            whole = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            model = whole.get("ema") or whole["model"]
            state = {k: v.float() if v.is_floating_point() else v for k, v in model.state_dict().items()}
            return Base(state, PurePath(str(model.yaml.get("yaml_file", ""))).name)
        except Exception as error:  # torch raises many kinds for a bad file
            cause = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"{path}: a checkpoint of Ultralytics' that cannot be opened safely ({cause}). If you trust it, save "
                "its tensors alone: torch.save(YOLO(file).model.state_dict(), 'base.pt'), and name --architecture"
            ) from error


def _harmless() -> list[Any]:
    """The classes that a checkpoint may be made of: layers, and what holds settings."""
    import torch

    rooms = [import_ultralytics(f"ultralytics.nn.modules.{name}") for name in LAYERS]
    tasks, utils = import_ultralytics("ultralytics.nn.tasks"), import_ultralytics("ultralytics.utils")
    layers = {kind for room in (torch.nn, tasks, *rooms) for kind in _layers(room)}
    return [*layers, OrderedDict, SimpleNamespace, utils.IterableSimpleNamespace, set]


def _layers(room: ModuleType) -> list[type]:
    import torch

    return [kind for kind in vars(room).values() if isinstance(kind, type) and issubclass(kind, torch.nn.Module)]
