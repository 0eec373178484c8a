"""What a camera, its file or a person did to a picture: noise, squares of a JPEG, motion, words and frames burnt in.

Grey pictures in, one number out. All look at pixels of the full-size photo: shrunk, most of this is gone.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Picture = NDArray[np.uint8]

LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # blind to planes; Immerkaer 1996, section 2
GAUSSIAN = 6 * 0.6745  # what its median is divided by to be the deviation of noise: its norm, and a Gaussian's median
CALM = 0.4  # of the pixels, those where least is to be seen: what is left there is noise
BLOCK = 8  # pixels of a side of JPEG's squares
STEEP = 30.0  # grey values: steps beyond are of the picture, not of its squares
DIRECTIONS = 12  # in which contrast is looked for, over half a circle
FINE, COARSE = 0.7, 2.8  # pixels (sigma): what a moving camera smears, and what it leaves
SEEN = 1e-6  # of fine contrast: with less there is nothing to smear
STILL = 0.5  # grey values a pixel: gradients below it say nothing
PURE = 12  # grey values: burnt-in words and frames are of one colour, as no camera sees any
LETTER = (0.02, 0.5)  # of the picture's height: how tall a letter may be
SMALLEST = 6  # pixels: so tall is a letter at least that can be told
WRITING = 4  # letters in a row
APART = 2.0  # heights of a letter at most from the start of one to that of the next


def quantile(values: NDArray[Any], share: float) -> float:
    """The value below which this share, 0 to 1, of values of any shape lies: NumPy's quantile, several times faster."""
    place = share * (values.size - 1)
    below, above = int(place), min(int(place) + 1, values.size - 1)
    low, high = np.partition(values, (below, above), axis=None)[[below, above]].tolist()
    return float(low + (high - low) * (place - below))


def noise(grey: Grey) -> float:
    """Deviation of the noise, in grey values.

    Immerkaer 1996, "Fast noise variance estimation", equation 3, by a median over the calmest pixels in place of the
    sum over all, so that skin and waves do not count as noise.
    """
    if min(grey.shape) < 8:
        return 0.0
    picture = grey.astype(np.float32)
    left = np.abs(cv2.filter2D(picture, cv2.CV_32F, LAPLACIAN))[1:-1, 1:-1]
    seen = cv2.blur(np.abs(cv2.Laplacian(cv2.GaussianBlur(picture, (0, 0), 2.0), cv2.CV_32F)), (7, 7))[1:-1, 1:-1]
    calm = seen <= quantile(seen, CALM)
    return quantile(left[calm], 0.5) / GAUSSIAN


def squares(grey: Grey) -> float:
    """How much steeper the steps at the borders of JPEG's squares are than those within, 0 for not at all.

    The squares may begin anywhere: a crop is cut where its animal is. Wang, Bovik and Evans 2000, "Blind measurement
    of blocking artifacts in images", in the picture rather than in its spectrum.
    """
    ratios = [
        _at_borders(np.minimum(np.abs(np.diff(grey.astype(np.float32), axis=axis)), STEEP), axis) for axis in (0, 1)
    ]
    return float(np.sqrt(ratios[0] * ratios[1])) - 1.0


def _at_borders(steps: NDArray[np.float32], axis: int) -> float:
    along = steps.mean(axis=1 - axis)
    whole = len(along) // BLOCK * BLOCK
    if whole < 3 * BLOCK:
        return 1.0
    places = along[:whole].reshape(-1, BLOCK).mean(axis=0) + 0.05
    border = int(places.argmax())
    return float(places[border] / np.delete(places, border).mean())


