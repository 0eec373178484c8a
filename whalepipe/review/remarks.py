"""What the catalogue itself says for or against a suspicion: photos, dates, places, sides, species, lives."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from whalepipe.catalog.entries import Fact, Individual, Kind
from whalepipe.tables import UNKNOWN

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FOR, AGAINST = "for", "against"
EARTH_KM = 6371.0
FAST_KMH = 40.0  # no whale swims so fast for hours
LEAST_KM = 20.0  # places that are noted by the hand may be so far off
IDENTITY = (Kind.two_ids, Kind.duplicate)
COMPARED = (*IDENTITY, Kind.two_animals)  # where it counts what the two crops have in common


@dataclass(frozen=True)
class Remark:
    """One thing that is known: it `speaks` for or against the suspicion, or (empty) is to be kept in mind."""

    text: str
    speaks: str = ""


def remarks(
    kind: Kind, shown: Sequence[Fact], groups: Sequence[Sequence[Fact]], known: Mapping[str, Individual]
) -> list[Remark]:
    """`shown`: the two crops that are compared; `groups`: all crops of each individual, the doubted one's first."""
    found: list[Remark] = []
    if len(groups) == 2:
        found += _of_two(kind, groups, known)
    if kind is Kind.two_animals and shown:
        found += _alone(shown[0], groups[0])
    if len(shown) == 2 and kind in COMPARED:
        found += _of_crops(kind, *shown)
    return found


def _of_two(kind: Kind, groups: Sequence[Sequence[Fact]], known: Mapping[str, Individual]) -> Iterator[Remark]:
    """Of two individuals, which one would become."""
    against = AGAINST if kind in IDENTITY else ""
    one, two = (known.get(group[0].individual) for group in groups)
    if against and (shared := sorted(_photos(groups[0]) & _photos(groups[1]))):
        yield Remark(f"both are in the photo {shared[0][0]}: two crops of a photo are two animals", against)
    if one is None or two is None:
        return
    if one.species and two.species and one.species != two.species:
        yield Remark(f"{one.name} is {one.species}, {two.name} is {two.species}", against)
    if one.sex and two.sex and one.sex != two.sex:
        yield Remark(f"{one.name} is {one.sex}, {two.name} is {two.sex}", against)
    for dead, group in ((one, groups[1]), (two, groups[0])):
        last = max((_day(f) for f in group), default="")
        if dead.died and last[: len(dead.died)] > dead.died:
            yield Remark(f"{dead.name} died in {dead.died}, {group[0].individual} was seen on {last}", against)


def _alone(doubted: Fact, fellows: Sequence[Fact]) -> Iterator[Remark]:
    """Of a crop among the crops of its individual."""
    beside = [f for f in fellows if f.origin != doubted.origin]
    if _photos([doubted]) & _photos(beside):
        yield Remark(f"another crop of {doubted.individual} is in the same photo: these are two animals", FOR)
    if doubted.encounter and doubted.encounter in {f.encounter for f in beside}:
        yield Remark(f"{doubted.individual} has other crops of the same encounter", "")


def _of_crops(kind: Kind, one: Fact, two: Fact) -> Iterator[Remark]:
    if {one.view, two.view} == {"left", "right"}:
        yield Remark("the two crops show two sides: that they are alike, or not, says less")
    elif UNKNOWN not in (one.view, two.view) and one.view == two.view:
        yield Remark(f"both show the {one.view} side")
    apart, km = _time_apart(one, two), _km(one, two)
    if one.encounter and one.encounter == two.encounter:
        yield Remark("both crops are of one encounter")
    elif apart is not None:
        yield Remark(f"taken {_span(apart)} apart" + (f", {_way(km)}" if km is not None else ""))
    elif km is not None:
        yield Remark(f"taken {_way(km)}")
    if km is not None and apart is not None and km > LEAST_KM and km > FAST_KMH * apart / 3600:
        yield Remark(f"{km:,.0f} km in {_span(apart)}: faster than any of them swims", _speed(kind, one, two))


def _speed(kind: Kind, one: Fact, two: Fact) -> str:
    """What it tells that nobody can have been at both places: it is against one animal, and for two under one id."""
    if kind in IDENTITY:
        return AGAINST
    return FOR if kind is Kind.two_animals and one.owner == two.owner else ""


def _photos(facts: Sequence[Fact]) -> set[tuple[str, str]]:
    return {(f.photo, f.part) for f in facts if f.photo}


def _day(fact: Fact) -> str:
    """YYYY-MM-DD; empty where it is not known: an encounter may have any name."""
    found = DAY.match(fact.taken_at or fact.encounter)
    return found.group() if found else ""


def _time_apart(one: Fact, two: Fact) -> float | None:
    """Seconds; None where a time is not known."""
    try:
        first, second = (datetime.fromisoformat(f.taken_at or f.encounter).replace(tzinfo=None) for f in (one, two))
    except ValueError:
        return None
    return abs((second - first).total_seconds())


def _span(seconds: float) -> str:
    for size, name in ((365.25 * 86400, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _way(km: float) -> str:
    return f"{km:,.0f} km from one another" if km >= 1 else "at the same place"


def _km(one: Fact, two: Fact) -> float | None:
    """The way along a great circle, by the haversine; None where a place is not known."""
    if one.latitude is None or one.longitude is None or two.latitude is None or two.longitude is None:
        return None
    a, b = math.radians(one.latitude), math.radians(two.latitude)
    east = math.radians(two.longitude - one.longitude)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))
