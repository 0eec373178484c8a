"""Write a detector's exported form beside its weights, and its sha256 into their card."""

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # noqa: F401  what torch writes the form with: missing, it is to be missed before hours of training
import onnxruntime  # noqa: F401
import torch

from whalepipe.errors import WeightsError
from whalepipe.files import aside, digest, write_aside
from whalepipe.models.detector import STRIDE, Network, TorchNetwork, load_model
from whalepipe.models.exported import ENDING, INPUT, KEY, OUTPUT, Exported
from whalepipe.models.weights import Weights

OPSET = 17
TOLERANCE = 0.1  # pixels and confidence: how far the two forms may differ on any prediction


class _OfPicture(torch.nn.Module):
    """The model, from the picture's own bytes on: (1, height, width, 3) uint8 RGB."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        predictions: torch.Tensor = self.model(picture.permute(0, 3, 1, 2).float() / 255)
        return predictions


def export_detector(weights: Weights) -> Weights:
    """Write NAME.onnx beside NAME.pt, for pictures of every shape, and name it in the card. Returns the weights so.

    Raises WeightsError where it does not give the predictions of the weights, StorageError.
    """
    path = weights.path.with_suffix(ENDING)
    with aside(path) as temporary:
        _export(weights, temporary)
        made = Weights(temporary, digest(temporary), {})
        _compare(TorchNetwork(load_model(weights)), Exported(made), path)
    card = {**weights.card, KEY: {"sha256": made.digest}}
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    write_aside(weights.path.with_suffix(".json"), text.encode())
    return replace(weights, card=card)


def _export(weights: Weights, path: Path) -> None:
    model = load_model(weights)
    head = model.model[-1]
    head.export = head.dynamic = True  # Ultralytics' own: predictions alone, and their places from the picture's shape
    picture = torch.zeros((1, 2 * STRIDE, 3 * STRIDE, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch recommends its newer exporter, which needs one package more
        torch.onnx.export(
            _OfPicture(model), (picture,), str(path), input_names=[INPUT], output_names=[OUTPUT],
            dynamic_axes={INPUT: {1: "height", 2: "width"}, OUTPUT: {2: "places"}}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip


def _compare(own: Network, exported: Network, path: Path) -> None:
    """On noise of two shapes, neither of them the one that it was traced with."""
    for shape in ((5 * STRIDE, 2 * STRIDE, 3), (STRIDE, 7 * STRIDE, 3)):
        picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        right, given = own(picture), exported(picture)
        apart = float(np.abs(right - given).max()) if right.shape == given.shape else math.inf
        if not apart < TOLERANCE:
            raise WeightsError(f"{path}: differs from the weights by {apart:.2g}; the exporter does not know them")
