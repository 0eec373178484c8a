"""Make the weights that tell species: a head for each part, fitted on vectors of labelled photos or crops."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from whalepipe.config import Config
from whalepipe.errors import WhalepipeError
from whalepipe.evaluation.species import SpeciesEvaluation, left_out
from whalepipe.evaluation.specimens import Eyes, SpeciesTable, Specimen, gather
from whalepipe.models.species import ARRAYS, KIND, Head
from whalepipe.models.weights import Weights, save_weights
from whalepipe.progress import Progress, silent
from whalepipe.render import draw_individual
from whalepipe.training.crops import render
from whalepipe.training.heads import STRENGTH, examples_of, fit
from whalepipe.training.rendered import STREAM
from whalepipe.training.sources import account, limits, portable, provenance

RENDERED_SHOTS = 2  # photos of each rendered individual
CANNOT = (
    "name a species that it was not trained on: such an animal should be unknown, and is sometimes given a wrong name",
    "tell species by a part that it has no head for: those are always unknown",
    "be believed beyond photos like those it was trained on: another camera, place or distance is another matter",
)


@dataclass(frozen=True)
class SpeciesTraining:
    """How to make species weights."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    config: Config = field(default_factory=Config)  # detector and embedder
    without: tuple[str, ...] = ()  # glob patterns of encounters and files to leave out
    rendered: int = 0  # rendered individuals of each part that is trained
    seed: int = 0  # of the rendered photos
    device: str = "cpu"
    provenance: Path | None = None  # JSON: {folder name: {"source": ..., "licence": ...}}, for the card


@dataclass(frozen=True, eq=False)
class _Source:
    """Specimens of one part from one place."""

    name: str
    part: str
    specimens: Sequence[Specimen]
    rendered: bool = False

    @property
    def species(self) -> list[str]:
        return sorted({s.species for s in self.specimens})


def train_species(tables: Sequence[SpeciesTable], options: SpeciesTraining, progress: Progress = silent) -> Weights:
    """Fit a head for each part that has several species, measure it, write weights and card.

    A part with one species gets none: nothing there could tell it from another. Raises TableError, PhotoError,
    WeightsError, StorageError, and WhalepipeError where no part has two species.
    """
    eyes = Eyes(options.config, options.device)
    sources = [_read(table, eyes, options, progress) for table in tables]
    parts = sorted({source.part for source in sources})
    sources += [_rendered(part, eyes, options) for part in parts if options.rendered]
    heads: dict[str, Head] = {}
    figures: dict[str, Any] = {}
    for part in parts:
        mine = [source for source in sources if source.part == part]
        if len({name for source in mine for name in source.species}) < 2:
            continue
        # Rendered animals are told apart more easily than real ones, and one species' folder always has one answer.
        judged = [s for s in mine if len(s.species) > 1 and not s.rendered] or mine
        others = [s for s in mine if s not in judged]
        heads[part] = fit(examples_of(*([x for s in some for x in s.specimens] for some in (judged, others))))
        figures |= _measured(mine, options, progress)
    if not heads:
        raise WhalepipeError("no part has two species: one alone cannot be told from others")
    state = {f"{part}.{name}": torch.from_numpy(getattr(head, name)) for part, head in heads.items() for name in ARRAYS}
    return save_weights(options.out, state, _card(tables, sources, heads, figures, eyes, options))


def _read(table: SpeciesTable, eyes: Eyes, options: SpeciesTraining, progress: Progress) -> _Source:
    name = table.labels.resolve().parent.name
    return _Source(name, table.part, gather(table, eyes, options.without, progress))


def _rendered(part: str, eyes: Eyes, options: SpeciesTraining) -> _Source:
    drawn = render(part, options.rendered, RENDERED_SHOTS, eyes.embedder.size, options.seed)
    species = {n: draw_individual(part, STREAM, int(n.rpartition("-")[2])).species for n in set(drawn.individuals)}
    specimens = [
        Specimen(crop, species[name], name, eyes.embedder(picture), True)
        for crop, name, picture in zip(drawn.crops, drawn.individuals, drawn.pictures, strict=True)
    ]
    return _Source(drawn.name, part, specimens, rendered=True)


def _measured(sources: Sequence[_Source], options: SpeciesTraining, progress: Progress) -> dict[str, Any]:
    """Leave-one-out figures of each source with several species, the other sources always fitted on."""
    found = {}
    for one in sources:
        if len(one.species) > 1 and not one.rendered:
            others = [source for source in sources if source is not one]
            beside = f", fitted on {' and '.join(o.name for o in others)} too" if others else " alone"
            how = SpeciesEvaluation(config=options.config, part=one.part)
            rest = [s for source in others for s in source.specimens]
            key = f"{one.name}{beside}, {one.part}, each individual left out in turn"
            found[key] = left_out(one.specimens, rest, options.config, how, progress)
    return found


def _card(
    tables: Sequence[SpeciesTable],
    sources: Sequence[_Source],
    heads: dict[str, Head],
    figures: dict[str, Any],
    eyes: Eyes,
    options: SpeciesTraining,
) -> dict[str, Any]:
    known = provenance(options.provenance)
    parts = {part: {"species": list(head.species), "least_cosine": head.least_cosine} for part, head in heads.items()}
    drawn = {"source": "rendered by whalepipe", "licence": "AGPL-3.0-or-later"}
    trained_on = [
        {
            **(drawn if one.rendered else account(known, one.name)),
            "part": one.part,
            "specimens": len(one.specimens),
            "boxed": sum(s.boxed for s in one.specimens),
            "individuals": len({s.group for s in one.specimens}),
            "species": one.species,
        }
        for one in sources
    ]
    return {
        "kind": KIND,
        "experimental": True,
        "embedder": eyes.embedder_weights.digest,
        "parts": parts,
        "input": "the embedder's vector of a crop",
        "trained_on": trained_on,
        "figures": figures,
        "settings": {"strength": STRENGTH, "rendered": options.rendered, "seed": options.seed},
        "retrain": command(tables, options),
        "cannot": [*CANNOT, *limits(known, [one.name for one in sources], KIND)],
    }


def command(tables: Sequence[SpeciesTable], options: SpeciesTraining) -> str:
    """The command line that makes these weights again; DATA stands for the folder that holds all that is read."""
    # With the folder above: a table's own folder has the name by which `provenance` knows it.
    named = portable([path for one in tables for path in (one.labels.resolve().parent.parent, one.labels, one.photos)])
    words = ["whalepipe", "train", "species", *(named(one.labels) for one in tables)]
    for one in tables:
        words += ["--photos", named(one.photos), "--part", one.part]
    if any(one.species for one in tables):
        words += [word for one in tables for word in ("--species", one.species)]
    words += [word for pattern in options.without for word in ("--without", pattern)]
    words += ["--rendered", str(options.rendered), "--seed", str(options.seed)] if options.rendered else []
    words += ["--provenance", f"weights/{options.provenance.name}"] if options.provenance else []
    return shlex.join([*words, "--out", f"weights/{options.out.name}"])
