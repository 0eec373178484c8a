"""Corners of boxes between pixels and shares of the photo, so that the way there and back changes no digit.

Sums are made with fractions of the decimals that a file holds: 641.3 + 147.9 is 789.2, which floats miss.
"""

from fractions import Fraction

from whalepipe.tables import BoxLabel

Corners = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax in pixels
Rectangle = tuple[Fraction, Fraction, Fraction, Fraction]  # left, top, width, height; pixels, or parts of a whole
Size = tuple[int, int]  # width and height of a photo, pixels, upright

DIGITS = 10  # behind the point of a pixel: more than anybody draws, fewer than a float's error reaches


def exact(number: float) -> Fraction:
    """The decimal that was written, not the binary number that stands for it."""
    return Fraction(repr(float(number)))


def corners(box: Rectangle) -> Corners:
    """The corners of a rectangle in pixels."""
    left, top, width, height = box
    return _pixels(left), _pixels(top), _pixels(left + width), _pixels(top + height)


def rectangle(row: BoxLabel) -> Rectangle:
    """The rectangle of a box in pixels."""
    xmin, ymin, xmax, ymax = map(exact, row.corners)
    return xmin, ymin, xmax - xmin, ymax - ymin


def in_pixels(box: Rectangle, size: Size, whole: int = 1) -> Rectangle:
    """A rectangle given in parts of the photo (`whole` is all of it: 1, or 100 for per cent) in its pixels."""
    (width, height), (x, y, w, h) = size, box
    return x * width / whole, y * height / whole, w * width / whole, h * height / whole


def in_parts(box: Rectangle, size: Size, whole: int = 1) -> Rectangle:
    """The reverse of `in_pixels`."""
    (width, height), (x, y, w, h) = size, box
    return x * whole / width, y * whole / height, w * whole / width, h * whole / height


def centred(box: Rectangle) -> Rectangle:
    """Middle x, middle y, width, height of a rectangle."""
    left, top, width, height = box
    return left + width / 2, top + height / 2, width, height


def from_centre(box: Rectangle) -> Rectangle:
    """The reverse of `centred`."""
    x, y, width, height = box
    return x - width / 2, y - height / 2, width, height


def around(points: list[tuple[Fraction, Fraction]]) -> Rectangle:
    """The smallest upright rectangle that holds all points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def plain(number: Fraction | float) -> float | int:
    """A number as a file shows it: a whole one without a point."""
    value = float(number)
    return int(value) if value.is_integer() else value


def _pixels(value: Fraction) -> float:
    return round(float(value), DIGITS) + 0.0  # + 0.0: no minus before a zero
