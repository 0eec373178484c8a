"""A sea that is a flat colour, animals that are squares, and models that know just these.

The fake detector finds every reddish patch (a dorsal fin) and every whitish one (a fluke). The shade of green in a
patch says which animal it is: the fake embedder gives a unit vector for each shade. `python -m tests.fakes ARGS` is
`whalepipe ARGS` with these models, for tests that need a process of its own.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whalepipe.config import DetectConfig
from whalepipe.files import digest
from whalepipe.models.detector import Box
from whalepipe.models.embedder import Look
from whalepipe.models.grade import Verdict
from whalepipe.models.tighten import Tightener
from whalepipe.models.weights import Weights

Pixels = NDArray[np.uint8]
SEA = (20, 60, 110)
DIMENSION = 8


@dataclass(frozen=True)
class Animal:
    """A patch from (xmin, ymin) to (xmax, ymax); `shade`, 0 to 7, says who it is."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int
    shade: int = 0
    part: str = "dorsal_fin"


@dataclass
class Calls:
    """How often the models were loaded and asked."""

    loaded: list[str] = field(default_factory=list)
    detected: int = 0
    embedded: int = 0
    marked: int = 0


CALLS = Calls()


def sea(*animals: Animal, width: int = 240, height: int = 160) -> Pixels:
    """A picture, (height, width, 3) uint8 RGB, with these animals."""
    picture = np.full((height, width, 3), SEA, dtype=np.uint8)
    for a in animals:
        patch = picture[a.ymin : a.ymax, a.xmin : a.xmax]
        patch[:] = (220, 20 * a.shade, 30) if a.part == "dorsal_fin" else (220, 20 * a.shade, 230)
        patch[::8, :, :] = patch[::8, :, :] // 2  # stripes, so that it is sharp
    return picture


def painted(shade: int, seed: int, width: int = 72, height: int = 64) -> Pixels:
    """A crop of the animal of that shade, on a ground that the seed paints: no two look nearly the same."""
    crop = sea(Animal(0, 0, width, height, shade), width=width, height=height)
    cells = np.random.default_rng(seed).integers(60, 255, (8, 9)).astype(np.uint8)
    crop[..., 0] = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    return crop


