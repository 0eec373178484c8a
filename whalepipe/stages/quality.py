"""Set aside what nobody could identify, with one plain reason a crop.

Measures (the thresholds stand in the configuration):
size          pixels: square root of the box's area in the full-size photo
sharpness     steepest gradient on the animal, see models/quality.py
exposure      share of the animal that is neither glare nor black, or of the tones that glare and haze leave
contrast      range of grey in the box, 0 to 1
completeness  1, less a quarter for each side of the box that ends at the photo's frame
"""

import math

import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import window
from whalepipe.config import CropConfig, QualityConfig
from whalepipe.models.quality import measure
from whalepipe.tables import Crop, Detection, Photo, Quality

VERSION = 3
AT_EDGE = 0.002  # of the photo's longer side: a box that ends this near the frame is cut by it,
OF_BOX = 0.02  # or this share of the box's own side: no detector draws more exactly


def measured(
    photo: Photo, detection: Detection, crop: Crop, pixels: NDArray[np.uint8], config: CropConfig
) -> list[Quality]:
    """The measures of one crop ((height, width, 3) uint8 RGB), not yet graded: kept, with grade 1."""
    width, height = photo.width or 1, photo.height or 1
    left, top, _, _ = window(detection, config.margin, width, height)
    box = (detection.xmin - left, detection.ymin - top, detection.xmax - left, detection.ymax - top)
    found = measure(pixels, box)
    size = round(math.sqrt((box[2] - box[0]) * (box[3] - box[1])), 1)
    return [
        Quality(
            crop.crop,
            size,
            found.sharpness,
            found.exposure,
            found.contrast,
            _completeness(detection, width, height),
            1.0,
            True,
            "",
        )
    ]


def _completeness(d: Detection, width: int, height: int) -> float:
    edge = AT_EDGE * max(width, height)
    x, y = max(edge, OF_BOX * (d.xmax - d.xmin)), max(edge, OF_BOX * (d.ymax - d.ymin))
    cut = [d.xmin <= x, d.ymin <= y, d.xmax >= width - x, d.ymax >= height - y]
    return 1.0 - sum(cut) / 4


def graded(measures: Quality, config: QualityConfig) -> Quality:
    """The same measures with grade, verdict and reason under these thresholds.

    The grade is that of the weakest measure: the share itself for exposure and completeness, and for the open-ended
    ones the value over twice its threshold, at most 1 (so that 0.5 is the limit of what is kept).
    """
    m = measures
    checks = (
        (m.completeness, config.min_completeness, "cut off by the photo's edge"),
        (m.size, config.min_size, f"too small: {m.size:g} pixels, {config.min_size:g} are needed"),
        (m.sharpness, config.min_sharpness, f"out of focus or moved: sharpness {m.sharpness:.2f}"),
        (m.exposure, config.min_exposure, f"glare, haze or blackness: exposure {m.exposure:.2f}"),
        (m.contrast, config.min_contrast, f"too little contrast: {m.contrast:.2f}"),
    )
    reason = next((text for value, least, text in checks if value < least), "")
    open_ended = ((m.size, config.min_size), (m.sharpness, config.min_sharpness), (m.contrast, config.min_contrast))
    shares = [min(1.0, value / (2 * least)) if least > 0 else 1.0 for value, least in open_ended]
    grade = round(min(m.exposure, m.completeness, *shares), 3)
    return Quality(m.crop, m.size, m.sharpness, m.exposure, m.contrast, m.completeness, grade, reason == "", reason)
