"""How good the names of species are: those of weights on labelled photos, or each individual's told from the others.

Photos of one folder share camera, place and people, and so betray their species; a figure over several folders would
measure that. So score one folder alone, and leave an individual out together with all of its photos.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whalepipe.config import Config
from whalepipe.errors import TableError, WeightsError
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.ranking import calibration_error, log_loss, skill
from whalepipe.evaluation.specimens import Eyes, Sighting, SpeciesTable, Specimen, gather, sightings
from whalepipe.models.classifier import find_classifier
from whalepipe.models.species import Told, find_species
from whalepipe.progress import Progress, silent

CHANCE = 1.25  # times the accuracy of guessing by the shares of the classes
OF_BOXED = ("accuracy", "coverage", "accuracy_named")  # given apart for what has a box: the pipeline sees nothing else


@dataclass(frozen=True)
class SpeciesEvaluation:
    """What to score, and how."""

    config: Config = field(default_factory=Config)  # weights, and the probability from which a species is named
    part: str = "dorsal_fin"
    leave_one_out: bool = False  # tell each individual's species from the other individuals' photos of this table
    without: tuple[str, ...] = ()  # glob patterns of the encounters and files that are left out
    resamplings: int = 1000  # for the intervals
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Verdict:
    """What was said of one specimen, and what it is."""

    truth: str
    called: str  # the best candidate; empty where there is none
    best: float  # its probability; 0 where there is none
    right: float  # the probability that the truth was given
    base: float  # what the species' shares alone would have given it
    guess: bool  # whether it is of the most common species
    named: bool


def evaluate_species(
    photos: Path, labels: Path, options: SpeciesEvaluation, progress: Progress = silent
) -> dict[str, Any]:
    """Score species on a table of photos (`photo,species,individual`, boxes if any) or of ready crops.

    Returns `figures` with `intervals` (95 %, by resampling individuals), counts, and `confused`: how often the best
    candidate of one species was another. With `leave_one_out` also `unseen_named`: the share of specimens that are
    given a name, wrong by necessity, when nothing of their whole species was there to learn from.
    Raises TableError, PhotoError, WeightsError.
    """
    eyes, table = Eyes(options.config, options.device), SpeciesTable(labels, photos, options.part)
    classifier = find_classifier(options.config.species.weights, options.device)
    if classifier and not options.leave_one_out:
        seen = list(sightings(table, eyes, options.without, progress))
        shares = Counter(s.species for s in seen)
        found = scored(seen, [classifier(s.pixels) for s in seen], [shares] * len(seen), options)
        return {**found, "weights": classifier.digest}
    specimens = gather(table, eyes, options.without, progress)
    if options.leave_one_out:
        return left_out(specimens, [], eyes.config, options, progress)
    model = find_species(eyes.config.species.weights, eyes.embedder_weights.digest)
    if model is None:
        raise WeightsError("no species weights for the embedder at hand; make them with `whalepipe train species`")
    shares = Counter(s.species for s in specimens)
    told = [model(s.vector, options.part) for s in specimens]
    if not any(t.candidates for t in told):
        raise TableError(f"these weights know no species by the part {options.part!r}; give another --part")
    return {**scored(specimens, told, [shares] * len(told), options), "weights": model.digest}


def left_out(
    specimens: Sequence[Specimen],
    others: Sequence[Specimen],
    config: Config,
    options: SpeciesEvaluation,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Figures of `specimens`, each individual's told from all other individuals' and from `others`."""
    from whalepipe.training.heads import examples_of, fit, without

    everything = examples_of(specimens, others)
    species, names = list(everything.species), list(everything.groups)
    told, shares, unseen = [Told()] * len(specimens), [Counter[str]()] * len(specimens), []
    for group in progress("leave one out", sorted({s.group for s in specimens})):
        rest = without(everything, names, {group})
        head = fit(rest) if rest else None
        for i, s in enumerate(specimens):
            if s.group == group and rest and head:
                told[i], shares[i] = head(s.vector), Counter(rest.species)
    for name in progress("leave a species out", sorted({s.species for s in specimens})):
        rest = without(everything, species, {name})
        head = fit(rest) if rest else None
        unseen += [_named(head(s.vector), config) for s in specimens if s.species == name and head]
    result = scored(specimens, told, shares, options)
    return {**result, "unseen_named": round(float(np.mean(unseen)), 4) if unseen else None}


