"""The shape of the water: bands of waves, gusts, and which point of the surface a pixel shows.

Waves are random-phase sums with a k^-4 spectrum and a cosine-squared spread about the wind (Phillips, J. Fluid Mech.
4, 1958), made steeper at their crests by Stokes' second-order term. Mean square slopes are of the size that Cox and
Munk measured (J. Opt. Soc. Am. 44, 1954), shared among the bands by eye.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .settings import Scene, Sea
from .texture import Array, sample

TILE = 256
COARSE = 4  # columns of the picture to one of the coarse grid: crests run along the rows
BANDS = (131.0, 37.0, 9.1, 2.3, 0.57)  # metres a tile, incommensurate so that repeats do not line up
GUSTS = (170.0, 23.0)  # metres a tile of the gust map, at two scales
TURN = float(np.arctan(0.618))  # of all tiles: by the golden ratio, so that no repeat lies straight behind another
FAR = 1.2  # rows below the horizon beyond which all water looks alike


@dataclass(frozen=True)
class Band:
    """Waves of one range of lengths: rms `slope`, `height` in metres (deviation), and tiles that repeat.

    `slopes` (TILE + 1, TILE + 1, 2) goes right and away; `heights` (TILE + 1, TILE + 1) is in metres.
    """

    size: float
    slope: float
    height: float
    slopes: Array
    heights: Array

    def kept(self, footprint: Array) -> Array:
        """Return how much of the waves is left where a pixel covers so many metres: the rest averages out."""
        # Half of a band's slopes are in waves shorter than a ninth of its tile, which two pixels must hold.
        blend = footprint * np.float32(1 / (0.04 * self.size))
        return np.asarray(1.0 / (1.0 + blend * blend))

    def is_smooth(self, across: float) -> bool:
        """Return whether no wave changes between points `across` metres apart."""
        return across < 0.018 * self.size


def turned(right: Array, away: Array) -> tuple[Array, Array]:
    """Return points in metres along the axes of the tiles."""
    c, s = np.float32(np.cos(TURN)), np.float32(np.sin(TURN))
    return c * right + s * away, c * away - s * right


def repeat(tile: Array, size: float, points: tuple[Array, Array]) -> Array:
    """Return a tile (TILE + 1, TILE + 1, ...) that repeats every `size` metres at `turned` points."""
    at = []
    for point in points:
        place = point * np.float32(1 / size)
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
    shares = (0.15 * sea.wind, 0.9 * sea.wind**0.5, 1.2, 1.2, 0.4 + 0.06 * sea.rain / slope)
    # Waves come in groups, with smoother water between: an envelope of eight lengths or fewer to a tile.
    bands, groups = [], np.exp(0.45 * np.clip(_field(_phases(rng) * np.exp(-((K / 8.0) ** 2))), -1.6, 1.6))
    # How many of the waves run across the wind: short ones nearly as many as along it (slope variances 3 : 4 in Cox
    # and Munk), so that their crests are short.
    spreads = (0.02, 0.2, 0.6, 1.2, 1.2)
    for number, (size, share) in enumerate(zip(BANDS, shares, strict=True)):
        strength = max(slope * share, 0.004, (0.10, 0.07, 0.0, 0.0, 0.0)[number] * sea.swell)
        bands.append(_band(rng, groups, size, strength, swell if number == 0 else wind, spreads[number]))
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
LIMITED = np.exp(-((3.0 / K) ** 4) - (K / 26.0) ** 4) / np.maximum(K, 1.0) ** 2  # of a band: 3 to 26 waves a tile


def _phases(rng: np.random.Generator) -> Array:
    """Return a white spectrum (TILE, TILE / 2 + 1) complex64."""
    drawn = rng.standard_normal((TILE, TILE // 2 + 1, 2), dtype=np.float32)
    return np.asarray(drawn.view(np.complex64)[..., 0])


def _field(waves: Array) -> Array:
    field = np.fft.irfft2(waves, (TILE, TILE)).astype(np.float32, copy=False)
    return np.asarray(field / field.std())


def _band(
    rng: np.random.Generator, groups: Array, size: float, strength: float, wind: float, spread: float
) -> Band:
    lobe = spread + ((KX * np.float32(np.cos(wind - TURN)) + KZ * np.float32(np.sin(wind - TURN))) / K) ** 2
    height = _field(_phases(rng) * (LIMITED * lobe))
    height *= groups
    height /= height.std()
    height += 0.05 * height * height  # Stokes: peaked crests, flat troughs, by about the slope of the waves
    u, v = ((np.roll(height, -1, axis) - np.roll(height, 1, axis)) / 2 for axis in (1, 0))
    right, away = u * np.cos(TURN) - v * np.sin(TURN), u * np.sin(TURN) + v * np.cos(TURN)
    gain = strength / float(np.sqrt(np.mean(right * right + away * away)))
    height = (height - height.mean()) * (gain * size / TILE)
    planes = [(plane * np.float32(k)).astype(np.float32) for plane, k in ((right, gain), (away, gain), (height, 1))]
    slopes, heights = (
        np.asarray(cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)) for tile in (cv2.merge(planes[:2]), planes[2])
    )
    return Band(size, strength, float(height.std()), slopes, heights)


def draw_gusts(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return two repeating maps (TILE + 1, TILE + 1): gusts (deviation 1) and the lace of foam, 0 to 1."""
    gusts = _field(_phases(rng) * (np.exp(-((K / 24.0) ** 2)) / np.maximum(K, 1.5) ** 1.6))
    cells = _field(_phases(rng) * (np.exp(-((5.0 / K) ** 2)) / np.maximum(K, 1.0) ** 1.5))
    lace = np.exp(-np.abs(cells) * 2.6)  # foam gathers on lines round the cells
    return np.pad(gusts, (0, 1), "wrap"), np.pad(lace, (0, 1), "wrap")


