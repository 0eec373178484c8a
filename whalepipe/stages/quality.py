"""Set aside what nobody could identify, with one plain reason a crop.

Measures:
size          pixels: square root of the box's area in the full-size photo
sharpness     steepest gradient on the animal, a share of its range of grey a pixel at 192 pixels, see models/quality.py
exposure      share of the animal that is neither glare nor black, or of the tones that glare and haze leave
contrast      range of grey in the box, 0 to 1
completeness  1, less a quarter for each side at which the photo's frame cuts the animal off, see models/cut.py
motion        share of its fine contrast that one direction lost and another did not, 0 to 1, see models/faults.py
light         stops by which the lightest tones lie below white
edge          difference in grey across the animal's edge, 0 to 1
glare         share of that edge that is clipped white, 0 to 1
noise         grey values: its deviation
squares       how much steeper steps are at the borders of a JPEG's squares than within, 0 or more
written       share of the crop that is a frame, or of its width under burnt-in words
hidden        share of the part under water, behind spray or another animal, by the embedder; empty where it cannot tell
response      how strongly the embedder answers to the crop, 1 for as usual, see models/embedder.py

distinctiveness is no measure of the crop but of the animal, and has no part in the grade: see stages/distinctive.py.

The grade, 0 to 1, is that of `models/grade.py`; the reason names the fault that is likeliest beside it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import window
from whalepipe.config import CropConfig, QualityConfig
from whalepipe.models.cut import Tell, sides_cut
from whalepipe.models.embedder import Look
from whalepipe.models.grade import FINE, Grader
from whalepipe.models.quality import measure
from whalepipe.rows import having
from whalepipe.tables import Crop, Detection, Override, Photo, Quality

VERSION = 6
AT_EDGE = 0.002  # of the photo's longer side: a box that ends this near the frame is cut by it
MUCH = 0.3  # share of a part that is hidden
BY_HAND = "by hand"
FAULTS: Mapping[str, Callable[[Quality], str]] = {
    "bright": lambda m: f"glare or too bright: {1 - m.exposure:.0%} of it without detail",
    "compressed": lambda m: f"spoiled by compression: JPEG's squares show ({m.squares:.2f})",
    "cut": lambda m: f"cut off by the photo's edge on {round(4 * (1 - m.completeness))} of 4 sides",
    "dark": lambda m: f"too dark: its lightest tones are {m.light:.1f} stops below white",
    "hidden": lambda m: f"hardly to be seen: about {m.hidden or 0:.0%} of it is under water or behind something",
    "focus": lambda m: f"out of focus: sharpness {m.sharpness:.2f}",
    "haze": lambda m: f"haze or glare: {m.exposure:.0%} of the tones are left, contrast {m.contrast:.2f}",
    "motion": lambda m: f"moved: sharpness {m.sharpness:.2f}, {m.motion:.0%} less in one direction",
    "noise": lambda m: f"too noisy: {m.noise:.0f} grey values",
    "small": lambda m: f"too small: {m.size:.0f} pixels",
    "written": lambda m: f"words or a frame burnt in: {m.written:.0%} of it",
}  # the reason that is given for each


def measured(
    photo: Photo, detection: Detection, crop: Crop, pixels: NDArray[np.uint8], config: CropConfig, tell: Tell | None
) -> list[Quality]:
    """The measures of one crop ((height, width, 3) uint8 RGB), not yet graded: kept, with grade and response 1.

    `tell` says how the animal meets the frame.
    """
    width, height = photo.width or 1, photo.height or 1
    left, top, _, _ = window(detection, config.margin, width, height)
    box = (detection.xmin - left, detection.ymin - top, detection.xmax - left, detection.ymax - top)
    corners = (detection.xmin, detection.ymin, detection.xmax, detection.ymax)
    along = partial(tell, crop.part, pixels, box) if tell else untold
    cut = sides_cut(corners, width, height, along, AT_EDGE * max(width, height))
    return [of_picture(crop.crop, pixels, box, cut)]


def untold() -> None:
    """Where nothing tells how an animal meets the frame."""


def of_picture(crop: str, pixels: NDArray[np.uint8], box: tuple[float, float, float, float], cut: int) -> Quality:
    """The measures of a picture of which the animal fills `box`, in pixels; the photo's frame cuts so many sides."""
    found = measure(pixels, box)
    size = round(math.sqrt((box[2] - box[0]) * (box[3] - box[1])), 1)
    told = {"size": size, "completeness": 1.0 - cut / 4, "hidden": None, "response": 1.0, **asdict(found)}
    return Quality(crop=crop, **told, distinctiveness=None, grade=1.0, keep=True, reason="")


def judged(measures: Quality, grader: Grader | None, part: str, look: Look) -> Quality:
    """The same measures with their grade, and what speaks most against the crop as the reason: its likeliest fault.

    `look` is what the embedder made of the crop. Without a grader the grade is 1 and nothing speaks against it.
    """
    if grader is None:
        return replace(measures, response=look.response)
    row = replace(measures, hidden=grader.hidden(part, look.vector), response=look.response)
    verdict = grader(asdict(row), part)
    return replace(row, grade=verdict.grade, reason=FAULTS[likeliest(row, verdict.faults)](row))


def likeliest(measures: Quality, faults: Mapping[str, float]) -> str:
    """The most probable of the faults that can be given as a reason, by name.

    Where the picture is likelier fine than anything, and much of the animal hidden, that is what is wrong.
    """
    if (measures.hidden or 0.0) >= MUCH and faults.get(FINE, 0.0) == max(faults.values()):
        return "hidden"
    return max(FAULTS, key=lambda name: faults.get(name, 0.0))


def decided(row: Quality, least: float, config: QualityConfig) -> Quality:
    """Whether a judged crop is kept, and why not: what is below a limit, or below the `least` grade, is set aside.

    What is small is so for certain; of all else the reason is the likeliest fault, where a grader told one.
    """
    small = f"too small: {row.size:g} pixels, {config.min_size:g} are needed" if row.size < config.min_size else ""
    others = (
        (row.completeness, config.min_completeness, "cut off by the photo's edge"),
        (row.sharpness, config.min_sharpness, f"out of focus or moved: sharpness {row.sharpness:.2f}"),
        (row.exposure, config.min_exposure, f"glare, haze or blackness: exposure {row.exposure:.2f}"),
        (row.contrast, config.min_contrast, f"too little contrast: {row.contrast:.2f}"),
    )
    beyond = next((text for value, bound, text in others if value < bound), "")
    if small or beyond or row.grade < least:
        return replace(row, keep=False, reason=small or row.reason or beyond)
    return having(row, keep=True, reason="")


def fault_named(row: Quality) -> str:
    """Which fault the reason of a crop that was set aside names; empty where it names none."""
    certain = {"cut off": "cut", "too small": "small"}  # by a limit or as the likeliest fault
    found = (fault for words, fault in certain.items() if row.reason.startswith(words))
    return next(found, next((name for name, text in FAULTS.items() if text(row) == row.reason), ""))


def overridden(row: Quality, said: Override | None) -> Quality:
    """The row as a person would have it, its grade and what speaks against it still in it."""
    if said is None or said.keep == row.keep:
        return row
    why = f" ({said.reason})" if said.reason else ""
    if said.keep:
        return replace(row, keep=True, reason=f"kept {BY_HAND}{why}, though {row.reason}")
    return replace(row, keep=False, reason=f"set aside {BY_HAND}{why}")
