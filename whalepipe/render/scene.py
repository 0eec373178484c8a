"""From a scene to its photo and the truth about it."""

from dataclasses import dataclass, replace

import numpy as np

from .animal import paint_animal
from .camera import expose, metered
from .distraction import paint_distraction
from .pose import part_box
from .sea import paint_sea
from .settings import Scene, Sighting
from .sky import paint_sky, paint_things
from .texture import Array


@dataclass(frozen=True)
class Truth:
    """What a box shows: the visible part of one animal, in pixels of the photo (xmax and ymax exclusive)."""

    individual: str
    part: str
    view: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    fault: str


@dataclass(frozen=True)
class Rendered:
    """`image` (height, width, 3) uint8 RGB, and one truth for each animal of which something is in the frame."""

    image: Array
    truths: tuple[Truth, ...]


def render_scene(scene: Scene) -> Rendered:
    """Return the photo of a scene: the same scene gives the same bytes on the same machine."""
    # Each layer has its own generator: taking an animal away leaves the sea as it was.
    sea, sky, things, grain = (np.random.default_rng([scene.seed, layer]) for layer in range(4))
    image = paint_sea(scene, sea)
    paint_sky(scene, image, sky)
    paint_things(scene, image, things)
    # The camera meters the sea, so that an animal in it does not change its brightness.
    gain = metered(image)
    for number, distraction in enumerate(scene.distractions):
        paint_distraction(scene, distraction, image, np.random.default_rng([scene.seed, 5, number]))
    masks: list[Array] = []
    for number, sighting in enumerate(scene.sightings):
        part, whole = paint_animal(scene, sighting, image, np.random.default_rng([scene.seed, 4, number]))
        masks = [mask * (1 - whole) for mask in masks] + [part]
    sharp_row = part_box(scene.sightings[0])[3] if scene.sightings else 0.6 * scene.height
    photo = expose(image, replace(scene.camera, exposure=scene.camera.exposure * gain), sharp_row, grain)
    truths = (_truth(scene, sighting, mask) for sighting, mask in zip(scene.sightings, masks, strict=True))
    return Rendered(photo, tuple(truth for truth in truths if truth is not None))


def _truth(scene: Scene, sighting: Sighting, mask: Array) -> Truth | None:
    """Return the tight box of a part's mask (height, width), or None if nothing of it is to be seen."""
    seen = mask > 0.5
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return None
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    individual = sighting.individual
    return Truth(individual.name, individual.part, sighting.view, *box, scene.fault)
