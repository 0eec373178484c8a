"""What a camera, its file or a person did to a picture: noise, squares of a JPEG, motion, words and frames burnt in.

Grey pictures in, one number out. All look at pixels of the full-size photo: shrunk, most of this is gone.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Picture = NDArray[np.uint8]

LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # blind to planes; Immerkaer 1996, section 2
GAUSSIAN = 6 * 0.6745  # what its median is divided by to be the deviation of noise: its norm, and a Gaussian's median
CALM = 40  # per cent of the pixels, those where least is to be seen: what is left there is noise
BLOCK = 8  # pixels of a side of JPEG's squares
STEEP = 30.0  # grey values: steps beyond are of the picture, not of its squares
DIRECTIONS = 12  # in which contrast is looked for, over half a circle
FINE, COARSE = 0.7, 2.8  # pixels (sigma): what a moving camera smears, and what it leaves
SEEN = 1e-6  # of fine contrast: with less there is nothing to smear
STILL = 0.5  # grey values a pixel: gradients below it say nothing
PURE = 12  # grey values: burnt-in words and frames are of one colour, as no camera sees any
LETTER = (0.02, 0.5)  # of the picture's height: how tall a letter may be
WRITING = 4  # letters in a row
APART = 2.0  # heights of a letter at most from the start of one to that of the next


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
    calm = seen <= np.percentile(seen, CALM)
    return float(np.median(left[calm])) / GAUSSIAN


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
    fine, coarse = (cv2.GaussianBlur(grey.astype(np.float32), (0, 0), sigma) for sigma in (FINE, COARSE))
    kept = _bends(fine, turns) / (_contrast(coarse, turns) + STILL)
    return float(1 - np.sqrt(kept.min() / kept.max())) if kept.max() > SEEN else 0.0


def _contrast(picture: cv2.typing.MatLike, turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square of the gradient in each direction, by its second moments."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *axis) / 8 for axis in ((1, 0), (0, 1)))
    xx, yy, xy = (float(np.mean(product)) for product in (across * across, down * down, across * down))
    cos, sin = np.cos(turns), np.sin(turns)
    return np.asarray(cos**2 * xx + sin**2 * yy + 2 * cos * sin * xy)


def _bends(picture: cv2.typing.MatLike, turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square of the second derivative along each direction, by the second moments of the three that there are."""
    orders = ((2, 0), (0, 2), (1, 1))
    parts = np.stack([cv2.Sobel(picture, cv2.CV_32F, *order).ravel() for order in orders])
    moments = (parts @ parts.T).astype(np.float64) / (16 * parts.shape[1])  # a quarter of what Sobel's kernels give
    cos, sin = np.cos(turns), np.sin(turns)
    ways = np.stack([cos**2, sin**2, 2 * cos * sin])
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
        _, _, stats, _ = cv2.connectedComponentsWithStats(pure)
        tall, wide = stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_WIDTH]
        letters = stats[1:][(tall >= max(LETTER[0] * height, 6)) & (tall <= LETTER[1] * height) & (wide <= 1.5 * tall)]
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
