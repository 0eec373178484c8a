"""Several recipes on the same photos: one split, one budget, several seeds; a table, a plot of accuracy and cost."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whalepipe.csvtable import write_table
from whalepipe.errors import WhalepipeError
from whalepipe.files import aside, write_aside
from whalepipe.models.embedder import unit_vectors
from whalepipe.training.alike import chance
from whalepipe.training.crops import LabelSet, load
from whalepipe.training.duration import Tell
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.recipes.data import as_crops, check_species, named
from whalepipe.training.recipes.fitting import Fitted, Fitting
from whalepipe.training.recipes.recipe import Recipe, Split
from whalepipe.training.recipes.sampling import Crops, held_out
from whalepipe.training.recipes.start import AUTO
from whalepipe.training.recipes.train import judged, strangers, watched_fit
from whalepipe.training.rounds import claim

SHARED = Split()  # what is held out is the same for all, whatever a recipe says: a fifth of each individual's photos
STRANGERS = 0.15  # share of the individuals that no recipe is trained on
SPLIT_SEED = 0  # the seeds that are compared change training alone
SPLIT_SIZE = 128  # pixels of the crops by which near-duplicates are found, the same for recipes of all sizes
ROW = "row.json"  # in the folder of a finished training: its row
COLOURS, MARKS = 10, "osDv"  # of a plot: how many colours differ, and what tells those apart that have the same
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
    strangers_top1: float | None  # of individuals that it was never trained on, by their nearest other photo
    strangers_low: float | None  # 95 % interval, by drawing those individuals anew
    strangers_high: float | None
    strangers: int  # queries of those
    chance_criterion: float
    queries: int
    classes: int
    parameters: int  # of the network that makes vectors
    milliseconds_a_crop: float  # of the processor, one crop at a time, median
    minutes_trained: float
    epochs: int
    showings: int  # crops that it was shown in training, one shown twice counted twice


@dataclass(frozen=True)
class Shared:
    """The rows of all crops that no recipe is trained on, the same for all."""

    photos: list[int]  # of individuals that are trained on
    individuals: list[int]  # of those that are not


@dataclass(frozen=True)
class Comparison:
    """What to compare, and how."""

    recipes: tuple[Recipe, ...]
    out: Path  # folder: comparison.csv, comparison.txt, comparison.png, and a folder of each training
    seeds: int = 1
    minutes: float = 0.0  # of each training; 0: its epochs
    showings: int = 0  # crops that each training is shown, one shown twice counted twice; 0: its epochs
    pretrained: str = AUTO
    threads: int = 0
    without: tuple[str, ...] = ()


def compare(sets: Sequence[LabelSet], options: Comparison, tell: Tell | None = None) -> list[Row]:
    """Train every recipe with every seed, score all on the same held-out crops, write table and plot after each.

    A training that was stopped goes on; one that was finished in this folder is not run again. The rows are those of
    all trainings that were finished in it, recipe by recipe. Raises as `train_by_recipe`.
    """
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    claim(options.out, list(sets), options.minutes, options.showings, options.without)
    held = _shared(sets, options)
    for recipe in options.recipes:
        crops: Crops | None = None
        for seed in range(options.seeds):
            work = _begun(sets, recipe, seed, options)
            if not (work / ROW).is_file():
                crops = crops or _crops(sets, recipe, options)
                row = _trained(crops, held, recipe, seed, work, options, tell)
                write_aside(work / ROW, json.dumps(asdict(row)).encode())
            row = _write(options)[recipe.name, seed]
            if tell:
                tell(f"{recipe.name}, seed {seed}: top-1 {row.top1:.3f} after {row.minutes_trained:g} min")
    return list(_write(options).values())


def _write(options: Comparison) -> dict[tuple[str, int], Row]:
    """Table and plot of all that was finished in the folder, which is returned by recipe and seed."""
    found = [_finished(path) for path in options.out.glob(f"*/{ROW}")]
    rows = sorted(found, key=lambda row: (row.recipe, row.seed))
    write_table(options.out / "comparison.csv", Row, rows)
    write_aside(options.out / "comparison.txt", (in_words(rows) + "\n").encode())
    plot(rows, options.out / "comparison.png")
    return {(row.recipe, row.seed): row for row in rows}


def _finished(path: Path) -> Row:
    try:
        return Row(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        told = f"{path}: no row of this version's table; remove it, and what was trained is scored anew"
        raise WhalepipeError(told) from error


def _crops(sets: Sequence[LabelSet], recipe: Recipe, options: Comparison) -> Crops:
    crops = as_crops([named(load(one, recipe.shown.size, options.without)) for one in sets], recipe)
    check_species(crops, recipe)
    return crops


def _shared(sets: Sequence[LabelSet], options: Comparison) -> Shared:
    """The rows that are held out for all recipes."""
    labelled = [named(load(one, SPLIT_SIZE, options.without)) for one in sets]
    if not any(one.crops for one in labelled):
        raise WhalepipeError("nothing to compare on: give a table of crops whose individuals are named")
    crops = as_crops(labelled, options.recipes[0])
    whole = [i for i, name in enumerate(crops.classes) if chance(SPLIT_SEED, "individual", name) < STRANGERS]
    rest = sorted(set(range(len(crops))) - set(whole))
    held = held_out(crops, rest, SHARED, 0, SPLIT_SEED)
    if not held:
        raise WhalepipeError("nobody has two photos that differ enough to hold one out; give more photos")
    return Shared(held, whole)


def _begun(sets: Sequence[LabelSet], recipe: Recipe, seed: int, options: Comparison) -> Path:
    """The folder of one training. Raises WhalepipeError where it holds another one."""
    work = options.out / f"{recipe.name}-{seed}"
    claim(work, list(sets), recipe, options.pretrained, options.minutes, options.showings, options.without)
    return work


def _trained(
    crops: Crops, held: Shared, recipe: Recipe, seed: int, work: Path, options: Comparison, tell: Tell | None
) -> Row:
    """One recipe with one seed."""
    train = sorted(set(range(len(crops))) - {*held.photos, *held.individuals})
    how = Fitting(work, options.pretrained, options.minutes, options.showings, seed)
    fitted = watched_fit(crops, train, recipe, how, None, tell)
    told = judged(fitted, crops, train, held.photos, recipe)
    apart = strangers(fitted, crops, train, held.individuals, recipe)
    return _row(recipe, seed, fitted, {**told, **apart}, crops.pictures[held.photos[0]])


def _row(recipe: Recipe, seed: int, fitted: Fitted, told: dict[str, Any], crop: Any) -> Row:
    low, high = told["intervals"]["top1"]
    strange = told["strangers_interval"] or (None, None)
    same = ("top1", "top5", "map5", "auc", "strangers_top1", "strangers", "chance_criterion", "queries", "classes")
    return Row(
        recipe=recipe.name,
        backbone=recipe.backbone.name,
        size=recipe.shown.size,
        began_with=fitted.began,
        seed=seed,
        top1_low=low,
        top1_high=high,
        strangers_low=strange[0],
        strangers_high=strange[1],
        **{name: told[name] for name in same},
        parameters=sum(p.numel() for p in fitted.network.parameters()),
        milliseconds_a_crop=_milliseconds(fitted, crop, recipe.shown.size),
        minutes_trained=fitted.minutes,
        epochs=fitted.epochs,
        showings=fitted.showings,
    )


def _milliseconds(fitted: Fitted, crop: Any, size: int) -> float:
    """The median time of the processor that the vector of one crop takes, from pixels on."""
    fitted.network.eval()
    times = []
    for _ in range(TIMED + 1):
        begun = time.process_time()  # which other work on the machine changes little
        unit_vectors(fitted.network, [crop], [size], shown=fitted.shown)
        times.append(1000 * (time.process_time() - begun))
    return round(float(np.median(times[1:])), 1)


def in_words(rows: Sequence[Row]) -> str:
    """The table to read: a line a recipe, the best first: its seeds' mean, and the ends of all their intervals.

    With several seeds a second table has each of them.
    """
    names = sorted({row.recipe for row in rows}, key=lambda name: -_mean(rows, name, "top1"))
    lines: list[tuple[str, ...]] = [("recipe", "backbone", *FIGURES, "chance", "M param.", "ms/crop", "min", "seeds")]
    lines += [_line([row for row in rows if row.recipe == name]) for name in names]
    several = [row for name in names for row in rows if row.recipe == name and _seeds(rows, name) > 1]
    if not several:
        return _aligned(lines)
    each: list[tuple[str, ...]] = [("recipe", "seed", *FIGURES)]
    each += [(r.recipe, str(r.seed), *_figures([r])) for r in several]
    return f"{_aligned(lines)}\n\n{_aligned(each)}"


def _seeds(rows: Sequence[Row], name: str) -> int:
    return sum(row.recipe == name for row in rows)


def _mean(rows: Sequence[Row], name: str, figure: str) -> float:
    return float(np.mean([getattr(row, figure) for row in rows if row.recipe == name]))


def _line(mine: Sequence[Row]) -> tuple[str, ...]:
    """A recipe's line; `mine`: its seeds."""
    return (
        mine[0].recipe,
        mine[0].backbone,
        *_figures(mine),
        f"{mine[0].chance_criterion:.4f}",
        f"{mine[0].parameters / 1e6:.1f}",
        f"{np.median([r.milliseconds_a_crop for r in mine]):.0f}",
        f"{np.mean([r.minutes_trained for r in mine]):.1f}",
        str(len(mine)),
    )


