"""Outlines in the animal's own plane.

Fluke: x runs from -1 (left tip of the ventral view) to 1, y upwards from the peduncle, the central notch at (0, 0).
Fin, left view: x runs aft, 0 to 1 along the base, y upwards from the back. Other views are mirrored.
"""

from functools import lru_cache

import numpy as np

from .individual import FinTraits, FlukeTraits, Individual, Notch, edge_at
from .texture import Array, bezier, spline, wiggle

FLUKE_FOOT = -0.95  # y where the drawn peduncle ends, always under water
FIN_FOOT = -0.12  # y to which the fin's polygon reaches into the back
FLUKE_EDGE = 600  # points of one half's trailing edge: the outline's first, and mirrored its last
HEALED = np.hanning(15)[1:-1] / np.hanning(15).sum()  # weights of neighbours along an edge
FIN_CROWN, FIN_EDGE = 23, 419  # points about the tip and of the trailing edge: the last of the outline but one


@lru_cache(maxsize=512)
def part_outline(individual: Individual, years: float = 0.0) -> Array:
    """Return the closed outline (n, 2) of the fluke (with peduncle) or of the fin in a year, in its own plane."""
    rng = np.random.default_rng([individual.seed, 1])
    traits = individual.traits
    if isinstance(traits, FlukeTraits):
        right = _fluke_half(traits, edge_at(traits.right, years), rng)
        left = _fluke_half(traits, edge_at(traits.left, years), rng) * [-1, 1]
        return np.vstack([right, left[::-1]])
    return _fin(traits, edge_at(traits.nicks, years), rng)


def trailing_edge(individual: Individual, years: float = 0.0) -> Array:
    """Return the trailing edge (n, 2) in a year, a piece of the outline in its own plane.

    A fluke's runs from the left tip of the ventral view over the central notch to the right tip; a fin's from the tip
    (of its rounded crown the point farthest from the middle of the base) to the base.
    """
    outline = part_outline(individual, years)
    if individual.part == "fluke":
        return np.vstack([outline[-FLUKE_EDGE:], outline[:FLUKE_EDGE]])
    end = len(outline) - 1
    crown = outline[end - FIN_EDGE - FIN_CROWN : end - FIN_EDGE]
    tip = int(np.hypot(crown[:, 0] - 0.5, crown[:, 1]).argmax())
    return np.vstack([crown[tip:], outline[end - FIN_EDGE : end]])


def back_line(x: Array, arch: float) -> Array:
    """Return the height of the back's top at x (fin lengths, left view): level at the fin, falling off both ways.

    A rolling animal's back is an arc that bends the more towards its ends, where head and tail point down: its top
    goes under water at 20 to 40 degrees, it does not taper out on it.
    """
    out = np.maximum(np.abs(x - 0.5) - 0.3, 0.0)
    # At a usual arch the radius is 3.5 fin lengths (a bottlenose: 1.3 m) before the fin and 2.5 behind it.
    steep = np.where(x < 0.5, np.float32(0.13), np.float32(0.18)) * arch
    return np.asarray(np.maximum(-steep * out * out * (1 + 0.35 * out * out), -2.5))


def back_outline(arch: float) -> Array:
    """Return the closed outline (n, 2) of the back under a fin."""
    x = np.linspace(-4.5, 4.5, 360)
    # The skin rises in a hollow curve before the fin and behind it, as a fillet: steep at the fin, long at the back.
    before, behind = np.maximum(-0.02 - x, 0), np.maximum(x - 0.84, 0)
    fillet = 0.07 * np.exp(-before / 0.16) * (x < 0.5) + 0.085 * np.exp(-((behind / 0.24) ** 1.5)) * (x >= 0.5)
    top = np.stack([x, back_line(x, arch) + fillet], 1)
    return np.vstack([top, [[4.5, -3.0], [-4.5, -3.0]]])


