"""Measures of a crop that need no weights: how well the animal in it can be seen.

What the picture suffered on its way (`faults`) is looked for in pixels of the full-size photo, all else at one size.

Sharpness is looked for on the animal, not on the waves: the animal is first told from the sea by its colour (the
margin around the box shows the sea), and only the gradients on it and along its outline count, the foot left out:
there foam and splashes are sharp where a fin that moved is not.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.models import faults

WORKING_SIDE = 192  # pixels: the box's longer side is brought to this, so that measures do not depend on the camera
WHITE, BLACK = 250, 4  # grey values at which a camera's sensor or its JPEG has clipped
STEEPEST = 0.98  # of the pixels
FOOT = 0.25  # of the box's height, from below: where the water breaks
RIM = 3  # pixels of the working size
DARKEST = 2  # per cent of the box: even a pale animal has shadows as dark as the lens and the air leave them
STOPS = 5.0  # of light between the darkest tones and white in a picture that no veil has touched
SRGB = 2.2  # its exponent, nearly: from grey values to light
LEAST_MASK, MOST_MASK = 0.05, 0.95  # of the box; outside it, colour did not tell the animal from the sea
FULL_SIDE = 256  # pixels: so much of the middle of the box is looked at as the camera took it
LIGHTEST = 98  # per cent of the box

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Measures:
    """What is told of a crop's picture."""

    sharpness: float  # steepest gradient on the animal, as a share of the crop's range of grey a pixel: 0 to about 0.6
    motion: float  # share of its fine contrast that one direction lost and another did not, 0 to 1
    exposure: float  # the lower of: share of the animal's pixels neither clipped white nor black; share of STOPS left
    light: float  # stops of light by which the lightest tones in the box lie below white, 0 or more
    contrast: float  # range of grey (5 % to 95 %) in the box, as a share of the full range
    edge: float  # difference in grey between the animal along its edge and the sea beside it, as a share of the range
    glare: float  # share of that edge that is clipped white, 0 to 1
    noise: float  # its deviation, in grey values
    squares: float  # how much steeper steps are at the borders of a JPEG's squares than within, 0 or more
    written: float  # the larger of: share of the crop that is a frame; share of its width under burnt-in words


def measure(pixels: Picture, box: tuple[float, float, float, float]) -> Measures:
    """Measures of a crop, (height, width, 3) uint8 RGB; `box` is xmin, ymin, xmax, ymax within it, in pixels."""
    image, inside = _working(pixels, box)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    animal = animal_mask(image, inside)
    darkest, low, high, lightest = np.percentile(grey[inside], (DARKEST, 5, 95, LIGHTEST))
    span = float(high - low)
    clipped = (grey >= WHITE) | (grey <= BLACK)
    taken = cv2.cvtColor(_middle(pixels, box), cv2.COLOR_RGB2GRAY)
    inner, outer = _band(animal), _band(~animal)
    return Measures(
        sharpness=round(_steepest(grey, _above_foot(animal, inside)) / max(span, 8.0), 4),
        motion=round(faults.motion(taken), 4),
        exposure=round(min(1.0 - float(clipped[animal].mean()), _tones(darkest)), 4),
        light=round(_stops_below_white(lightest), 4),
        contrast=round(span / 255.0, 4),
        edge=round(abs(float(grey[inner].mean()) - float(grey[outer].mean())) / 255.0, 4),
        glare=round(float((grey >= WHITE)[inner | outer].mean()), 4),
        noise=round(faults.noise(taken), 3),
        squares=round(max(0.0, faults.squares(taken)), 4),
        written=round(max(faults.framed(image), faults.written(image)), 4),
    )


def _middle(pixels: Picture, box: tuple[float, float, float, float]) -> Picture:
    """The middle of the box as the camera took it, at most FULL_SIDE pixels wide and high."""
    height, width = pixels.shape[:2]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_wide, half_high = (min(FULL_SIDE, max(8.0, side)) / 2 for side in (box[2] - box[0], box[3] - box[1]))
    left, top = (int(np.clip(c, 0, size - 1)) for c, size in ((x - half_wide, width), (y - half_high, height)))
    return np.ascontiguousarray(pixels[top : top + round(2 * half_high), left : left + round(2 * half_wide)])