def save(path: Path, picture: Pixels, **options: Any) -> Path:
    """Write a picture in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        options = {"quality": 95, "subsampling": 0, **options}
    Image.fromarray(picture).save(path, **options)
    return path


class Detector:
    """Finds reddish patches."""

    parts = ("fluke", "dorsal_fin")

    def __init__(
        self,
        weights: Weights,  # noqa: ARG002
        device: str = "cpu",  # noqa: ARG002
        exported: Weights | None = None,  # noqa: ARG002
        tightener: Tightener | None = None,  # noqa: ARG002
    ) -> None:
        CALLS.loaded.append("detector")

    def __call__(self, image: Pixels, config: DetectConfig, read: object = None) -> list[Box]:  # noqa: ARG002
        CALLS.detected += 1
        time.sleep(DELAY_S)
        red = ((image[..., 0] > 85) & (image[..., 0].astype(int) > image[..., 1])).astype(np.uint8)
        height, width = red.shape
        boxes = []
        _, _, stats, centroids = cv2.connectedComponentsWithStats(red)
        for (x, y, w, h, area), (cx, cy) in list(zip(stats, centroids, strict=True))[1:]:
            if area < 16:
                continue
            part = "fluke" if image[int(cy), int(cx), 2] > 85 else "dorsal_fin"
            corners = x / width, y / height, (x + w) / width, (y + h) / height
            boxes.append(Box(part, *(round(float(c), 5) for c in corners), confidence=0.9))
        return boxes


class Embedder:
    """Tells the shade of the patch."""

    def __init__(self, weights: Weights, device: str = "cpu", exported: Weights | None = None) -> None:  # noqa: ARG002
        CALLS.loaded.append("embedder")
        self.digest = weights.digest

    def __call__(self, crop: Pixels) -> NDArray[np.float32]:
        return self.look(crop).vector

    def look(self, crop: Pixels) -> Look:
        CALLS.embedded += 1
        time.sleep(DELAY_S)
        inner = crop[crop.shape[0] // 4 : -crop.shape[0] // 4 or None, crop.shape[1] // 4 : -crop.shape[1] // 4 or None]
        shade = round(float(np.percentile(inner[..., 1], 80)) / 20)
        vector = np.zeros(DIMENSION, dtype=np.float32)
        vector[min(max(shade, 0), DIMENSION - 1)] = 1.0
        return Look(vector, 1.0)


class Sides:
    """Sees a fin of shade 7 from the left, and no other."""

    method = "fake"

    def __init__(self, weights: Weights, device: str = "cpu", exported: Weights | None = None) -> None:  # noqa: ARG002
        self.weights, self.exported = weights, exported

    def __call__(self, crop: Pixels) -> float | None:
        return 0.95 if np.percentile(crop[..., 1], 80) > 130 else None


class Distinctiveness:
    """Finds a fin of shade 2 well marked, and no edge of another."""

    method = "fake"

    def __init__(self, weights: Weights, device: str = "cpu", exported: Weights | None = None) -> None:  # noqa: ARG002
        self.weights, self.exported = weights, exported

    def __call__(self, crop: Pixels) -> float | None:
        CALLS.marked += 1
        inner = crop[crop.shape[0] // 4 : -crop.shape[0] // 4, crop.shape[1] // 4 : -crop.shape[1] // 4]
        return 0.75 if round(float(np.percentile(inner[..., 1], 80)) / 20) == 2 else None


class Cuts:
    """Tells of no animal how it meets the frame."""

    method = "fake"

    def __init__(self, weights: Weights, device: str = "cpu", exported: Weights | None = None) -> None:  # noqa: ARG002
        self.weights, self.exported = weights, exported

    def __call__(self, part: str, crop: Pixels, box: Sequence[float]) -> None:
        """Nothing."""


class Grader:
    """Finds no fault, and finds what is hardly there blurred."""

    def __init__(self, weights: Weights, embedder: str) -> None:  # noqa: ARG002
        CALLS.loaded.append("quality")
        self.digest = weights.digest

    def hidden(self, part: str, vector: NDArray[np.float32]) -> float | None:  # noqa: ARG002
        return None

    def __call__(self, measures: Mapping[str, float], part: str) -> Verdict:  # noqa: ARG002
        return Verdict(0.9 if measures["sharpness"] >= 0.1 else 0.1, {"focus": 1.0})


DELAY_S = 0.0
CARDS = {
    "detector": {"kind": "detector", "parts": ["fluke", "dorsal_fin"]},
    "silhouette": {"kind": "silhouette"},
    "quality": {"kind": "quality", "kept": {"any": {"0.98": 0.5}}},
    "embedder": {"kind": "embedder", "calibration": {"default": {"slope": 20.0, "intercept": -10.0}}},
}


def install(folder: Path, patch: Callable[[str, Any], None], flavour: bytes = b"1") -> Calls:
    """Put the fakes in the place of the models and write weights files for them. Resets the counts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, card in CARDS.items():
        path = folder / f"{name}.pt"
        path.write_bytes(name.encode() + flavour)
        path.with_suffix(".json").write_text(json.dumps({**card, "sha256": digest(path)}))
    patch("whalepipe.models.weights.shipped_folder", lambda: folder)
    patch("whalepipe.models.detector.Detector", Detector)
    patch("whalepipe.models.embedder.Embedder", Embedder)
    patch("whalepipe.models.side.Sides", Sides)
    patch("whalepipe.models.distinctive.Distinctiveness", Distinctiveness)
    patch("whalepipe.models.cut.Cuts", Cuts)
    patch("whalepipe.instruments.Grader", Grader)
    CALLS.loaded.clear()
    CALLS.detected = CALLS.embedded = CALLS.marked = 0
    return CALLS


def _main() -> None:
    """`python -m tests.fakes WEIGHTS_FOLDER DELAY_S ARGS...`."""
    import importlib

    global DELAY_S
    folder, DELAY_S = Path(sys.argv[1]), float(sys.argv[2])
    sys.argv = ["whalepipe", *sys.argv[3:]]

    def patch(name: str, value: Any) -> None:
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)

    install(folder, patch)
    from whalepipe.cli import main

    main()


if __name__ == "__main__":
    _main()


def again(calls: Calls) -> Calls:
    """Count from nought."""
    calls.loaded.clear()
    calls.detected = calls.embedded = calls.marked = 0
    return calls


def counted(calls: Calls) -> tuple[list[str], int, int]:
    return calls.loaded, calls.detected, calls.embedded
