"""Figures and calibration of a trained embedder, on photos and individuals that its training left out."""

import shlex
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.config import MatchConfig
from whalepipe.csvtable import write_table
from whalepipe.evaluation.answers import answered
from whalepipe.evaluation.identity import IdentityEvaluation, scored
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.details import CloserLook, Details
from whalepipe.models.embedder import KIND, Voter, voted
from whalepipe.stages.match import weighed
from whalepipe.tables import CropLabel
from whalepipe.training.alike import chance
from whalepipe.training.calibrate import Evidence, Source, calibrations, evidence
from whalepipe.training.crops import Labelled, LabelSet, Split, bursts, is_name, is_rendered
from whalepipe.training.sources import Known, account, flags, limits, portable, provenance
from whalepipe.training.whiten import BATCH

if TYPE_CHECKING:
    from whalepipe.training.embedder import EmbedderTraining

Vectors = npt.NDArray[np.float32]
CANNOT = (
    "be believed without a look: its figures say how often the first candidate is right",
    "know two sides of one fin for one animal unless the nicks alone say so",
    "speak of parts and species that it was neither trained nor calibrated on",
)


def measure(
    voters: Sequence[Voter],
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    only_calibrate: Sequence[Labelled],
    look: CloserLook,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of each label set, and the calibration of each part.

    Individuals held out are parted in two by chance: one half is calibrated on, the other measured.
    """
    found: list[Source] = []
    vectors = [embed(voters, one.pictures) for one in labelled]
    for one, rows, made in zip(labelled, splits, vectors, strict=True):
        fitted, _ = _parted(one, rows)
        held_out = one.chosen(fitted)
        seen = evidence(made[fitted], held_out.individuals, bursts(held_out), _looks(held_out, look), one.part)
        found.append(_source_of(one, seen))
    figures: dict[str, Any] = {}
    for one in only_calibrate:
        seen, pairs = _pairs(one, embed(voters, one.pictures), look)
        figures[f"{one.name}, {one.part}, never trained on"] = pairs
        found.append(_source_of(one, seen))
    fitted_to = calibrations(found)
    return figures | _figures_of_each(labelled, splits, vectors, fitted_to, look), fitted_to


def measure_known(
    voters: Sequence[Voter],
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    calibration: Mapping[str, Any],
    look: CloserLook,
) -> dict[str, Any]:
    """Figures of each label set on what `splits` hold out, with a card's `calibration` of the weights before."""
    return _figures_of_each(labelled, splits, [embed(voters, one.pictures) for one in labelled], calibration, look)


def _figures_of_each(
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    vectors: Sequence[Vectors],
    calibrated: Mapping[str, Any],
    look: CloserLook,
) -> dict[str, Any]:
    """Figures of each label set by a card's `calibration`, which is empty where too few were held out to fit any."""
    figures = {}
    for one, rows, made in zip(labelled, splits, vectors, strict=True):
        # Without there are no probabilities to score.
        calibration = read_calibration({"calibration": calibrated}, one.part) if calibrated else None
        figures[one.name] = _figures(one, rows, made, calibration, look)
    return figures


def _looks(one: Labelled, look: CloserLook) -> list[Details]:
    return [look(one.closer(row), one.part) for row in range(len(one.crops))]


def _source_of(one: Labelled, seen: Evidence) -> Source:
    return Source(one.part, one.name, is_rendered(one), seen)


def _pairs(one: Labelled, vectors: Vectors, look: CloserLook) -> tuple[Evidence, dict[str, Any]]:
    """Evidence of a set that was never trained on, and the figures of its pairs."""
    names = [name if is_name(name) else "" for name in one.individuals]
    groups = [e or f"photo {i}" for i, e in enumerate(one.encounters)]
    seen = evidence(vectors, names, groups, _looks(one, look), one.part)
    return seen, {
        "pairs_auc": pairs_auc(vectors, names, groups),
        "same": len(seen.same),
        "different": len(seen.different),
    }


def validate(
    network: torch.nn.Module, labelled: Sequence[Labelled], splits: Sequence[Split], size: int
) -> dict[str, float]:
    """Top-1 of each label set among the individuals held out to calibrate on; those of the figures stay unseen."""
    found = {}
    for one, rows in zip(labelled, splits, strict=True):
        some = one.chosen(_parted(one, rows)[0])
        top1 = _unseen_top1(some, embed([Voter(network, [size])], some.pictures)) if some.crops else None
        if top1:
            found[one.name] = top1["share"]
    return found


def embed(voters: Sequence[Voter], pictures: npt.NDArray[np.uint8]) -> Vectors:
    """Unit vectors (see `voted`) of pictures (N, height, width, 3) uint8 RGB."""
    for voter in voters:
        voter.network.eval()
    starts = range(0, len(pictures), BATCH)
    return np.concatenate([voted(voters, list(pictures[i : i + BATCH])) for i in starts])


def _parted(one: Labelled, rows: Split) -> tuple[list[int], list[int]]:
    """Rows of the individuals held out: to calibrate on, and to measure on."""
    measured = [chance(1, "measured", one.individuals[i]) < 0.5 for i in rows.individuals]
    return (
        [i for i, m in zip(rows.individuals, measured, strict=True) if not m],
        [i for i, m in zip(rows.individuals, measured, strict=True) if m],
    )


def _figures(
    one: Labelled, rows: Split, vectors: Vectors, calibration: Calibration | None, look: CloserLook
) -> dict[str, Any]:
    """Held-out photos and individuals as queries, as `whalepipe evaluate identity` scores them.

    Of rendered ones details are looked for in the pictures that are held, not in crops of their own size.
    """
    gallery, queries = label_rows(one, rows)
    _, new_rows = _parted(one, rows)
    result: dict[str, Any] = {
        "trained_crops": len(rows.train),
        "trained_individuals": len({one.individuals[i] for i in rows.train}),
        "held_out_crops": len(rows.photos),
        "held_out_individuals": len({one.individuals[i] for i in new_rows}),
    }
    if queries and gallery and calibration:
        shots = [Shot(r.crop, r.individual, one.part) for r in gallery]
        # To draw thousands of rendered crops again would take longer than it is worth.
        crop_of = one.pictures.__getitem__ if is_rendered(one) else one.closer
        seen = cache(lambda row: look(crop_of(row), one.part))
        known = Gallery(shots, vectors[rows.train], details=lambda row: seen(rows.train[row]))
        asked, match = [*rows.photos, *new_rows], MatchConfig()
        nearest = known.nearest(one.part, vectors[asked], match.crops_each)
        found = [
            weighed(near, known, partial(seen, row), calibration, match)
            for row, near in zip(asked, nearest, strict=True)
        ]
        answers = answered(found, queries, match.prior_new)
        result |= scored(answers, [r.encounter for r in queries], IdentityEvaluation())
    if new_rows:
        result["unseen_top1"] = _unseen_top1(one.chosen(new_rows), vectors[new_rows])
    return result


def label_rows(one: Labelled, rows: Split) -> tuple[list[CropLabel], list[CropLabel]]:
    """A label set's gallery (what was trained on) and queries (what was held out to measure), as tables hold them."""
    _, new_rows = _parted(one, rows)

    def table(chosen: Sequence[int]) -> list[CropLabel]:
        return [CropLabel(one.crops[i], one.encounters[i], one.individuals[i], one.part) for i in chosen]

    return table(rows.train), table([*rows.photos, *new_rows])


def write_splits(labelled: Sequence[Labelled], splits: Sequence[Split], folder: Path) -> None:
    """NAME-gallery.csv and NAME-query.csv of each real label set, for `whalepipe evaluate identity`."""
    for one, rows in zip(labelled, splits, strict=True):
        if not is_rendered(one):
            for side, table in zip(("gallery", "query"), label_rows(one, rows), strict=True):
                write_table(folder / f"{one.name}-{side}.csv", CropLabel, table)


def _unseen_top1(one: Labelled, vectors: Vectors) -> dict[str, float] | None:
    """Nearest neighbour among individuals never trained on, photos of the same burst left out."""
    groups = np.array(bursts(one))
    cosines = vectors @ vectors.T
    right = []
    for i, name in enumerate(one.individuals):
        others = groups != groups[i]
        if any(o and n == name for o, n in zip(others, one.individuals, strict=True)):
            nearest = int(np.argmax(np.where(others, cosines[i], -2.0)))
            right.append(one.individuals[nearest] == name)
    return _share(right) if right else None


def _share(right: Sequence[bool]) -> dict[str, float]:
    """A share with its 95 % bootstrap interval over queries."""
    values = np.array(right, dtype=np.float64)
    rng = np.random.default_rng(0)
    means = rng.choice(values, (1000, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return {"share": round(float(values.mean()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def pairs_auc(vectors: Vectors, names: Sequence[str], groups: Sequence[str]) -> float | None:
    """AUC of same against different over pairs of different groups; pairs of two crops of nobody known are left out."""
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    scores, labels = [], []
    for i in range(len(names)):
        for j in range(i):
            if groups[i] != groups[j] and (names[i] or names[j]):
                scores.append(float(cosines[i, j]))
                labels.append(names[i] == names[j])
    return round(float(roc_auc_score(labels, scores)), 3) if len(set(labels)) == 2 else None


def describe_sets(
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    only_calibrate: Sequence[Labelled],
    told_of: Path | None,
    retrain: str,
) -> dict[str, Any]:
    """The card's account of what the weights were made from, and the command that makes them again.

    `told_of`: the JSON of sources and licences.
    """
    sources = provenance(told_of)
    trained_on = [
        {
            **_source(one, sources),
            "part": one.part,
            "crops": len(rows.train),
            "individuals": len({one.individuals[i] for i in rows.train}),
        }
        for one, rows in zip(labelled, splits, strict=True)
    ]
    calibrated_on = [{**_source(one, sources), "part": one.part, "crops": len(one.crops)} for one in only_calibrate]
    return {
        "parts": sorted({one.part for one in labelled}),
        "trained_on": trained_on,
        "calibrated_on": calibrated_on,
        "retrain": retrain,
        "cannot": [*CANNOT, *_limits([*labelled, *only_calibrate], sources)],
    }


def _source(one: Labelled, known: Known) -> dict[str, Any]:
    if is_rendered(one):
        return {"source": "rendered by whalepipe", "licence": "AGPL-3.0-or-later"}
    return account(known, one.name)


def _limits(sets: Sequence[Labelled], known: Known) -> list[str]:
    drawn = [f"know a real {one.part}: those that it was trained on are rendered" for one in sets if is_rendered(one)]
    return [*drawn, *limits(known, [one.name for one in sets], KIND)]


def command(sets: Sequence[LabelSet], options: "EmbedderTraining") -> str:
    """The command line that trains these weights again; DATA stands for the folder that holds all that is read."""
    everything = [path for one in (*sets, *options.calibrate) for path in (one.labels, one.crops)]
    named = portable(everything)
    words = ["whalepipe", "train", "embedder", *(named(one.labels) for one in sets)]
    for one in sets:
        words += ["--photos", named(one.crops), "--part", one.part]
    for one in options.calibrate:
        words += ["--calibrate", f"{named(one.labels)}:{named(one.crops)}:{one.part}"]
    words += [word for path in options.beside for word in ("--beside", f"weights/{path.name}")]
    words += ["--until", str(options.until)] if options.until else []
    words += ["--further", f"weights/{options.further.name}"] if options.further else []
    words += ["--measured"] if options.measured else []
    words += [word for pattern in options.without for word in ("--without", pattern)]
    words += flags(options, ("rendered", "shots", "take", "epochs", "size", "smallest", "batch", "freeze", "seed"))
    words += ["--rate", f"{options.learning_rate:g}"] if options.learning_rate != type(options).learning_rate else []
    words += [word for size in options.sizes for word in ("--look", str(size))]
    usual = options.mirrored == type(options).mirrored
    words += [word for part in options.mirrored for word in ("--mirror", part) if not usual]
    words += ["--hide", str(options.strength.hidden)] if options.strength.hidden else []
    words += ["--silhouette", f"weights/{Path(options.silhouette).name}"] if options.silhouette != "silhouette" else []
    words += ["--provenance", f"weights/{options.provenance.name}"] if options.provenance else []
    return shlex.join([*words, "--out", f"weights/{options.out.name}"])
