"""Below which sharpness and exposure crops are no longer found again: what the limits of whalepipe/config.py go by.

Crops are spoiled by known amounts (out of focus, haze, too bright), and looked for, by their vectors, among others of
their animals: known heads of right whales in a gallery, and rendered fins and flukes of animals that no training drew,
each among the crops of all others. Told are, for each fault and amount, the share that finds its own animal first with
the median of the measure; for each range of the measure the same share; and the limit: where that share falls below
half of what it is of crops as they are. No grade that a person gave is read.

Usage: python scripts/limits_trial.py [--photos DATA/rightwhale/crops --gallery work/rightwhale-gallery.csv
       --query work/rightwhale-query.csv] [--every 2] [--animals 30] [--shots 6] [--first 5100] [--seed 3]
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.evaluation.degrade import FAULTS, Framed
from whalepipe.evaluation.framing import ready
from whalepipe.evaluation.stock import from_folder, named
from whalepipe.models.embedder import KIND, Embedder
from whalepipe.models.exported import find_exported
from whalepipe.models.quality import Measures, measure
from whalepipe.models.weights import find_weights
from whalepipe.progress import silent
from whalepipe.training.exemplars import exemplars

SPOILED = (
    *(("focus", s) for s in (2, 3, 4, 6, 8, 12)),
    *(("haze", s) for s in (0.3, 0.5, 0.6, 0.7, 0.8)),
    *(("bright", s) for s in (1, 2)),
)
AS_IS = ("as it is", 0.0)
RANGES = {
    "sharpness": (("focus",), (0, 0.03, 0.05, 0.07, 0.085, 0.1, 0.115, 0.13, 0.15, 0.2, 1)),
    "exposure": (("haze", "bright"), (0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.01)),
}  # of each measure: by what it is lowered, and the ranges in which it is told
FEW = 20  # crops in a range, of fewer nothing is said
HIDDEN = 0.3  # of a rendered part: of more a spoiled picture is not what is wrong


@dataclass(frozen=True)
class Asked:
    """A crop that was looked for: what had been done to it, its measures, and whether its own animal was found."""

    done: tuple[str, float]
    measures: Measures
    found: bool


@dataclass(frozen=True)
class Sought:
    """A crop, its animal, and among whose vectors (n, dimension) it is looked for."""

    crop: Framed
    animal: str
    vectors: NDArray[np.float32]
    names: NDArray[np.str_]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("photos", "gallery", "query"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--every", type=int, default=2, help="so many queries are one that is looked for")
    parser.add_argument("--animals", type=int, default=30, help="rendered, of each part")
    parser.add_argument("--shots", type=int, default=6)
    parser.add_argument("--first", type=int, default=5100, help="number of the first rendered animal")
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


def heads(said: argparse.Namespace, eyes: Embedder) -> Iterator[Sought]:
    """Known whales' queries, in a gallery."""
    known = from_folder(said.photos, said.gallery, "head").chosen(named)
    vectors, names = known.vectors(eyes, silent), np.array([row.individual for row in known.rows])
    asked = from_folder(said.photos, said.query, "head").chosen(lambda row: row.individual in set(names))
    for place in range(0, len(asked.rows), said.every):
        yield Sought(ready(asked.pixels(place)), asked.rows[place].individual, vectors, names)


def rendered(part: str, said: argparse.Namespace, eyes: Embedder) -> Iterator[Sought]:
    """Rendered crops in plain sight, each among all others."""
    drawn = exemplars(part, range(said.first, said.first + said.animals), said.shots, said.seed)
    vectors, names = np.stack([eyes(e.crop.pixels) for e in drawn]), np.array([e.individual for e in drawn])
    for place, one in enumerate(drawn):
        if not one.fault and one.hidden < HIDDEN:
            others = np.arange(len(drawn)) != place
            yield Sought(one.crop, one.individual, vectors[others], names[others])


def spoiled(sought: Sought, eyes: Embedder, rng: np.random.Generator) -> Iterator[Asked]:
    """The crop as it is, and with each fault."""
    crops = [(AS_IS, sought.crop), *((f, FAULTS[f[0]].spoil(sought.crop, f[1], rng)) for f in SPOILED)]
    for done, crop in crops:
        nearest = sought.names[int(np.argmax(sought.vectors @ eyes(crop.pixels)))]
        yield Asked(done, measure(crop.pixels, crop.box), bool(nearest == sought.animal))


def share(asked: Sequence[Asked]) -> float:
    """Of the crops the share that was found."""
    return float(np.mean([one.found for one in asked]))


def tell(title: str, asked: Sequence[Asked]) -> None:
    """Print the shares by amount and by range, and the limits."""
    as_is = share([one for one in asked if one.done == AS_IS])
    print(f"\n{title}: {sum(one.done == AS_IS for one in asked)} crops, found as they are {as_is:.2f}")
    for done in SPOILED:
        those = [one for one in asked if one.done == done]
        name = next(name for name, (faults, _) in RANGES.items() if done[0] in faults)
        middle = np.median([getattr(one.measures, name) for one in those])
        print(f"  {done[0]} {done[1]:g}: found {share(those):.2f}, {name} {middle:.3f}")
    for name, (faults, edges) in RANGES.items():
        within = [one for one in asked if one.done == AS_IS or one.done[0] in faults]
        limit(name, edges, within, as_is)


def limit(name: str, edges: Sequence[float], asked: Sequence[Asked], as_is: float) -> None:
    """Print the shares in ranges of a measure, and where they fall below half: the end of the first such range."""
    told, lowest, above = [], edges[0], True
    for low, high in reversed(list(pairwise(edges))):
        those = [one for one in asked if low <= getattr(one.measures, name) < high]
        if those:
            told.append(f"{low:g} to {high:g}: {share(those):.2f} of {len(those)}")
        if above and len(those) >= FEW and share(those) < as_is / 2:
            lowest, above = high, False
    print(f"  {name}: {'; '.join(told)}")
    print(f"  {name}: limit {lowest:g}")


def main() -> None:
    """Measure and print."""
    said = arguments()
    cv2.setNumThreads(1)
    weights = find_weights("embedder", KIND)
    eyes = Embedder(weights, "cpu", find_exported(weights, "auto", "cpu", needed=False))
    sets = {part: rendered(part, said, eyes) for part in ("dorsal_fin", "fluke") if said.animals}
    if said.photos:
        sets["head"] = heads(said, eyes)
    for part, sought in sets.items():
        rng = np.random.default_rng(said.seed)
        tell(part, [asked for one in sought for asked in spoiled(one, eyes, rng)])


if __name__ == "__main__":
    main()