def _working(
    pixels: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The crop at the working size, never enlarged, and which of its pixels lie in the box."""
    height, width = pixels.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(box[2] - box[0], box[3] - box[1], 1.0))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    inside = np.zeros(image.shape[:2], dtype=np.bool_)
    x0, y0 = (int(c * scale) for c in box[:2])
    x1, y1 = (int(np.ceil(c * scale)) for c in box[2:])
    inside[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = True
    if not inside.any():
        inside[:] = True
    return np.asarray(image, dtype=np.uint8), inside


def animal_mask(image: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pixels show the animal: those in the box whose colour is far from the sea's in the margin.

    The threshold is Otsu's (1979). Where it finds next to nothing or nearly all, the box's ellipse is taken.
    """
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    sea = lab[~inside] if (~inside).sum() >= 32 else lab.reshape(-1, 3)
    far = np.sqrt(np.sum([_apart(plane, sea[:, number]) for number, plane in enumerate(cv2.split(lab))], axis=0))
    grey = np.clip(far * 16, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(grey[inside].reshape(-1, 1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = _largest((grey > threshold) & inside)
    share = mask.sum() / inside.sum()
    return mask if LEAST_MASK <= share <= MOST_MASK else _ellipse(inside)


def _apart(plane: cv2.typing.MatLike, sea: NDArray[np.uint8]) -> cv2.typing.MatLike:
    """The square of how far each pixel of a plane is from the sea's median, in the sea's own deviations (absolute)."""
    values, counts = np.arange(256), np.bincount(sea, minlength=256)
    middle = _median(values, counts)
    deviations = np.abs(values - middle)
    order = np.argsort(deviations, kind="stable")
    spread = max(_median(deviations[order], counts[order]), 2.0)
    return cv2.LUT(plane, ((deviations / spread) ** 2).astype(np.float32))


def _median(values: NDArray[np.int_] | NDArray[np.float64], counts: NDArray[np.int_]) -> float:
    """Of values in rising order, each so many times: the middle one, or the mean of both."""
    reached, whole = np.cumsum(counts), int(counts.sum())
    return float(values[np.searchsorted(reached, ((whole + 1) // 2, whole // 2 + 1))].mean())


def _band(side: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those pixels of the animal, or of what is not, that lie within RIM of its edge; where none do, all pixels."""
    around = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    band = side & (cv2.dilate((~side).astype(np.uint8), around) > 0)
    return band if band.any() else np.ones_like(side)


def _above_foot(animal: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The animal without what lies in the box's lowest quarter, unless nothing is left."""
    rows = np.flatnonzero(inside.any(axis=1))
    above = animal.copy()
    above[rows[-1] + 1 - round(FOOT * len(rows)) :] = False
    return above if above.any() else animal


def _tones(darkest: float) -> float:
    """How much of the range of tones, 0 to 1, glare, haze or fog leave: they lift what is dark, and never darken."""
    return min(1.0, _stops_below_white(darkest) / STOPS)


def _stops_below_white(grey: float) -> float:
    return -SRGB * float(np.log2(max(grey, 1.0) / 255))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), dtype=np.bool_)


def _ellipse(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ys, xs = np.nonzero(inside)
    cy, cx = (ys.min() + ys.max()) / 2, (xs.min() + xs.max()) / 2
    ry, rx = (float(np.ptp(ys)) + 1) / 2, (float(np.ptp(xs)) + 1) / 2
    y, x = np.ogrid[: inside.shape[0], : inside.shape[1]]
    return np.asarray(((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1.0, dtype=np.bool_)


def _steepest(grey: NDArray[np.uint8], animal: NDArray[np.bool_]) -> float:
    """The gradient (grey values a pixel) than which STEEPEST are less, on the animal and two pixels around it."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.8)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8.0
    around = cv2.dilate(animal.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return faults.quantile(gradient[around], STEEPEST)
