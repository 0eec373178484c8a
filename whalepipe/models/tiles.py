"""Where in a large photo the detector looks again, closer, and how what it sees there joins what it saw first.

A fin 60 pixels wide in a photo of 6,000 is 10 pixels wide where the whole frame is looked at with 960: too small to be
sure of, but mostly not too small to be suspected. Tiles of the full-size photo all over the frame (`all`; Akyon et al.
2022, "Slicing aided hyper inference and fine-tuning for small object detection", ICIP) cost some thirty times a look at
the frame. So by default (`auto`) only the places where something small is suspected are looked at again, as Ruzicka and
Franchetti 2018, "Fast and accurate object detection in high resolution 4K and 8K video using GPUs", choose their crops
in a coarse look. Where the frame shows no animal at all, or a closer look has found a small one, which is seldom alone,
such places are sought once more in a look at the frame with twice the pixels.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from whalepipe.config import DetectConfig
from whalepipe.models.corners import Numbers, areas, long_sides, overlaps, shared

FINER = 2  # a photo is looked at closer if its long side is at least so many times `size`
SMALL = 1 / 30  # boxes shorter than this share of the frame's long side gain from more pixels
WEAK = 0.02  # least score of a small box that is looked at again
SURE = 0.3  # score of a box from which the frame shows an animal
SIDE = 320  # pixels that a window around a suspected box is looked at with
ROOM = 5  # times the box's longer side: side of that window, so that a suspected fin has 64 of the 320 pixels
LEAST, MOST = SIDE // 2, 4 * SIDE  # bounds of that window's side in pixels of the photo
WINDOWS = 16  # in one photo, those of the surest boxes: bounds the cost of a photo full of suspects
SHARED = 0.2  # of its side, what a tile shares with its neighbour: a small animal lies whole in one of the two
LONGEST = 0.6  # of a window's side: a longer box there is a piece of something that the frame shows whole
EDGE = 2  # pixels of the photo: a box so near to a window's edge goes on beyond it
FAINT = 0.01  # what a window shows below this score is dropped
PIECE = 0.5  # of a box's area in a sure and larger box of the frame: it is a piece of that one
SAME = 0.1  # overlap (IoU) from which a small box of the frame is the one that a window shows better

Picture = npt.NDArray[np.uint8]
Chosen = npt.NDArray[np.bool_]


class Seen(NamedTuple):
    """Predictions: corners (N, 4) as shares of a picture's width and height, scores (N, parts)."""

    corners: Numbers
    scores: Numbers

    @property
    def confidence(self) -> Numbers:
        """The score of the likeliest part: (N,)."""
        highest: Numbers = self.scores.max(axis=1)
        return highest

    def those(self, chosen: Chosen) -> "Seen":
        """Some of them."""
        return Seen(self.corners[chosen], self.scores[chosen])


class Window(NamedTuple):
    """A part of a photo, in its pixels."""

    left: int
    top: int
    width: int
    height: int


Looks = Callable[[Sequence[Picture], int], list[Seen]]  # at pictures (H, W, 3), their long sides at so many pixels


def pays(width: int, height: int, config: DetectConfig) -> bool:
    """Whether a photo of so many pixels has enough more of them than the detector's first look."""
    return config.tiles != "none" and max(width, height) >= FINER * config.size


def together(seen: Sequence[Seen]) -> Seen:
    """The predictions of several looks, in their order."""
    return Seen(np.vstack([s.corners for s in seen]), np.vstack([s.scores for s in seen]))


def look_closer(
    first: Seen, frame: tuple[int, int], read: Callable[[], Picture], config: DetectConfig, looks: Looks
) -> Seen:
    """What was seen of the whole frame, joined with what closer looks show.

    `frame` is the width and height that it was seen with. `read` gives the full-size photo (H, W, 3), and is called
    only where a closer look is taken. What is looked at does not depend on `config.confidence`.
    """
    if config.tiles == "all":
        photo = read()
        tiles = cover(photo.shape[1], photo.shape[0], config.size)
        return join(first, _through(tiles, photo, config.size, looks), frame)
    nothing, suspects = not (first.confidence >= SURE).any(), _suspects(first, frame)
    if not nothing and not len(suspects.corners):
        return first
    photo = read()
    windows = around(suspects, photo.shape[1], photo.shape[0])
    closer = _through(windows, photo, SIDE, looks)
    if nothing or any((seen.confidence >= SURE).any() for seen in closer):
        [more] = looks([photo], FINER * config.size)
        more = more.those(_small(more, frame))
        further = around(_suspects(more, frame), photo.shape[1], photo.shape[0], windows)
        closer += _through(further, photo, SIDE, looks)
        first = together([first, more])
    return join(first, closer, frame)


