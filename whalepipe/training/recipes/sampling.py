"""What a recipe holds out, and what it shows how often: all of it is decided after the split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler, WeightedRandomSampler
from torchvision.transforms import v2

from whalepipe.training.alike import chance
from whalepipe.training.lessons import MIRRORS
from whalepipe.training.recipes.recipe import Recipe, Sampling, Split

Rows = npt.NDArray[np.intp]
BODY, FIN = ("body", "flank"), ("dorsal_fin", "fin")  # parts; all else is the whole


@dataclass(frozen=True)
class Crops:
    """N crops as a recipe is shown them: pictures (N, size, size, 3) uint8, and of each its class, its species (""
    where nobody knows), its group (near-duplicates; photos that must stay on one side of a split) and its part."""

    pictures: npt.NDArray[np.uint8]
    classes: Sequence[str]
    species: Sequence[str]
    groups: Sequence[str]
    parts: Sequence[str]

    def __len__(self) -> int:
        return len(self.classes)


def held_out(crops: Crops, rows: Sequence[int], split: Split, fold: int, seed: int) -> list[int]:
    """Of these rows those to hold out: of each class one part of its groups in `split.parts`, never all of them."""
    strata: dict[str, list[int]] = {}
    for i in rows:
        strata.setdefault(crops.species[i] if split.by == "species" else crops.classes[i], []).append(i)
    held: list[int] = []
    for name, mine in sorted(strata.items()):
        groups = sorted({crops.groups[i] for i in mine}, key=lambda g: chance(seed, "held out", g))
        if len(groups) < 2 or len(mine) <= split.more_than:
            continue
        first = int(chance(seed, "first fold", name) * split.parts)
        away = {g for n, g in enumerate(groups) if (n + first) % split.parts == fold}
        held += [i for i in mine if crops.groups[i] in away]
    return sorted(_seen(crops, rows, held))


def _seen(crops: Crops, rows: Sequence[int], held: Sequence[int]) -> list[int]:
    """Of the held-out rows those whose class still has a crop to train on."""
    left = {crops.classes[i] for i in set(rows) - set(held)}
    return [i for i in held if crops.classes[i] in left]


@dataclass(frozen=True)
class Entry:
    """One showing of a crop in an epoch: its row, which copy of it (0: as it is) and whether mirrored."""

    row: int
    copy: int
    mirrored: bool


@dataclass(frozen=True)
class Plan:
    """What an epoch shows, what each showing is called, and how often by its part."""

    entries: Sequence[Entry]
    labels: Sequence[int]
    species: Sequence[int]
    weights: Sequence[float]
    names: Sequence[str]  # of the classes; mirrored individuals come behind them, without a name
    kinds: Sequence[str]  # of species
    classes: int  # mirrored individuals among them

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many crops each class has."""
        return np.bincount(self.labels, minlength=self.classes).astype(np.int64)

    @property
    def counts_of_species(self) -> npt.NDArray[np.int64]:
        """How many crops each species has."""
        return np.bincount(self.species, minlength=len(self.kinds)).astype(np.int64)


def plan(crops: Crops, rows: Sequence[int], how: Sampling) -> Plan:
    """The showings of these training rows."""
    names, kinds = sorted({crops.classes[i] for i in rows}), sorted({crops.species[i] for i in rows})
    number, kind = {name: n for n, name in enumerate(names)}, {name: n for n, name in enumerate(kinds)}
    counts = Counter(crops.classes[i] for i in rows)
    mirrors: dict[str, int] = {}
    entries, labels = [], []
    for i in rows:
        name = crops.classes[i]
        for mirrored in _mirrored(crops.parts[i], how):
            another = mirrored and MIRRORS[crops.parts[i]].another
            label = mirrors.setdefault(name, len(names) + len(mirrors)) if another else number[name]
            copies = _copies(counts, name, how)
            entries += [Entry(i, copy, mirrored) for copy in range(copies)]
            labels += [label] * copies
    weights = [_weight(crops.parts[e.row], how) for e in entries]
    species = [kind[crops.species[e.row]] for e in entries]
    return Plan(entries, labels, species, weights, names, kinds, len(names) + len(mirrors))


def _mirrored(part: str, how: Sampling) -> tuple[bool, ...]:
    return (False, True) if how.mirrored == "individuals" and part in MIRRORS else (False,)


def _copies(counts: Counter[str], name: str, how: Sampling) -> int:
    """How often each crop of a class is there: the rarer the class the more often, where the recipe says so."""
    rare = min(how.rare, round(max(counts.values()) / counts[name])) if how.rare > 1 else 1
    return max(how.copies, rare)


def _weight(part: str, how: Sampling) -> float:
    return how.fin if part in FIN else how.body if part in BODY else how.whole


class Showings(Dataset[tuple[torch.Tensor, int, int]]):
    """The pictures of a plan, (3, size, size) uint8, changed; those of copies always in the same way."""

    def __init__(self, crops: Crops, plan: Plan, change: v2.Transform, offline: bool) -> None:
        self._pictures, self._parts = crops.pictures, crops.parts
        self._plan, self._change, self._offline = plan, change, offline

    def __len__(self) -> int:
        return len(self._plan.entries)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int, int]:
        entry = self._plan.entries[place]
        picture = self._pictures[entry.row]
        if entry.mirrored:
            picture = np.flip(picture, MIRRORS[self._parts[entry.row]].axis)
        shown = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
        return self._changed(shown, entry), self._plan.labels[place], self._plan.species[place]

    def _changed(self, shown: torch.Tensor, entry: Entry) -> torch.Tensor:
        if not self._offline:
            return self._change(shown)  # type: ignore[no-any-return]
        if not entry.copy:
            return shown
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * entry.row + entry.copy)
            return self._change(shown)  # type: ignore[no-any-return]


def loader(showings: Showings, plan: Plan, recipe: Recipe, seed: int) -> "DataLoader[tuple[torch.Tensor, int, int]]":
    """The batches of an epoch, drawn from the seed: pictures (n, 3, size, size) uint8, classes, species."""
    drawn = torch.Generator().manual_seed(seed)
    sampler, batch = _sampler(plan, recipe, drawn, seed)
    whole = len(plan.entries) >= batch  # a last batch of one picture would have no spread
    workers = recipe.schedule.workers
    return DataLoader(showings, batch, sampler=sampler, num_workers=workers, drop_last=whole, generator=drawn)


def _sampler(plan: Plan, recipe: Recipe, drawn: torch.Generator, seed: int) -> tuple[Sampler[int], int]:
    count, batch, each = len(plan.entries), recipe.schedule.batch, recipe.sampling.each
    if each:
        batch = max(each, min(batch, each * len(set(plan.labels))) // each * each)
        np.random.seed(seed % 2**32)  # which the sampler draws from
        return MPerClassSampler(plan.labels, each, batch, max(count, batch)), batch
    if len(set(plan.weights)) > 1:
        return WeightedRandomSampler(plan.weights, count, generator=drawn), batch
    return RandomSampler(plan.entries, generator=drawn), batch
