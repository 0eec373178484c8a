"""The detector: a picture in, boxes of flukes and dorsal fins out.

Weights are a plain state dict of an Ultralytics `DetectionModel`; the card names the architecture's YAML file and the
parts in the order of the classes. Ultralytics is imported at the first detector only, and kept from the network and
from the user's home (`import_ultralytics`). Where weights have an exported form (exported.py), another runtime can run
that instead, and neither Ultralytics nor torch is imported.
"""

import atexit
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from whalepipe.config import DetectConfig
from whalepipe.errors import WeightsError
from whalepipe.models.corners import Numbers, long_sides, overlaps
from whalepipe.models.device import pick_device
from whalepipe.models.exported import Exported, find_exported
from whalepipe.models.gpu import OnGpu, in_all_digits
from whalepipe.models.network import Network, torch_network
from whalepipe.models.tighten import Tightener, find_tightener
from whalepipe.models.tiles import SIDE, WINDOWS, Picture, Seen, look_closer, together
from whalepipe.models.weights import Weights, find_weights, load_state

if TYPE_CHECKING:
    import torch

KIND = "detector"
STRIDE = 32  # the deepest feature map has one cell for so many pixels: sides of the input are multiples of it
GREY = 114  # what Ultralytics pads with in training
# Looks at the whole picture, its long side in parts of `size`; and how long the boxes are, at least, that are taken
# from it, as a share of the picture's long side: up to where the next look begins.
LOOKS = ((1.0, 0.0), (2 / 3, 0.06), (1 / 2, 0.4))
BORDER = 0.05  # of that length, to each side: one that two looks measure differently is lost in neither
# The next look is taken where one gives at least this score to a box of that length, or of so much of it.
SUSPECTED, FROM = 0.005, 0.6
VOTERS = 0.5  # a box has a vote on the corners of another if it is at least this share as sure
NEAR = 0.65  # and overlaps it by so much (IoU)
CANDIDATES = 1000  # boxes at most that enter the suppression of overlaps, the surest first

Several = Callable[[Sequence[Picture]], Sequence[npt.NDArray[np.float32]]]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Box:
    """One part of one animal. Corners are fractions (0 to 1) of the picture's width and height, origin top left."""

    part: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    confidence: float  # 0 to 1


