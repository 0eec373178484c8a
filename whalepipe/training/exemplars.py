"""Rendered crops to grade: what is known of each, and its box in the crop that the pipeline would cut."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from whalepipe.evaluation.degrade import Framed
from whalepipe.evaluation.framing import framed
from whalepipe.training.crops import RENDERED_HEIGHT, RENDERED_WIDTH, SPAN
from whalepipe.training.drawn import spread
from whalepipe.training.rendered import STREAM

if TYPE_CHECKING:
    from whalepipe.render.individual import FinTraits, FlukeTraits

FAULTS = ("", "", "", "blurred", "cut_off", "distant", "glare")


@dataclass(frozen=True)
class Exemplar:
    """A rendered crop. `angle`: degrees from square to the camera; `hidden`: share of the part that is under water or
    behind other animals; `marked`: depths of the notches of its trailing edge, together, in part widths."""

    crop: Framed = field(repr=False)
    part: str
    individual: str
    shot: int
    angle: float
    hidden: float
    fault: str
    marked: float


def exemplars(part: str, individuals: Sequence[int], shots: int, seed: int, workers: int = 2) -> list[Exemplar]:
    """So many photos of each of the animals of these numbers, drawn by so many processes."""
    which = [(number, shot) for number in individuals for shot in range(shots)]
    return [e for e in spread(partial(_drawn, part, seed), which, workers) if e is not None]


def _marked(traits: "FinTraits | FlukeTraits", years: float) -> float:
    from whalepipe.render.individual import edge_at

    edges = [getattr(traits, name) for name in ("nicks", "left", "right") if hasattr(traits, name)]
    return float(sum(notch.depth for edge in edges for notch in edge_at(edge, years)))


def _drawn(part: str, seed: int, which: tuple[int, int]) -> Exemplar | None:
    from whalepipe.render import draw_individual, draw_scene, render_scene, scene_rng

    number, shot = which
    rng = scene_rng(STREAM, "quality", seed, part, number, shot)
    animal = draw_individual(part, STREAM, number)
    years, fault = float(rng.uniform(0, SPAN)), str(rng.choice(FAULTS))
    scene = draw_scene(rng, [animal], RENDERED_WIDTH, RENDERED_HEIGHT, fault=fault, years=years)
    photo = render_scene(scene)
    if not photo.truths:
        return None
    [truth], [sighting] = photo.truths, scene.sightings
    lean = sighting.pitch if part == "fluke" else sighting.roll
    strengths = {f.name: f.strength for f in truth.faults}
    return Exemplar(
        crop=framed(photo.image, truth),
        part=part,
        individual=animal.name,
        shot=shot,
        angle=float(np.degrees(np.arccos(np.cos(np.radians(sighting.yaw)) * np.cos(np.radians(lean))))),
        hidden=1 - (1 - strengths["submerged"]) * (1 - strengths["occluded"]),
        fault=truth.fault,
        marked=_marked(animal.traits, years),
    )
