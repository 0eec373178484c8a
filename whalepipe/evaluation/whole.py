"""From raw photos to names, all stages included, against what a person knows to be in the photos."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.errors import TableError
from whalepipe.evaluation.boxes import interval, redrawn
from whalepipe.evaluation.run import Outcome, TruthRow, auroc_new, outcomes
from whalepipe.job import Job
from whalepipe.pipeline import Tables, run
from whalepipe.progress import Progress, silent
from whalepipe.store import Origin
from whalepipe.tables import read_table

RESAMPLINGS = 1000


@dataclass(frozen=True)
class Seen:
    """One photo: its animals, and the boxes where none is."""

    encounter: str
    outcomes: Sequence[Outcome]
    false_boxes: int


def evaluate_run(job: Job, truth: Path, seed: int = 0, progress: Progress = silent) -> dict[str, Any]:
    """Run everything on a folder and score it; what the run has on disk is not made again.

    `truth` is a CSV of `TruthRow`s: every animal in the photos, and only these photos are scored; `known` where it is
    empty is whether the catalogue holds the individual. Shares are of animals without a fault: found (it has a box),
    kept (of the found, not set aside), top1 (of known ones, found or not: the first candidate is right), named (of
    known ones: identified, under the right name), known_as_new (of known ones), new_as_new (of new ones). misnamed is
    the share of wrong ones among the names given, auroc_new the chance that P(new) of a new animal's crop is above that
    of a known one's, set_aside by fault the share of animals that nobody was named after, false_per_100 the boxes
    where no animal is in 100 photos. `intervals`, 95 %, by resampling encounters. Raises WhalepipeError.
    """
    tables = run(job, "identify", progress)
    names = {p.photo for p in tables.photos}
    seen = _seen(_known(_read(truth, job.raw_dir, names), job.catalog), tables)
    draws, resampled = redrawn([one.encounter for one in seen], RESAMPLINGS, seed)
    whole = figures(seen)
    drawn = [figures([seen[i] for i in draw]) for draw in draws]
    counts = Counter(o.state or "not found" for one in seen for o in one.outcomes)
    return {
        **whole,
        "set_aside": _set_aside(seen),
        "photos": len(seen),
        "animals": sum(len(one.outcomes) for one in seen),
        "states": dict(sorted(counts.items())),
        "intervals": {name: interval([one[name] for one in drawn]) for name in whole},
        "resampled": resampled,
    }


def _read(truth: Path, raw_dir: Origin, names: Collection[str]) -> list[TruthRow]:
    rows = read_table(truth, TruthRow, aliases=True)
    if not rows:
        raise TableError(f"{truth}: it tells of no photo")
    for row in rows:
        if row.photo not in names:
            raise TableError(f"{truth}: {row.photo} is not in {raw_dir}")
        if not row.box.says_empty and row.box.fault():
            raise TableError(f"{truth}: {row.photo}: {row.box.fault()}")
    return rows


def _known(truths: Sequence[TruthRow], catalog: Place | None) -> list[TruthRow]:
    """The same, and whether the catalogue holds the individual's part, where nobody said."""
    held = {(s.individual, s.part) for s in (Catalog.open(catalog).summaries() if catalog else ())}
    return [t if t.known is not None else replace(t, known=(t.individual.strip(), t.part) in held) for t in truths]


def _seen(truths: Sequence[TruthRow], tables: Tables) -> list[Seen]:
    by_photo: dict[str, list[Outcome]] = {t.photo: [] for t in truths}
    boxes = [d for d in tables.detections if d.photo in by_photo]
    animals = [t for t in truths if not t.box.says_empty]
    every, left = outcomes(animals, boxes, tables.ledger, tables.matches)
    for outcome in every:
        by_photo[outcome.photo].append(outcome)
    wrong, encounters = Counter(d.photo for d in left), {p.photo: p.encounter for p in tables.photos}
    told = {t.photo: t.encounter for t in truths if t.encounter}
    return [Seen(told.get(p) or encounters.get(p, ""), each, wrong[p]) for p, each in sorted(by_photo.items())]


def figures(seen: Sequence[Seen]) -> dict[str, float | None]:
    """The figures of these photos, see `evaluate_run`; None where there is nothing to take a share of."""
    every = [o for one in seen for o in one.outcomes]
    usable = [o for o in every if not o.fault]
    boxed = [o for o in usable if o.state]
    known, new = ([o for o in usable if o.known is which] for which in (True, False))
    return {
        "found": _share(bool(o.state) for o in usable),
        "kept": _share(o.state != "rejected" for o in boxed),
        "top1": _share(o.first for o in known),
        "named": _share(o.named for o in known),
        "misnamed": _share(not o.named for o in every if o.state == "identified"),
        "known_as_new": _share(o.state == "new" for o in known),
        "new_as_new": _share(o.state == "new" for o in new),
        "auroc_new": _rounded(auroc_new(boxed)),
        "false_per_100": _rounded(100 * sum(one.false_boxes for one in seen) / len(seen)),
    }


def _set_aside(seen: Sequence[Seen]) -> dict[str, float | None]:
    every = [o for one in seen for o in one.outcomes if o.fault]
    return {f: _share(o.aside for o in every if o.fault == f) for f in sorted({o.fault for o in every})}


def _share(those: Iterable[bool]) -> float | None:
    values = list(those)
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
