"""Cut each box from the full-size photo, with a margin."""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import window
from whalepipe.config import CropConfig
from whalepipe.files import storing
from whalepipe.tables import Crop, Detection

VERSION = 1
LONGEST_STEM = 100  # characters; leaves room for the rest of a file name, whose limit is 255 bytes


@dataclass(frozen=True)
class CropFile:
    """A crop as the cache keeps it: its row, and how to tell that its file is still the one that was written."""

    crop: str
    box: int
    part: str
    width: int
    height: int
    size: int  # bytes
    changed_ns: int

    def intact(self, folder: Path) -> bool:
        """Whether its file in the folder of the crops is the one that was written."""
        try:
            status = os.stat(os.path.join(folder, self.crop))  # noqa: PTH116, PTH118  a third of a Path's time
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed_ns)


def crop(
    pixels: NDArray[np.uint8], detections: Sequence[Detection], config: CropConfig
) -> list[tuple[Crop, NDArray[np.uint8]]]:
    """A crop and its pixels ((height, width, 3) uint8 RGB) for each box of one upright full-size photo."""
    return [_cut(pixels, detection, config.margin) for detection in detections]


def _cut(pixels: NDArray[np.uint8], d: Detection, margin: float) -> tuple[Crop, NDArray[np.uint8]]:
    left, top, right, bottom = window(d, margin, pixels.shape[1], pixels.shape[0])
    cut = pixels[top:bottom, left:right]
    return Crop(crop_name(d), d.photo, d.photo_id, d.box, d.part, right - left, bottom - top), cut


def crop_name(d: Detection) -> str:
    """`<photo stem>_<first 8 of photo_id>_<box>.jpg`, with what a file system may refuse replaced in the stem."""
    stem = re.sub(r"[^\w .()+-]", "_", PurePosixPath(d.photo).stem).strip(" .") or "photo"
    while len(stem.encode()) > LONGEST_STEM:
        stem = stem[:-1]
    return f"{stem}_{d.photo_id[:8]}_{d.box}.jpg"


def forget(folder: Path, listed: Collection[str], photos: Collection[str]) -> None:
    """Remove from the folder the crops of these photos (the first 8 of their ids) that are not listed. Raises
    StorageError."""
    with storing(folder):
        for path in folder.glob("*_*_*.jpg"):
            photo_id, _, box = path.stem.rpartition("_")
            if path.name not in listed and box.isdigit() and photo_id[-8:] in photos:
                path.unlink(missing_ok=True)
