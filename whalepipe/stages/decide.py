"""From ranked candidates to one answer a crop: identified, new (and which of the card's new animals), or unsure."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.models.clusters import group
from whalepipe.models.species import Sure
from whalepipe.tables import NEW, UNKNOWN, Answer, Crop, Match, by_crop

VERSION = 3
DOUBT = 0.1
NOTHING: Mapping[str, str] = MappingProxyType({})
UNSURE: Mapping[str, Sure] = MappingProxyType({})


def decide(
    crops: Sequence[Crop],
    matches: Sequence[Match],
    views: Mapping[str, str],
    shown: Mapping[tuple[str, str], Collection[str]],
    vectors: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration],
    config: MatchConfig,
    species: Mapping[str, Sure] = UNSURE,
    kinds: Mapping[str, str] = NOTHING,
    tracks: Sequence[Sequence[str]] = (),
) -> list[Answer]:
    """One answer for each crop, in the order of `crops`, which is that of time: the earliest crop names a new animal.

    `views` and `vectors` are by crop name; `shown` has the views that the catalogue holds of each individual and
    part. Two crops of one part in one photo are two animals: of two that would be
    given the same individual, the less sure is `unsure`. So is one that the catalogue has as another species than its
    crop is surely of: `species` by crop name, as far as they are sure; `kinds` by individual, as far as it is known.
    The reason then also says how many candidates counted less for their species.
    `tracks` are crops, by name, that follow one animal: where one of them may not have a name, none of them has it.
    """
    ranked = by_crop(matches)
    answers = {c.crop: _answer(c, ranked[c.crop], views.get(c.crop, UNKNOWN), shown, config) for c in crops}
    refused = _of_another_species(answers, species, kinds)
    answers |= refused | _followers(refused, answers, tracks)
    refused = _doubly_claimed(crops, answers)
    answers |= refused | _followers(refused, answers, tracks)
    new = [c for c in crops if answers[c.crop].state == "new"]
    answers |= _named(new, answers, vectors, calibrations, config.same_at)
    told = {c.crop: _restriction(c, ranked[c.crop], shown, species.get(c.crop), kinds) for c in crops}
    return [_because(answers[c.crop], told[c.crop]) for c in crops]


def _answer(
    query: Crop,
    ranked: Sequence[Match],
    view: str,
    shown: Mapping[tuple[str, str], Collection[str]],
    config: MatchConfig,
) -> Answer:
    crop = query.crop
    new = next(m for m in ranked if m.individual == NEW)
    known = next((m for m in ranked if m.individual != NEW), None)
    if known is None:
        return Answer(crop, "new", "", new.probability, "")
    if known.probability >= config.named_at:
        return Answer(crop, "identified", known.individual, known.probability, "")
    if new.probability < config.new_at:
        text = f"{known.individual} {known.probability:.2f}, new {new.probability:.2f}: neither is sure enough"
        return Answer(crop, "unsure", "", None, text)
    held = shown.get((known.individual, query.part), ())
    if held and not {view, UNKNOWN} & set(held) and view != UNKNOWN:
        text = f"the catalogue shows its best candidate, {known.individual}, from the {', '.join(sorted(held))} only"
        return Answer(crop, "unsure", "", None, text)
    return Answer(crop, "new", "", new.probability, "")


def _restriction(
    query: Crop,
    ranked: Sequence[Match],
    shown: Mapping[tuple[str, str], Collection[str]],
    seen: Sure | None,
    kinds: Mapping[str, str],
) -> str:
    """How many of the catalogue's individuals counted less, since they are surely of another species than the crop."""
    if seen is None:
        return ""
    others = {who for who, part in shown if part == query.part and kinds.get(who, seen.species) != seen.species}
    if not others:
        return ""
    first = next((m.individual for m in ranked if m.individual in others), None)
    text = f"candidates of other species than {seen.species} counted {seen.others:.2f} each: {len(others)} known"
    return f"{text}, {f'first of them {first}' if first else 'none of them listed'}"


def _because(answer: Answer, more: str) -> Answer:
    return replace(answer, reason="; ".join(filter(None, (answer.reason, more))))


