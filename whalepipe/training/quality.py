"""Train what grades crops: gather what is known of good and bad ones, fit, measure on what is left out, write."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from whalepipe.config import Config
from whalepipe.errors import WhalepipeError
from whalepipe.evaluation.framing import graded
from whalepipe.evaluation.quality import is_good
from whalepipe.evaluation.specimens import Eyes
from whalepipe.models.arrays import load_arrays
from whalepipe.models.cut import find_cuts
from whalepipe.models.embedder import Look
from whalepipe.models.grade import ARRAYS, FOUND, HIDDEN, KIND, Lines, find_grader, lines_of
from whalepipe.models.weights import Weights, save_weights
from whalepipe.progress import Progress, silent
from whalepipe.stages.quality import MUCH
from whalepipe.tables import CropLabel, read_table
from whalepipe.training import onto
from whalepipe.training.crops import RENDERED, LabelSet, bursts, is_name, load
from whalepipe.training.exemplars import Exemplar, exemplars
from whalepipe.training.graded import Example, Seer, by_finding, by_grades, sitters_drawn, sitters_of
from whalepipe.training.grading import FOLDS, Fitted, fit
from whalepipe.training.hidden import line, told
from whalepipe.training.sources import account, flags, folder_name, limits, portable, provenance
from whalepipe.training.spoiled import Good, examples

FIRST_RENDERED = 5000  # number of the first rendered animal: the embedder learned others
HELD = 64  # pixels: squares by which near-duplicates are told; crops are graded at their own size
SHOTS = 8  # photos of each
PARTS = ("dorsal_fin", "fluke")  # that can be rendered
CANNOT = (
    "tell how far an animal turned away from the camera",
    "tell what is hidden of other parts than fins and flukes; of those it learned it on rendered animals",
    "tell whether an animal has marks: a clean fin in a perfect photo has a high grade",
)


@dataclass(frozen=True)
class QualityTraining:
    """How to make quality weights."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    config: Config = field(default_factory=Config)  # the embedder that finds crops again
    without: tuple[str, ...] = ()  # glob patterns of encounters, files and halves to leave out
    asked: Path | None = None  # a table: of the label sets only its crops are looked for, among all
    not_in: Path | None = None  # a table: the animals that it names are left out, since they will be scored
    onto: str = ""  # weights that are kept as they are; the parts of the label sets are graded beside
    rendered: int = 0  # rendered individuals of each part
    copies: int = 2  # spoiled ones of each crop that is looked for
    spoiled: int = 150  # crops of each set that are spoiled to show what each fault looks like
    strength: float = 0.05  # inverse of the regularisation, scikit-learn's C
    by_people: float = 4.0  # how much an example that a person graded weighs against one that was looked for
    seed: int = 0
    device: str = "cpu"
    provenance: Path | None = None  # JSON: {folder name: {"source": ..., "licence": ...}}, for the card


@dataclass(frozen=True)
class Grades:
    """A table of `GradeLabel`s, and the folder of its photos."""

    labels: Path
    photos: Path


def train_quality(
    sets: Sequence[LabelSet], grades: Sequence[Grades], options: QualityTraining, progress: Progress = silent
) -> Weights:
    """Fit on grades, on labelled crops and on rendered ones; measure on what each fold leaves out; write the weights.

    Raises TableError, PhotoError, WeightsError, StorageError, and WhalepipeError where nothing says what a good crop
    is, or all are good or none.
    """
    eyes = Eyes(options.config, options.device)
    if options.onto:
        return _onto(options.onto, sets, eyes, options, progress)
    look = eyes.embedder.look
    drawn = {part: _drawn(part, look, options) for part in (PARTS if options.rendered else ())}
    embedder = eyes.embedder_weights.digest
    seer = Seer(look, _hidden(drawn, embedder, options), find_cuts(options.config.quality, options.device))
    made, good = _graded(grades, seer, options)
    graded_parts = {e.part for e in made}
    named = _named(sets, graded_parts, seer, options, progress)
    for found, clean in (named, _rendered(drawn, seer, options, progress)):
        made, good = made + found, good + clean
    if len({e.good for e in made}) < 2:
        raise WhalepipeError("nothing tells a good crop from a bad one: give --grades, or tables of named crops")
    if len(good) < FOLDS:
        raise WhalepipeError(f"{len(good)} good crops are too few to show what each fault looks like: give more")
    shown = list(examples(good, seer.of_picture, options.seed, progress))
    fitted = fit(made, shown, options.strength, options.by_people)
    arrays = {name: getattr(fitted, name) for name in ARRAYS}
    arrays |= {HIDDEN + part: by for part, by in seer.hidden.lines.items()}
    arrays |= {FOUND + part: by for part, by in fitted.found.items()}
    tensors = {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in arrays.items()}
    hidden = {f"{RENDERED} {part}, what is hidden": {"rank_correlation": one.told} for part, one in drawn.items()}
    told_of = replace(fitted, figures={**fitted.figures, **hidden})
    return save_weights(options.out, tensors, _card(sets, grades, made, told_of, embedder, options))


