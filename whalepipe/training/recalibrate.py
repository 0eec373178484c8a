"""What a lab's own animals say of how much a likeness means: the calibration fitted anew from a catalogue.

The embedder stays as it is, byte for byte, so that the vectors which a catalogue or a cache holds stay good; its card
changes. Several embedders that are joined become one file, with their shares, where they have some, fitted too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.place import Place, called, titled
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.errors import CatalogError
from whalepipe.instruments import Instruments
from whalepipe.models.calibration import read_calibration
from whalepipe.models.details import Details
from whalepipe.models.ensemble import UNFITTED, files_of, put_together, shares_of, with_slopes
from whalepipe.models.exported import keep_exported
from whalepipe.models.weights import Weights, save_recarded, save_weights
from whalepipe.progress import Progress, silent
from whalepipe.training.alike import chance, difference_hash, sights
from whalepipe.training.beside import together
from whalepipe.training.calibrate import FEW, Evidence, card_entry, cost, evidence, fit
from whalepipe.training.crops import is_name

COMPARED = 20_000  # crops with another animal than their own, of each part: more takes longer and tells no more
CANNOT = "be believed where the embedder was trained on photos of the catalogue that its calibration was fitted to"


@dataclass(frozen=True)
class Recalibration:
    """What to fit, and where to."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    parts: tuple[str, ...] = ()  # none: all that the catalogue holds
    config: Config = field(default_factory=Config)  # the embedder whose vectors are meant
    device: str = "cpu"


@dataclass(frozen=True)
class Fitted:
    """What was fitted to one part; costs are `calibrate.cost`."""

    part: str
    entry: Mapping[str, Any]  # of the card
    cost_before: float  # of the calibration that there was
    cost: float | None  # the mean of both halves of the animals, each by a fit to the other; None: too few for that


@dataclass(frozen=True)
class _Animals:
    """The catalogue's named crops of one part: vectors (n, dimension), who, and the number of each crop's encounter."""

    part: str
    vectors: npt.NDArray[np.float32]
    names: Sequence[str]
    encounters: Sequence[int]
    looks: Sequence[Details] | None

    @property
    def told(self) -> list[str]:
        """Who was seen in two encounters."""
        times = Counter(name for name, _ in set(zip(self.names, self.encounters, strict=True)))
        return sorted(name for name, count in times.items() if count > 1)

    def evidence(self, half: bool | None = None) -> Evidence:
        """What all of them say, or one half of the animals."""
        rows = [i for i, name in enumerate(self.names) if half is None or (chance(0, "half", name) < 0.5) == half]
        names, groups = [self.names[i] for i in rows], [self.encounters[i] for i in rows]
        looks = None if self.looks is None else [self.looks[i] for i in rows]
        return evidence(self.vectors[rows], names, groups, looks, self.part, COMPARED)


def recalibrate(path: Place, options: Recalibration, progress: Progress = silent) -> tuple[Weights, list[Fitted]]:
    """Fit what vectors and details mean to the catalogue's animals; write the embedder with that on its card.

    Only crops of different encounters are compared. One without an encounter is an encounter of its own, and nearly the
    same pictures of one animal are of one encounter. Raises CatalogError where a part has too few animals seen in two
    encounters or its crops tell nothing, WeightsError.
    """
    instruments, catalog = Instruments(options.config, options.device), Catalog.open(path)
    name = catalog.database.name
    base = instruments.embedder_weights
    gallery = catalog.gallery(base.digest, lambda p: instruments.embedder(p), progress, instruments.closer_look)
    hashes = [difference_hash(catalog.pixels(number)) for number in progress("compare", catalog.numbers())]
    if gallery.revision != catalog.revision:
        raise catalog.database.changed_meanwhile()
    animals = [_animals(gallery, part, hashes) for part in _parts(name, gallery, options.parts)]
    _refuse_few(name, animals)
    if shares_of(base.card, base.path) and base.joined:
        base, animals = _shared_out(base, animals)
    fitted = [_fitted(path, each, base) for each in progress("fit", animals)]
    return _written(options.out, base, _card(base, path, gallery, fitted)), fitted


def _written(out: Path, base: Weights, card: dict[str, Any]) -> Weights:
    if base.joined:
        return save_weights(out, together(base), card)
    made = save_recarded(out, base, card)
    keep_exported(base, made)
    return made


