"""The shape of the water: bands of waves, gusts, and which point of the surface a pixel shows.

Waves are random-phase sums with a k^-4 spectrum and a cosine-squared spread about the wind (Phillips, J. Fluid Mech.
4, 1958), drawn towards their crests as Gerstner's are (Tessendorf, Simulating Ocean Water, 2001, eq. 44): crests are
sharp, troughs wide. Mean square slopes are of the size that Cox and Munk measured (J. Opt. Soc. Am. 44, 1954), shared
among the bands by eye.
"""

from dataclasses import dataclass
from functools import cache
from math import log

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, sample

TILE = 256
SPARKS = 512  # of the tile of glints
GRID = 4  # columns of the picture to one that is drawn: seen so low, nothing on the water is as tall as wide
BANDS = (127.0, 11.3, 1.03)  # metres a tile, incommensurate so that repeats do not line up
SHORTEST = 36.0  # waves a tile: the bands pass over into one another
FINER = 2**0.5  # between two levels of a tile's detail
LEVELS = 13
SHARPEST = 0.0025  # tiles: deviation of the blur of the first level
ORIENTATIONS = 3  # directions of the wind for which there are tiles
SEEN = 0.25  # of the mean square slope of the capillaries that the shortest band has
GUSTS = (170.0, 23.0)  # metres a tile of the gust map, at two scales
TURN = float(np.arctan(0.618))  # of all tiles: by the golden ratio, so that no repeat lies straight behind another
ACROSS = 0.35  # metres a pixel is wide to those it is long, at most views
FAR = 1.2  # rows below the horizon beyond which all water looks alike
MOST = 480  # steps away from the camera in which the water's shape is looked for
TALL = 2  # bands on which foam stands


@dataclass(frozen=True)
class Band:
    """Waves of one range of lengths: rms `slope`, `height` in metres (deviation), and tiles that repeat.

    `orientation`: the direction of its wind, one of ORIENTATIONS; `start`: where in its tile the sea begins, in tiles.
    """

    number: int
    size: float
    slope: float
    height: float
    orientation: int
    start: tuple[float, float]

    def level(self, footprint: float) -> "Level":
        """Return the tile for pixels that cover so many metres of water: what is finer averages out."""
        # Sharper, ripples seen at a glance would be threads: a lens sees less.
        blur = max(0.6 * footprint / self.size / SHARPEST, 1.0)
        return _level(self.number, self.orientation, min(round(log(blur) / log(FINER)), LEVELS - 1))


@dataclass(frozen=True)
class Level:
    """A tile without waves shorter than a pixel shows.

    `waves` (n + 1, n + 1, 4): slopes right and away, of rms 1 where all waves are seen, heights of deviation 1, nothing
    (four planes are sampled three times as fast as three); `kept` is the share of the mean square slope that is left.
    """

    waves: Array
    kept: float


def turned(right: Array, away: Array) -> tuple[Array, Array]:
    """Return points in metres along the axes of the tiles."""
    c, s = np.float32(np.cos(TURN)), np.float32(np.sin(TURN))
    return c * right + s * away, c * away - s * right