def motion(grey: Grey) -> float:
    """How much more fine contrast one direction has lost than the one that has lost least, 0 to 1.

    A lens out of focus takes it from all directions alike, a camera or an animal that moved from one; skin that is
    smooth has none to lose, and coarse contrast says what there was. Fine contrast is how much the grey values bend:
    along one direction a slope may be left where every bend is smeared.
    """
    turns = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    cos, sin = np.cos(turns), np.sin(turns)
    fine, coarse = (cv2.GaussianBlur(grey.astype(np.float32), (0, 0), sigma) for sigma in (FINE, COARSE))
    bends = _mean_squares([_derived(fine, *o) for o in ((2, 0), (0, 2), (1, 1))], [cos**2, sin**2, 2 * cos * sin])
    slopes = _mean_squares([_derived(coarse, *order) for order in ((1, 0), (0, 1))], [cos, sin])
    kept = bends / (slopes + STILL)
    return float(1 - np.sqrt(kept.min() / kept.max())) if kept.max() > SEEN else 0.0


def _derived(picture: cv2.typing.MatLike, across: int, down: int) -> NDArray[np.float32]:
    """The derivative of a picture, of these orders, in grey values a pixel to the power of their sum: (pixels,)."""
    kernel = 8.0 if across + down == 1 else 4.0  # what Sobel's gives for one
    return np.asarray(cv2.Sobel(picture, cv2.CV_32F, across, down, scale=1 / kernel), np.float32).ravel()


def _mean_squares(derived: Sequence[NDArray[np.float32]], ways: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """In each of the directions the mean square of a derivative, the sum of these in so many `ways`, by moments."""
    moments = np.array([[one @ other for other in derived] for one in derived], np.float64) / derived[0].size
    return np.asarray(np.maximum(np.einsum("it,ij,jt->t", ways, moments, ways), 0.0))


def framed(picture: Picture) -> float:
    """Share of a picture, (h, w, 3) RGB, that is a frame or bars of one colour along its sides; 0 where all is."""
    left = picture
    for _ in range(8):  # each side in turn, turned by a quarter, and once more: a bar may end at another
        left = np.rot90(left[_plain_lines(left) :])
    return float(1 - left.size / picture.size) if left.size else 0.0


def _plain_lines(picture: Picture) -> int:
    """How many of the first rows are of one colour."""
    for number, row in enumerate(picture if picture.size else ()):
        if np.ptp(row, axis=0).max() > PURE:
            return number
    return len(picture)


def written(picture: Picture) -> float:
    """Share of the width of a picture, (h, w, 3) RGB, over which words or numbers are burnt in, 0 for none.

    Letters are pieces of one pure tone, black or white, of one height, and several of them stand on one line; glints
    and foam do not.
    """
    height, width = picture.shape[:2]
    most = 0.0
    for lowest, highest in ((255 - PURE, 255), (0, PURE)):
        pure = cv2.inRange(picture, (lowest,) * 3, (highest,) * 3)
        if cv2.countNonZero(pure) < WRITING * SMALLEST:
            continue
        _, _, stats, _ = cv2.connectedComponentsWithStats(pure)
        tall, wide = stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_WIDTH]
        least, most_tall = max(LETTER[0] * height, SMALLEST), LETTER[1] * height
        letters = stats[1:][(tall >= least) & (tall <= most_tall) & (wide <= 1.5 * tall)]
        most = max(most, max((_line(letters, one) for one in letters), default=0.0))
    return float(min(1.0, most / width))


def _line(letters: NDArray[np.int32], one: NDArray[np.int32]) -> float:
    """Pixels that the letters span which stand on one line with this one, near one another; 0 where they are few."""
    foot = letters[:, cv2.CC_STAT_TOP] + letters[:, cv2.CC_STAT_HEIGHT]
    tall = one[cv2.CC_STAT_HEIGHT]
    near = np.abs(foot - one[cv2.CC_STAT_TOP] - tall) <= max(1.0, 0.1 * tall)
    mates = letters[near & (np.abs(letters[:, cv2.CC_STAT_HEIGHT] - tall) <= max(1.0, 0.1 * tall))]
    starts = np.sort(mates[:, cv2.CC_STAT_LEFT])
    words = np.split(starts, np.flatnonzero(np.diff(starts) > APART * tall) + 1)
    return float(max((word[-1] - word[0] + tall for word in words if len(word) >= WRITING), default=0.0))