def _onto(name: str, sets: Sequence[LabelSet], eyes: Eyes, options: QualityTraining, progress: Progress) -> Weights:
    """Weights that grade already, with further parts beside, by whether their crops are found again."""
    weights = onto.base(name, eyes.embedder_weights.digest, [one.part for one in sets])
    seer = Seer(eyes.embedder.look, Lines({}))
    made, _ = _named(sets, set(weights.card["kept"]), seer, options, progress)
    if len({e.good for e in made}) < 2:
        raise WhalepipeError("nothing tells a good crop from a bad one: all were found again, or none")
    state, told = onto.beside(weights, made)
    known, names = provenance(options.provenance), [folder_name(one.labels) for one in sets]
    told["trained_on"] = [*weights.card.get("trained_on", ()), *(account(known, one) for one in names)]
    told["cannot"] = [*weights.card.get("cannot", ()), *limits(known, names, KIND)]
    told["retrain"] = f"{weights.card.get('retrain', '')}; {command(sets, (), options)}"
    return save_weights(options.out, state, {**weights.card, **told})


@dataclass(frozen=True)
class _Drawn:
    """Rendered crops of one part: of half of the animals `by` was learned, which tells what is hidden; the others."""

    others: Sequence[Exemplar]
    by: npt.NDArray[np.float64]
    told: float  # rank correlation of what `by` tells of the others with what is true


def _drawn(part: str, look: Callable[[npt.NDArray[np.uint8]], Look], options: QualityTraining) -> _Drawn:
    animals = range(FIRST_RENDERED, FIRST_RENDERED + options.rendered)
    drawn = exemplars(part, animals, SHOTS, options.seed)
    vectors = np.stack([look(e.crop.pixels).vector for e in drawn])
    names = sorted({e.individual for e in drawn})
    half = np.array([names.index(e.individual) % 2 == 0 for e in drawn])
    learned, others = ([drawn[i] for i in np.flatnonzero(which)] for which in (half, ~half))
    by = line(learned, vectors[half])
    return _Drawn(others, by, told(others, vectors[~half], by))


def _hidden(drawn: Mapping[str, _Drawn], embedder: str, options: QualityTraining) -> Lines:
    """What tells what is hidden: learned now, or, where nothing was drawn, taken over of the weights at hand."""
    if drawn:
        return Lines({part: one.by for part, one in drawn.items()})
    weights = find_grader(options.config.quality.weights)
    if weights is None or weights.card.get("embedder") != embedder:
        return Lines({})
    return Lines(lines_of(load_arrays(weights)))


def _graded(tables: Sequence[Grades], seer: Seer, options: QualityTraining) -> tuple[list[Example], list[Good]]:
    """Examples by what people said, and those of the crops that they called good."""
    made: list[Example] = []
    good: list[Good] = []
    for table in tables:
        rows = list(graded(table.labels, table.photos, options.without))
        made += by_grades(rows, seer, folder_name(table.labels))
        said = [row for row, _ in rows]
        good += [Good(row.encounter or row.photo, row.part, crop) for row, crop in rows if is_good(row, said)]
    return made, good


