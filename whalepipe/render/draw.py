"""Drawing scenes at random: weather, light, camera and where the animals are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .distract import draw_distractions
from .individual import Individual, metres
from .pose import part_box
from .settings import FAULTS, Scene, Sighting
from .weather import draw_camera, draw_sea, draw_stand, spoil

VIEWS = {"fluke": ("ventral", "dorsal"), "dorsal_fin": ("left", "right")}


def draw_scene(
    rng: np.random.Generator,
    individuals: Sequence[Individual],
    width: int = 1280,
    height: int = 853,
    fault: str = "",
    distractions: int = 0,
    years: float = 0.0,
) -> Scene:
    """Return a random scene of `width` x `height` pixels that holds these individuals (none: an empty sea).

    Without a fault every animal is usable: in focus, its part wholly inside the frame and at least 7 % of the frame's
    width wide; those of a group may hide a third of one another. With one ("blurred", "cut_off", "distant", "glare")
    all of them are unusable for that reason.
    `distractions`: how many heads, backs and blows, which have no box, lie behind them; `years` after their first
    photos the animals are seen. Raises ValueError for an unknown fault.
    """
    if fault not in FAULTS:
        raise ValueError(f"unknown fault {fault!r}: choose one of {', '.join(repr(known) for known in FAULTS)}")
    sea = draw_sea(rng, height)
    sightings = _sightings(rng, individuals, width, height, fault)
    if sightings:
        first = sightings[0]
        scale, row = first.width / metres(first.individual), part_box(first)[3]
    else:
        scale, row = (
            float(np.exp(rng.uniform(np.log(30), np.log(700)))),
            float(rng.uniform(0.3, 0.9) * height),
        )
    camera = draw_camera(rng, sea, draw_stand(rng, scale, row), scale, row, width)
    aged = tuple(replace(sighting, years=years) for sighting in sightings)
    scene = Scene(width, height, int(rng.integers(2**62)), sea, camera, aged, fault)
    if distractions:
        # From a generator of their own: the scene is otherwise the same without them.
        scene = replace(scene, distractions=draw_distractions(scene, distractions))
    return spoil(rng, scene)


def _sightings(
    rng: np.random.Generator, individuals: Sequence[Individual], width: int, height: int, fault: str
) -> list[Sighting]:
    placed: list[Sighting] = []
    for individual in individuals:
        placed.append(_place(rng, individual, placed, width, height, fault))
    # Nearer animals stand lower in the picture and hide those behind them.
    return sorted(placed, key=lambda sighting: part_box(sighting)[3])


def _place(
    rng: np.random.Generator,
    individual: Individual,
    placed: list[Sighting],
    width: int,
    height: int,
    fault: str,
) -> Sighting:
    """Return the best of forty sightings: clear of those already placed, or hiding some of one, as in close groups."""
    best, least = None, np.inf
    like = placed[0].width / metres(placed[0].individual) if placed else None
    wanted = float(rng.uniform(0.1, 0.3)) if placed and rng.random() < 0.35 else 0.0
    for _ in range(40):
        candidate = _position(rng, _attitude(rng, individual, width, fault, like), width, height, fault)
        box = part_box(candidate)
        hidden = max((_overlap(box, part_box(other)) for other in placed), default=0.0)
        unfit = 0.0 if fault == "cut_off" or _inside(box, width, height) else 10.0
        if abs(hidden - wanted) + unfit < least:
            best, least = candidate, abs(hidden - wanted) + unfit
        if least < 0.05:
            break
    assert best is not None
    return best


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> bool:
    return box[0] > 4 and box[1] > 4 and box[2] < width - 5 and box[3] < height - 5


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> float:
    """Return the shared area as a share of the smaller box."""
    wide = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    high = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return wide * high / max(min(areas), 1.0)


def _size(rng: np.random.Generator, individual: Individual, width: int, fault: str, like: float | None) -> float:
    """Return the part's width in pixels: log-uniform, and like the others' scale in a group."""
    fluke = individual.part == "fluke"
    low, high = (0.026, 0.042) if fault == "distant" else (0.13, 0.8) if fluke else (0.105, 0.42)
    if like is not None:
        return float(np.clip(like * metres(individual) * rng.uniform(0.7, 1.3), low * width, high * width))
    return float(np.exp(rng.uniform(np.log(low * width), np.log(high * width))))


def _attitude(rng: np.random.Generator, individual: Individual, width: int, fault: str, like: float | None) -> Sighting:
    fluke = individual.part == "fluke"
    under = rng.random() < (0.55 if fluke else 0.35)
    view = str(rng.choice(VIEWS[individual.part], p=[0.75, 0.25] if fluke else [0.5, 0.5]))
    if fluke:
        yaw, roll, pitch = rng.normal(0, 19), rng.normal(0, 8), rng.uniform(-55, 20)
        raised, bend = rng.uniform(-0.03, 0.05), rng.uniform(0.02, 0.5) - 0.003 * (pitch + 55)
    else:
        yaw, roll, pitch = rng.normal(0, 16), rng.normal(0, 11), rng.normal(0, 9)
        raised, bend = rng.uniform(0.03, 0.38), rng.uniform(0.6, 1.7)
    return Sighting(
        individual=individual,
        view=view,
        x=0.0,
        y=0.0,
        width=_size(rng, individual, width, fault, like),
        yaw=float(np.clip(yaw, -45, 45) if fluke else np.clip(yaw, -32, 32)),
        roll=float(np.clip(roll, -22, 22)),
        pitch=float(np.clip(pitch, -55, 22)),
        submerged=float(rng.uniform(0.03, 0.4 if fluke else 0.25)) if under else 0.0,
        raised=0.0 if under else float(raised),
        bend=float(bend),
        splash=float(rng.beta(1.3, 2.2)),
        tone=(float(rng.uniform(0.6, 1.2)), float(rng.normal(0.03, 0.05))),
        bow=float(rng.normal(0, 0.14)) if fluke else 0.0,
        wet=float(rng.beta(1.1, 1.6)),
    )


def _position(rng: np.random.Generator, sighting: Sighting, width: int, height: int, fault: str) -> Sighting:
    """Return the sighting moved to a random place where its part is inside the frame, or over its edge."""
    left, top, right, bottom = part_box(sighting)
    wide, high = right - left, bottom - top
    spare_x, spare_y = max(1.0, width - wide - 12), max(1.0, height - high - 12)
    to_x = 6 + rng.uniform(0, spare_x)
    to_y = 6 + spare_y * rng.beta(2.0, 1.7)
    if fault == "cut_off":
        gone, edge = rng.uniform(0.3, 0.6), int(rng.integers(4))
        to_x = (-gone * wide, width - (1 - gone) * wide, to_x, to_x)[edge]
        to_y = (to_y, to_y, -gone * high, height - (1 - gone) * high)[edge]
    return replace(sighting, x=float(sighting.x + to_x - left), y=float(sighting.y + to_y - top))
