"""What a detector's training begins with: weights of ours, tensors alone, or a checkpoint as Ultralytics writes it.

Such a checkpoint is a pickle of a whole model. None of its classes is ever made: torch's restricted unpickler, which
knows tensors and plain containers, is given hollow classes under their names, which take no argument, run nothing and
keep what is put into them; the tensors are then read out of these. A file that asks for any other name is refused.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from whalepipe.errors import WeightsError
from whalepipe.models.detector import STRIDE, build_model, import_ultralytics
from whalepipe.models.weights import Weights, load_state, read_card

if TYPE_CHECKING:
    import torch

ARCHITECTURE = "yolov5n.yaml"  # of a training that begins with nothing, or with tensors alone
LAYERS = ("conv", "block", "head", "transformer", "activation", "utils")  # rooms of ultralytics.nn.modules
SETTINGS = ("types.SimpleNamespace", "ultralytics.utils.IterableSimpleNamespace")
HEADS = ("Detect", "v10Detect")  # whose predictions are boxes and scores alone
LEAST_FITTING = 0.5  # of a model's tensors that a base must fill: else it is one of another model


@dataclass(frozen=True)
class Base:
    """Tensors by name, and the YAML file of Ultralytics' that they belong to, as far as the file or its card says."""

    state: "dict[str, torch.Tensor]" = field(default_factory=dict)
    architecture: str = ""
    digest: str = ""  # sha256 of the file, hex


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
    digest = hashlib.sha256(data).hexdigest()
    if _is_checkpoint(data):
        return _checkpoint(path, data, digest)
    return Base(load_state(Weights(path, digest, {})), _on_card(path.with_suffix(".json"), digest), digest)


def architecture(asked: str, base: Base) -> str:
    """The YAML file to train: the one asked for, or the base's, or yolov5n.yaml.

    Raises WeightsError where Ultralytics does not know it, where it gives more than boxes, where it sees another number
    of pixels as one cell than the pipeline reckons with, or where the base is of another one.
    """
    name = asked or base.architecture or ARCHITECTURE
    model: Any = build_model(name, 1)
    if type(model.model[-1]).__name__ not in HEADS:
        raise WeightsError(f"{name}: no architecture of a detector of boxes alone")
    if float(model.stride.max()) != STRIDE:
        raise WeightsError(f"{name}: its coarsest cell has {float(model.stride.max()):g} pixels, not {STRIDE}")
    own = model.state_dict()
    fits = sum(1 for key, tensor in base.state.items() if key in own and own[key].shape == tensor.shape)
    if base.state and fits < LEAST_FITTING * len(own):
        raise WeightsError(f"only {fits} of the {len(own)} tensors of {name} are in the base; name its --architecture")
    return name


def _on_card(card: Path, digest: str) -> str:
    """What the card beside weights of ours says of their architecture; empty where there is none."""
    try:
        said = read_card(card)
    except WeightsError:
        return ""
    return str(said.get("architecture", "")) if said.get("sha256") == digest else ""


def _is_checkpoint(data: bytes) -> bool:
    """Whether a file's pickle names Ultralytics."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            pickles = [name for name in whole.namelist() if PurePath(name).name == "data.pkl"]
            return any(b"ultralytics" in whole.read(name) for name in pickles)
    except Exception:  # encrypted, damaged, compressed in an unknown way: torch says what it thinks of it
        return False


def _checkpoint(path: Path, data: bytes, digest: str) -> Base:
    import torch

    with torch.serialization.safe_globals([_hollow(name) for name in _layers()]):
        try:
            whole = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            model = vars(whole.get("ema") or whole["model"])
            state = {k: v.float() if v.is_floating_point() else v for k, v in _tensors(model, "")}
            return Base(state, PurePath(str(model.get("yaml", {}).get("yaml_file", ""))).name, digest)
        except Exception as error:  # torch raises many kinds for a bad file
            cause = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"{path}: a checkpoint of Ultralytics' that cannot be opened safely ({cause}). If you trust it, save "
                "its tensors alone: torch.save(YOLO(file).model.state_dict(), 'base.pt'), and name --architecture"
            ) from error


def _tensors(module: dict[str, Any], before: str) -> "Iterator[tuple[str, torch.Tensor]]":
    """The parameters and buffers of a hollow module, given as its attributes, and of those in it, by their names."""
    import torch

    for name, tensor in [*module.get("_parameters", {}).items(), *module.get("_buffers", {}).items()]:
        if isinstance(tensor, torch.Tensor):
            yield before + name, tensor.detach()
    for name, inner in module.get("_modules", {}).items():
        if inner is not None:
            yield from _tensors(vars(inner), f"{before}{name}.")


def _hollow(name: str) -> type:
    """A class that stands for the one of this name: made without arguments, it runs nothing and holds attributes."""

    def made(kind: type, *given: object, **more: object) -> object:
        if given or more:
            raise ValueError(f"{name} is asked to run with what the file gives it")
        return object.__new__(kind)

    room, _, own = name.rpartition(".")
    return type(own, (), {"__module__": room, "__qualname__": own, "__new__": made})


def _layers() -> list[str]:
    """The names of the classes that a checkpoint may be made of: layers, and what holds settings."""
    import torch

    rooms = [import_ultralytics(f"ultralytics.nn.modules.{name}") for name in LAYERS]
    layers = {kind for room in (torch.nn, import_ultralytics("ultralytics.nn.tasks"), *rooms) for kind in _kinds(room)}
    return sorted({f"{kind.__module__}.{kind.__qualname__}" for kind in layers} | set(SETTINGS))


def _kinds(room: ModuleType) -> list[type]:
    import torch

    kinds = [kind for kind in vars(room).values() if isinstance(kind, type) and issubclass(kind, torch.nn.Module)]
    return [kind for kind in kinds if not issubclass(kind, torch.nn.Parameter)]
