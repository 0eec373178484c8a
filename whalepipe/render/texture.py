"""Noise, splines and scars: what the seas and the skins are painted with."""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DETAIL = 4  # samples to a blob of noise: with fewer its slopes would show corners


def smoothstep(low: float, high: float, x: Array) -> Array:
    """Return 0 below `low`, 1 above `high` and a smooth ramp between; any shape, same shape back."""
    t = np.asarray((x - low) * (1.0 / (high - low)))
    np.clip(t, 0.0, 1.0, out=t)
    ramp = np.asarray(3.0 - 2.0 * t)
    ramp *= t
    ramp *= t
    return ramp


def noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: tuple[float, float],
    octaves: int = 4,
    gain: float = 0.5,
) -> Array:
    """Return fractal value noise (height, width) float32, mean about 0, standard deviation about 1.

    `cell` is the size of the coarsest blobs (rows, columns) in pixels; every octave halves it and is weaker by
    `gain`. Low frequencies are drawn and added up on coarse grids, which is what makes them cheap.
    """
    total, coarse = np.zeros((1, 1), np.float32), 1  # pixels to a sample of `total`, which lies at whole multiples
    for octave in range(octaves):
        rows, columns = (max(size / 2**octave, 1.0) for size in cell)
        grid = rng.standard_normal((int(height / rows) + 3, int(width / columns) + 3), dtype=np.float32)
        step = max(k for k in (1, 2, 4, 8) if k == 1 or DETAIL * k <= min(rows, columns))
        size = (width, height) if step == 1 else (width // step + 2, height // step + 2)
        if octave == 0 or step != coarse:
            total, coarse = stretched(total, size, step / coarse, step / coarse, 0), step
        # The grid starts inside its border, so that blobs keep their size up to the edge.
        blobs = np.asarray(cv2.GaussianBlur(grid, (3, 3), 0.7))
        total += np.float32(gain**octave) * stretched(blobs, size, step / columns, step / rows, 1)
    if coarse > 1:
        total = stretched(total, (width, height), 1 / coarse, 1 / coarse, 0)
    return total / np.float32(0.45 * np.sqrt(sum(gain ** (2 * octave) for octave in range(octaves))))


SUPPLY = 1 << 19  # numbers of white noise that are drawn once


@cache
def _supply() -> Array:
    return np.random.default_rng(0).standard_normal(SUPPLY, dtype=np.float32)


def supply(shape: tuple[int, ...], start: int) -> Array:
    """Return white noise of a shape, deviation 1, from a place in a supply that repeats: do not write to it.

    Drawing a million numbers takes as long as painting a sea.
    """
    count = int(np.prod(shape))
    if count > SUPPLY:
        return np.resize(_supply(), shape)
    first = start % (SUPPLY - count + 1)
    return np.asarray(_supply()[first : first + count].reshape(shape))


def gauss(image: Array, sigma: float) -> Array:
    """Return an image (height, width, ...) blurred; wide blurs are done on a smaller one, which looks the same."""
    if sigma <= 1.6:
        reach = 3 if sigma < 0.5 else 5 if sigma < 1.0 else 7 if sigma < 1.3 else 9
        return np.asarray(cv2.GaussianBlur(image, (reach, reach), sigma))
    shrink = 2 if sigma <= 5 else 4 if sigma <= 12 else 8
    size = (image.shape[1], image.shape[0])
    less = (max(1, size[0] // shrink), max(1, size[1] // shrink))
    small = cv2.resize(image, less, interpolation=cv2.INTER_AREA)
    reach = 2 * int(2.5 * sigma / shrink) + 1
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (reach, reach), sigma / shrink), size))


def stretched(plane: Array, size: tuple[int, int], right: float, down: float, start: float) -> Array:
    """Return a plane of `size` (width, height) whose pixel (x, y) is `plane` at (start + right x, start + down y)."""
    step = np.array([[right, 0, start], [0, down, start]], np.float64)
    return np.asarray(cv2.warpAffine(plane, step, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def rgb(plane: Array) -> Array:
    """Return a plane (height, width) three times over, (height, width, 3): numpy broadcasts so short an axis slowly."""
    return np.asarray(cv2.merge((plane, plane, plane)))


def even(colour: Array, width: int) -> Array:
    """Return a row (1, width, 3) float32 of one colour (3,), with which numpy works 20 times as fast as with that."""
    return np.tile(colour.astype(np.float32), width).reshape(1, width, 3)


def tinted(plane: Array, colour: Array) -> Array:
    """Return so much (height, width) of a colour (3,) at each pixel, (height, width, 3)."""
    return rgb(plane) * even(colour, plane.shape[1])


def blend(window: Array, colour: Array, cover: Array) -> None:
    """Lay a colour, (3,) or (height, width, 3), over a window (height, width, 3) in place, as opaque as `cover`."""
    if not window.size:
        return
    flat = even(colour, window.shape[1]) if colour.ndim == 1 else None
    # So few rows at a time that they stay in the processor's cache.
    step = max(1, (1 << 15) // window.shape[1])
    for top in range(0, len(window), step):
        here = window[top : top + step]
        over = (colour[top : top + step] if flat is None else flat) - here
        over *= rgb(cover[top : top + step])
        here += over


def sample(image: Array, columns: Array, rows: Array, border: int = cv2.BORDER_CONSTANT) -> Array:
    """Return `image` at the given columns and rows (one shape), bilinear, float32; outside: as `border` says."""
    at = columns.astype(np.float32, copy=False), rows.astype(np.float32, copy=False)
    return np.asarray(cv2.remap(image, *at, cv2.INTER_LINEAR, borderMode=border))


def wiggle(rng: np.random.Generator, count: int, cell: float, octaves: int = 3) -> Array:
    """Return one-dimensional noise (count,), standard deviation about 1, with bumps of `cell` samples."""
    return np.asarray(noise(rng, 3, count, (3.0, cell), octaves)[1])


def bezier(points: Array, count: int) -> Array:
    """Return `count` points (count, 2) on the cubic Bezier curve of four control points (4, 2)."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    p0, p1, p2, p3 = points
    return np.asarray((1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t**2 * (1 - t) * p2 + t**3 * p3)


def spline(points: Array, count: int) -> Array:
    """Return `count` points (count, 2) on the Catmull-Rom spline through points (n, 2), ends included."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    at = np.linspace(0, len(points) - 1 - 1e-9, count)
    first = at.astype(int)
    t = (at - first)[:, None]
    a, b, c, d = (padded[first + shift] for shift in range(4))
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))


def draw_lines(shape: tuple[int, int], lines: list[Array], widths: list[int], strengths: list[float]) -> Array:
    """Return scars as (height, width) float32 in 0..1: each line (n, 2) in pixels, anti-aliased."""
    canvas = np.zeros(shape, np.uint8)
    for line, width, strength in zip(lines, widths, strengths, strict=True):
        path = np.round(line * 16).astype(np.int32)[None]
        cv2.polylines(canvas, [path], False, int(255 * strength), width, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / 255


def fill(shape: tuple[int, int], polygon: Array) -> Array:
    """Return the anti-aliased inside of a polygon (n, 2), in pixels, as (height, width) float32 in 0..1."""
    canvas = np.zeros(shape, np.uint8)
    # Pixel centres are at .5, cv2 has them at whole numbers.
    path = np.round((np.clip(polygon, -4e4, 4e4) - 0.5) * 16).astype(np.int32)[None]
    cv2.fillPoly(canvas, [path], 255, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / 255