def coarse_columns(width: int) -> Array:
    """Return the picture's columns (n,) at which the coarse grid stands."""
    return np.arange(0, width, COARSE, dtype=np.float32) + (COARSE - 1) / 2


def surface(scene: Scene, bands: list[Band]) -> Array:
    """Return metres to the water that each pixel shows, (height, n) at the coarse columns: crests hide troughs.

    Marching away from the camera, a point is seen if no nearer one stood higher in its column.
    """
    camera = scene.camera
    x = coarse_columns(scene.width) - scene.width / 2
    horizon = camera.horizon + np.float32(np.tan(np.radians(camera.tilt))) * x
    highest = min(0.55, 3 * sum(band.height for band in bands) / camera.height)
    near = max(scene.height - float(horizon.min()), FAR + 8) / (1 - highest)
    far = max(FAR, -float(horizon.max()) / (1 + highest))
    below = np.linspace(near, far, int((near - far) * 0.9) + 4, dtype=np.float32)[:, None]
    away = camera.focal * camera.height / below
    points = turned(x[None, :] * (away * np.float32(1 / camera.focal)), away)
    lift = np.zeros(points[0].shape, np.float32)
    for band in bands[:4]:
        kept = band.kept(0.5 * away / below)
        count = int((kept[:, 0] > 0.02).sum())
        if count:
            lift[:count] += repeat(band.heights, band.size, (points[0][:count], points[1][:count])) * kept[:count]
    # Negated, since interpolation wants rising numbers.
    seen = -np.minimum.accumulate(below * (1 - np.clip(lift * (1 / camera.height), -2, 0.6)), axis=0).T
    rows = np.arange(scene.height, dtype=np.float32)
    shown = [np.interp(h - rows, column, below[:, 0]) for h, column in zip(horizon, seen, strict=True)]
    return np.asarray(camera.focal * camera.height / np.array(shown, np.float32).T, np.float32)
