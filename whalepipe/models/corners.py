"""Boxes as arrays of corners (N, 4): xmin, ymin, xmax, ymax, in any unit."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def areas(corners: Numbers) -> Numbers:
    """Width times height: (N,)."""
    product: Numbers = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    return product


def shared(box: Numbers, others: Numbers) -> Numbers:
    """The area (N,) that a box (4,) has in common with each of the others (N, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    product: Numbers = np.prod(np.clip(high - low, 0, None), axis=1)
    return product


def overlaps(box: Numbers, others: Numbers) -> Numbers:
    """Intersection over union (N,) of a box (4,) with others (N, 4); 0 for two that have no area."""
    both = shared(box, others)
    either = areas(others) + areas(box[None]) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def long_sides(corners: Numbers, width: float, height: float) -> Numbers:
    """The longer side (N,) of each box as a share of the longer side of its picture; corners are shares of the
    picture's width and height."""
    sides = (corners[:, 2:] - corners[:, :2]) * [width, height]
    longest: Numbers = sides.max(axis=1) / max(width, height)
    return longest
