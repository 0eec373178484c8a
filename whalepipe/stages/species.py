"""Which species a crop shows. No weights tell species yet: every crop is `unknown`."""

from whalepipe.tables import UNKNOWN, Crop, Species

VERSION = 1


def species(crop: Crop) -> list[Species]:
    """`unknown`, without a probability."""
    return [Species(crop.crop, 1, UNKNOWN, UNKNOWN, None, None)]
