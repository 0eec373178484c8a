"""What runs the networks how fast, and how far 16 bits are from 32, of the weights that ship.

In turn, medians of processor milliseconds a look: ONNX Runtime, OpenVINO, OpenVINO for just that shape, PyTorch; and
processor seconds to load each; how far the numbers of the first two are apart. With --sixteen instead: boxes of
rendered photos and cosines of their crops, reckoned in 16 bits, as on CUDA, but on the processor, which takes minutes.

Usage: OMP_NUM_THREADS=1 PYTHONPATH=. python scripts/backends_trial.py [--looks 9] [--sixteen]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from whalepipe.config import DetectConfig
from whalepipe.models import gpu
from whalepipe.models.detector import Detector, load_model, prepared
from whalepipe.models.embedder import Embedder
from whalepipe.models.exported import Exported, Form, find_exported
from whalepipe.models.gpu import OnGpu, in_all_digits
from whalepipe.models.inputs import normalised
from whalepipe.models.network import Network, TorchNetwork
from whalepipe.models.runtimes import import_openvino
from whalepipe.models.silhouette import load_network
from whalepipe.models.weights import Weights, find_weights
from whalepipe.photos import read_photo

SHAPES = {
    "detector": [[(640, 960, 3)], [(448, 640, 3)], [(320, 480, 3)]],
    "embedder": [[(192, 192, 3), (256, 256, 3)]],
    "silhouette": [[(160, 224, 3)]],
}
PHOTOS = Path(__file__).resolve().parent.parent / "labels" / "rendered" / "photos"


def for_one_shape(form: Form, shape: tuple[int, ...]) -> Network:
    """OpenVINO with the shape of the picture fixed."""
    core = import_openvino().Core()
    model = core.read_model(form.path.read_bytes())
    model.reshape([1, *shape])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda picture: np.array(request.infer([picture[None]])[0])[0]


def by_torch(kind: str, weights: Weights) -> Callable[..., object]:
    """As torch runs the weights."""
    if kind == "embedder":
        embedder = Embedder(weights)
        return lambda *pictures: embedder(pictures[-1])
    network, first = (load_model(weights), prepared) if kind == "detector" else (load_network(weights), normalised)
    return TorchNetwork(network, first)


def loaded(make: Callable[[], Callable[..., object]]) -> tuple[Callable[..., object], float]:
    """What is made, and the processor seconds that it took."""
    begun = time.process_time()
    made = make()
    return made, time.process_time() - begun


def compare(kind: str, looks: int) -> None:
    """Print what each takes for one network."""
    weights = find_weights(kind, kind)
    onnx, openvino = (find_exported(weights, backend, "cpu") for backend in ("onnx", "openvino"))
    made = {
        "onnx": loaded(lambda: Exported(onnx)),
        "openvino": loaded(lambda: Exported(openvino)),
        "torch": loaded(lambda: by_torch(kind, weights)),
    }
    for shapes in SHAPES[kind]:
        if kind == "detector":
            made["openvino, one shape"] = loaded(lambda: for_one_shape(openvino, shapes[0]))  # noqa: B023
        pictures = [np.random.default_rng(0).integers(0, 256, shape, np.uint8) for shape in shapes]
        took: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(looks + 1):
            for name, (network, _) in made.items():
                begun = time.process_time()
                network(*pictures)
                took[name].append(1000 * (time.process_time() - begun))
        usual = median(took["onnx"][1:])
        first, second = (np.asarray(made[name][0](*pictures)) for name in ("onnx", "openvino"))
        print(f"{kind} {shapes}: onnx and openvino are {np.abs(first - second).max():.2g} apart at most")
        for name, (_, load) in made.items():
            this = median(took[name][1:])
            print(f"{kind} {shapes}: {name} {this:.1f} ms, {this / usual:.2f} of onnx; loaded in {load:.2f} s")


def sixteen() -> None:
    """Print how far boxes and cosines move."""
    gpu.in_fewer_digits = lambda _: torch.autocast("cpu", dtype=torch.float16)
    weights, config = find_weights("detector", "detector"), DetectConfig(tighten="none")
    network = load_model(weights)
    in_all_digits(network.model[-1])
    own, other = Detector(weights), Detector(weights)
    other._several = OnGpu(network, prepared, "cpu").several
    embedder, crops, corners, confidences = Embedder(find_weights("embedder", "embedder")), [], [0.0], [0.0]
    for path in sorted(PHOTOS.glob("*.jpg")):
        photo = read_photo(path, config.size)
        boxes, others = own(photo, config), other(photo, config)
        assert [b.part for b in boxes] == [b.part for b in others], path
        for box, near in zip(boxes, others, strict=True):
            ends = [np.array([b.xmin, b.ymin, b.xmax, b.ymax]) for b in (box, near)]
            corners.append(float(np.abs(ends[0] - ends[1]).max()) * config.size)
            confidences.append(abs(box.confidence - near.confidence))
            left, top, right, bottom = (ends[0] * np.tile(photo.shape[1::-1], 2)).astype(int)
            crops.append(photo[top:bottom, left:right])
    whole = np.array([embedder(crop) for crop in crops])
    with gpu.in_fewer_digits("cuda"):
        half = np.array([embedder(crop) for crop in crops])
    print(f"{len(crops)} boxes: corners move by {max(corners):.2f} pixels of {config.size}, confidences by", end=" ")
    print(f"{max(confidences):.4f}; cosines by {np.abs(whole @ whole.T - half @ half.T).max():.4f} at most")


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=9)
    parser.add_argument("--sixteen", action="store_true")
    given = parser.parse_args()
    if given.sixteen:
        sixteen()
        return
    for kind in SHAPES:
        compare(kind, given.looks)


if __name__ == "__main__":
    main()