def cut(edge: Array, notches: tuple[Notch, ...], rng: np.random.Generator) -> Array:
    """Return the edge (n, 2) with notches cut in to its right-hand side, as seen walking along it.

    What is torn is tattered: the cuts are uneven, the same in all years.
    """
    tatters = 1 + 0.16 * wiggle(rng, len(edge), 22, 3)
    step = np.gradient(edge, axis=0)
    length = np.linalg.norm(step, axis=1)
    along = np.cumsum(length)
    depth = np.zeros(len(edge))
    for notch in notches:
        offset = (along - notch.at * along[-1]) / notch.width
        rise = np.where(offset < 0, offset / (0.25 + notch.skew), -offset / (1.25 - notch.skew))
        depth = np.maximum(depth, notch.depth * np.clip(1 + rise, 0, 1) ** notch.form)
    # Torn skin heals with round corners.
    depth = depth * np.clip(tatters, 0.5, 1.5)
    depth = np.convolve(np.pad(depth, 6, "edge"), HEALED, "valid")
    normal = np.stack([step[:, 1], -step[:, 0]], 1) / np.maximum(length, 1e-9)[:, None]
    return np.asarray(edge + depth[:, None] * normal)


def _fluke_half(traits: FlukeTraits, notches: tuple[Notch, ...], rng: np.random.Generator) -> Array:
    # The blades of one fluke differ a little.
    s, c = traits.spread + rng.normal(0, 0.012), traits.curl + rng.normal(0, 0.015)
    trailing = spline(
        np.array(
            [
                [0.0, -traits.notch],
                [0.03, 0.0],
                [0.12, 0.05 + s],
                [0.35, 0.1 + 1.4 * s],
                [0.62, 0.09 + s + c],
                [0.84, 0.12 + c],
                [0.95, 0.17 + 0.5 * c],
                [1.0, 0.2],
            ]
        ),
        FLUKE_EDGE,
    )
    calm = np.sin(np.linspace(0, np.pi, FLUKE_EDGE)) ** 0.3
    # Knobs stand about as far apart as they are wide, some forty along a blade, and come and go along the edge.
    phase = np.linspace(0, 40 * np.pi, FLUKE_EDGE) + 1.1 * wiggle(rng, FLUKE_EDGE, 26, 2)
    teeth = 0.9 * (1 - np.abs(np.sin(phase))) + 0.35 * np.abs(wiggle(rng, FLUKE_EDGE, 12, 2))
    trailing[:, 1] -= calm * traits.serration * teeth * np.clip(0.8 + 0.5 * wiggle(rng, FLUKE_EDGE, 120, 2), 0.2, 2.0)
    w = traits.sweep
    leading = spline(
        np.array(
            [
                [1.0, 0.2],
                [1.025, 0.15],
                [1.025, 0.04 - 0.3 * w],
                [0.97, -0.1 - 0.7 * w],
                [0.83, -0.26 - w],
                [0.59, -0.42 - w],
                [0.32, -0.56 - 0.6 * w],
                [0.15, -0.68],
                [0.1, FLUKE_FOOT],
            ]
        ),
        160,
    )
    leading[:, 0] += 0.003 * wiggle(rng, 160, 14, 2)
    leading[:, 1] *= traits.chord
    return np.vstack([cut(trailing, notches, rng), leading[1:]])


def _fin(traits: FinTraits, nicks: tuple[Notch, ...], rng: np.random.Generator) -> Array:
    h, tip, r, full = traits.height, traits.tip, traits.roundness, traits.fullness
    leading = bezier(np.array([[-0.16, -0.03], [0.22 - full, 0.22 * h], [tip - 0.5 - full, h], [tip - 1.6 * r, h]]), 90)
    leading += 0.0015 * wiggle(rng, 90, 9, 2)[:, None]
    about_tip = np.array([[tip - 1.6 * r, h], [tip - 0.3 * r, h], [tip + 0.8 * r, h - 0.7 * r], [tip, h - 2.1 * r]])
    crown = bezier(about_tip, FIN_CROWN + 1)[1:]
    hollow = traits.hollow
    low = np.array([0.88 - hollow * 0.75, 0.13 * h])
    down = np.array([crown[-1], [tip - 0.1 - hollow * 0.5, 0.68 * h], low, [1.12, -0.03]])
    trailing = bezier(down, FIN_EDGE + 1)[1:]
    trailing[:, 0] -= 0.0022 * np.abs(wiggle(rng, len(trailing), 30, 3))
    return np.vstack([[[-0.16, FIN_FOOT]], leading, crown, cut(trailing, nicks, rng), [[1.12, FIN_FOOT]]])
