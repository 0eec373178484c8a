"""The shape of the water: bands of waves, gusts, and which point of the surface a pixel shows.

Waves are random-phase sums with a k^-4 spectrum and a cosine-squared spread about the wind (Phillips, J. Fluid Mech.
4, 1958), made steeper at their crests by Stokes' second-order term. Mean square slopes are of the size that Cox and
Munk measured (J. Opt. Soc. Am. 44, 1954), shared among the bands by eye.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, sample

TILE = 128
SPARKS = 512  # of the tile of glints
GRID = 4  # columns of the picture to one that is drawn: seen so low, nothing on the water is as tall as wide
BANDS = (131.0, 37.0, 9.1, 2.3, 0.57, 0.14)  # metres a tile, incommensurate so that repeats do not line up
# How many of the waves run across the wind: short ones nearly as many as along it (slope variances 3 : 4 in Cox and
# Munk), so that their crests are short.
SPREADS = (0.02, 0.2, 0.6, 1.2, 1.2, 1.2)
BEARINGS = (8, 8, 4, 3, 3, 3)  # directions of the wind between 0 and 180 degrees for which there are tiles
SEEN = 0.4  # of the mean square slope of the capillaries that the shortest band has
GUSTS = (170.0, 23.0)  # metres a tile of the gust map, at two scales
TURN = float(np.arctan(0.618))  # of all tiles: by the golden ratio, so that no repeat lies straight behind another
FAR = 1.2  # rows below the horizon beyond which all water looks alike
MOST = 900  # steps away from the camera in which the water's shape is looked for
TALL = 3  # bands on which foam stands


@dataclass(frozen=True)
class Band:
    """Waves of one range of lengths: rms `slope`, `height` in metres (deviation), and a tile that repeats.

    `waves` (TILE + 1, TILE + 1, 4): slopes right and away of rms 1, heights of deviation 1 (of ripples 0), nothing
    (four planes are sampled three times as fast as three); `crests` (TILE + 1, TILE + 1) are the heights alone.
    `start`: where in its tile the sea begins, in tiles.
    """

    size: float
    slope: float
    height: float
    waves: Array
    crests: Array
    start: tuple[float, float]

    def kept(self, footprint: Array) -> Array:
        """Return how much of the waves is left where a pixel covers so many metres: the rest averages out."""
        # Half of a band's slopes are in waves shorter than a ninth of its tile, which two pixels must hold.
        kept = footprint * np.float32(1 / (0.04 * self.size))
        kept *= kept
        kept += 1
        return np.asarray(np.reciprocal(kept, out=kept))


def turned(right: Array, away: Array) -> tuple[Array, Array]:
    """Return points in metres along the axes of the tiles."""
    c, s = np.float32(np.cos(TURN)), np.float32(np.sin(TURN))
    return c * right + s * away, c * away - s * right


def repeat(tile: Array, size: float, points: tuple[Array, Array], start: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Return a tile (TILE + 1, TILE + 1, ...) that repeats every `size` metres at `turned` points."""
    at = []
    for point, first in zip(points, start, strict=True):
        place = point * np.float32(1 / size)
        place += np.float32(first)
        place -= np.floor(place)
        place *= TILE
        at.append(place)
    return sample(tile, at[0], at[1])


def draw_bands(sea: Sea, rng: np.random.Generator) -> list[Band]:
    """Return the bands of a sea, the longest waves first."""
    wind, swell = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
    slope = float(np.sqrt(0.0009 + 0.05 * sea.wind**1.5) / 2)
    # Rough weather feeds the long waves; those shorter than a hand are weak (`capillaries` have the rest), but drops
    # dimple them. In all this is the mean square slope of an oiled sea.
    fine = float(np.sqrt(SEEN * capillaries(sea))) / slope
    shares = (0.15 * sea.wind, 0.9 * sea.wind**0.5, 1.2, 1.2, 0.4 + 0.06 * sea.rain / slope, fine)
    bands = []
    for number, (size, share) in enumerate(zip(BANDS, shares, strict=True)):
        strength = max(slope * share, 0.004, (0.10, 0.07, 0.0, 0.0, 0.0, 0.0)[number] * sea.swell)
        step = np.pi / BEARINGS[number]
        bearing = round((swell if number == 0 else wind) / step) % BEARINGS[number]
        waves, crests, tall = _tile(number, bearing)
        start = (float(rng.random()), float(rng.random()))
        bands.append(Band(size, strength, strength * tall * size, waves, crests, start))
    return bands


