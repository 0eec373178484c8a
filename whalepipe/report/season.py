"""When and where: what the page draws of the whole of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whalepipe.report.cards import Encounter, Group
from whalepipe.report.discovery import Curve, curves
from whalepipe.report.matrix import Piece, matrix
from whalepipe.report.places import SeaMap, sea_map
from whalepipe.report.timeline import Timeline, timeline
from whalepipe.report.words import words
from whalepipe.stages.decide import Newcomers
from whalepipe.tables import Ledger, Photo


@dataclass(frozen=True)
class Season:
    """The charts; None or empty where photos have no position, no time, or nobody a name."""

    places: SeaMap | None = None
    timeline: Timeline | None = None
    curves: Sequence[Curve] = ()
    matrix: Sequence[Piece] = ()


def season_of(
    photos: Sequence[Photo],
    encounters: Sequence[Encounter],
    crops: Sequence[Ledger],
    groups: Sequence[Group],
    newcomers: Mapping[str, Newcomers],
) -> Season:
    """All charts of a run; `crops` are the ledger's rows with a crop."""
    named: dict[str, list[str]] = {}
    for row in crops:
        if row.individual:
            named.setdefault(row.photo, []).append(f"{words(row.part)} {row.individual}")
    found = {r.photo: "named" if r.photo in named else "unnamed" for r in crops}
    return Season(
        sea_map(photos, encounters, named),
        timeline(photos, encounters, found),
        curves(photos, encounters, crops, newcomers),
        matrix(encounters, groups),
    )