def import_ultralytics(module: str) -> ModuleType:
    """Import a module of Ultralytics such that it neither connects nor prints, nor writes into the user's home.

    It looks for the network, installs missing packages, writes settings and sends statistics unless its environment
    says otherwise before the first import; it also sets OpenCV and the children of this process to one thread.
    """
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    if "WHALEPIPE_YOLO_CONFIG" not in os.environ:  # a child process keeps its parent's folder
        folder = tempfile.mkdtemp(prefix="whalepipe-ultralytics-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update(WHALEPIPE_YOLO_CONFIG=folder, YOLO_CONFIG_DIR=folder)
    threads, omp = cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")
    import torch  # noqa: F401  before Ultralytics, which would set it to one thread

    opened = Image.open
    imported = importlib.import_module(module)
    Image.open = opened  # Ultralytics puts its own in place, which looks for more packages at every bad file
    importlib.import_module("ultralytics.utils").SETTINGS.update(sync=False)
    cv2.setNumThreads(threads)
    if omp is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    return imported


def build_model(architecture: str, classes: int) -> "torch.nn.Module":
    """An Ultralytics detection model of that YAML file with random weights. Raises WeightsError for an unknown one."""
    tasks = import_ultralytics("ultralytics.nn.tasks")
    try:
        model: torch.nn.Module = tasks.DetectionModel(architecture, nc=classes, verbose=False)
    except Exception as error:  # Ultralytics raises many kinds for a wrong name or file
        raise WeightsError(f"the installed ultralytics has no architecture {architecture!r} ({error})") from error
    return model


def letterbox(image: Picture, size: int) -> tuple[Picture, tuple[int, int, int, int]]:
    """Scale a picture (H, W, 3) so that its long side is `size` and pad with grey to multiples of 32.

    Returns the picture (h, w, 3) and where the scaled one lies in it: left, top, width, height in pixels.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (w, h), interpolation=interpolation)
    left, top = (-w % STRIDE) // 2, (-h % STRIDE) // 2
    padded = np.full((h + -h % STRIDE, w + -w % STRIDE, 3), GREY, np.uint8)
    padded[top : top + h, left : left + w] = scaled
    return padded, (left, top, w, h)


def load_model(weights: Weights) -> Any:
    """The model of a detector's weights, ready to look. Raises WeightsError where the weights are not a detector's."""
    model: Any = build_model(str(weights.card.get("architecture")), len(_parts(weights)))
    try:
        model.load_state_dict(load_state(weights), strict=True)
    except RuntimeError as error:
        cause = " ".join(str(error).split())[:200]
        raise WeightsError(f"{weights.path}: not the tensors of its card's architecture ({cause})") from error
    return model.float().eval().fuse(verbose=False)


def _parts(weights: Weights) -> tuple[str, ...]:
    parts = weights.card.get("parts")
    if not isinstance(parts, list) or not parts or not all(isinstance(p, str) for p in parts):
        raise WeightsError(f"{weights.path}: its card names no parts")
    return tuple(parts)


def prepared(pictures: "torch.Tensor") -> "torch.Tensor":
    """(N, h, w, 3) uint8 as the model takes them: (N, 3, h, w) floats, 0 to 1."""
    return pictures.permute(0, 3, 1, 2).contiguous().float() / 255


def _by_torch(weights: Weights, device: str) -> Network:
    model = load_model(weights)
    if device != "cpu":  # where it adds places up to thousands of pixels, which 16 bits hold to a pixel at best
        in_all_digits(model.model[-1])
    network = torch_network(model, prepared, device, WINDOWS)
    if isinstance(network, OnGpu):
        network.fit((SIDE, SIDE))
    return network


class Detector:
    """Finds the parts that its weights know. Raises WeightsError where the weights are not a detector's."""

    _tightener: Tightener | None = None  # of those, too, that say in their own way what they predict
    _several: Several | None = None  # what predicts of several pictures together, where something does

    def __init__(
        self,
        weights: Weights,
        device: str = "cpu",
        exported: Weights | None = None,
        tightener: Tightener | None = None,
    ) -> None:
        """`device` also `auto`. With `exported` (see `find_exported`) that runs. With `tightener`
        (see `find_tightener`) that draws boxes anew."""
        self.parts, self._tightener = _parts(weights), tightener
        self._network: Network = Exported(exported) if exported else _by_torch(weights, pick_device(device))
        self._several = self._network.several if isinstance(self._network, OnGpu) else None

    def __call__(self, image: Picture, config: DetectConfig, read: Callable[[], Picture] | None = None) -> list[Box]:
        """The boxes in a picture (H, W, 3), uint8, RGB, upright; the surest first, `config.max_boxes` at most.

        The picture is looked at with its long side `config.size` pixels, for small animals, and with less than that
        for those which would be larger so than the network was trained to see them. Where the picture is a photo made
        smaller, `read` gives that photo in full size, to be looked at closer (tiles.py).
        """
        seen = self._whole(image, config.size)
        if read is not None:
            seen = look_closer(seen, (image.shape[1], image.shape[0]), read, config, self._looks)
        found = self._select(seen.corners, seen.scores, config)
        return self._tightener(image, found, config.overlap) if self._tightener else found

    def _whole(self, image: Picture, size: int) -> Seen:
        """What the looks at the whole picture show, each what it shows best.

        The finest is not taken of a picture that is smaller: enlarged, it shows no more, and blur is taken for animals.
        A coarser one is not taken where the one before it suspects nothing as large as what it is for.
        """
        height, width = image.shape[:2]
        looks = LOOKS if len(LOOKS) == 1 or max(height, width) >= size else LOOKS[1:]
        taken, ends = list[Seen](), [*(least for _, least in looks[1:]), np.inf]
        for number, ((share, least), end) in enumerate(zip(looks, ends, strict=True)):
            [seen] = self._looks([image], round(share * size))
            long = long_sides(seen.corners, width, height)
            begin = (1 - BORDER) * least if number else 0.0
            taken.append(seen.those((long >= begin) & (long < (1 + BORDER) * end)))
            if not (seen.confidence[long >= FROM * end] >= SUSPECTED).any():
                break
        return together(taken)

    def _looks(self, images: Sequence[Picture], size: int) -> list[Seen]:
        """All predictions of each picture with its long side at `size` pixels."""
        at_once = WINDOWS if self._several else 1
        parts = [images[start : start + at_once] for start in range(0, len(images), at_once)]
        return [seen for part in parts for seen in self._look_together(part, max(size, STRIDE))]

    def _look_together(self, images: Sequence[Picture], size: int) -> list[Seen]:
        placed = [letterbox(image, size) for image in images]
        raw = self._predict_all([padded for padded, _ in placed])
        return [_decode(one, place) for one, (_, place) in zip(raw, placed, strict=True)]

    def _predict_all(self, padded: Sequence[Picture]) -> list[Numbers]:
        if self._several:
            return [raw.T.astype(np.float64) for raw in self._several(padded)]
        return [self._predict(picture) for picture in padded]

    def _predict(self, padded: Picture) -> Numbers:
        """Raw predictions (anchors, 4 + parts) of a letterboxed picture: centre x, centre y, width, height in pixels, a
        score a part."""
        return self._network(padded).T.astype(np.float64)

    def _select(self, corners: Numbers, scores: Numbers, config: DetectConfig) -> list[Box]:
        confidence, part = scores.max(axis=1), scores.argmax(axis=1)
        solid = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
        seen = np.flatnonzero((confidence >= VOTERS * config.confidence) & solid)
        # Ties are broken by place, so that equal scores come in one order everywhere.
        seen = seen[np.lexsort((corners[seen, 1], corners[seen, 0], -confidence[seen]))][:CANDIDATES]
        corners, confidence, part = corners[seen], confidence[seen], part[seen]
        kept = suppress(corners[confidence >= config.confidence], config.overlap)[: config.max_boxes]
        numbers = np.hstack([vote(kept, corners, confidence, part), confidence[kept, None]]).tolist()
        return [Box(self.parts[part[i]], *row) for i, row in zip(kept, numbers, strict=True)]


def _decode(prediction: Numbers, place: tuple[int, int, int, int]) -> Seen:
    """Predictions in fractions of the picture, rounded before anything is decided by them."""
    left, top, width, height = place
    centre, half = prediction[:, :2], prediction[:, 2:4] / 2
    corners = np.hstack([centre - half, centre + half])
    corners = (corners - [left, top, left, top]) / [width, height, width, height]
    corners = np.round(np.clip(corners, 0, 1), 5).astype(np.float64)
    return Seen(corners, np.round(prediction[:, 4:], 4))


def load_detector(config: DetectConfig, device: str) -> Detector:
    """The detector that the configuration names, in the form that it asks for. Raises WeightsError, ConfigError."""
    weights = find_weights(config.weights, KIND)
    exported = find_exported(weights, config.backend, device)
    return Detector(weights, device, exported, find_tightener(config, weights, device))


def suppress(corners: Numbers, overlap: float) -> Indices:
    """Indices of the boxes (N, 4; the surest first) that overlap no surer kept one by more than `overlap` (IoU)."""
    left, kept = np.arange(len(corners)), []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[overlaps(corners[best], corners[left]) <= overlap]
    return np.array(kept, dtype=np.intp)


def vote(kept: Indices, corners: Numbers, confidence: Numbers, part: npt.NDArray[np.intp]) -> Numbers:
    """The corners (K, 4) of the kept ones of N boxes: each the mean of the boxes that nearly cover it, its own among
    them, weighted by confidence. Those of another part and those less than half as sure have no vote.

    Gidaris and Komodakis 2015, "Object detection via a multi-region and semantic segmentation-aware CNN model",
    section 4: the surest box is seldom the tightest. And of several that are nearly as sure, processors that round
    differently choose different ones; their mean stays where it is.
    """
    voted = np.empty((len(kept), 4))
    for row, best in enumerate(kept):
        near = overlaps(corners[best], corners) >= NEAR
        voters = near & (part == part[best]) & (confidence >= VOTERS * confidence[best])
        voted[row] = np.average(corners[voters], axis=0, weights=confidence[voters])
    return np.round(voted, 5)
