"""What in a catalogue looks wrong: reads it, asks the models, and leaves out what people found right as it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog import audit as suspecting
from whalepipe.catalog.audit import SIDES, Held, Suspicion
from whalepipe.catalog.entries import Kind
from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.errors import CatalogError
from whalepipe.evaluation.leaks import BITS
from whalepipe.instruments import Instruments
from whalepipe.models.side import PART
from whalepipe.progress import Progress, silent
from whalepipe.taxonomy import accepted
from whalepipe.training.alike import difference_hash, pairs_alike

BY_VECTORS = {Kind.two_ids, Kind.two_animals}


def audit(
    place: Place,
    config: Config,
    device: str = "auto",
    kinds: Collection[Kind] = tuple(Kind),
    progress: Progress = silent,
) -> list[Suspicion]:
    """Suspicions of these kinds that nobody dismissed, the worst first.

    Vectors that the catalogue lacks are made and kept. Raises CatalogError, WeightsError.
    """
    instruments, catalog = Instruments(config, device), Catalog.open(place)
    held, found = catalog.held(), list[Suspicion]()
    if {Kind.species, *BY_VECTORS} & set(kinds):
        weights = instruments.embedder_weights
        gallery = catalog.gallery(weights.digest, lambda pixels: instruments.embedder(pixels), progress)
        if [s.crop for s in gallery.shots] != [h.crop for h in held]:
            raise CatalogError(f"{catalog.database.name}: changed while it was being read; run again")
        found += _by_vectors(held, gallery, instruments, progress) if BY_VECTORS & set(kinds) else []
        found += _by_species(held, gallery, instruments)
    if {Kind.side, Kind.duplicate} & set(kinds):
        found += _by_pictures(catalog, held, instruments, kinds, progress)
    dismissed = catalog.dismissed()
    return suspecting.ranked(s for s in found if s.kind in kinds and s.key not in dismissed)


def _by_vectors(held: Sequence[Held], gallery: Gallery, models: Instruments, progress: Progress) -> list[Suspicion]:
    found = []
    parts = sorted({h.part for h in held})
    calibrations = models.calibrations(parts)
    for part in progress("compare", parts):
        rows = sorted((i for i, h in enumerate(held) if h.part == part), key=lambda i: (held[i].owner, i))
        some = [held[i] for i in rows]
        alike = suspecting.likeness(some, gallery.vectors[rows], calibrations[part])
        found += [*suspecting.two_ids(some, alike), *suspecting.two_animals(some, alike)]
    return found


def _by_species(held: Sequence[Held], gallery: Gallery, models: Instruments) -> list[Suspicion]:
    model = models.species_model
    if model is None:
        return []

    def tell(place: int) -> Mapping[str, float]:
        told = model(gallery.vectors[place], held[place].part)
        return dict(told.candidates) if told.near else {}

    return suspecting.wrong_species(held, tell, accepted)


def _by_pictures(
    catalog: Catalog, held: Sequence[Held], models: Instruments, kinds: Collection[Kind], progress: Progress
) -> list[Suspicion]:
    """Each crop is decoded once, for its hash and its side."""
    sides = models.sides if Kind.side in kinds else None
    hashes, left = dict[int, int](), dict[int, float | None]()
    for place, h in progress("pictures", list(enumerate(held))):
        told = sides is not None and h.part == PART and h.view in SIDES
        if not told and Kind.duplicate not in kinds:
            continue
        pixels: NDArray[np.uint8] = catalog.pixels(h.number)
        if Kind.duplicate in kinds:
            hashes[place] = difference_hash(pixels)
        left[place] = sides(pixels) if sides is not None and told else None
    found = suspecting.wrong_side(held, left.get)
    return found + suspecting.duplicates(held, _pairs(list(hashes.values())))


def _pairs(hashes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    for i, j in pairs_alike(hashes, hashes, BITS):
        if i < j:
            yield i, j, (hashes[i] ^ hashes[j]).bit_count()
