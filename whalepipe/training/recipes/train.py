"""Train by a recipe: crops with labels in, weights with their card and the recipe's own figures out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whalepipe.config import Config
from whalepipe.errors import WhalepipeError
from whalepipe.evaluation.specimens import Eyes, Sighting, SpeciesTable, sightings
from whalepipe.models import classifier, silhouette
from whalepipe.models.details import CloserLook
from whalepipe.models.embedder import KIND, Voter, load_voters
from whalepipe.models.weights import Weights, find_weights, save_weights
from whalepipe.progress import Progress as Each
from whalepipe.progress import silent
from whalepipe.training.alike import chance
from whalepipe.training.beside import beside_it
from whalepipe.training.crops import Labelled, LabelSet, Split, load
from whalepipe.training.duration import Tell
from whalepipe.training.measure import describe_sets, measure, write_splits
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.recipes import recipe as parts
from whalepipe.training.recipes.answers import figures, of_strangers, scores, see
from whalepipe.training.recipes.card import RecipeTraining, card_of, command, state_of, words_of, words_of_species
from whalepipe.training.recipes.data import as_crops, check_species, named
from whalepipe.training.recipes.fit import fit
from whalepipe.training.recipes.fitting import Fitted, Fitting, Progress, input_of
from whalepipe.training.recipes.pseudo import with_pseudo_labels
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.sampling import Crops, held_out
from whalepipe.training.rounds import claim
from whalepipe.training.sources import account, limits, provenance

WATCHED = parts.Split(parts=10)  # of what is trained on, where a recipe chooses anything by what it sees of it
CANNOT = (
    "be believed as the published result: that was measured on other animals, mostly with other weights to begin with",
    "be believed without a look: its figures say how often the first candidate is right",
)
NO_SPECIES = "name an animal of a class that it was not trained on: it always names one of its own"


def train_by_recipe(
    sets: Sequence[LabelSet], options: RecipeTraining, progress: Progress | None = None, tell: Tell | None = None
) -> tuple[Weights, dict[str, Any]]:
    """Train an embedder on label sets; returns the weights and the recipe's own figures on what it held out.

    Individuals held out whole calibrate and give the card's figures, as `train embedder` without a recipe does.
    Raises TableError, PhotoError, WeightsError, StorageError, and WhalepipeError where `work_dir` holds another
    training or there is nothing to train on.
    """
    _begin(options, sets)
    recipe, look = options.recipe, CloserLook(find_weights(options.silhouette, silhouette.KIND))
    voting = [find_weights(str(path), KIND) for path in options.beside]
    voters = [voter for weights in voting for voter in load_voters(weights)]
    stored = max([recipe.shown.size, *(size for voter in voters for size in voter.sizes)])
    labelled = [named(load(one, stored, options.without)) for one in sets]
    if not any(one.crops for one in labelled):
        raise WhalepipeError("nothing to train on: give a table of crops whose individuals are named")
    crops = as_crops(labelled, recipe)
    whole = [i for i, name in enumerate(crops.classes) if chance(options.seed, "individual", name) < options.held_out]
    rest = sorted(set(range(len(crops))) - set(whole))
    check_species(crops, recipe)
    fitted, train, held, told = _trained(crops, rest, options, progress, tell)
    splits = _splits(labelled, train, held, whole)
    write_splits(labelled, splits, options.work_dir)
    voters = [Voter(fitted.network, (recipe.shown.size,), fitted.shown), *voters]
    only = [load(one, stored, options.without) for one in options.calibrate]
    of_card, calibration = measure(voters, labelled, splits, only, look)
    retrain = command("embedder", words_of(sets, options.calibrate), options)
    made_from = describe_sets(labelled, splits, only, options.provenance, retrain)
    cannot = [*CANNOT, *made_from.pop("cannot")]
    card = card_of(KIND, fitted, options, told, "individual")
    card |= {**made_from, "calibration": calibration, "figures": of_card, "details": look.method, "cannot": cannot}
    state, beside = beside_it(voting)
    return save_weights(options.out, {**state_of(fitted), **state}, {**card, **beside}), told


def train_species_by_recipe(
    tables: Sequence[SpeciesTable],
    options: RecipeTraining,
    config: Config,
    progress: Progress | None = None,
    tell: Tell | None = None,
    each: Each = silent,
) -> tuple[Weights, dict[str, Any]]:
    """Train a classifier of species; returns the weights and its accuracy, beside the chance criterion.

    All photos of an individual are on one side. Raises as `train_by_recipe`, and WhalepipeError for one species alone.
    """
    _begin(options, tables)
    eyes, how, size = Eyes(config), input_of(options.recipe), options.recipe.shown.size

    def seen(one: SpeciesTable) -> list[Sighting]:
        """Made small one by one: photos at their own size would fill the memory."""
        return [replace(s, pixels=how.clean(s.pixels, size)) for s in sightings(one, eyes, options.without, each)]

    found = [(one, seen(one)) for one in tables]
    every = [(one, s) for one, some in found for s in some]
    pictures = np.stack([s.pixels for _, s in every])
    species = [s.species for _, s in every]
    if len(set(species)) < 2:
        raise WhalepipeError("one species alone cannot be told from others: label at least two")
    crops = Crops(pictures, species, species, [s.group for _, s in every], [one.part for one, _ in every])
    fitted, train, _, told = _trained(crops, range(len(crops)), options, progress, tell)
    card = card_of(classifier.KIND, fitted, options, told, "species")
    known = provenance(options.provenance)
    names = [one.labels.resolve().parent.name for one in tables]
    card |= {
        "parts": sorted({one.part for one in tables}),
        "trained_on": [{**account(known, n), "crops": len(some)} for n, (_, some) in zip(names, found, strict=True)],
        "trained_crops": len(train),
        "retrain": command("species", words_of_species(tables), options),
        "cannot": [*CANNOT, NO_SPECIES, *limits(known, names, "species")],
    }
    return save_weights(options.out, state_of(fitted), card), told


def _begin(options: RecipeTraining, what: Sequence[object]) -> None:
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    claim(options.work_dir, list(what), replace(options, out=Path(), work_dir=Path(), threads=0, silhouette=""))


def _trained(
    crops: Crops, rows: Sequence[int], options: RecipeTraining, progress: Progress | None, tell: Tell | None
) -> tuple[Fitted, list[int], list[int], dict[str, Any]]:
    """The recipe, trained once for each fold: the first fold's network, its rows, what it held out, the figures."""
    recipe = options.recipe
    folds = []
    for fold in range(recipe.split.folds):
        held = held_out(crops, rows, recipe.split, fold, options.seed)
        train = sorted(set(rows) - set(held))
        work = options.work_dir / f"fold-{fold}" if recipe.split.folds > 1 else options.work_dir
        how = Fitting(work, options.pretrained, options.minutes, seed=options.seed)
        fitted = watched_fit(crops, train, recipe, how, progress, tell)
        if options.pseudo:
            fitted = _again(crops, train, held, fitted, options, how, progress, tell)
        folds.append((fitted, train, held, judged(fitted, crops, train, held, recipe)))
    fitted, train, held, told = folds[0]
    if len(folds) > 1:
        told = {**told, "folds": [f[3].get("top1") for f in folds]}
    return fitted, train, held, told


