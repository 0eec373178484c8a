"""Makes the exported form of weights (exported.py), for a processor, where torch and onnx are there to make it."""

import json
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # noqa: F401
import torch

from whalepipe.errors import WeightsError
from whalepipe.files import aside, digest, write_aside
from whalepipe.models.detector import STRIDE, load_model, prepared
from whalepipe.models.embedder import Embedder, Voter, load_voters, normalised
from whalepipe.models.exported import ENDING, KEY, Exported
from whalepipe.models.network import Network, TorchNetwork
from whalepipe.models.silhouette import SHAPE, load_network
from whalepipe.models.weights import Weights

OPSET = 17
INPUT, OUTPUT = "picture", "predictions"
VECTORS_APART = 1e-4  # how far the two forms of an embedder may differ in any number of a vector
TOLERANCE = 0.1  # pixels and confidence, or log odds: how far the two forms may differ in any number


class _OfPicture(torch.nn.Module):
    """The model, from the picture's own bytes on: (1, height, width, 3) uint8 RGB."""

    def __init__(self, model: Any, prepared: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.model, self.prepared = model, prepared

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.model(self.prepared(picture))
        return out


def export_weights(weights: Weights) -> Weights:
    """Write NAME.onnx beside NAME.pt, and name it in the card. Returns the weights so.

    Raises WeightsError where it does not say what the weights say, StorageError.
    """
    made = make_form(weights, weights.path.with_suffix(ENDING))
    card = {**weights.card, KEY: {"sha256": made.digest}}
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    write_aside(weights.path.with_suffix(".json"), text.encode())
    return replace(weights, card=card)


def make_form(weights: Weights, path: Path) -> Weights:
    """Write the exported form of weights to `path`, once it is found to say what they say. Raises as above."""
    return MAKERS[weights.card["kind"]](weights, path)


def _of_detector(weights: Weights, path: Path) -> Weights:
    """For pictures of every shape."""
    model = load_model(weights)
    head = model.model[-1]
    head.export = head.dynamic = True  # Ultralytics' own: predictions alone, and their places from the picture's shape
    whole = _OfPicture(model, prepared)
    free = {INPUT: {1: "height", 2: "width"}, OUTPUT: {2: "places"}}
    # Compared with two shapes, neither of them the one that it is traced with.
    shapes = ((5 * STRIDE, 2 * STRIDE, 3), (STRIDE, 7 * STRIDE, 3))
    own = TorchNetwork(load_model(weights), prepared)
    return _written(path, whole, (2 * STRIDE, 3 * STRIDE, 3), free, own, shapes)


def _of_silhouette(weights: Weights, path: Path) -> Weights:
    """For pictures of its SHAPE."""
    whole, shape = _OfPicture(load_network(weights), normalised), (SHAPE[1], SHAPE[0], 3)
    own = TorchNetwork(load_network(weights), normalised)
    return _written(path, whole, shape, {}, own, (shape,))


def _of_embedder(weights: Weights, path: Path) -> Weights:
    """All its networks in one file, given the crop at each size, the smallest first.

    Its numbers stay in 16 bits, as in the weights, and take no more room.
    """
    voters = load_voters(weights)
    sizes = sorted({size for voter in voters for size in voter.sizes})
    whole, places = _EveryLook(voters, sizes), [f"{INPUT}_{size}" for size in sizes]
    with aside(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole.eval(), tuple(torch.zeros((1, size, size, 3), dtype=torch.uint8) for size in sizes), str(temporary),
            input_names=places, output_names=[OUTPUT], opset_version=OPSET, dynamo=False, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
        _halve(temporary)
        made = Weights(temporary, digest(temporary), {})
        _compare_vectors(weights, made, path)
    return replace(made, path=path)


MAKERS: dict[str, Callable[[Weights, Path], Weights]] = {
    "detector": _of_detector,
    "silhouette": _of_silhouette,
    "embedder": _of_embedder,
}


class _EveryLook(torch.nn.Module):
    """What each network says of a crop at each of its sizes, one after the other: (1, all dimensions)."""

    def __init__(self, voters: Sequence[Voter], sizes: Sequence[int]) -> None:
        super().__init__()
        self.networks = torch.nn.ModuleList(voter.network for voter in voters)
        self.looks = [[sizes.index(size) for size in voter.sizes] for voter in voters]

    def forward(self, *pictures: torch.Tensor) -> torch.Tensor:
        seen = [normalised(picture) for picture in pictures]
        said = [
            network(seen[place], look)
            for network, places in zip(self.networks, self.looks, strict=True)
            for look, place in enumerate(places)
        ]
        return torch.cat(said, dim=1)


def _halve(path: Path) -> None:
    """Keep the numbers of a network that 16 bits hold in 16 bits; what runs it makes them 32 when it loads them."""
    model = onnx.load(path)
    casts = []
    for number, tensor in enumerate(model.graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if values.dtype == np.float32 and np.array_equal(halves.astype(np.float32), values):
            casts.append(onnx.helper.make_node("Cast", [f"half_{number}"], [tensor.name], to=onnx.TensorProto.FLOAT))
            tensor.CopyFrom(onnx.numpy_helper.from_array(halves, f"half_{number}"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def _compare_vectors(weights: Weights, made: Weights, path: Path) -> None:
    """On noise."""
    crop = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    right, given = (Embedder(weights, exported=form)(crop) for form in (None, made))
    apart = float(np.abs(right - given).max())
    if not apart < VECTORS_APART:
        raise WeightsError(f"{path}: its vectors differ from those of the weights by {apart:.2g}")


def _written(
    path: Path,
    whole: torch.nn.Module,
    traced: tuple[int, ...],
    free: dict[str, dict[int, str]],
    own: Network,
    shapes: Sequence[tuple[int, ...]],
) -> Weights:
    with aside(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch recommends its newer exporter, which needs one package more
        torch.onnx.export(
            whole.eval(), (torch.zeros((1, *traced), dtype=torch.uint8),), str(temporary), input_names=[INPUT],
            output_names=[OUTPUT], dynamic_axes=free, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
        made = Weights(temporary, digest(temporary), {})
        _compare(own, Exported(made), shapes, path)
    return replace(made, path=path)


def _compare(own: Network, exported: Network, shapes: Sequence[tuple[int, ...]], path: Path) -> None:
    """On noise."""
    for shape in shapes:
        picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        right, given = own(picture), exported(picture)
        apart = float(np.abs(right - given).max()) if right.shape == given.shape else math.inf
        if not apart < TOLERANCE:
            raise WeightsError(f"{path}: differs from the weights by {apart:.2g}; the exporter does not know them")
