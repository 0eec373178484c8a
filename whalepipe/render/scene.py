"""From a scene to its photo and the truth about it."""

from dataclasses import dataclass

import numpy as np

from .animal import Painted, paint_animal
from .camera import expose, metered
from .distraction import paint_distraction
from .sea import paint_sea
from .settings import Scene
from .sky import paint_sky, paint_things
from .texture import Array
from .truth import Truth, tell
from .wake import paint_trail


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
    camera = metered(image, scene.camera)
    truths, _ = paint_animals(scene, image)
    photo = expose(image, camera, grain)
    return Rendered(photo, truths)


def paint_animals(scene: Scene, image: Array) -> tuple[tuple[Truth, ...], Array]:
    """Paint a scene's animals into `image` (height, width, 3) float32 in place.

    Returns what is known of each, and how far (height, width) 0..1 each pixel shows an animal. The scene's
    distractions are painted first: they are animals, of which nothing is told.
    """
    shown: list[Painted | None] = []
    alone: list[float] = []
    covered = np.zeros(image.shape[:2], np.float32)
    for number, distraction in enumerate(scene.distractions):
        hides = paint_distraction(scene, distraction, image, np.random.default_rng([scene.seed, 5, number]))
        np.maximum(covered, hides, out=covered)
    for number, sighting in enumerate(scene.sightings):
        paint_trail(scene, sighting, image, np.random.default_rng([scene.seed, 6, number]))
        painted = paint_animal(scene, sighting, image, np.random.default_rng([scene.seed, 4, number]))
        if painted is not None:
            shown = [farther and farther.behind(painted) for farther in shown]
            here = covered[painted.patch.slices()]
            np.maximum(here, painted.whole, out=here)
        shown.append(painted)
        alone.append(0.0 if painted is None else float(painted.part.sum()))
    told = (
        tell(scene, sighting, whole, painted.part, (painted.patch.left, painted.patch.top))
        for sighting, whole, painted in zip(scene.sightings, alone, shown, strict=True)
        if painted is not None
    )
    return tuple(truth for truth in told if truth is not None), covered