def _shared_out(base: Weights, animals: Sequence[_Animals]) -> tuple[Weights, list[_Animals]]:
    """Joined embedders with shares by what these animals tell of each, and the vectors that they then make."""
    files = [files_of(base, one.vectors) for one in animals]
    slopes = [
        float(np.mean([_slope(one, vectors[place], file.path) for one, vectors in zip(animals, files, strict=True)]))
        for place, file in enumerate(base.joined)
    ]
    shared = with_slopes(base, slopes)
    return shared, [replace(a, vectors=put_together(shared, v)) for a, v in zip(animals, files, strict=True)]


def _slope(animals: _Animals, vectors: npt.NDArray[np.float32], path: Path) -> float:
    """How steeply the cosines of one file tell these animals apart. Raises CatalogError where they do not."""
    made = fit(replace(animals, vectors=vectors, looks=None).evidence())
    if made is None:
        raise CatalogError(
            f"by {path} two crops of one {animals.part} are no more alike than of two, or too few were compared; "
            "leave it out"
        )
    return made.slope


def _parts(name: str, gallery: Gallery, wanted: Sequence[str]) -> list[str]:
    held = sorted({s.part for s in gallery.shots})
    missing = [part for part in wanted if part not in held]
    if missing or not held:
        raise CatalogError(f"{name} holds no {' or '.join(missing) or 'crops'}; its parts: {', '.join(held) or 'none'}")
    return sorted(set(wanted)) or held


def _animals(gallery: Gallery, part: str, hashes: Sequence[int]) -> _Animals:
    rows = [i for i, s in enumerate(gallery.shots) if s.part == part and is_name(s.individual)]
    shots, look = [gallery.shots[i] for i in rows], gallery.details
    names, encounters = [s.individual for s in shots], [s.encounter for s in shots]
    met = sights(names, encounters, [hashes[i] for i in rows])
    looks = None if look is None else [look(i) for i in rows]
    return _Animals(part, gallery.vectors[rows], names, met, looks)


def _refuse_few(name: str, animals: Sequence[_Animals]) -> None:
    few = [a for a in animals if len(a.told) < FEW]
    if few:
        said = "; ".join(f"{a.part} has {len(a.told)} of them" for a in few)
        others = [a.part for a in animals if a not in few]
        instead = f", or give only {' '.join(f'--part {part}' for part in others)}" if others else ""
        raise CatalogError(
            f"{name}: {FEW} animals that were seen in two encounters are the least that tell what a likeness means; "
            f"{said}. Add crops of other encounters{instead}"
        )


def _fitted(path: Place, animals: _Animals, base: Weights) -> Fitted:
    whole = animals.evidence()
    made = fit(whole)
    if made is None:
        raise CatalogError(
            f"{called(path)}: by these weights two crops of one {animals.part} are no more alike than of two, or too "
            f"few were compared ({len(whole.same)} with their own animal, {len(whole.different)} with another)"
        )
    entry = {
        **card_entry(made, whole, f"the catalogue {titled(path)}"),
        "crops": len(animals.names),
        "encounters": len(set(animals.encounters)),
    }
    before = cost(read_calibration(base.card, animals.part), whole)
    return Fitted(animals.part, entry, round(before, 3), _cost_of_halves(animals))


def _cost_of_halves(animals: _Animals) -> float | None:
    one, other = animals.evidence(True), animals.evidence(False)
    fits = fit(one), fit(other)
    if fits[0] is None or fits[1] is None:
        return None
    return round((cost(fits[0], other) + cost(fits[1], one)) / 2, 3)


def _card(base: Weights, path: Place, gallery: Gallery, fitted: Sequence[Fitted]) -> dict[str, Any]:
    """The embedder's card with the calibration of these parts, and what that is worth."""
    card = dict(base.card)
    whose = " and ".join(one.digest for one in base.joined) or f"{base.digest}, byte for byte"
    account = {
        "catalogue": titled(path),
        "revision": gallery.revision,
        "tensors": f"those of {whose}",
        "parts": {f.part: {"cost_of_halves": f.cost, "cost_before": f.cost_before} for f in fitted},
        "costs": "bits by which log likelihood ratios of pairs mislead: 0 is right and sure, 1 is saying nothing",
    }
    cannot = [text for text in card.get("cannot", ()) if text != UNFITTED]
    note = "measured with the calibration that the weights came with, not with that of `calibrated_to`"
    return {
        **card,
        "calibration": {**card["calibration"], **{f.part: f.entry for f in fitted}},
        "calibrated_to": account,
        "figures_of": {**card.get("figures_of", {}), "calibration": note},
        "cannot": list(dict.fromkeys([*cannot, CANNOT])),
    }
