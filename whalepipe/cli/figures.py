"""How figures are said: one JSON object, or a line a figure with its interval."""

import json
from typing import Any

from whalepipe.cli.console import say

GROUPS = ("parts", "sizes", "by_gallery_photos", "faults")  # figures that each have all of them again
SECTIONS = ("finding", "people", "spoiled", "attribution")  # figures of one kind
MAPS = (
    "fnr_at_k",
    "expected_fnr_at_k",
    "k_for_miss_rate",
    "confused",
    "error_at_coverage",
    "aurc_of",
    "set_aside",
    "states",
)  # figures, a number each for several settings


def say_figures(figures: dict[str, Any], as_json: bool) -> None:
    """Say all figures, those of each group under its name."""
    if as_json:
        say(json.dumps(figures))
        return
    _say_all(figures)
    for section in SECTIONS:
        if section in figures:
            say(f"\n{section}")
            _say_all(figures[section])


def _say_all(figures: dict[str, Any]) -> None:
    _say_each(figures)
    for group in GROUPS:
        for name, each in figures.get(group, {}).items():
            say(f"\n{name}")
            _say_each(each)


def _say_each(figures: dict[str, Any]) -> None:
    intervals = figures.get("intervals", {})
    for name, value in figures.items():
        if isinstance(value, float | int | str):
            low_high = intervals.get(name)
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            say(f"{name:<20}{shown}" + (f"  ({low_high[0]:.3f} to {low_high[1]:.3f})" if low_high else ""))
        elif name in MAPS:
            say(f"{name:<20}" + ", ".join(f"{key}: {'none' if v is None else v}" for key, v in value.items()))
