"""What in a catalogue looks wrong, with its evidence: arrays and rows in, suspicions out.

`log_odds` of a suspicion is the natural logarithm of how much more likely what is seen is if it is true than if the
catalogue is right. Of identities it is what the calibration of the embedder's cosines claims (`models.calibration`),
by vectors alone until a closer look at details replaces it (`looked`); of near-duplicate photos it is set by hand.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from whalepipe.catalog import neighbours
from whalepipe.catalog.entries import Kind
from whalepipe.models.calibration import Calibration
from whalepipe.models.side import LEFT, RIGHT

SIDES = {LEFT, RIGHT}
SAME_PHOTO = 12.0  # log odds, by hand: of nearly the same picture under two ids or in two encounters, less for each bit
SHOWN = 3  # crops of an individual
LOOKS = 3  # crops of an individual that are looked at closely, the likeliest
ROUNDING = 1e-4  # of cosines
TWINS = 5  # nearly the same pictures that are named for each crop
LEAST_P = 1e-4  # a probability of nought is not believed

Vectors = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """A crop of the catalogue and whose it is."""

    number: int
    origin: str
    owner: int  # the individual's number, which a new name does not change
    individual: str
    species: str
    crop: str
    part: str
    view: str
    encounter: str


@dataclass(frozen=True)
class Look:
    """A crop, by its number, that may be looked at closely beside an individual's crops, by the individual's number."""

    crop: int
    part: str
    owner: int
    share: float  # of the log ratio that counts


@dataclass(frozen=True)
class Suspicion:
    """Something that may be wrong."""

    key: str  # the same on every audit, so that one that was dismissed does not come back
    kind: Kind
    individuals: Sequence[str]  # first the one that is doubted
    crops: Sequence[str]  # the evidence, each of the individual at its place, if there are as many
    origins: Sequence[str]  # of the crops
    log_odds: float
    evidence: str  # in words
    owners: Sequence[int] = ()  # the numbers of the individuals
    told: str = ""  # the side or species that the crops look like
    closely: bool = False  # whether details were looked at
    looks: Sequence[Look] = field(default=(), repr=False)  # that would tell more, those for one direction side by side


@dataclass(frozen=True)
class Likeness:
    """For each of n crops the likeliest fellow and the likeliest crop of another individual, as log LR and place.

    nan and -1 where there is none; fellows that show another side of a fin are not compared, and of others only those
    count that speak for one animal.
    """

    own: Numbers
    own_at: NDArray[np.intp]
    other: Numbers
    other_at: NDArray[np.intp]


def likeness(
    held: Sequence[Held],
    vectors: Vectors,
    calibration: Calibration,
    rows: Sequence[int] | None = None,
    each: neighbours.Each = iter,
    memory: neighbours.Memory | None = None,
) -> Likeness:
    """Compare n crops of one part, those of one individual side by side, by their unit vectors (n, dimension).

    Where `rows` is given, those of the vectors are the crops'. `each` is given the blocks of the comparison, to show
    how far it is. With the `memory` of an earlier comparison only what changed is compared. Of others only crops are
    looked for that speak for one animal.
    """
    numbers, owners = (np.array([getattr(h, name) for h in held], dtype=np.intp) for name in ("number", "owner"))
    places = np.array(range(len(held)) if rows is None else rows, dtype=np.intp)
    shelf = neighbours.Shelf(vectors, places, owners, numbers)
    own = neighbours.fellows(shelf, np.array([{LEFT: -1, RIGHT: 1}.get(h.view, 0) for h in held], dtype=np.intp))
    other = (memory or neighbours.Memory()).others(shelf, calibration.cosine_at(0.5) - ROUNDING, each)
    return Likeness(_claimed(own.cosine, calibration), own.at, _claimed(other.cosine, calibration), other.at)


def _claimed(cosines: Vectors, calibration: Calibration) -> Numbers:
    rounded: Numbers = np.where(np.isinf(cosines), np.nan, np.round(cosines, 4)).astype(np.float64)
    return calibration.bent(calibration.line(rounded))


def two_ids(held: Sequence[Held], alike: Likeness) -> list[Suspicion]:
    """One animal under two ids: crops of each are likeliest, of all others, to be of the other.

    The log odds are the mean over the crops of the one of which that is less true; a crop that is liker to a third
    counts as nought. So a single crop under a wrong id makes no two ids of one animal.
    """
    counts: dict[int, int] = defaultdict(int)
    toward: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, h in enumerate(held):
        counts[h.owner] += 1
        if alike.other[i] > 0:
            toward[h.owner, held[alike.other_at[i]].owner].append(i)
    found = []
    for (one, two), rows in sorted(toward.items()):
        if one < two and (two, one) in toward:
            back = toward[two, one]
            means = [sum(alike.other[i] for i in each) / counts[o] for each, o in ((rows, one), (back, two))]
            best = max((*rows, *back), key=lambda i: (alike.other[i], -i))
            pair = held[best], held[alike.other_at[best]]
            text = f"{len(rows)} of {counts[one]} and {len(back)} of {counts[two]} crops are likest to the other's"
            text = f"{text}; the likest two by {_times(alike.other[best])}"
            looks = [look for each in (rows, back) for look in _likeliest(held, alike, each, counts)]
            found.append(_suspicion(Kind.two_ids, pair, float(min(means)), text, (one, two), looks=looks))
    return found


def _likeliest(held: Sequence[Held], alike: Likeness, rows: Sequence[int], counts: Mapping[int, int]) -> Iterator[Look]:
    """The crops among `rows`, of one individual, that are likest to the same other."""
    for i in sorted(rows, key=lambda i: (-alike.other[i], i))[:LOOKS]:
        share = len(rows) / counts[held[i].owner]
        yield Look(held[i].number, held[i].part, held[alike.other_at[i]].owner, share)


def two_animals(held: Sequence[Held], alike: Likeness) -> list[Suspicion]:
    """Two animals under one id: a crop that is unlike all its fellows, more so where it is like another individual."""
    found = []
    for i, h in enumerate(held):
        own, other = float(alike.own[i]), float(alike.other[i])
        if np.isnan(own) or own >= 0:
            continue
        text = f"its likest fellow speaks against it by {_times(-own)}"
        pair, looks = [h, held[alike.own_at[i]]], [Look(h.number, h.part, h.owner, -1.0)]
        if other > 0:
            pair[1] = held[alike.other_at[i]]
            text = f"{text}, a crop of {pair[1].individual} for that one by {_times(other)}"
            looks.append(Look(h.number, h.part, pair[1].owner, 1.0))
        found.append(_suspicion(Kind.two_animals, pair, max(0.0, other) - own, text, (h.origin,), looks=looks))
    return found


def looked(suspicion: Suspicion, ratios: Sequence[float]) -> Suspicion:
    """The suspicion after a closer look: `ratios` has the log ratio of each of its looks."""
    means = []
    for _, some in groupby(zip(suspicion.looks, ratios, strict=True), key=lambda each: each[0].owner):
        rows = list(some)
        means.append(sum(look.share * ratio for look, ratio in rows) / len(rows))
    if suspicion.kind is Kind.two_ids:
        odds = min(means)
        text = f"after a closer look at {len(ratios)} crops {says(odds)} one animal"
    else:
        odds = max([0.0, *means[1:]]) + means[0]
        text = f"after a closer look {says(-means[0])} its own individual"
        others = zip(means[1:], suspicion.individuals[1:], strict=True)
        text += "".join(f", {says(mean)} {name}" for mean, name in others)
    return replace(suspicion, log_odds=round(odds, 3), evidence=f"{suspicion.evidence}; {text}", closely=True)


def says(log_ratio: float) -> str:
    """`12 to 1 for`, or `12 to 1 against`."""
    return f"{_times(log_ratio)} for" if log_ratio >= 0 else f"{_times(-log_ratio)} against"


def wrong_side(held: Sequence[Held], left: Callable[[int], float | None]) -> list[Suspicion]:
    """Crops of which another side is told than the catalogue says; `left` gives P(left) of the crop at a place."""
    found = []
    for i, h in enumerate(held):
        told = left(i) if h.view in SIDES else None
        if told is None:
            continue
        against = 1 - told if h.view == LEFT else told
        if against > 0.5:
            other = RIGHT if h.view == LEFT else LEFT
            text = f"the catalogue says {h.view}; {other} is told with {against:.2f}"
            found.append(_suspicion(Kind.side, [h], _odds(against), text, (h.origin, h.view), other))
    return found


def wrong_species(
    held: Sequence[Held], tell: Callable[[int], Mapping[str, float]], accepted: Callable[[str], str]
) -> list[Suspicion]:
    """Individuals whose crops, on the mean of log odds, look like another species than the catalogue says.

    `tell` gives the probabilities of the species that a crop's part is told apart by; none where it is unlike them all.
    """
    by_owner: dict[int, list[tuple[int, dict[str, float]]]] = defaultdict(list)
    for i, h in enumerate(held):
        told = {accepted(name): max(p, LEAST_P) for name, p in tell(i).items()} if h.species else {}
        if accepted(h.species) in told:
            by_owner[h.owner].append((i, told))
    found = []
    for owner, rows in by_owner.items():
        said = accepted(held[rows[0][0]].species)
        means = {
            name: sum(log(told.get(name, LEAST_P) / told[said]) for _, told in rows) / len(rows) for name in rows[0][1]
        }
        name = max(means, key=lambda each: (means[each], each))
        if means[name] > 0:
            text = f"the catalogue says {said}; its {len(rows)} crops look like {name} by {_times(means[name])}"
            shown = [held[i] for i, _ in rows[:SHOWN]]
            found.append(_suspicion(Kind.species, shown, means[name], text, (owner, said, name), name))
    return found


def duplicates(held: Sequence[Held], pairs: Iterable[tuple[int, int, int]]) -> list[Suspicion]:
    """Nearly the same photo twice: under two ids, with two sides, in two encounters, or else merely twice.

    `pairs`: places of two crops and the bits in which their difference hashes differ. Of one crop no more than TWINS
    are named: many that are the same are one question.
    """
    found, twins = [], Counter[int]()
    for i, j, bits in pairs:
        one, two = held[i], held[j]
        if i >= j or one.part != two.part or twins[j] == TWINS:
            continue
        twins[j] += 1
        views = {one.view, two.view}
        contradiction = (
            f"under two ids, {one.individual} and {two.individual}" if one.owner != two.owner
            else "as left and right" if views == SIDES
            else f"in two encounters, {one.encounter} and {two.encounter}" if _apart(one, two)
            else ""
        )  # fmt: skip
        text = f"nearly the same picture ({bits} of 64 bits differ) {contradiction or 'twice'}"
        odds = (SAME_PHOTO if contradiction else 0.0) - bits
        found.append(_suspicion(Kind.duplicate, [one, two], odds, text, sorted((one.origin, two.origin))))
    return found


def _apart(one: Held, two: Held) -> bool:
    return one.encounter != two.encounter and "" not in (one.encounter, two.encounter)


def ranked(suspicions: Iterable[Suspicion]) -> list[Suspicion]:
    """The most suspicious first; equal ones in the order of their keys."""
    return sorted(suspicions, key=lambda s: (-s.log_odds, s.key))


def _suspicion(
    kind: Kind,
    rows: Sequence[Held],
    odds: float,
    text: str,
    about: Iterable[object],
    told: str = "",
    looks: Sequence[Look] = (),
) -> Suspicion:
    digest = hashlib.sha256("\n".join(str(each) for each in about).encode()).hexdigest()[:12]
    names, owners = (list(dict.fromkeys(getattr(h, name) for h in rows)) for name in ("individual", "owner"))
    crops, origins = [h.crop for h in rows], [h.origin for h in rows]
    key = f"{kind.value}-{digest}"
    return Suspicion(key, kind, names, crops, origins, round(odds, 3), text, owners, told, looks=looks)


def _odds(probability: float) -> float:
    kept = min(max(probability, LEAST_P), 1 - LEAST_P)
    return log(kept / (1 - kept))


def _times(log_ratio: float) -> str:
    times = float(f"{exp(log_ratio):.3g}")
    return f"{times:,.0f} to 1" if times >= 10 else f"{times:g} to 1"
