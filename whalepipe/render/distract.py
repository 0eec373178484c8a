"""Drawing at random what distracts: heads, backs and blows, behind the animals of a scene and beside them."""

import numpy as np

from .individual import draw_individual, metres
from .pose import part_box
from .settings import DISTRACTIONS, Distraction, Scene

LENGTHS = {"head": 0.9, "back": 2.6, "blow": 1.1}  # of what is seen, in metres; a whale's are five times as long
WHALE = 5.0


def draw_distractions(scene: Scene, count: int) -> tuple[Distraction, ...]:
    """Return `count` distractions for a scene, farther ones first, clear of its animals where there is room.

    They are drawn from the scene's seed, in the scale of its animals (without any: in a random one).
    """
    rng = np.random.default_rng([scene.seed, 6])
    boxes = [part_box(sighting) for sighting in scene.sightings]
    drawn = []
    for number in range(count):
        kind = str(rng.choice(DISTRACTIONS))
        whale = kind != "head" and rng.random() < 0.6
        individual = draw_individual("fluke" if whale else "dorsal_fin", f"distraction-{scene.seed}", number)
        scale = np.exp(rng.uniform(np.log(0.03), np.log(0.3))) * scene.width
        if scene.sightings:
            scale = scene.sightings[0].width / metres(scene.sightings[0].individual) * rng.uniform(0.5, 1.0)
        width = float(np.clip(scale * LENGTHS[kind] * (WHALE if whale else 1.0), 0.04, 0.6 * scene.width))
        width = max(width, 0.04 * scene.width)
        x, y = _clear(rng, scene, boxes, width)
        facing, rise = float(rng.choice([-1.0, 1.0])), float(rng.uniform(0.6, 1.2))
        tone = scene.sightings[0].tone if scene.sightings else (float(rng.uniform(0.6, 1.2)), 0.03)
        splash = float(rng.beta(1.3, 2.2))
        drawn.append(Distraction(individual, kind, x, y, width, facing, rise, splash, tone))
    return tuple(sorted(drawn, key=lambda distraction: distraction.y))


def _clear(
    rng: np.random.Generator, scene: Scene, boxes: list[tuple[float, float, float, float]], width: float
) -> tuple[float, float]:
    """Return a place on the water where a distraction so wide comes least near the boxes."""
    lowest = min((box[3] for box in boxes), default=0.95 * scene.height)
    highest = float(np.clip(scene.camera.horizon + 5, 0.05 * scene.height, max(lowest - 5, 0.06 * scene.height)))
    best, most = (0.0, 0.0), -np.inf
    for _ in range(12):
        x = float(rng.uniform(-0.2 * width, scene.width + 0.2 * width))
        y = float(rng.uniform(highest, max(lowest, highest + 1)))
        gap = min((max(box[0] - x, x - box[2]) for box in boxes), default=0.0) - 0.5 * width
        if gap > most:
            best, most = (x, y), gap
        if gap >= 0:
            break
    return best
