"""What in a catalogue looks wrong: reads it, asks the models, and leaves out what people found right as it is."""

import math
import struct
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog import audit as suspecting
from whalepipe.catalog.audit import SIDES, Held, Look, Suspicion
from whalepipe.catalog.entries import Fact, Kind
from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.neighbours import Memory
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.errors import CatalogError
from whalepipe.evaluation.leaks import BITS
from whalepipe.instruments import Instruments
from whalepipe.models.details import Details
from whalepipe.models.side import PART
from whalepipe.progress import Progress, silent
from whalepipe.stages.match import weighed
from whalepipe.taxonomy import accepted
from whalepipe.training.alike import difference_hash, pairs_alike

BY_VECTORS = {Kind.two_ids, Kind.two_animals}
BY_PICTURES = {Kind.side, Kind.duplicate}
AT_ONCE = 8192  # hashes that are compared with all before them
CLOSELY = 24  # suspicions, the first, whose crops are looked at closely
KEPT = 256  # looks that are remembered
HASHED = "difference-hash-1"
BYTES = 8  # of a hash, and of a probability


@dataclass(frozen=True, eq=False)
class Found:
    """Suspicions, the worst first, and up to which decision and at which revision the catalogue was looked at."""

    suspicions: Sequence[Suspicion]
    last: int
    revision: str
    whole: bool = True  # or more is still looked for


class Auditor:
    """Looks through one catalogue. It remembers which crops are likest, and of which species they look: after a
    decision it compares only what that changed. Not for two threads.
    """

    def __init__(self, catalog: Catalog, config: Config, device: str = "auto") -> None:
        self._catalog, self._models = catalog, Instruments(config, device)
        self._species: dict[int, Mapping[str, float]] = {}  # by the number of a crop
        self._memories: dict[str, Memory] = defaultdict(Memory)  # by part
        self._looked = lru_cache(KEPT)(self._look)

    def __call__(self, kinds: Collection[Kind] = tuple(Kind), progress: Progress = silent) -> Found:
        """Suspicions of these kinds, those too that somebody dismissed.

        Vectors that the catalogue lacks are made and kept. Raises CatalogError, WeightsError.
        """
        return self._of_kinds(self._begun(), kinds, progress)

    def _begun(self) -> tuple[Found, Sequence[Held]]:
        """Nothing found yet, and the crops that are looked through."""
        last, revision = self._catalog.decisions(limit=1), self._catalog.revision
        return Found((), last[-1].id if last else 0, revision), self._catalog.held()

    def _of_kinds(self, begun: tuple[Found, Sequence[Held]], kinds: Collection[Kind], progress: Progress) -> Found:
        (nothing, held), found = begun, list[Suspicion]()
        if {Kind.species, *BY_VECTORS} & set(kinds):
            found += self._by_vectors(held, kinds, progress)
        if BY_PICTURES & set(kinds):
            found += self._by_pictures(held, kinds, progress)
        return replace(nothing, suspicions=suspecting.ranked(s for s in found if s.kind in kinds))

    def stages(self, progress: Progress = silent) -> Iterator[Found]:
        """What is found so far, the doubts of identity first: what pictures tell takes far longer in a large catalogue.

        Raises CatalogError, WeightsError.
        """
        begun = self._begun()
        first = self._of_kinds(begun, BY_VECTORS | {Kind.species}, progress)
        yield replace(first, whole=False)
        first = self.closely(first, progress)
        yield replace(first, whole=False)
        others = self._of_kinds(begun, BY_PICTURES, progress)
        yield replace(first, suspicions=suspecting.ranked([*first.suspicions, *others.suspicions]))

    def closely(self, found: Found, progress: Progress = silent) -> Found:
        """The same, the first CLOSELY of them that nobody dismissed after a closer look, ranked again."""
        dismissed = self._catalog.dismissed()
        first = [s for s in found.suspicions if s.key not in dismissed][:CLOSELY]
        looked = {s.key: self.look(s) for s in progress("look closely", first)}
        return replace(found, suspicions=suspecting.ranked(looked.get(s.key, s) for s in found.suspicions))

    def look(self, suspicion: Suspicion) -> Suspicion:
        """A suspicion about identities after a closer look at its crops, as `identify` takes it; others as they are.

        Also where details tell nothing of the part, or closer looks are switched off. Raises CatalogError.
        """
        if suspicion.closely or not suspicion.looks or not self._tells(suspicion.looks[0].part):
            return suspicion
        ratios = [self._looked(look, self._catalog.revision) for look in suspicion.looks]
        return suspecting.looked(suspicion, ratios)

    def alike(self, one: Fact, other: Fact) -> str:
        """What the vectors of two crops of a part say, in words; empty where they say nothing."""
        cosine = self._catalog.cosine(one.number, other.number, self._models.embedder_weights.digest)
        if cosine is None or one.part != other.part:
            return ""
        calibration = self._models.calibrations([one.part])[one.part]
        ratio = float(calibration.bent(calibration.line(np.array([cosine])))[0])
        return f"these two crops: cosine {cosine:.2f}, by vectors alone {suspecting.says(ratio)} one animal"

    def _tells(self, part: str) -> bool:
        models = self._models
        return models.closer_look is not None and models.calibrations([part])[part].joint is not None

    def _look(self, look: Look, revision: str) -> float:  # noqa: ARG002  at another one the crops may be others
        closely, config = self._models.closer_look, self._models.config.match
        assert closely is not None
        weights = self._models.embedder_weights.digest
        beside = self._catalog.beside(look.crop, [look.owner], look.part, weights, closely)
        others = Gallery(beside.shots[1:], beside.vectors[1:], details=lambda row: _details(beside, row + 1))
        nearest = others.nearest(look.part, beside.vectors[:1], config.crops_each)[0]
        calibration = self._models.calibrations([look.part])[look.part]
        candidates = weighed(nearest, others, lambda: _details(beside, 0), calibration, config)
        if not candidates:
            raise self._catalog.database.changed_meanwhile()
        return candidates[0].log_ratio

    def _by_vectors(self, held: Sequence[Held], kinds: Collection[Kind], progress: Progress) -> list[Suspicion]:
        models, catalog = self._models, self._catalog
        weights = models.embedder_weights
        gallery = catalog.gallery(weights.digest, lambda pixels: models.embedder(pixels), progress)
        if [s.crop for s in gallery.shots] != [h.crop for h in held]:
            raise catalog.database.changed_meanwhile()
        found = self._identities(held, gallery, progress) if BY_VECTORS & set(kinds) else []
        return found + (self._wrong_species(held, gallery) if Kind.species in kinds else [])

    def _identities(self, held: Sequence[Held], gallery: Gallery, progress: Progress) -> list[Suspicion]:
        found = []
        for part, calibration in self._models.calibrations(sorted({h.part for h in held})).items():
            rows = sorted((i for i, h in enumerate(held) if h.part == part), key=lambda i: (held[i].owner, i))
            some = [held[i] for i in rows]
            blocks = lambda each, part=part: progress(f"compare {part}", each)  # noqa: E731
            alike = suspecting.likeness(some, gallery.vectors, calibration, rows, blocks, self._memories[part])
            found += [*suspecting.two_ids(some, alike), *suspecting.two_animals(some, alike)]
        return found

    def _wrong_species(self, held: Sequence[Held], gallery: Gallery) -> list[Suspicion]:
        model = self._models.species_model
        if model is None:
            return []

        def tell(place: int) -> Mapping[str, float]:
            number = held[place].number
            if number not in self._species:
                told = model(gallery.vectors[place], held[place].part)
                self._species[number] = dict(told.candidates) if told.near else {}
            return self._species[number]

        return suspecting.wrong_species(held, tell, accepted)

    def _by_pictures(self, held: Sequence[Held], kinds: Collection[Kind], progress: Progress) -> list[Suspicion]:
        """What the catalogue keeps of the pictures is enough; each is decoded once for what it lacks."""
        found = list[Suspicion]()
        if Kind.duplicate in kinds:
            hashes = self._catalog.told(HASHED, _hashed, progress)
            found += suspecting.duplicates(held, _pairs([int.from_bytes(self._of(h, hashes), "big") for h in held]))
        if Kind.side in kinds and (sides := self._models.sides) is not None:
            views = sorted(SIDES)
            told = self._catalog.told(sides.method, lambda pixels: _packed(sides(pixels)), progress, PART, views)
            asked = {place for place, h in enumerate(held) if h.part == PART and h.view in views}
            left = {place: _unpacked(self._of(held[place], told)) for place in asked}
            found += suspecting.wrong_side(held, left.get)
        return found

    def _of(self, held: Held, told: Mapping[int, bytes]) -> bytes:
        database = self._catalog.database
        if held.number not in told:
            raise database.changed_meanwhile()
        if len(told[held.number]) != BYTES:
            where = f"{database.name}: damaged, what was told of its crop {held.number}"
            raise CatalogError(f"{where}; restore a copy")
        return told[held.number]