def repeat(tile: Array, size: float, points: tuple[Array, Array], start: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Return a tile (n + 1, n + 1, ...) that repeats every `size` metres at `turned` points."""
    at = []
    for point, first in zip(points, start, strict=True):
        place = point * np.float32(1 / size)
        place += np.float32(first)
        place -= np.floor(place)
        place *= len(tile) - 1
        at.append(place)
    return sample(tile, at[0], at[1])


def draw_bands(sea: Sea, rng: np.random.Generator) -> list[Band]:
    """Return the bands of a sea, the longest waves first."""
    wind, swell = int(rng.integers(ORIENTATIONS)), int(rng.integers(ORIENTATIONS))
    slope = float(np.sqrt(0.0009 + 0.05 * sea.wind**1.5) / 2)
    # Rough weather feeds the long waves; ripples shorter than a hand are fewer (`capillaries` have the rest), but
    # drops dimple the water. In all this is the mean square slope of an oiled sea.
    fine = float(np.sqrt(SEEN * capillaries(sea))) / slope
    shares = (0.8 * sea.wind**0.5, 1.7, 0.7 + 0.3 * fine + 0.06 * sea.rain / slope)
    bands = []
    for number, (size, share) in enumerate(zip(BANDS, shares, strict=True)):
        strength = max(slope * share, 0.004, (0.08, 0.03, 0.0)[number] * sea.swell)
        orientation = swell if number == 0 else wind
        start = (float(rng.random()), float(rng.random()))
        tall = _shape(number, orientation)[1]
        bands.append(Band(number, size, strength, strength * tall * size, orientation, start))
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
LIMITED = np.exp(-((3.0 / K) ** 4) - (K / SHORTEST) ** 4) / np.maximum(K, 1.0) ** 2  # of a band


def _phases(rng: np.random.Generator) -> Array:
    """Return a white spectrum (TILE, TILE / 2 + 1) complex64."""
    drawn = rng.standard_normal((TILE, TILE // 2 + 1, 2), dtype=np.float32)
    return np.asarray(drawn.view(np.complex64)[..., 0])


def _field(waves: Array) -> Array:
    field = np.fft.irfft2(waves, (TILE, TILE)).astype(np.float32, copy=False)
    return np.asarray(field / field.std())


@cache
def _shape(number: int, orientation: int) -> tuple[Array, float]:
    """Return the spectrum (TILE, TILE / 2 + 1) of a band's surface, and its deviation in tiles for slopes of rms 1.

    All seas are made of the same tiles, each with its own beginnings and strengths: drawing tiles for every sea took as
    long as painting it.
    """
    rng, wind = np.random.default_rng([number, orientation]), np.pi * (orientation + 0.3) / ORIENTATIONS - TURN
    # Short waves run across the wind nearly as often as along it (slope variances 3 : 4 in Cox and Munk), so that their
    # crests are short, and most seas have a second, weaker train of waves.
    spread = np.minimum(0.03 + 0.5 * np.sqrt(K * np.float32(2 / BANDS[number])), 1.4)
    lobe = spread
    for side, strength in ((0.0, 1.0), (1.0, 0.6)):
        along = (KX * np.float32(np.cos(wind + side)) + KZ * np.float32(np.sin(wind + side))) / K
        lobe = lobe + strength * along**2
    # Waves come in groups, with smoother water between: an envelope of eight lengths or fewer to a tile.
    groups = np.exp(0.5 * np.clip(_field(_phases(rng) * np.exp(-((K / 9.0) ** 2))), -1.6, 1.6))
    height = _field(_phases(rng) * (LIMITED * lobe)) * groups
    surface = np.fft.rfft2(_peaked(height))
    surface[0, 0] = 0
    slopes = [np.fft.irfft2(surface * (2j * np.pi * k), (TILE, TILE)) for k in (KX, KZ)]
    rms = float(np.sqrt(np.mean(slopes[0] ** 2 + slopes[1] ** 2)))
    deep = float(np.fft.irfft2(surface, (TILE, TILE)).std())
    return (surface / rms).astype(np.complex64), deep / rms


def _peaked(height: Array) -> Array:
    """Return a surface (TILE, TILE) whose points were drawn towards its crests as far as they can be without folds."""
    waves = np.fft.rfft2(height)
    over = [np.fft.irfft2(waves * (1j * k / K), (TILE, TILE)) for k in (KX, KZ)]
    bent = np.fft.irfft2(waves * K * np.float32(2 * np.pi / TILE), (TILE, TILE)).std()
    columns, rows = np.meshgrid(np.arange(TILE), np.arange(TILE))
    step = 0.15 / bent
    wrapped = np.pad(height, 32, "wrap").astype(np.float32)
    moved = (32 + at - np.clip(step * by, -30, 30) for at, by in zip((columns, rows), over, strict=True))
    return sample(wrapped, *moved)


@cache
def _level(number: int, orientation: int, level: int) -> Level:
    surface, deep = _shape(number, orientation)
    blur = np.float32(2 * np.pi * SHARPEST * FINER**level)
    # A pixel is far longer than wide on the water.
    along = -KX * np.float32(np.sin(TURN)) + KZ * np.float32(np.cos(TURN))
    beside = KX * np.float32(np.cos(TURN)) + KZ * np.float32(np.sin(TURN))
    left = surface * np.exp(-0.5 * blur**2 * (along**2 + (ACROSS * beside) ** 2))
    # Soft tiles need fewer pixels.
    size = TILE if level < 6 else TILE // 2 if level < 8 else TILE // 4
    low = np.r_[: size // 2, TILE - size // 2 : TILE], slice(size // 2 + 1)
    left = left[low] * np.float32((size / TILE) ** 2)
    u, v = (np.fft.irfft2(left * (2j * np.pi * k), (size, size)) for k in (KX[:, low[1]], KZ[low[0]]))
    right, away = u * np.cos(TURN) - v * np.sin(TURN), u * np.sin(TURN) + v * np.cos(TURN)
    height = np.fft.irfft2(left, (size, size)) / deep
    tile = cv2.merge([plane.astype(np.float32) for plane in (right, away, height, np.zeros_like(height))])
    kept = float(np.mean(right * right + away * away))
    return Level(np.asarray(cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)), kept)


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
    strip = 64
    for band in bands[:TALL]:
        for first in range(0, steps, strip):
            some = slice(first, first + strip)
            level = band.level(float(0.5 * away[some].mean() / below[some].mean()))
            if level.kept > 0.02:
                shape = repeat(level.waves, band.size, (points[0][some], points[1][some]), band.start)
                cv2.scaleAdd(cv2.extractChannel(shape, 2), band.height / camera.height, lift[some], dst=lift[some])
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
