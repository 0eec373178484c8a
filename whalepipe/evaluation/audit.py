"""What in a catalogue looks wrong: reads it, asks the models, and leaves out what people found right as it is."""

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
from whalepipe.evaluation.leaks import BITS
from whalepipe.instruments import Instruments
from whalepipe.models.details import Details
from whalepipe.models.side import PART
from whalepipe.progress import Progress, silent
from whalepipe.stages.match import weighed
from whalepipe.taxonomy import accepted
from whalepipe.training.alike import difference_hash, pairs_alike

BY_VECTORS = {Kind.two_ids, Kind.two_animals}
AT_ONCE = 8192  # hashes that are compared with all before them
CLOSELY = 24  # suspicions, the first, whose crops are looked at closely
KEPT = 256  # looks that are remembered


@dataclass(frozen=True, eq=False)
class Found:
    """Suspicions, the worst first, and up to which decision and at which revision the catalogue was looked at."""

    suspicions: Sequence[Suspicion]
    last: int
    revision: str


class Auditor:
    """Looks through one catalogue. It remembers what crops look like, which never changes, and which are likest: after
    a decision it compares only what that changed. Not for two threads.
    """

    def __init__(self, catalog: Catalog, config: Config, device: str = "auto") -> None:
        self._catalog, self._models = catalog, Instruments(config, device)
        self._hashes: dict[int, int] = {}  # by the number of a crop
        self._left: dict[int, float | None] = {}
        self._species: dict[int, Mapping[str, float]] = {}
        self._memories: dict[str, Memory] = defaultdict(Memory)  # by part
        self._looked = lru_cache(KEPT)(self._look)

    def __call__(self, kinds: Collection[Kind] = tuple(Kind), progress: Progress = silent) -> Found:
        """Suspicions of these kinds, those too that somebody dismissed.

        Vectors that the catalogue lacks are made and kept. Raises CatalogError, WeightsError.
        """
        catalog, found = self._catalog, list[Suspicion]()
        last, revision = catalog.decisions(limit=1), catalog.revision
        held = catalog.held()
        if {Kind.species, *BY_VECTORS} & set(kinds):
            found += self._by_vectors(held, kinds, progress)
        if {Kind.side, Kind.duplicate} & set(kinds):
            found += self._by_pictures(held, kinds, progress)
        ranked = suspecting.ranked(s for s in found if s.kind in kinds)
        return Found(ranked, last[-1].id if last else 0, revision)

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
        """Each crop is decoded once, for its hash and its side."""
        sides = self._models.sides if Kind.side in kinds else None
        asked = {h.number for h in held if sides is not None and h.part == PART and h.view in SIDES}
        hashed = {h.number for h in held} if Kind.duplicate in kinds else set()
        missing = sorted((asked - self._left.keys()) | (hashed - self._hashes.keys()))
        for number in progress("pictures", missing):
            pixels: NDArray[np.uint8] = self._catalog.pixels(number)
            self._hashes[number] = difference_hash(pixels)
            if sides is not None and number in asked:
                self._left[number] = sides(pixels)
        told = {place: self._left[h.number] for place, h in enumerate(held) if h.number in asked}
        found = suspecting.wrong_side(held, told.get)
        return found + suspecting.duplicates(held, _pairs([self._hashes[h.number] for h in held] if hashed else []))


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


def _pairs(hashes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Places of two pictures that are nearly the same, the first of them earlier, and in how many bits they differ."""
    for begin in range(0, len(hashes), AT_ONCE):
        for i, j in pairs_alike(hashes[: begin + AT_ONCE], hashes[begin : begin + AT_ONCE], BITS):
            if i < begin + j:
                yield i, begin + j, (hashes[i] ^ hashes[begin + j]).bit_count()