def audit(
    place: Place,
    config: Config,
    device: str = "auto",
    kinds: Collection[Kind] = tuple(Kind),
    progress: Progress = silent,
) -> list[Suspicion]:
    """Suspicions of these kinds that nobody dismissed, the worst first, the first of them after a closer look.

    Raises CatalogError, WeightsError.
    """
    catalog = Catalog.open(place)
    auditor, dismissed = Auditor(catalog, config, device), catalog.dismissed()
    return [s for s in auditor.closely(auditor(kinds, progress), progress).suspicions if s.key not in dismissed]


def _details(gallery: Gallery, row: int) -> Details:
    assert gallery.details is not None
    return gallery.details(row)


def _hashed(pixels: NDArray[np.uint8]) -> bytes:
    return difference_hash(pixels).to_bytes(BYTES, "big")


def _packed(left: float | None) -> bytes:
    """P(left) as the catalogue keeps it: not a number where no fin is made out."""
    return struct.pack("<d", math.nan if left is None else left)


def _unpacked(data: bytes) -> float | None:
    [left] = struct.unpack("<d", data)
    return None if math.isnan(left) else left


def _pairs(hashes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Places of two pictures that are nearly the same, the first of them earlier, and in how many bits they differ."""
    for begin in range(0, len(hashes), AT_ONCE):
        for i, j in pairs_alike(hashes[: begin + AT_ONCE], hashes[begin : begin + AT_ONCE], BITS):
            if i < begin + j:
                yield i, begin + j, (hashes[i] ^ hashes[begin + j]).bit_count()
