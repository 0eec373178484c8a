"""From raw photos to names, all stages included, against what a person knows to be in the photos."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whalepipe.catalog.store import Catalog
from whalepipe.errors import TableError
from whalepipe.evaluation.boxes import groups, interval, resample
from whalepipe.evaluation.ranking import auroc
from whalepipe.evaluation.run import TruthRow, first_candidates, newness_of, paired
from whalepipe.pipeline import Tables, run
from whalepipe.progress import Progress, silent
from whalepipe.tables import Ledger, read_table
from whalepipe.work import Job

RESAMPLINGS = 1000


@dataclass(frozen=True)
class Outcome:
    """What became of one animal in one photo. `state` is empty where it has no box."""

    known: bool  # to the catalogue
    fault: str  # why its crop ought to be set aside
    state: str
    named: bool  # identified, under the right name
    first: bool  # the first candidate is the right one
    newness: float | None  # P(new) of its crop; None where nobody was looked for


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
    truths = [_known(t, job.catalog) for t in _read(truth, job.raw_dir, names)]
    seen = _seen(truths, tables)
    together, resampled = groups([one.encounter for one in seen])
    draws = [[i for g in draw for i in together[g]] for draw in resample(len(together), RESAMPLINGS, seed)]
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


def _read(truth: Path, raw_dir: Path, names: Collection[str]) -> list[TruthRow]:
    rows = read_table(truth, TruthRow, aliases=True)
    if not rows:
        raise TableError(f"{truth}: it tells of no photo")
    for row in rows:
        if row.photo not in names:
            raise TableError(f"{truth}: {row.photo} is not in {raw_dir}")
        if not row.box.says_empty and row.box.fault():
            raise TableError(f"{truth}: {row.photo}: {row.box.fault()}")
    return rows


def _known(truth: TruthRow, catalog: Path | None) -> TruthRow:
    """The same, and whether the catalogue holds the individual's part, where nobody said."""
    if truth.known is not None:
        return truth
    held = Catalog.open(catalog).summaries() if catalog else ()
    return replace(truth, known=any((s.individual, s.part) == (truth.individual.strip(), truth.part) for s in held))


def _seen(truths: Sequence[TruthRow], tables: Tables) -> list[Seen]:
    scored = {t.photo for t in truths}
    animals = [t for t in truths if not t.box.says_empty]
    boxes = [d for d in tables.detections if d.photo in scored]
    pairs, left = paired(animals, boxes, tables.ledger)
    first, newness = first_candidates(tables.matches), newness_of(tables.matches)
    outcomes: dict[str, list[Outcome]] = {photo: [] for photo in scored}
    for truth, row in pairs:
        outcomes[truth.photo].append(_outcome(truth, row, first, newness))
    wrong, encounters = Counter(d.photo for d in left), {p.photo: p.encounter for p in tables.photos}
    told = {t.photo: t.encounter for t in truths if t.encounter}
    return [Seen(told.get(p) or encounters.get(p, ""), each, wrong[p]) for p, each in sorted(outcomes.items())]


def _outcome(truth: TruthRow, row: Ledger | None, first: Mapping[str, str], newness: Mapping[str, float]) -> Outcome:
    if row is None:
        return Outcome(bool(truth.known), truth.fault, "", False, False, None)
    named = row.state == "identified" and row.individual == truth.individual
    right = first.get(row.crop) == truth.individual
    return Outcome(bool(truth.known), truth.fault, row.state, named, right, newness.get(row.crop))


def figures(seen: Sequence[Seen]) -> dict[str, float | None]:
    """The figures of these photos, see `evaluate_run`; None where there is nothing to take a share of."""
    every = [o for one in seen for o in one.outcomes]
    usable = [o for o in every if not o.fault]
    boxed = [o for o in usable if o.state]
    known, new = ([o for o in usable if o.known is which] for which in (True, False))
    asked = [o for o in boxed if o.newness is not None]
    return {
        "found": _share(bool(o.state) for o in usable),
        "kept": _share(o.state != "rejected" for o in boxed),
        "top1": _share(o.first for o in known),
        "named": _share(o.named for o in known),
        "misnamed": _share(not o.named for o in every if o.state == "identified"),
        "known_as_new": _share(o.state == "new" for o in known),
        "new_as_new": _share(o.state == "new" for o in new),
        "auroc_new": _rounded(auroc([o.newness or 0.0 for o in asked], [not o.known for o in asked])),
        "false_per_100": _rounded(100 * sum(one.false_boxes for one in seen) / len(seen)),
    }


def _set_aside(seen: Sequence[Seen]) -> dict[str, float | None]:
    every = [o for one in seen for o in one.outcomes if o.fault]
    return {
        f: _share(o.state in ("", "rejected") for o in every if o.fault == f) for f in sorted({o.fault for o in every})
    }


def _share(those: Iterable[bool]) -> float | None:
    values = list(those)
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
