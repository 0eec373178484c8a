"""Crops of one burst that follow the same animal speak with one voice.

The frames of a burst show an animal within seconds, in one light and mostly from one side, so what each of them says
is hardly independent of the others: their probabilities are averaged, not multiplied (the linear opinion pool of Stone
1961, "The opinion pool"). Together they are never surer of anyone than the surest of them, but a bad frame is outvoted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration
from whalepipe.models.clusters import group
from whalepipe.tables import NEW, Crop, Match, by_crop

VERSION = 1


@dataclass(frozen=True)
class Track:
    """Crops of one part, by name, two and more, that follow one animal through a burst."""

    part: str
    crops: tuple[str, ...]


def follow(
    crops: Sequence[Crop],
    bursts: Mapping[str, str],
    vectors: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration],
    same_at: float,
) -> list[Track]:
    """Which crops follow one animal; never two of one photo.

    `bursts` is by photo, empty where a photo has no time. Two crops may follow one animal from the cosine on at which
    one animal is as probable as `same_at`.
    """
    together: dict[tuple[str, str], list[Crop]] = {}
    for crop in crops:
        if bursts.get(crop.photo):
            together.setdefault((bursts[crop.photo], crop.part), []).append(crop)
    tracks = []
    for (_, part), members in sorted(together.items()):
        if len({c.photo for c in members}) > 1:
            seen = [vectors[c.crop] for c in members]
            found = group(seen, [c.photo for c in members], calibrations[part].cosine_at(same_at))
            tracks += [Track(part, tuple(members[i].crop for i in rows)) for rows in found if len(rows) > 1]
    return tracks


def pooled(
    matches: Sequence[Match], tracks: Sequence[Track], known: Mapping[str, int], config: MatchConfig
) -> list[Match]:
    """The matches, with one list of candidates for all crops of a track; those of other crops as they are.

    `known`: how many individuals the catalogue holds of each part. Of one that a crop does not list, it is taken to
    say what it says of all that it does not list.
    """
    ranked = by_crop(matches)
    for track in tracks:
        ranked |= _pooled({crop: ranked[crop] for crop in track.crops}, known.get(track.part, 0), config)
    return [row for rows in ranked.values() for row in rows]


def _pooled(lists: Mapping[str, list[Match]], known: int, config: MatchConfig) -> dict[str, list[Match]]:
    names = sorted({row.individual for rows in lists.values() for row in rows if row.individual != NEW})
    shares = np.mean([_shares(rows, names, known) for rows in lists.values()], axis=0)
    given = {name: round(float(share), 4) for name, share in zip([*names, NEW], shares, strict=True)}
    best = {name: _best([row for rows in lists.values() for row in rows], name) for name in names}
    listed = sorted(names, key=lambda name: (-given[name], -(best[name].score or 0.0), name))[: config.ranked - 1]
    made = {}
    for crop, rows in lists.items():
        own = {row.individual: row for row in rows}
        answers = [replace(own.get(name, best[name]), crop=crop, probability=given[name]) for name in listed]
        answers.append(replace(own[NEW], probability=given[NEW]))
        answers.sort(key=lambda row: -row.probability)
        made[crop] = [replace(row, rank=rank) for rank, row in enumerate(answers, start=1)]
    return made


def _shares(rows: Sequence[Match], names: Sequence[str], known: int) -> list[float]:
    """The probability that one crop gives each name, and `new`."""
    given = {row.individual: row.probability for row in rows}
    others = known - (len(rows) - 1)
    rest = max(1 - sum(given.values()), 0.0) / others if others > 0 else 0.0
    return [*(given.get(name, rest) for name in names), given[NEW]]


def _best(rows: Sequence[Match], name: str) -> Match:
    return max((row for row in rows if row.individual == name), key=lambda row: (row.probability, row.score or 0.0))
