"""Hard negatives: what the weights so far take for an animal where there is none, to be trained on once more.

Sung and Poggio 1998, "Example-based learning for view-based human face detection", called it bootstrapping: of all
that is no face, those windows teach most that the last training took for one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whalepipe.config import DetectConfig
from whalepipe.files import write_aside
from whalepipe.models.corners import shared
from whalepipe.models.detector import GREY, STRIDE, Detector
from whalepipe.training.boxes import corners_of, read_boxes, read_picture, write_picture

MINED = "mined"
LEAST = 0.1  # confidence of a false box that counts: a quarter of the one that the pipeline works at
REACH = 0.5  # of a labelled photo's long side: a window around a false box is not larger
RATE = 0.2  # of the learning rate: weights that are nearly there are not shaken up again
MOST_REPEATS = 4  # of a mined picture in an epoch

Pixels = NDArray[np.uint8]
Corners = NDArray[np.float64]  # (N, 4): xmin, ymin, xmax, ymax in pixels of the picture
Window = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Mined:
    """What was found: names of pictures without boxes, in how many pictures it was looked for, false boxes."""

    pictures: tuple[str, ...]
    looked_at: int
    false_boxes: int


def mine(
    negatives: Sequence[Path], labelled: Sequence[Path], detector: Detector, size: int, folder: Path
) -> tuple[Mined, list[Path]]:
    """Look over prepared pictures without animals and with boxes; also returns the pictures to train on.

    Of a picture without animals that is the picture itself. In one with boxes, what shares no area with any box is
    false, and its surroundings become a picture in which the rest is grey, so that they are seen as large as there.
    What was found is kept in `folder`, so that a run that was stopped does not look again.
    """
    note = folder / f"{MINED}.json"
    if note.is_file():
        kept = json.loads(note.read_text(encoding="utf-8"))
        found = Mined(tuple(kept["pictures"]), kept["looked_at"], kept["false_boxes"])
    else:
        found = _look(negatives, labelled, detector, size)
        write_aside(note, (json.dumps(asdict(found), indent=2) + "\n").encode())
    return found, [folder / "images" / name for name in found.pictures]


def _look(negatives: Sequence[Path], labelled: Sequence[Path], detector: Detector, size: int) -> Mined:
    config = DetectConfig(size=size, confidence=LEAST)
    names, count = [], 0
    for picture in negatives:
        boxes = _false_boxes(picture, detector, config)
        count += len(boxes)
        names += [picture.name] if len(boxes) else []
    for picture in labelled:
        boxes = _false_boxes(picture, detector, config)
        count += len(boxes)
        names += [made.name for made in _windows(picture, boxes)]
    return Mined(tuple(names), len(negatives) + len(labelled), count)


def _false_boxes(picture: Path, detector: Detector, config: DetectConfig) -> Corners:
    """Corners of the boxes that share no area with a label of the picture, the surest first."""
    pixels = read_picture(picture)
    height, width = pixels.shape[:2]
    labels = corners_of(read_boxes(picture), width, height)
    found = [(box.xmin, box.ymin, box.xmax, box.ymax) for box in detector(pixels, config)]
    corners = np.array(found, np.float64).reshape(-1, 4) * [width, height, width, height]
    return corners[[not _meet(box, labels).any() for box in corners]]


def _windows(picture: Path, boxes: Iterable[NDArray[np.float64]]) -> list[Path]:
    """Write a picture for each false box whose middle no picture of a surer one holds."""
    pixels = read_picture(picture)
    height, width = pixels.shape[:2]
    labels = corners_of(read_boxes(picture), width, height)
    taken: list[Window] = []
    written: list[Path] = []
    for box in boxes:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in taken):
            continue
        left, top, right, bottom = window = free_window(box, labels, (width, height), REACH * max(width, height))
        if min(right - left, bottom - top) < STRIDE:  # nothing can be seen in it
            continue
        shown = np.full_like(pixels, GREY)
        shown[top:bottom, left:right] = pixels[top:bottom, left:right]
        made = picture.with_name(f"{MINED}-{picture.stem}-{len(written)}.png")
        write_picture(made, Image.fromarray(shown), np.zeros((0, 5)))
        taken.append(window)
        written.append(made)
    return written


def free_window(box: NDArray[np.float64], labels: Corners, frame: tuple[int, int], reach: float) -> Window:
    """The window around a box (4,) that holds no part of any label (N, 4), none of which meets the box.

    It begins as a square of side `reach` (pixels), or as the box where that is longer, inside the frame (width,
    height); each label in it is cut away by the straight cut beside the box that costs least area.
    """
    middle, half = (box[:2] + box[2:]) / 2, np.maximum(reach, box[2:] - box[:2]) / 2
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, frame)
    window = np.concatenate([low, high])
    for label in labels:
        if not _meet(window, label[None])[0]:
            continue
        cuts = []
        for axis in (0, 1):
            for side, edge, free in (
                (axis + 2, label[axis], label[axis] >= box[axis + 2]),
                (axis, label[axis + 2], label[axis + 2] <= box[axis]),
            ):
                cut = window.copy()
                cut[side] = edge
                cuts += [cut] if free else []
        window = max(cuts, key=lambda cut: float(np.prod(cut[2:] - cut[:2])))
    left, top = np.ceil(window[:2]).astype(int).tolist()
    right, bottom = np.floor(window[2:]).astype(int).tolist()
    return left, top, right, bottom


def _meet(box: NDArray[np.float64], others: Corners) -> NDArray[np.bool_]:
    """Whether a box (4,) shares area with each of others (N, 4)."""
    return np.asarray(shared(box, others) > 0)
