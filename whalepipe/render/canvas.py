"""A grid over a piece of an animal's plane: what is smooth is painted on a coarse one and stretched over a fine one."""

from dataclasses import dataclass

import cv2
import numpy as np

from .texture import Array, fill


@dataclass(frozen=True)
class Canvas:
    """Pixels over the rectangle from `low` to `high` (x, y upwards) of a plane, about `scale` of them to its unit.

    Canvases over one rectangle show the same noise and hold the same places, however fine they are.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        (left, bottom), (right, top) = self.low, self.high
        return max(8, round((top - bottom) * self.scale)), max(8, round((right - left) * self.scale))

    @property
    def to_pixels(self) -> Array:
        """The map (2, 3) from points of the plane to pixels, whose middles are at whole numbers."""
        (left, bottom), (right, top) = self.low, self.high
        across, down = self.shape[1] / (right - left), self.shape[0] / (top - bottom)
        return np.array([[across, 0, -left * across - 0.5], [0, -down, top * down - 0.5]])

    def pixels(self, points: Array) -> Array:
        """Return points (n, 2) of the plane in pixels."""
        to = self.to_pixels
        return np.asarray(points @ to[:, :2].T + to[:, 2])

    def axes(self) -> tuple[Array, Array]:
        """Return x (1, width) and y (height, 1) of the pixels' middles."""
        to, (height, width) = self.to_pixels, self.shape
        x = (np.arange(width) - to[0, 2]) / to[0, 0]
        y = (np.arange(height) - to[1, 2]) / to[1, 1]
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]

    def depth(self, outline: Array) -> Array:
        """Return how deep (height, width) inside a closed outline (n, 2) each pixel lies, in the plane's unit."""
        inside = (fill(self.shape, self.pixels(outline) + 0.5) > 0.5).astype(np.uint8)
        return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 3) * np.float32(1 / self.scale))

    def noise(self, rng: np.random.Generator, cell: tuple[float, float], octaves: int = 3, gain: float = 0.5) -> Array:
        """Return fractal value noise (height, width), mean about 0, standard deviation about 1.

        `cell` is the size of the coarsest blobs (down, across) in the plane's unit. As many numbers are drawn on every
        canvas; blobs smaller than a pixel, which would be seen as their mean, are left out.
        """
        (left, bottom), (right, top) = self.low, self.high
        height, width = self.shape
        total = np.zeros((height, width), np.float32)
        for octave in range(octaves):
            down, across = (size / 2**octave for size in cell)
            grid = rng.standard_normal((int((top - bottom) / down) + 4, int((right - left) / across) + 4), np.float32)
            if min(down, across) * self.scale < 0.7:
                continue
            blobs = cv2.GaussianBlur(grid, (3, 3), 0.7) * np.float32(gain**octave)
            # The grid starts inside its border, so that blobs keep their size up to the edge.
            steps = (right - left) / across / width, (top - bottom) / down / height
            onto = np.array([[steps[0], 0, 1 + steps[0] / 2], [0, steps[1], 1 + steps[1] / 2]])
            total += cv2.warpAffine(blobs, onto, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return total * np.float32(1 / (0.45 * np.sqrt(sum(gain ** (2 * octave) for octave in range(octaves)))))

    def stretched(self, plane: Array) -> Array:
        """Return what was painted on a canvas of another scale over the same rectangle, at this one's."""
        height, width = self.shape
        return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR))

    def at(self, plane: Array, points: Array) -> Array:
        """Return a painted plane's values (n,) at points (n, 2) of the animal's plane, the border's outside it."""
        columns, rows = np.round(self.pixels(points)).astype(int).T
        return np.asarray(plane[np.clip(rows, 0, plane.shape[0] - 1), np.clip(columns, 0, plane.shape[1] - 1)])
