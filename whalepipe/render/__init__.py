"""Procedural photos of flukes and dorsal fins at sea, with everything about them known exactly."""

from .draw import draw_scene
from .individual import Individual, draw_individual
from .photo import save_photo
from .scene import Rendered, Truth, render_scene
from .settings import Camera, Distraction, Scene, Sea, Sighting

__all__ = [
    "Camera",
    "Distraction",
    "Individual",
    "Rendered",
    "Scene",
    "Sea",
    "Sighting",
    "Truth",
    "draw_individual",
    "draw_scene",
    "render_scene",
    "save_photo",
]
