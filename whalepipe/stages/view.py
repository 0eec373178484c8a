"""Which side of the animal a crop shows. No weights tell sides yet: every crop is `unknown`."""

from whalepipe.tables import UNKNOWN, Crop, View

VERSION = 1


def view(crop: Crop) -> list[View]:
    """`unknown`, without a probability."""
    return [View(crop.crop, UNKNOWN, None)]
