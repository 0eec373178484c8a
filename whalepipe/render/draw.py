"""Drawing scenes at random: weather, light, camera and where the animals are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .distract import draw_distractions
from .individual import Individual, metres
from .pose import part_box
from .settings import FAULTS, Camera, Colour, Scene, Sea, Sighting

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
    sea, stand = _sea(rng, height), float(rng.uniform(2.0, 6.0) * rng.choice([1, 1, 1, 2]))
    sightings = _sightings(rng, individuals, width, height, fault)
    if sightings:
        first = sightings[0]
        scale, row = first.width / metres(first.individual), part_box(first)[3]
    else:
        scale, row = (
            float(np.exp(rng.uniform(np.log(30), np.log(700)))),
            float(rng.uniform(0.3, 0.9) * height),
        )
    # Where the horizon lies follows from how large a metre looks at the animal's row.
    camera = _camera(rng, stand, row - stand * scale, width)
    aged = tuple(replace(sighting, years=years) for sighting in sightings)
    scene = Scene(width, height, int(rng.integers(2**62)), sea, camera, aged, fault)
    if distractions:
        # From a generator of their own: the scene is otherwise the same without them.
        scene = replace(scene, distractions=draw_distractions(scene, distractions))
    return _spoil(rng, scene)


def _spoil(rng: np.random.Generator, scene: Scene) -> Scene:
    size = max((sighting.width for sighting in scene.sightings), default=200.0)
    camera = scene.camera
    if scene.fault == "blurred" and rng.random() < 0.6:
        camera = replace(camera, blur=max(3.5, size * float(rng.uniform(0.025, 0.05))), sharpen=0.0)
    elif scene.fault == "blurred":
        length = max(14.0, size * float(rng.uniform(0.12, 0.22)))
        camera = replace(camera, motion=length, motion_angle=float(rng.uniform(0, 180)), blur=1.5, sharpen=0.0)
    elif scene.fault == "glare":
        camera = replace(camera, glare=float(rng.uniform(0.75, 1.0)), exposure=float(rng.uniform(1.5, 1.9)))
        sea = replace(scene.sea, sun=1.0, sun_side=float(rng.uniform(-12, 12)), sun_height=float(rng.uniform(14, 30)))
        scene = replace(scene, sea=sea)
    return replace(scene, camera=camera)


def _mix(rng: np.random.Generator, colours: Sequence[Colour], jitter: float) -> Colour:
    """Return a random mixture of colours, then each channel and the whole made a little lighter or darker."""
    weights = rng.dirichlet(np.full(len(colours), 0.6))
    mixed = weights @ np.array(colours) * rng.normal(1, jitter) + rng.normal(0, jitter * 0.1, 3)
    red, green, blue = (float(v) for v in np.clip(mixed, 0.01, 1.0))
    return red, green, blue


def _sea(rng: np.random.Generator, height: int) -> Sea:
    wind = 0.06 + 0.94 * float(rng.beta(1.6, 1.8))
    overcast = rng.random() < 0.4
    deep: tuple[Colour, ...] = (
        (0.03, 0.1, 0.2),
        (0.04, 0.17, 0.18),
        (0.02, 0.05, 0.13),
        (0.1, 0.14, 0.15),
        (0.04, 0.2, 0.42),
    )
    grey: tuple[Colour, ...] = ((0.78, 0.8, 0.83), (0.62, 0.66, 0.7), (0.84, 0.83, 0.8))
    clear: tuple[Colour, ...] = ((0.72, 0.83, 0.95), (0.6, 0.76, 0.93), (0.95, 0.85, 0.7), (0.8, 0.88, 0.95))
    zenith: tuple[Colour, ...] = ((0.2, 0.4, 0.75), (0.3, 0.5, 0.78), (0.15, 0.3, 0.55), (0.4, 0.55, 0.72))
    return Sea(
        wind=wind,
        foam=float(np.clip(rng.normal(wind - 0.45, 0.25), 0, 1)),
        deep=_mix(rng, deep, 0.2),
        sky_low=_mix(rng, grey if overcast else clear, 0.06),
        sky_high=_mix(rng, grey, 0.1) if overcast and rng.random() < 0.5 else _mix(rng, zenith, 0.15),
        clouds=float(rng.uniform(0.3, 0.9) if overcast else max(0.0, rng.uniform(-0.5, 0.7))),
        sun=float(rng.uniform(0, 0.15) if overcast else rng.uniform(0.35, 1.0)),
        sun_side=float(rng.normal(180, 70)),
        sun_height=float(rng.uniform(8, 60)),
        haze=float(max(0.0, rng.uniform(-0.4, 0.6))),
        coast=float(rng.uniform(0.01, 0.15) * height) if rng.random() < 0.4 else 0.0,
        boat=bool(rng.random() < 0.15),
        birds=int(rng.integers(1, 6)) if rng.random() < 0.15 else 0,
    )


def _camera(rng: np.random.Generator, stand: float, horizon: float, width: int) -> Camera:
    return Camera(
        height=stand,
        focal=float(width * rng.uniform(3.0, 9.0)),
        horizon=float(horizon),
        tilt=float(rng.normal(0, 2.0)),
        exposure=float(np.exp(rng.normal(0, 0.16))),
        contrast=float(rng.uniform(0.72, 1.15)),
        warmth=float(rng.normal(0, 0.05)),
        saturation=float(rng.uniform(0.55, 1.3) if rng.random() < 0.88 else rng.uniform(0, 0.4)),
        blur=float(max(0.0, rng.uniform(-0.5, 0.9)) * width / 1280),
        motion=0.0,
        motion_angle=0.0,
        glare=float(max(0.0, rng.uniform(-0.3, 0.18))),
        noise=float(rng.uniform(0.002, 0.024)),
        sharpen=float(max(0.0, rng.uniform(-0.5, 0.9))),
        vignette=float(max(0.0, rng.uniform(-0.1, 0.12))),
        defocus=float(max(0.0, rng.uniform(-1.5, 3.5)) * width / 1280),
        jpeg=int(rng.integers(70, 97)),
    )


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