def _named(
    sets: Sequence[LabelSet], graded_parts: Set[str], seer: Seer, options: QualityTraining, progress: Progress
) -> tuple[list[Example], list[Good]]:
    """Examples by finding, of labelled crops, and those of them that may be spoiled.

    Where people graded other parts, none is: such a part's grade goes by the embedder's response alone, see found.py,
    and what is wrong with a picture is learned where people graded.
    """
    asked, away = _asked(options), _away(options)
    made: list[Example] = []
    good: list[Good] = []
    for one in sets:
        labelled = load(one, HELD, options.without)
        who = enumerate(labelled.individuals)
        labelled = labelled.chosen([i for i, name in who if is_name(name) and name not in away])
        sitters = sitters_of(labelled, bursts(labelled), asked)
        plain = graded_parts and one.part not in graded_parts
        copies = 0 if plain else options.copies
        made += by_finding(sitters, one.part, seer, labelled.name, copies, options.seed, progress)
        good += [Good(s.individual, one.part, s.crop) for s in sitters if s.asked and not plain][: options.spoiled]
    return made, good


def _rendered(
    drawn: Mapping[str, _Drawn], seer: Seer, options: QualityTraining, progress: Progress
) -> tuple[list[Example], list[Good]]:
    """The same of rendered crops."""
    made: list[Example] = []
    good: list[Good] = []
    for part, one in drawn.items():
        sitters = sitters_drawn(one.others)
        made += by_finding(sitters, part, seer, f"rendered {part}", options.copies, options.seed, progress)
        plain = [Good(e.individual, part, e.crop) for e in one.others if not e.fault and e.hidden < MUCH]
        good += plain[: options.spoiled]
    return made, good


def _away(options: QualityTraining) -> set[str]:
    return {row.individual for row in read_table(options.not_in, CropLabel, aliases=True)} if options.not_in else set()


def _asked(options: QualityTraining) -> Callable[[str], bool]:
    if options.asked is None:
        return lambda _: True
    names = {row.crop for row in read_table(options.asked, CropLabel, aliases=True)}
    return names.__contains__


def _card(
    sets: Sequence[LabelSet],
    grades: Sequence[Grades],
    made: Sequence[Example],
    fitted: Fitted,
    embedder: str,
    options: QualityTraining,
) -> dict[str, Any]:
    known = provenance(options.provenance)
    names = [*(folder_name(one.labels) for one in sets), *(folder_name(table.labels) for table in grades)]
    counts = Counter(e.asked for e in made)
    return {
        "kind": KIND,
        "input": "measures of a crop and the embedder's response to it, see stages/quality.py",
        "faults": fitted.faults,
        "kept": fitted.kept,
        "steps": fitted.steps,
        "trained_on": [account(known, name) for name in names]
        + [{"source": "rendered by whalepipe", "licence": "AGPL-3.0-or-later"}] * bool(options.rendered),
        "asked": dict(sorted(counts.items())),
        "embedder": embedder,
        "figures": fitted.figures,
        "settings": {"strength": options.strength, "by_people": options.by_people, "seed": options.seed},
        "retrain": command(sets, grades, options),
        "cannot": [*CANNOT, *limits(known, names, KIND)],
    }


def command(sets: Sequence[LabelSet], grades: Sequence[Grades], options: QualityTraining) -> str:
    """The command that makes these weights again, with DATA for the folder that all data lie in."""
    read = [p for one in sets for p in (one.labels, one.crops)] + [p for g in grades for p in (g.labels, g.photos)]
    if options.onto:  # the folder of all data is the one that the weights at hand were made from
        read += [one.labels.resolve().parent.parent for one in sets]
    named = portable([*read, *(p for p in (options.asked, options.not_in, options.provenance) if p)])
    words = ["whalepipe", "train", "quality", *(named(one.labels) for one in sets)]
    words += [word for one in sets for word in ("--photos", named(one.crops), "--part", one.part)]
    words += [word for g in grades for word in ("--grades", named(g.labels), "--graded-photos", named(g.photos))]
    words += [word for pattern in options.without for word in ("--without", pattern)]
    for name in ("asked", "not_in", "provenance"):
        words += [f"--{name.replace('_', '-')}", named(getattr(options, name))] if getattr(options, name) else []
    words += ["--onto", options.onto] if options.onto else flags(options, ("rendered", "copies"))
    return shlex.join([*words, *flags(options, ("seed",)), "--out", f"weights/{options.out.name}"])
