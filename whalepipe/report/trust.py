"""What the cards of the weights say of themselves: figures on photos that they were not trained on, and limits."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whalepipe.errors import WeightsError
from whalepipe.job import Job
from whalepipe.models.ensemble import find_embedder, names_of
from whalepipe.models.species import SHIPPED
from whalepipe.models.weights import find_weights, ships

KINDS = {
    "detect": ("detector", "finds the animals"),
    "embed": ("embedder", "tells them apart"),
    "quality": ("quality", "grades the crops"),
    "species": ("species", "names the species, as an experiment"),
}
RENDERED = "rendered"
NONE = "none"  # the name of no weights, where a stage can do without
# Keys of a card's figures in the words of a reader, in the order in which they are shown; True: a share, as per cent.
LABELS = {
    "ap50": ("average precision (AP50)", False),
    "recall": ("animals found", True),
    "precision": ("boxes that are right", True),
    "found": ("found", False),
    "top1": ("first candidate right", True),
    "top5": ("right one among the first five", True),
    "unseen_top1": ("nearest photo right, animals never trained on", True),
    "pairs_auc": ("one animal's crops told from two animals' (AUC)", False),
    "auroc_new": ("new told from known (AUROC)", False),
    "ece": ("calibration error", False),
    "accuracy": ("right", True),
    "auc": ("good crops told from bad ones (AUC)", False),
    "reason_right": ("right reasons", True),
    "rank_correlation": ("rank correlation with the truth", False),
    "iou": ("pixels of the part (intersection over union)", False),
    "edge_f1": ("pixels of the trailing edge (F1)", False),
}


@dataclass(frozen=True)
class Figure:
    """One figure, with its 95 % interval where the card has it."""

    label: str
    value: str
    interval: str = ""


@dataclass(frozen=True)
class Measured:
    """Figures on one set of photos."""

    what: str
    rendered: bool
    figures: Sequence[Figure]


@dataclass(frozen=True)
class Instrument:
    """Weights of this run, with what their card says."""

    kind: str
    does: str
    digest: str = ""
    trained_on: Sequence[str] = ()
    measured: Sequence[Measured] = ()
    note: str = ""
    cannot: Sequence[str] = ()
    card: str = ""
    problem: str = ""


def instruments(job: Job) -> list[Instrument]:
    """One for each weights file that the run used."""
    return [_instrument(*of) for of in _used(job)]


def _used(job: Job) -> Iterator[tuple[str, str, str]]:
    """Name, kind and purpose of each."""
    for stage in dataclasses.fields(job.config):
        name = getattr(getattr(job.config, stage.name), "weights", "")
        if (
            name not in ("", NONE)
            and not (stage.name == "detect" and job.boxes)
            and not (name == SHIPPED and not ships(name))
        ):
            names = names_of(job.config.embed) if stage.name == "embed" else [name]
            yield from ((one, *KINDS.get(stage.name, (stage.name, ""))) for one in names)
    if job.catalog is not None and job.config.match.looked_at and _details_count(job):
        yield job.config.match.silhouette, "silhouette", "traces their outlines"
    elif job.config.view.tell != "none":
        yield job.config.view.silhouette, "silhouette", "tells the sides of fins"


def _details_count(job: Job) -> bool:
    """Whether the embedder's card says what details count: else vectors alone were compared."""
    try:
        return bool(find_embedder(job.config.embed).card.get("details"))
    except WeightsError:  # which the embedder's own entry tells
        return False


def _instrument(name: str, kind: str, does: str) -> Instrument:
    try:
        weights = find_weights(name, kind)
    except WeightsError as error:  # they were there when the run needed them: the page is written all the same
        return Instrument(kind, does, problem=str(error))
    card = weights.card
    figures = card.get("figures")
    figures = figures if isinstance(figures, dict) else {}
    return Instrument(
        kind,
        does,
        weights.digest,
        [_source(s) for s in _list(card.get("trained_on"))],
        sorted(_measured(figures), key=lambda m: m.rendered),
        str(figures.get("note", "")),
        [str(c) for c in _list(card.get("cannot"))],
        json.dumps(card, indent=2, ensure_ascii=False),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _source(source: Any) -> str:
    """Where training photos came from: `fins of X: 72 photos, 80 boxes; licence: none stated`."""
    if not isinstance(source, dict):
        return str(source)
    counts = ("photos", "boxes", "crops", "individuals")
    numbers = ", ".join(f"{source[k]:,} {k}" for k in counts if isinstance(source.get(k), int) and source[k])
    part = str(source.get("part", "")).replace("_", " ")
    of = f" of {part}" if part and numbers else ""
    return f"{source.get('source', '')} ({numbers}{of}; licence: {source.get('licence') or 'none stated'})"


def _measured(figures: Mapping[str, Any]) -> Iterator[Measured]:
    for what, values in figures.items():
        if isinstance(values, dict):
            shown = list(_figures(values))
            if shown:
                yield Measured(what.replace("dorsal_fin", "dorsal fin"), what.startswith(RENDERED), shown)


def _figures(values: Mapping[str, Any]) -> Iterator[Figure]:
    intervals: Mapping[str, Any] = values.get("intervals_95") or values.get("intervals") or {}
    for key, (label, share) in LABELS.items():
        value: Any = values.get(key)
        interval: Any = intervals.get(key)
        if isinstance(value, dict):  # a share that carries its own interval
            value, interval = value.get("share"), (value.get("low"), value.get("high"))
        if key == "recall" and "found" in values:
            continue
        if key == "found" and isinstance(values.get("of"), int):
            yield Figure(label, f"{value} of {values['of']}")
        elif isinstance(value, int | float):
            yield Figure(label, _number(value, share), _interval(interval, share))
    for key, value in values.items():
        if key.startswith(("at_", "upper_bound")) and isinstance(value, int | float):
            yield Figure(_plain(key), f"{value:g}")


def _plain(key: str) -> str:
    """`at_0.3` as `at threshold 0.3`, `upper_bound_95` as `upper bound (95 %)`."""
    if key.startswith("at_"):
        return f"at threshold {key.removeprefix('at_')}"
    return f"upper bound ({key.rpartition('_')[2]} %)"


def _number(value: float, share: bool) -> str:
    return f"{100 * value:.0f} %" if share else f"{value:.2f}"


def _interval(interval: Any, share: bool) -> str:
    if not interval or len(interval) != 2 or not all(isinstance(v, int | float) for v in interval):
        return ""
    low, high = interval
    return f"{100 * low:.0f} to {100 * high:.0f} %" if share else f"{low:.2f} to {high:.2f}"
