"""Rendered crops with what is known of their pixels: which show the part, and which its trailing edge."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe.boxes import window
from whalepipe.errors import WhalepipeError
from whalepipe.models.embedder import fitted
from whalepipe.models.silhouette import SHAPE
from whalepipe.training.drawn import spread
from whalepipe.training.rendered import drawn_scene

if TYPE_CHECKING:
    from whalepipe.render import Truth

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 960, 640  # pixels of a rendered photo
MARGIN = 0.25  # of the box on each side: more than the pipeline's tenth, so that a box may be moved
SHOWN = 1.2 / 1.5  # of a held crop's side that the pipeline's crop shows; less where the box is at the photo's border
FINER = 1.3  # than the network sees them crops are held, so that moving them costs no detail
HELD = (round(FINER * SHAPE[0] / SHOWN), round(FINER * SHAPE[1] / SHOWN))  # width and height, pixels
FAULTS = ("", "", "", "", "", "cut_off", "glare", "blurred")
LEAST_WIDE = 40  # pixels: of narrower parts nobody asks for the edge
LINE = 0.012  # of the picture's width: how wide the trailing edge is drawn
PART, EDGE = 1, 2  # bits of a pixel's truth


@dataclass(frozen=True)
class Outlined:
    """Crops of one part: `pictures` (n, h, w, 3) uint8 RGB, `truths` (n, h, w) uint8, bits PART and EDGE."""

    part: str
    pictures: Pixels
    truths: Pixels


def outlined(part: str, photos: Iterable[int], stream: str, seed: int, workers: int = 2) -> Outlined:
    """The crops of the rendered photos of these numbers, drawn by so many processes.

    Raises ValueError for a stream that is kept from training, WhalepipeError where no photo shows one.
    """
    drawn = spread(partial(_drawn, part, stream, seed), photos, workers)
    crops = [crop for photo in drawn for crop in photo]
    if not crops:
        raise WhalepipeError(f"no rendered photo shows a {part}: render more, or begin with another --seed")
    pictures, truths = zip(*crops, strict=True)
    return Outlined(part, np.stack(pictures), np.stack(truths))


def _drawn(part: str, stream: str, seed: int, number: int) -> list[tuple[Pixels, Pixels]]:
    """The crops of one photo, each with the truth about its pixels."""
    from whalepipe.render import render_scene

    photo = render_scene(drawn_scene(stream, seed, number, (part,), (WIDTH, HEIGHT), FAULTS, "outlines"))
    return [_cut(photo.image, truth) for truth in photo.truths if truth.xmax - truth.xmin >= LEAST_WIDE]


def _cut(image: Pixels, truth: "Truth") -> tuple[Pixels, Pixels]:
    """One animal's crop and the truth about its pixels, both at the size at which they are held."""
    height, width = image.shape[:2]
    left, top, right, bottom = window(truth, MARGIN, width, height)
    mask = truth.mask(height, width)[top:bottom, left:right].astype(np.uint8) * 255
    scale = np.array([HELD[0] / (right - left), HELD[1] / (bottom - top)])
    whole = cv2.resize(mask, HELD, interpolation=cv2.INTER_LINEAR) > 127
    # The middle of a pixel is at a half for the truth, at a whole number for OpenCV.
    line = _line((truth.contour - (left, top)) * scale - 0.5, truth.visible)
    return fitted(image[top:bottom, left:right], HELD), np.asarray(whole * PART + line * EDGE, dtype=np.uint8)


def _line(points: npt.NDArray[np.float64], visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where the visible pieces of a trailing edge (n, 2) run in a crop as it is held."""
    drawn = np.zeros(HELD[::-1], np.uint8)
    both = visible[:-1] & visible[1:]
    ends = np.round(points * 16).astype(np.int32)
    pieces = [np.stack([ends[i], ends[i + 1]]) for i in np.flatnonzero(both)]
    cv2.polylines(drawn, pieces, False, 1, max(1, round(LINE * HELD[0])), cv2.LINE_8, 4)
    return drawn > 0
