"""Which species a crop shows: the answer where the weights are sure, `unknown` before the candidates where not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whalepipe.config import SpeciesConfig
from whalepipe.models.species import SpeciesModel
from whalepipe.rows import having
from whalepipe.tables import UNKNOWN, Crop, Species
from whalepipe.taxonomy import species_of

VERSION = 2


def candidates(crop: Crop, vector: NDArray[np.float32], model: SpeciesModel) -> list[Species]:
    """All species that the crop's part is told apart by, best first; none where the crop is like nothing known.

    `vector` (dimension,) is the crop's, of unit length.
    """
    told = model(vector, crop.part)
    named = [(species_of(name), name, p) for name, p in told.candidates] if told.near else []
    return [
        Species(crop.crop, rank, name, taxon.common_name if taxon else "", taxon.aphia_id if taxon else None, p)
        for rank, (taxon, name, p) in enumerate(named, start=1)
    ]


def species(crop: Crop, ranked: Sequence[Species], config: SpeciesConfig) -> list[Species]:
    """The rows of one crop: its candidates, after `unknown` where the best is not probable enough."""
    first = ranked[0].probability if ranked else None
    sure = first is not None and first >= config.named_at
    rows = [] if sure else [Species(crop.crop, 1, UNKNOWN, UNKNOWN, None, None)]
    rows += ranked[: config.candidates]
    return [having(row, crop=crop.crop, rank=rank) for rank, row in enumerate(rows, start=1)]