def scored(
    specimens: Sequence[Specimen | Sighting],
    told: Sequence[Told],
    shares: Sequence[Counter[str]],
    options: SpeciesEvaluation,
) -> dict[str, Any]:
    """All figures, to 4 decimals; `shares` counts the species that each answer's base rate is taken from."""
    config = options.config
    common = Counter(s.species for s in specimens).most_common(1)[0][0]
    verdicts = [_verdict(s, t, c, common, config) for s, t, c in zip(specimens, told, shares, strict=True)]
    boxed = [v for v, s in zip(verdicts, specimens, strict=True) if s.boxed]
    draws, _ = redrawn([s.group for s in specimens], options.resamplings, options.seed)
    samples = [figures([verdicts[i] for i in draw]) for draw in draws]
    whole = figures(verdicts)
    confused = Counter(f"{v.truth} -> {v.called or 'unknown'}" for v in verdicts if v.called != v.truth)
    return {
        **_rounded(whole),
        "of_boxed": {name: v for name, v in _rounded(figures(boxed)).items() if name in OF_BOXED} if boxed else {},
        "intervals": {name: interval([s[name] for s in samples]) for name in whole},
        "resampled": "individuals",
        "named_at": config.species.named_at,
        "specimens": len(verdicts),
        "boxed": sum(s.boxed for s in specimens),
        "individuals": len({s.group for s in specimens}),
        "species": len({s.species for s in specimens}),
        "named": sum(v.named for v in verdicts),
        "confused": dict(confused.most_common()),
    }


def figures(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """The figures that have one number each; None where one has no meaning.

    accuracy and balanced_accuracy are the best candidate's, sure or not; coverage is the share that is named,
    accuracy_named how often rightly. chance_criterion: see there. base_accuracy and base_log_loss are what the species'
    shares alone give, log_loss_skill is 1 - log_loss / base_log_loss.
    """
    right = [v.called == v.truth for v in verdicts]
    by_species: dict[str, list[bool]] = {}
    for v, r in zip(verdicts, right, strict=True):
        by_species.setdefault(v.truth, []).append(r)
    return {
        "accuracy": float(np.mean(right)),
        "balanced_accuracy": float(np.mean([np.mean(each) for each in by_species.values()])),
        "log_loss": log_loss([v.right for v in verdicts]),
        "ece": calibration_error([v.best for v in verdicts], right),
        "coverage": float(np.mean([v.named for v in verdicts])),
        "accuracy_named": _mean([v.called == v.truth for v in verdicts if v.named]),
        "chance_criterion": chance_criterion([v.truth for v in verdicts]),
        "base_accuracy": float(np.mean([v.guess for v in verdicts])),
        "base_log_loss": log_loss([v.base for v in verdicts]),
        "log_loss_skill": skill([v.right for v in verdicts], [v.base for v in verdicts]),
    }


def chance_criterion(truths: Sequence[str]) -> float:
    """1.25 times what guessing by the shares of the classes gets right: with no more nothing was learned."""
    shares = np.array(list(Counter(truths).values())) / len(truths)
    return CHANCE * float((shares**2).sum())


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def _verdict(specimen: Specimen | Sighting, told: Told, shares: Counter[str], common: str, config: Config) -> Verdict:
    called, best = told.candidates[0] if told.candidates else ("", 0.0)
    return Verdict(
        truth=specimen.species,
        called=called,
        best=best,
        right=dict(told.candidates).get(specimen.species, 0.0),
        base=shares[specimen.species] / max(shares.total(), 1),
        guess=common == specimen.species,
        named=_named(told, config),
    )


def _named(told: Told, config: Config) -> bool:
    return bool(told.candidates) and told.near and told.candidates[0][1] >= config.species.named_at


def _mean(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None