def watched_fit(
    crops: Crops, train: Sequence[int], recipe: Recipe, how: Fitting, progress: Progress | None, tell: Tell | None
) -> Fitted:
    """Train, a tenth aside to choose by where the recipe chooses anything: never what figures are told of."""
    schedule = recipe.schedule
    chooses = schedule.shape == "plateau" or schedule.stop > 0 or schedule.keep == "best"
    watched = held_out(crops, train, WATCHED, 0, how.seed + 1) if chooses else []
    return fit(crops, sorted(set(train) - set(watched)), watched, recipe, how, progress, tell)


def _again(
    crops: Crops,
    train: Sequence[int],
    held: Sequence[int],
    fitted: Fitted,
    options: RecipeTraining,
    how: Fitting,
    progress: Progress | None,
    tell: Tell | None,
) -> Fitted:
    """Once more, with pseudo-labels."""
    recipe = options.recipe
    nameless = as_crops([load(one, recipe.shown.size, options.without) for one in options.pseudo], recipe)
    more = with_pseudo_labels(crops, held, nameless, fitted, recipe, tell)
    rows = [*train, *range(len(crops), len(more))]
    return watched_fit(more, rows, recipe, replace(how, work_dir=how.work_dir / "pseudo"), progress, tell)


def judged(fitted: Fitted, crops: Crops, train: Sequence[int], held: Sequence[int], recipe: Recipe) -> dict[str, Any]:
    """The recipe's own figures, answered as it says, on held-out crops of classes that it knows."""
    number = {name: n for n, name in enumerate(fitted.plan.names)}
    asked = [i for i in held if crops.classes[i] in number]
    if not asked:
        return {"queries": 0}
    known, seen = (
        see(fitted.network, fitted.criterion, crops.pictures[list(rows)], recipe.shown.size, fitted.seen, len(number))
        for rows in (train, asked)
    )
    labels = [number[crops.classes[i]] for i in train if crops.classes[i] in number]
    given = scores(known, labels, seen, recipe.answer, len(number))
    return figures(given, [number[crops.classes[i]] for i in asked], [crops.groups[i] for i in asked], labels)


def strangers(
    fitted: Fitted, crops: Crops, train: Sequence[int], whole: Sequence[int], recipe: Recipe
) -> dict[str, Any]:
    """How often the nearest crop is the same animal's, for crops of individuals that were held out whole.

    Compared with are all training crops, and all crops of those individuals but the query's own group. Its keys:
    strangers_top1 and strangers_interval (None without such queries), strangers: the number of queries.
    """
    rows = [*train, *whole]
    if not whole:
        return {"strangers_top1": None, "strangers_interval": None, "strangers": 0}
    seen = see(fitted.network, fitted.criterion, crops.pictures[rows], recipe.shown.size, fitted.seen, 0)
    names, groups = [crops.classes[i] for i in rows], [crops.groups[i] for i in rows]
    return of_strangers(seen.vectors, names, groups, range(len(train), len(rows)))


def _splits(
    labelled: Sequence[Labelled], train: Sequence[int], held: Sequence[int], whole: Sequence[int]
) -> list[Split]:
    """Rows of each label set by itself."""
    splits, start = [], 0
    for one in labelled:
        end = start + len(one.crops)
        splits.append(Split(*([i - start for i in rows if start <= i < end] for rows in (train, held, whole))))
        start = end
    return splits