def cover(width: int, height: int, side: int) -> list[Window]:
    """Square tiles that cover a photo, all of one size, in rows; neighbours share a fifth of `side` at least."""
    lefts, tops = _starts(width, side), _starts(height, side)
    return [Window(left, top, min(side, width), min(side, height)) for top in tops for left in lefts]


def _starts(length: int, side: int) -> list[int]:
    step = side - ceil(SHARED * side)
    count = ceil((length - side) / step) + 1 if length > side else 1
    return [i * (length - side) // max(count - 1, 1) for i in range(count)]


def around(suspects: Seen, width: int, height: int, known: Sequence[Window] = ()) -> list[Window]:
    """Windows of a photo of so many pixels around suspected boxes, the surest first; with the known, WINDOWS at most.

    A box that lies well inside a known window or that of a surer one, and is no much smaller, gets none of its own.
    """
    windows = list(known)
    for number in np.argsort(-suspects.confidence, kind="stable"):
        xmin, ymin, xmax, ymax = suspects.corners[number] * (width, height, width, height)
        long = max(xmax - xmin, ymax - ymin)
        side = round(min(max(ROOM * long, LEAST), MOST))
        place = (xmin - long / 2, ymin - long / 2, xmax + long / 2, ymax + long / 2)
        if len(windows) >= WINDOWS:
            break
        if any(_holds(window, place, width, height) and side >= max(window[2:]) / 2 for window in windows):
            continue
        w, h = min(side, width), min(side, height)
        left, top = round((xmin + xmax - w) / 2), round((ymin + ymax - h) / 2)
        windows.append(Window(min(max(left, 0), width - w), min(max(top, 0), height - h), w, h))
    return windows[len(known) :]


def _holds(window: Window, place: Sequence[float], width: int, height: int) -> bool:
    """Whether a place (corners in pixels), as far as it lies in the photo, lies in the window."""
    left, top, w, h = window
    low = left <= max(place[0], 0) and top <= max(place[1], 0)
    return low and min(place[2], width) <= left + w and min(place[3], height) <= top + h


def _suspects(seen: Seen, frame: tuple[int, int]) -> Seen:
    """The predictions that are looked at again: small ones that may be an animal."""
    return seen.those((seen.confidence >= WEAK) & _small(seen, frame))


def _small(seen: Seen, frame: tuple[int, int]) -> Chosen:
    small: Chosen = long_sides(seen.corners, *frame) < SMALL
    return small


def _through(windows: Sequence[Window], photo: Picture, size: int, looks: Looks) -> list[Seen]:
    """What each window of the photo shows, in shares of the photo."""
    shown = [photo[top : top + height, left : left + width] for left, top, width, height in windows]
    return [_placed(seen, window, photo) for seen, window in zip(looks(shown, size), windows, strict=True)]


def _placed(seen: Seen, window: Window, photo: Picture) -> Seen:
    """What a window shows, in shares of the photo, without what is faint, too long or cut by an edge."""
    left, top, width, height = window
    seen = seen.those(seen.confidence >= FAINT)
    whole = np.array(photo.shape[1::-1] * 2)
    pixels = seen.corners * (width, height, width, height) + (left, top, left, top)
    inner = np.array([left, top]) > 0, np.array([left + width, top + height]) < whole[:2]
    cut = (inner[0] & (pixels[:, :2] < np.array([left, top]) + EDGE)).any(axis=1)
    cut |= (inner[1] & (pixels[:, 2:] > np.array([left + width, top + height]) - EDGE)).any(axis=1)
    short = (pixels[:, 2:] - pixels[:, :2]).max(axis=1) <= LONGEST * max(width, height)
    return Seen(np.round(pixels / whole, 5), seen.scores).those(~cut & short)


def join(first: Seen, windows: Sequence[Seen], frame: tuple[int, int]) -> Seen:
    """What was seen of the frame and in windows: without pieces, in the windows, of what the frame is sure of, and
    without small boxes of the frame that a window shows better."""
    if not windows:
        return first
    closer, small = together(windows), _small(first, frame)
    pieces = np.zeros(len(closer.corners), bool)
    for box in np.unique(first.corners[(first.confidence >= SURE) & ~small], axis=0):
        pieces |= shared(box, closer.corners) >= PIECE * areas(closer.corners)
    closer = closer.those(~pieces)
    better = np.zeros(len(first.corners), bool)
    for number in np.flatnonzero(small & (first.confidence >= FAINT)):
        surer = closer.corners[closer.confidence >= first.confidence[number]]
        better[number] = (overlaps(first.corners[number], surer) >= SAME).any()
    return together([first.those(~better), closer])
