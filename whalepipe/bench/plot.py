"""The figures of a measurement as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from whalepipe.files import aside

COLOUR, OTHER = "#0072B2", "#999999"  # Okabe and Ito 2008, "Color universal design"


def draw(figures: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: milliseconds a photo of each stage, and photos a second beside the ideal and the others. Raises
    StorageError."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    stages = figures["stages"]
    bars = left.barh(list(stages), [each["ms_per_photo"] for each in stages.values()], color=COLOUR)
    left.bar_label(bars, [f" {each['cores']:.2f} cores" for each in stages.values()])
    left.invert_yaxis()
    left.margins(x=0.2)
    left.set_xlabel("milliseconds a photo, over all threads")
    rates = rates_of(figures)
    bars = right.barh(list(rates), list(rates.values()), color=[COLOUR, *[OTHER] * (len(rates) - 1)])
    right.bar_label(bars, fmt=" %.2f")
    right.invert_yaxis()
    right.margins(x=0.2)
    right.set_xlabel(f"photos a second ({figures['photos']} photos, median of {figures['repeats']})")
    with aside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def rates_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """Photos a second, by what reaches them."""
    rates = {
        "whalepipe run": figures["photos_per_second"],
        "decoder and models alone": figures["ideal_photos_per_second"],
    }
    for name, each in figures["against"].items():
        if each["command"] != "run":
            rates[f"whalepipe {each['command']}"] = each["our_photos_per_second"]
        rates[name] = each["photos_per_second"]
    return rates