def _of_another_species(
    answers: Mapping[str, Answer], species: Mapping[str, Sure], kinds: Mapping[str, str]
) -> dict[str, Answer]:
    """`unsure` for each crop that surely shows another species than the individual is that it was given."""
    changed = {}
    for crop, answer in answers.items():
        seen, held = species.get(crop), kinds.get(answer.individual, "") if answer.individual else ""
        if seen and held and seen.species != held:
            who = f"{answer.individual} {answer.probability:.2f}"
            text = f"{who}, but that is {held} in the catalogue, this is {seen.species}"
            changed[crop] = Answer(crop, "unsure", "", None, text)
    return changed


def _followers(
    refused: Mapping[str, Answer], answers: Mapping[str, Answer], tracks: Sequence[Sequence[str]]
) -> dict[str, Answer]:
    """`unsure`, for the same reason, for each crop that follows the same animal as one that was refused its name."""
    changed = {}
    for track in tracks:
        first = next((refused[crop] for crop in track if crop in refused), None)
        for crop in track if first else ():
            if first and crop not in refused and answers[crop].state == "identified":
                changed[crop] = replace(first, crop=crop, reason=f"like {first.crop}: {first.reason}")
    return changed


def _doubly_claimed(crops: Sequence[Crop], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """`unsure` for each crop whose individual a surer crop of the same part in the same photo already has."""
    owners: dict[tuple[str, str, str], str] = {}
    changed = {}
    for crop in sorted(crops, key=lambda c: (-(answers[c.crop].probability or 0.0), c.crop)):
        answer = answers[crop.crop]
        if answer.state != "identified":
            continue
        owner = owners.setdefault((crop.photo, crop.part, answer.individual), crop.crop)
        if owner != crop.crop:
            text = f"{answer.individual} is already named in this photo, more surely, by {owner}"
            changed[crop.crop] = Answer(crop.crop, "unsure", "", None, text)
    return changed


def _named(
    new: Sequence[Crop],
    answers: Mapping[str, Answer],
    vectors: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration],
    same_at: float,
) -> dict[str, Answer]:
    named = {}
    for part in sorted({c.part for c in new}):
        crops = [c for c in new if c.part == part]
        mine = [vectors[c.crop] for c in crops]
        groups = group(mine, [c.photo for c in crops], calibrations[part].cosine_at(same_at))
        for members in groups:
            name = provisional_name(crops[members[0]])
            for i in members:
                crop = crops[i].crop
                named[crop] = Answer(crop, "new", name, answers[crop].probability, "")
    return named


@dataclass(frozen=True)
class Newcomers:
    """The earliest crop of each new animal of a part: if its `new` crops show as few animals as may be, and as many."""

    fewest: Sequence[str]
    most: Sequence[str]

    @property
    def between(self) -> tuple[int, int]:
        """The fewest and the most animals."""
        return len(self.fewest), len(self.most)


def newcomers(
    crops: Sequence[Crop],
    answers: Sequence[Answer],
    vectors: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration],
) -> dict[str, Newcomers]:
    """The fewest and the most new animals of each part that `new` crops may be of: as many as there are groups if two
    crops are taken for one animal from a probability of DOUBT on, and from 1 - DOUBT on; as many as are named, if that
    lies beyond. `crops` are in the order of time."""
    found = {}
    new = [c for c, answer in zip(crops, answers, strict=True) if answer.state == "new"]
    names = {answer.crop: answer.individual for answer in answers}
    for part in sorted({c.part for c in new}):
        mine = [c for c in new if c.part == part]
        seen, photos = [vectors[c.crop] for c in mine], [c.photo for c in mine]
        grouped = [group(seen, photos, calibrations[part].cosine_at(p)) for p in (DOUBT, 1 - DOUBT)]
        firsts = [[mine[members[0]].crop for members in groups] for groups in grouped]
        named: dict[str, str] = {}
        for crop in mine:
            named.setdefault(names[crop.crop], crop.crop)
        ways = [*firsts, list(named.values())]
        found[part] = Newcomers(min(ways, key=len), max(ways, key=len))
    return found


def provisional_name(earliest: Crop) -> str:
    """`new-` and a digest of the animal's earliest crop: the same on every run, and never that of another card."""
    return "new-" + hashlib.sha256(f"{earliest.photo_id}/{earliest.part}/{earliest.box}".encode()).hexdigest()[:10]
