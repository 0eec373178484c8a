"""Procedural photos of flukes and dorsal fins at sea, with everything about them known exactly."""

from .draw import draw_scene
from .individual import Individual, draw_individual
from .paste import paste
from .photo import save_photo
from .scene import Rendered, render_scene
from .settings import Camera, Distraction, Scene, Sea, Sighting
from .streams import for_training, scene_rng
from .truth import Fault, Truth

__all__ = [
    "Camera",
    "Distraction",
    "Fault",
    "Individual",
    "Rendered",
    "Scene",
    "Sea",
    "Sighting",
    "Truth",
    "draw_individual",
    "draw_scene",
    "for_training",
    "paste",
    "render_scene",
    "save_photo",
    "scene_rng",
]
