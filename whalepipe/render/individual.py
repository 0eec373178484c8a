"""Who an animal is: its traits are drawn once, from its name, and never change between photos."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

PARTS = ("fluke", "dorsal_fin")


@dataclass(frozen=True)
class FinShape:
    """Ranges of a species' dorsal fin, in base lengths: height, where the tip stands, hollow trailing edge.

    `grey` is wet skin's lightness in a picture (its square is the share of light that it sends back): chosen so that
    fins are, as in 70 real photos, about 0.6 times as bright as the water (half of them 0.3 to 0.9 times).
    """

    height: tuple[float, float]
    tip: tuple[float, float]
    hollow: tuple[float, float]
    roundness: tuple[float, float]
    scars: tuple[int, int]
    grey: tuple[float, float]
    metres: float


FINS = {
    "Tursiops truncatus": FinShape((0.82, 1.0), (0.92, 1.1), (0.2, 0.34), (0.03, 0.055), (2, 16), (0.27, 0.4), 0.36),
    "Orcinus orca": FinShape((1.1, 1.6), (0.62, 0.85), (0.02, 0.12), (0.03, 0.06), (2, 8), (0.07, 0.12), 0.8),
    "Grampus griseus": FinShape((0.95, 1.15), (0.92, 1.06), (0.14, 0.26), (0.02, 0.05), (30, 70), (0.28, 0.42), 0.42),
    "Globicephala melas": FinShape((0.55, 0.68), (0.98, 1.16), (0.22, 0.3), (0.045, 0.075), (2, 10), (0.1, 0.17), 0.75),
}
FIN_WEIGHTS = (0.5, 0.18, 0.16, 0.16)
FLUKE_METRES = 4.0
LIFE = 20.0  # years after the first photo up to which an animal's history is drawn


@dataclass(frozen=True)
class Notch:
    """A piece missing from an edge: where (0..1 along it), how deep and wide (part widths), how lopsided (0..1).

    `form` below 1 is a scoop, above 1 a V; `born` is the year in which it was torn, 0 being that of the first photo.
    """

    at: float
    depth: float
    width: float
    skew: float
    form: float = 0.7
    born: float = -1.0


@dataclass(frozen=True)
class FlukeTraits:
    """A fluke: notches of its left and right trailing edge (as the ventral view shows them) and its colouring.

    The notches are those of a whole life: edge_at() says which are there in a year.
    """

    left: tuple[Notch, ...]
    right: tuple[Notch, ...]
    serration: float
    spread: float
    sweep: float
    curl: float
    notch: float
    chord: float
    white: float
    scars: int
    crust: float


@dataclass(frozen=True)
class FinTraits:
    """A dorsal fin: its outline (see FinShape), nicks of its trailing edge, scars a side, colouring.

    The nicks are those of a whole life: edge_at() says which are there in a year. `back` is the back's lightness in
    parts of the fin's, `cape` how much paler the flank is.
    """

    nicks: tuple[Notch, ...]
    height: float
    tip: float
    hollow: float
    roundness: float
    fullness: float
    scars: tuple[int, int]
    grey: float
    frosting: float
    saddle: float
    back: float
    cape: float


@dataclass(frozen=True)
class Individual:
    """One animal: `part` is what photos of it show; `seed` fixes its skin, `traits` its shape."""

    name: str
    part: str
    seed: int
    species: str
    traits: FlukeTraits | FinTraits


def draw_individual(part: str, stream: str, number: int) -> Individual:
    """Return animal `number` of a stream ("train", "demo", ...): the same for the same three arguments.

    The seed is a digest of stream, part and number, so two streams never share an animal.
    Raises ValueError for a part that cannot be drawn.
    """
    if part not in PARTS:
        raise ValueError(f"cannot draw the part {part!r}: choose one of {', '.join(PARTS)}")
    digest = hashlib.sha256(f"{stream}/{part}/{number}".encode()).digest()
    seed = int.from_bytes(digest[:16], "big")
    rng = np.random.default_rng(seed)
    name = f"{stream}-{part}-{number:04d}"
    if part == "fluke":
        return Individual(name, part, seed, "Megaptera novaeangliae", _fluke(rng))
    species = list(FINS)[int(rng.choice(len(FINS), p=FIN_WEIGHTS))]
    return Individual(name, part, seed, species, _fin(rng, species))


def metres(individual: Individual) -> float:
    """Return the width of the animal's part in metres: what sets the size of the waves around it."""
    return FLUKE_METRES if individual.part == "fluke" else FINS[individual.species].metres


