"""Labelled crops, brought to one size and held in memory; rendered ones beside the real; who is held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whalepipe.boxes import window
from whalepipe.catalog.names import NO_NAMES
from whalepipe.errors import TableError, WhalepipeError
from whalepipe.evaluation.framing import MARGIN
from whalepipe.models.embedder import squashed
from whalepipe.photos import inside, read_photo
from whalepipe.tables import CropLabel, fits, read_table
from whalepipe.training.alike import alike, chance, difference_hash
from whalepipe.training.drawn import spread
from whalepipe.training.rendered import STREAM

Pictures = npt.NDArray[np.uint8]
RENDERED_WIDTH, RENDERED_HEIGHT = 960, 640  # pixels of a rendered photo
RENDERED = "rendered"  # how the name of a rendered label set begins
SPAN = 3.0  # years between photos of a rendered animal, at most


@dataclass(frozen=True)
class LabelSet:
    """A table of `CropLabel`s, the folder of its crops, and the part that they show."""

    labels: Path
    crops: Path
    part: str


@dataclass(frozen=True)
class Labelled:
    """Crops of one label set: pictures (N, size, size, 3) uint8 RGB and, for each, who, which encounter, which file."""

    name: str
    part: str
    pictures: Pictures
    individuals: Sequence[str]
    encounters: Sequence[str]
    crops: Sequence[str]
    full: Callable[[str], Pictures] | None = None  # the crop of a name at its own size; None: nobody kept that
    species: Sequence[str] = ()  # as the table has them; empty: nobody asked

    def closer(self, row: int) -> Pictures:
        """A crop at its own size, as the pipeline would look at it; its picture where nobody kept that."""
        return self.full(self.crops[row]) if self.full else self.pictures[row]

    def chosen(self, rows: Sequence[int]) -> "Labelled":
        """Some of the crops."""
        individuals, encounters, crops = (
            [values[i] for i in rows] for values in (self.individuals, self.encounters, self.crops)
        )
        species = [self.species[i] for i in rows] if self.species else ()
        pictures = self.pictures[list(rows)]
        return Labelled(self.name, self.part, pictures, individuals, encounters, crops, self.full, species)


def is_name(individual: str) -> bool:
    """Whether a label names an individual, rather than saying that nobody knows."""
    return individual.strip().lower() not in NO_NAMES


def load(labels: LabelSet, size: int, without: Sequence[str] = ()) -> Labelled:
    """The crops of a table, squashed to (size, size); `without` holds glob patterns of encounters and crops.

    Raises TableError where no crop is left, PhotoError where one cannot be read.
    """
    rows = [r for r in read_table(labels.labels, CropLabel) if not fits(without, r.encounter, r.crop)]
    if not rows:
        raise TableError(f"{labels.labels}: no crop is left to train on")
    pictures = np.stack([squashed(read_photo(inside(labels.crops, r.crop)), size) for r in rows])
    name = labels.labels.resolve().parent.name
    columns = ("individual", "encounter", "crop", "species")
    who, met, crops, species = ([getattr(r, column) for r in rows] for column in columns)

    def full(crop: str) -> Pictures:
        return read_photo(inside(labels.crops, crop))

    return Labelled(name, labels.part, pictures, who, met, crops, full, species)


def render(
    part: str, individuals: int, shots: int, size: int, seed: int, stream: str = STREAM, workers: int = 2
) -> Labelled:
    """Crops of rendered animals, each photo an encounter of its own; cut from the truth's box as the pipeline does.

    Drawn by so many processes. Raises ValueError for a stream that is kept from training.
    """
    from whalepipe.render import draw_individual, for_training

    animals = [draw_individual(part, for_training(stream), number).name for number in range(individuals)]
    shown = [(number, shot) for number in range(individuals) for shot in range(shots)]
    made = spread(partial(_drawn, part, size, seed, stream), shown, workers)
    kept = [(picture, which) for picture, which in zip(made, shown, strict=True) if picture is not None]
    names = [animals[number] for _, (number, _) in kept]
    return rendered_set(part, np.stack([p for p, _ in kept]), names, [f"{n}-{s}" for _, (n, s) in kept], seed, stream)


def _drawn(part: str, size: int, seed: int, stream: str, which: tuple[int, int]) -> Pictures | None:
    crop = rendered_crop(part, seed, stream, *which)
    return None if crop is None else squashed(crop, size)


def rendered_crop(part: str, seed: int, stream: str, number: int, shot: int) -> Pictures | None:
    """One crop of one rendered animal, (height, width, 3) uint8 RGB; None where the photo does not show it."""
    from whalepipe.render import draw_individual, draw_scene, for_training, render_scene, scene_rng

    rng = scene_rng(for_training(stream), "crops", seed, part, number, shot)
    years = float(rng.uniform(0, SPAN))
    animal = draw_individual(part, stream, number)
    photo = render_scene(draw_scene(rng, [animal], RENDERED_WIDTH, RENDERED_HEIGHT, years=years))
    for t in photo.truths:
        left, top, right, bottom = window(t, MARGIN, RENDERED_WIDTH, RENDERED_HEIGHT)
        return np.asarray(photo.image[top:bottom, left:right])
    return None


def rendered_set(
    part: str, pictures: Pictures, names: Sequence[str], crops: Sequence[str], seed: int = 0, stream: str = STREAM
) -> Labelled:
    """Rendered crops as a label set, each an encounter of its own; `crops` say which: "number-shot"."""

    def full(crop: str) -> Pictures:
        drawn = rendered_crop(part, seed, stream, *(int(word) for word in crop.split("-")))
        if drawn is None:
            raise WhalepipeError("the renderer has changed since these crops were drawn; run the same command again")
        return drawn

    encounters = [str(i) for i in range(len(names))]
    return Labelled(f"{RENDERED} {part}", part, pictures, names, encounters, crops, full)


def is_rendered(one: Labelled) -> bool:
    """Whether a label set was drawn by the renderer."""
    return one.name.startswith(RENDERED)


@dataclass(frozen=True)
class Split:
    """Rows of a label set: to train on, photos held out of trained individuals, and individuals held out whole."""

    train: list[int]
    photos: list[int]
    individuals: list[int]


def split(labelled: Labelled, held_out: float, seed: int) -> Split:
    """Hold out a share of the individuals whole, and of the others' encounters (one of three at most for each).

    Near-duplicates (a burst; photos whose 64-bit difference hash is nearly the same) stay on one side.
    """
    groups = bursts(labelled)
    by_name: dict[str, list[int]] = {}
    for i, name in enumerate(labelled.individuals):
        by_name.setdefault(name, []).append(i)
    result = Split([], [], [])
    for name, rows in sorted(by_name.items()):
        if chance(seed, "individual", name) < held_out:
            result.individuals.extend(rows)
            continue
        kinds = sorted({groups[i] for i in rows}, key=lambda g: chance(seed, "photo", f"{name}/{g}"))
        away = set(kinds[: len(kinds) // 3]) if chance(seed, "closed", name) < 2 * held_out else set()
        for i in rows:
            (result.photos if groups[i] in away else result.train).append(i)
    return result


def bursts(labelled: Labelled) -> list[int]:
    """For each crop the number of its group: one encounter, or near-duplicates of one individual."""
    hashes = [difference_hash(p) for p in labelled.pictures]
    groups = list(range(len(hashes)))
    first_of: dict[tuple[str, str], int] = {}
    members: dict[str, list[int]] = {}
    for i, (name, encounter) in enumerate(zip(labelled.individuals, labelled.encounters, strict=True)):
        if encounter:
            groups[i] = groups[first_of.setdefault((name, encounter), i)]
        for j in members.setdefault(name, []):
            if alike(hashes[i], hashes[j]):
                groups[i] = groups[j]
                break
        members[name].append(i)
    return groups