def capillaries(sea: Sea) -> float:
    """Return the mean square slope of waves too short to be seen singly: a clean sea's less that of an oiled one.

    Cox and Munk: 0.003 + 0.00512 U and 0.008 + 0.00156 U, U in m/s; a `wind` of 1 is 12 m/s.
    """
    return max(0.0, 0.0427 * sea.wind - 0.005)


def _wavenumbers() -> tuple[Array, Array, Array]:
    """Return waves a tile to the right and away, and in all (never below 0.1: there is no mean)."""
    kx = np.float32(TILE) * np.fft.rfftfreq(TILE).astype(np.float32)[None, :]
    kz = np.float32(TILE) * np.fft.fftfreq(TILE).astype(np.float32)[:, None]
    return kx, kz, np.maximum(np.hypot(kx, kz), np.float32(0.1))


KX, KZ, K = _wavenumbers()
LIMITED = np.exp(-((3.0 / K) ** 4) - (K / 18.0) ** 4) / np.maximum(K, 1.0) ** 2  # of a band: 3 to 18 waves a tile


def _phases(rng: np.random.Generator) -> Array:
    """Return a white spectrum (TILE, TILE / 2 + 1) complex64."""
    drawn = rng.standard_normal((TILE, TILE // 2 + 1, 2), dtype=np.float32)
    return np.asarray(drawn.view(np.complex64)[..., 0])


def _field(waves: Array) -> Array:
    field = np.fft.irfft2(waves, (TILE, TILE)).astype(np.float32, copy=False)
    return np.asarray(field / field.std())


@cache
def _tile(number: int, bearing: int) -> tuple[Array, Array, float]:
    """Return the waves and crests of a band, see `Band`, for a wind from one of its BEARINGS.

    The last is the deviation of the heights in tiles where the slopes' rms is 1. All seas are made of the same tiles,
    each with its own beginnings and strengths: drawing tiles for every sea took as long as painting it.
    """
    rng, wind = np.random.default_rng([number, bearing]), np.pi * bearing / BEARINGS[number] - TURN
    lobe = SPREADS[number] + ((KX * np.float32(np.cos(wind)) + KZ * np.float32(np.sin(wind))) / K) ** 2
    # Waves come in groups, with smoother water between: an envelope of eight lengths or fewer to a tile.
    groups = np.exp(0.45 * np.clip(_field(_phases(rng) * np.exp(-((K / 8.0) ** 2))), -1.6, 1.6))
    height = _field(_phases(rng) * (LIMITED * lobe)) * groups
    height /= height.std()
    height += 0.05 * height * height  # Stokes: peaked crests, flat troughs, by about the slope of the waves
    u, v = ((np.roll(height, -1, axis) - np.roll(height, 1, axis)) / 2 for axis in (1, 0))
    right, away = u * np.cos(TURN) - v * np.sin(TURN), u * np.sin(TURN) + v * np.cos(TURN)
    rms = float(np.sqrt(np.mean(right * right + away * away)))
    deep = float(height.std())
    height = ((height - height.mean()) / deep).astype(np.float32)
    nothing = np.zeros_like(height)
    tall = height if number < TALL else nothing
    planes = [(right / rms).astype(np.float32), (away / rms).astype(np.float32), tall, nothing]
    waves, crests = (
        np.asarray(cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)) for tile in (cv2.merge(planes), height)
    )
    return waves, crests, deep / rms / TILE


@cache
def gust_tiles() -> tuple[Array, Array]:
    """Return two repeating maps (TILE + 1, TILE + 1): gusts (deviation 1) and the lace of foam, 0 to 1."""
    rng = np.random.default_rng(len(BANDS))
    gusts = _field(_phases(rng) * (np.exp(-((K / 24.0) ** 2)) / np.maximum(K, 1.5) ** 1.6))
    cells = _field(_phases(rng) * (np.exp(-((5.0 / K) ** 2)) / np.maximum(K, 1.0) ** 1.5))
    lace = np.exp(-np.abs(cells) * 2.6)  # foam gathers on lines round the cells
    return np.pad(gusts, (0, 1), "wrap"), np.pad(lace, (0, 1), "wrap")


@cache
def glints() -> Array:
    """Return a repeating tile (SPARKS + 1, SPARKS + 1) of noise, deviation 1, with blobs of two pixels and of four.

    With smaller ones the tile's own grid would show wherever it is not drawn pixel for pixel.
    """
    rng = np.random.default_rng(SPARKS)
    soft = np.zeros((SPARKS + 16, SPARKS + 16), np.float32)
    for sigma in (1.0, 2.0):  # the larger are half as strong
        wrapped = np.pad(rng.standard_normal((SPARKS, SPARKS), dtype=np.float32), 8, "wrap")
        soft += cv2.GaussianBlur(wrapped, (0, 0), sigma)
    cut = soft[8 : 9 + SPARKS, 8 : 9 + SPARKS]
    return np.asarray(cut / cut.std())


def drawn_columns(width: int, step: int = GRID) -> Array:
    """Return the picture's columns (n,) in the middle of every `step`."""
    return np.arange(0, width, step, dtype=np.float32) + (step - 1) / 2


def surface(scene: Scene, bands: list[Band]) -> Array:
    """Return metres to the water that each pixel shows, (height, n) at the drawn columns: crests hide troughs.

    Marching away from the camera, a point is seen if no nearer one stood higher in its column.
    """
    camera = scene.camera
    x = drawn_columns(scene.width) - scene.width / 2
    horizon = camera.horizon + np.float32(np.tan(np.radians(camera.tilt))) * x
    highest = min(0.55, 3 * sum(band.height for band in bands) / camera.height)
    near = max(scene.height - float(horizon.min()), FAR + 8) / (1 - highest)
    far = max(FAR, -float(horizon.max()) / (1 + highest))
    # Close by, where waves are large in the picture, steps may be: all is drawn between them.
    steps = min(int((near - far) * 0.9) + 4, MOST)
    below = np.linspace(near, far, steps, dtype=np.float32)
    away = (camera.focal * camera.height / below)[:, None]
    # The water's shape is smoother than its edges: every second column will do.
    half = drawn_columns(scene.width, 2 * GRID) - scene.width / 2
    points = turned(half[None, :] * (away * np.float32(1 / camera.focal)), away)
    lift = np.zeros(points[0].shape, np.float32)
    for band in bands[:4]:
        kept = band.kept(0.5 * away / below[:, None]) * np.float32(band.height / camera.height)
        count = int((kept > 0.02 * band.height / camera.height).sum())
        if count:
            nearer = points[0][:count], points[1][:count]
            lift[:count] += repeat(band.crests, band.size, nearer, band.start) * kept[:count]
    np.clip(lift, -2, 0.6, out=lift)
    lift = np.asarray(cv2.resize(lift, (2 * len(half), len(lift))))[:, : len(x)]
    # Negated, since interpolation wants rising numbers.
    seen = -np.minimum.accumulate(below[:, None] * (1 - lift), axis=0).T
    # All in numbers of 64 bits, and one column after the other, as the interpolation would have to make them.
    seen, below = np.ascontiguousarray(seen, np.float64), below.astype(np.float64)
    rows, shown = np.arange(scene.height, dtype=np.float64), np.empty((len(x), scene.height), np.float32)
    for h, column, into in zip(horizon.tolist(), seen, shown, strict=True):
        into[:] = np.interp(h - rows, column, below)
    # Whole rows lie together, since strips of them are worked on.
    shown = np.ascontiguousarray(shown.T)
    return np.divide(np.float32(camera.focal * camera.height), shown, out=shown)
