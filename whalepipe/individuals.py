"""The step of the pipeline that names individuals: candidates, crops that vote together, answers, what to expect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whalepipe.cache import recipe
from whalepipe.models.calibration import Calibration
from whalepipe.models.details import Details
from whalepipe.models.species import Sure, sure
from whalepipe.rows import having
from whalepipe.stages import decide as deciding
from whalepipe.stages import listing, together
from whalepipe.stages import match as matching
from whalepipe.stages.decide import Newcomers
from whalepipe.stages.promise import promises, shortened
from whalepipe.stages.together import Track, follow, pooled
from whalepipe.tables import UNKNOWN, Answer, Crop, Match
from whalepipe.work import Work

if TYPE_CHECKING:
    from whalepipe.pipeline import Tables


@dataclass(frozen=True)
class PartNewcomers(Newcomers):
    """Those of one part, as the cache keeps them."""

    part: str


@dataclass(frozen=True)
class Ranking:
    """The crops that quality kept, and the candidates of each for itself."""

    crops: list[Crop]  # the earliest first
    calibrations: dict[str, Calibration]  # by part
    species: dict[str, Sure]  # by crop, where the catalogue knows species too
    keys: dict[str, str]  # the cause of each crop's candidates
    matches: list[Match]


def name_individuals(work: Work, tables: "Tables") -> None:
    """Ranked candidates for every crop that quality kept, one list for those that follow one animal through a burst,
    and one answer from them."""
    ranking = rank(work, tables)
    crops, calibrations, species, keys = ranking.crops, ranking.calibrations, ranking.species, ranking.keys
    config, bursts = work.config.match, {p.photo: p.burst for p in tables.photos}

    def tracked() -> list[Track]:
        return follow(crops, bursts, tables.vectors, calibrations, config.same_at) if config.pool == "burst" else []

    seen = [[c.crop, keys[c.crop], c.photo, bursts.get(c.photo)] for c in crops]
    follow_key = recipe("follow", together.VERSION, config.pool, config.same_at, seen)
    tracks = work.cache.cached("follow", follow_key, Track, tracked)
    tables.matches = pooled(ranking.matches, tracks, work.known, config)

    def decide() -> list[Answer]:
        views = {v.crop: v.view for v in tables.views}
        shown = work.gallery.views()
        given = crops, tables.matches, views, shown, tables.vectors, calibrations, config
        return deciding.decide(*given, species, work.kinds, [t.crops for t in tracks])

    views = [[v.crop, v.view] for v in tables.views]
    causes = [[c.crop, keys[c.crop]] for c in crops], [t.crops for t in tracks], views
    decide_key = recipe("decide", deciding.VERSION, together.VERSION, config, *causes)
    tables.answers = work.cache.cached("decide", decide_key, Answer, decide)
    if config.miss_rate or config.false_match_rate:
        tables.promised = promises(crops, tables.matches, tables.answers, config.miss_rate, config.ranked - 1)
    tables.newcomers = _newcomers(work, decide_key, crops, tables, calibrations)
    if config.miss_rate:
        tables.matches = shortened(tables.matches, {c.crop: c.part for c in crops}, tables.promised)
    work.write("matches", Match, tables.matches)


def _newcomers(
    work: Work, cause: str, crops: Sequence[Crop], tables: "Tables", calibrations: Mapping[str, Calibration]
) -> dict[str, Newcomers]:
    """How many new animals there may be, by part; `cause` is that of the answers."""

    def count() -> list[PartNewcomers]:
        found = deciding.newcomers(crops, tables.answers, tables.vectors, calibrations)
        return [PartNewcomers(new.fewest, new.most, part) for part, new in found.items()]

    key = recipe("newcomers", deciding.VERSION, cause)
    return {n.part: Newcomers(n.fewest, n.most) for n in work.cache.cached("newcomers", key, PartNewcomers, count)}


def rank(work: Work, tables: "Tables") -> Ranking:
    """Ranked candidates for every crop that quality kept, each for itself."""
    crops = kept_in_time(tables)
    calibrations = work.calibrations({c.part for c in crops})
    named = [s for s in tables.species if s.rank == 1 and s.species != UNKNOWN]
    species = {s.crop: sure(s.species, s.probability or 0.0) for s in named} if work.kinds else {}
    keys = {c.crop: work.match_key(c, calibrations[c.part], species.get(c.crop)) for c in crops}
    return Ranking(crops, calibrations, species, keys, _ranked(work, tables, crops, calibrations, keys, species))


def _ranked(
    work: Work,
    tables: "Tables",
    crops: Sequence[Crop],
    calibrations: Mapping[str, Calibration],
    keys: Mapping[str, str],
    species: Mapping[str, Sure],
) -> list[Match]:
    """Ranked candidates of each crop for itself; those made before under the same cause (`keys`, by crop) are kept."""
    closely, weights = work.closer_look, work.embedder_weights.digest if crops else ""

    def look(crop: Crop) -> Details:
        assert closely is not None
        return closely(work.crop_pixels(crop), crop.part)

    def match(crop: Crop) -> list[Match]:
        given = [crop], tables.vectors, work.gallery, calibrations, weights, work.config.match
        return matching.match(*given, look if closely else None, species, work.kinds)

    kept = {c.crop: work.cache.load("match", keys[c.crop], Match) for c in crops}
    missing = [c for c in crops if kept[c.crop] is None]
    if missing:
        _ = work.gallery  # shows how far it is itself, so before the matches do
        for crop in work.each("match", missing):
            kept[crop.crop] = found = match(crop)
            work.cache.store("match", keys[crop.crop], found)
    # One found elsewhere under the same cause had another name.
    return [having(row, crop=crop.crop) for crop in crops for row in kept[crop.crop] or ()]


def kept_in_time(tables: "Tables") -> list[Crop]:
    """The crops that quality kept, the earliest photo first; those without a time last, by their path."""
    kept = {q.crop for q in tables.quality if q.keep}
    order = {p.photo: place for place, p in enumerate(listing.in_time(tables.photos))}
    crops = [c for c in tables.crops if c.crop in kept]
    return sorted(crops, key=lambda c: (order.get(c.photo, len(order)), c.photo, c.box))