def edge_at(notches: tuple[Notch, ...], years: float) -> tuple[Notch, ...]:
    """Return the notches that an edge has in a year: those torn by then, the older the more worn out."""
    return tuple(
        replace(notch, depth=notch.depth * min(1.35, 1 + 0.02 * (years - notch.born)))
        for notch in notches
        if notch.born <= years
    )


def _notches(rng: np.random.Generator, count: int, deepest: float, low: float, high: float) -> tuple[Notch, ...]:
    """Return the notches of a life: `count` before year 0, then one in about five years up to year LIFE."""
    later = int(rng.poisson(LIFE / 5))
    drawn = []
    for number in range(count + later):
        born = float(rng.uniform(-15, 0) if number < count else rng.uniform(0, LIFE))
        depth = float(deepest * rng.uniform(0.3, 1.0) ** 2.2)
        width = float(depth * rng.uniform(0.4, 1.5) + 0.007)
        at, skew, form = rng.uniform(low, high), rng.uniform(0.1, 0.9), rng.uniform(0.6, 1.3)
        drawn.append(Notch(float(at), depth, width, float(skew), float(form), born))
    return tuple(sorted(drawn, key=lambda notch: notch.at))


def _fluke(rng: np.random.Generator) -> FlukeTraits:
    # Ventral colouring runs from all white to all black, the extremes being common (types 1 to 5 of the field).
    white = float(np.clip(rng.beta(0.8, 0.8) * 1.1 - 0.05, 0.0, 1.0))
    return FlukeTraits(
        left=_notches(rng, int(rng.integers(2, 8)), 0.045, 0.06, 0.93),
        right=_notches(rng, int(rng.integers(2, 8)), 0.045, 0.06, 0.93),
        serration=float(rng.uniform(0.003, 0.012)),
        spread=float(rng.uniform(-0.04, 0.05)),
        sweep=float(rng.uniform(-0.06, 0.07)),
        curl=float(rng.uniform(-0.05, 0.06)),
        notch=float(rng.uniform(0.02, 0.1)),
        chord=float(rng.uniform(0.95, 1.18)),
        white=white,
        scars=int(rng.integers(4, 26)),
        crust=float(max(0.0, rng.uniform(-0.6, 1.0))),
    )


def _fin(rng: np.random.Generator, species: str) -> FinTraits:
    shape = FINS[species]
    low, high = shape.scars
    return FinTraits(
        # Most nicks are in the upper two thirds, where the fin is thinnest.
        nicks=_notches(rng, int(rng.integers(1, 7)), 0.06, 0.14, 0.74),
        height=float(rng.uniform(*shape.height)),
        tip=float(rng.uniform(*shape.tip)),
        hollow=float(rng.uniform(*shape.hollow)),
        roundness=float(rng.uniform(*shape.roundness)),
        fullness=float(rng.uniform(-0.05, 0.06)),
        scars=(int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))),
        grey=float(rng.uniform(*shape.grey)),
        frosting=float(max(0.0, rng.uniform(-0.4, 0.5))),
        saddle=float(rng.uniform(0.5, 1.0)) if species == "Orcinus orca" else 0.0,
        back=float(rng.uniform(0.85, 1.0)),
        cape=float(rng.uniform(0.0, 0.15)) if species in ("Tursiops truncatus", "Grampus griseus") else 0.0,
    )
