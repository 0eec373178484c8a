"""Several recipes on the same photos: one split, one budget, several seeds; a table, a plot of accuracy and cost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whalepipe.csvtable import write_table
from whalepipe.errors import WhalepipeError
from whalepipe.files import aside, write_aside
from whalepipe.models.embedder import unit_vectors
from whalepipe.training.crops import LabelSet, load
from whalepipe.training.duration import Tell
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.recipes.data import as_crops, check_species, named
from whalepipe.training.recipes.fit import Fitted, Fitting
from whalepipe.training.recipes.recipe import Recipe, Split
from whalepipe.training.recipes.sampling import Crops, held_out
from whalepipe.training.recipes.start import AUTO
from whalepipe.training.recipes.train import judged, watched_fit
from whalepipe.training.rounds import claim

SHARED = Split()  # what is held out is the same for all, whatever a recipe says: a fifth of each individual's photos
SPLIT_SEED = 0  # the seeds that are compared change training alone
SPLIT_SIZE = 128  # pixels of the crops by which near-duplicates are found, the same for recipes of all sizes
TIMED = 20  # crops, one after the other, after one that is not timed


@dataclass(frozen=True)
class Row:
    """One recipe, trained with one seed: a row of comparison.csv."""

    recipe: str
    backbone: str
    size: int
    began_with: str
    seed: int
    top1: float
    top1_low: float  # 95 % interval, by drawing the queries' groups anew
    top1_high: float
    top5: float
    map5: float
    auc: float | None
    chance_criterion: float
    queries: int
    classes: int
    parameters: int  # of the network that makes vectors
    milliseconds_a_crop: float  # one crop at a time, median, as it ran here
    minutes_trained: float
    epochs: int


@dataclass(frozen=True)
class Comparison:
    """What to compare, and how."""

    recipes: tuple[Recipe, ...]
    out: Path  # folder: comparison.csv, comparison.txt, comparison.png, and a folder of each training
    seeds: int = 1
    minutes: float = 0.0  # of each training; 0: its epochs
    pretrained: str = AUTO
    threads: int = 0
    without: tuple[str, ...] = ()


def compare(sets: Sequence[LabelSet], options: Comparison, tell: Tell | None = None) -> list[Row]:
    """Train every recipe with every seed, score all on the same held-out crops, write table and plot after each.

    A training that was stopped goes on. Raises as `train_by_recipe`.
    """
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows: list[Row] = []
    held = _shared(sets, options)
    for recipe in options.recipes:
        crops = as_crops([named(load(one, recipe.shown.size, options.without)) for one in sets], recipe)
        check_species(crops, recipe)
        for seed in range(options.seeds):
            rows.append(_trained(sets, crops, held, recipe, seed, options, tell))
            write_table(options.out / "comparison.csv", Row, rows)
            write_aside(options.out / "comparison.txt", (in_words(rows) + "\n").encode())
            plot(rows, options.out / "comparison.png")
            if tell:
                tell(f"{recipe.name}, seed {seed}: top-1 {rows[-1].top1:.3f} after {rows[-1].minutes_trained:g} min")
    return rows


def _shared(sets: Sequence[LabelSet], options: Comparison) -> list[int]:
    """The rows that are held out for all recipes."""
    labelled = [named(load(one, SPLIT_SIZE, options.without)) for one in sets]
    if not any(one.crops for one in labelled):
        raise WhalepipeError("nothing to compare on: give a table of crops whose individuals are named")
    crops = as_crops(labelled, options.recipes[0])
    held = held_out(crops, range(len(crops)), SHARED, 0, SPLIT_SEED)
    if not held:
        raise WhalepipeError("nobody has two photos that differ enough to hold one out; give more photos")
    return held


def _trained(
    sets: Sequence[LabelSet],
    crops: Crops,
    held: Sequence[int],
    recipe: Recipe,
    seed: int,
    options: Comparison,
    tell: Tell | None,
) -> Row:
    """One recipe with one seed."""
    train = sorted(set(range(len(crops))) - set(held))
    work = options.out / f"{recipe.name}-{seed}"
    claim(work, list(sets), recipe, options.pretrained, options.minutes, options.without)
    fitted = watched_fit(crops, train, recipe, Fitting(work, options.pretrained, options.minutes, seed), None, tell)
    return _row(recipe, seed, fitted, judged(fitted, crops, train, held, recipe), crops.pictures[held[0]])


def _row(recipe: Recipe, seed: int, fitted: Fitted, told: dict[str, Any], crop: Any) -> Row:
    low, high = told["intervals"]["top1"]
    return Row(
        recipe=recipe.name,
        backbone=recipe.backbone.name,
        size=recipe.shown.size,
        began_with=fitted.began,
        seed=seed,
        top1_low=low,
        top1_high=high,
        **{name: told[name] for name in ("top1", "top5", "map5", "auc", "chance_criterion", "queries", "classes")},
        parameters=sum(p.numel() for p in fitted.network.parameters()),
        milliseconds_a_crop=_milliseconds(fitted, crop, recipe.shown.size),
        minutes_trained=fitted.minutes,
        epochs=fitted.epochs,
    )


def _milliseconds(fitted: Fitted, crop: Any, size: int) -> float:
    """The median time that the vector of one crop takes, from pixels on."""
    fitted.network.eval()
    times = []
    for _ in range(TIMED + 1):
        begun = time.perf_counter()
        unit_vectors(fitted.network, [crop], [size], shown=fitted.shown)
        times.append(1000 * (time.perf_counter() - begun))
    return round(float(np.median(times[1:])), 1)


def in_words(rows: Sequence[Row]) -> str:
    """The table to read: a line a recipe, its seeds' mean, with the lowest and highest interval's ends."""
    head = ("recipe", "backbone", "top-1", "95 %", "top-5", "MAP@5", "chance", "M param.", "ms/crop", "min", "seeds")
    lines = [head]
    for name in dict.fromkeys(row.recipe for row in rows):
        mine = [row for row in rows if row.recipe == name]
        mean = {key: float(np.mean([getattr(r, key) for r in mine])) for key in ("top1", "top5", "map5")}
        spread = f"{min(r.top1_low for r in mine):.3f}-{max(r.top1_high for r in mine):.3f}"
        figures = (f"{mean['top1']:.3f}", spread, f"{mean['top5']:.3f}", f"{mean['map5']:.3f}")
        cost = (
            f"{mine[0].chance_criterion:.4f}",
            f"{mine[0].parameters / 1e6:.1f}",
            f"{np.median([r.milliseconds_a_crop for r in mine]):.0f}",
            f"{np.mean([r.minutes_trained for r in mine]):.1f}",
            str(len(mine)),
        )
        lines.append((name, mine[0].backbone, *figures, *cost))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Accuracy against milliseconds a crop, a point a training, its interval as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in dict.fromkeys(row.recipe for row in rows):
        mine = [row for row in rows if row.recipe == name]
        cost, top1 = [r.milliseconds_a_crop for r in mine], np.array([r.top1 for r in mine])
        ends = np.array([[r.top1 - r.top1_low for r in mine], [r.top1_high - r.top1 for r in mine]])
        axes.errorbar(cost, top1, ends.clip(min=0), fmt="o", capsize=3, label=name)
    axes.set(xscale="log", xlabel="milliseconds a crop, one at a time", ylabel="top-1 on held-out photos", ylim=(0, 1))
    axes.legend(fontsize="small")
    with aside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