FIGURES = ("top-1", "95 %", "top-5", "MAP@5", "strangers", "95 %")


def _figures(mine: Sequence[Row]) -> tuple[str, ...]:
    """The mean over seeds of each figure, between them the lowest and highest ends of the intervals."""
    top1, top5, map5 = (f"{np.mean([getattr(r, key) for r in mine]):.3f}" for key in ("top1", "top5", "map5"))
    known = _spread([r.top1_low for r in mine], [r.top1_high for r in mine])
    strange = [r.strangers_top1 for r in mine if r.strangers_top1 is not None]
    if not strange:
        return top1, known, top5, map5, "", ""
    ends = _spread([r.strangers_low or 0.0 for r in mine], [r.strangers_high or 0.0 for r in mine])
    return top1, known, top5, map5, f"{np.mean(strange):.3f}", ends


def _spread(low: Sequence[float], high: Sequence[float]) -> str:
    return f"{min(low):.3f}-{max(high):.3f}"


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Accuracy against milliseconds a crop, a point a training, its interval as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, name in enumerate(dict.fromkeys(row.recipe for row in rows)):
        mine = [row for row in rows if row.recipe == name]
        mark = MARKS[number // COLOURS % len(MARKS)]
        cost, top1 = [r.milliseconds_a_crop for r in mine], np.array([r.top1 for r in mine])
        ends = np.array([[r.top1 - r.top1_low for r in mine], [r.top1_high - r.top1 for r in mine]])
        axes.errorbar(cost, top1, ends.clip(min=0), fmt=mark, capsize=3, label=name)
    axes.set(xscale="log", xlabel="milliseconds of the processor a crop", ylabel="top-1 on held-out photos")
    axes.set_ylim(0, min(1.0, 1.1 * max(row.top1_high for row in rows) + 0.01))
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    with aside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
