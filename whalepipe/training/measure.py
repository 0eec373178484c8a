"""Figures and calibration of a trained embedder, on photos and individuals that its training left out."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from whalepipe.models.calibration import Calibration
from whalepipe.models.embedder import normalised
from whalepipe.training.calibrate import Evidence, card_entry, evidence, fit
from whalepipe.training.crops import Labelled, LabelSet, Split, bursts, chance, is_name
from whalepipe.training.sources import flags, portable, provenance

if TYPE_CHECKING:
    from whalepipe.training.embedder import EmbedderTraining

Vectors = npt.NDArray[np.float32]
RENDERED = "rendered"
CANNOT = (
    "it is a first version: its top-1 figures below say how often its first candidate is right; look at the list",
    "it was trained on heads of one right whale population and on rendered flukes and fins: no real fluke or fin",
    "its probabilities for dorsal fins rest on one known dolphin, if on any; for flukes on none",
    "two sides of one fin are not known for one animal unless the nicks alone say so",
    "other parts and species than these were never measured",
)


def measure(
    network: torch.nn.Module,
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    only_calibrate: Sequence[Labelled],
    size: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of each label set, and the calibration of each part.

    Individuals held out are parted in two by chance: one half is calibrated on, the other measured.
    """
    figures: dict[str, Any] = {}
    found: dict[str, list[tuple[Labelled, Evidence]]] = {}
    for one, rows in zip(labelled, splits, strict=True):
        vectors = embed(network, one.pictures, size)
        figures[one.name] = _figures(one, rows, vectors)
        fitted = [i for i in rows.individuals if not _measured(one.individuals[i])]
        held_out = one.chosen(fitted)
        found.setdefault(one.part, []).append(
            (held_out, evidence(vectors[fitted], held_out.individuals, bursts(held_out)))
        )
    for one in only_calibrate:
        vectors = embed(network, one.pictures, size)
        names = [name if is_name(name) else "" for name in one.individuals]
        groups = [e or f"photo {i}" for i, e in enumerate(one.encounters)]
        seen = evidence(vectors, names, groups)
        figures[f"{one.name}, {one.part}, never trained on"] = {
            "pairs_auc": pairs_auc(vectors, names, groups),
            "same": len(seen.same),
            "different": len(seen.different),
        }
        found.setdefault(one.part, []).append((one, seen))
    return figures, _calibrations(found)


def validate(
    network: torch.nn.Module, labelled: Sequence[Labelled], splits: Sequence[Split], size: int
) -> dict[str, float]:
    """Top-1 of each label set among the individuals held out to calibrate on; those of the figures stay unseen."""
    found = {}
    for one, rows in zip(labelled, splits, strict=True):
        some = one.chosen([i for i in rows.individuals if not _measured(one.individuals[i])])
        top1 = _unseen_top1(some, embed(network, some.pictures, size)) if some.crops else None
        if top1:
            found[one.name] = top1["share"]
    return found


@torch.inference_mode()
def embed(network: torch.nn.Module, pictures: npt.NDArray[np.uint8], size: int) -> Vectors:
    """Unit vectors, (N, dimension), of pictures (N, height, width, 3) uint8 RGB."""
    network.eval()
    out = []
    for start in range(0, len(pictures), 64):
        batch = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in pictures[start : start + 64]]
        out.append(network(normalised(torch.from_numpy(np.stack(batch)))).numpy())
    vectors = np.concatenate(out)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _measured(individual: str) -> bool:
    return chance(1, "measured", individual) < 0.5


def _figures(one: Labelled, rows: Split, vectors: Vectors) -> dict[str, Any]:
    """Closed: held-out photos of trained individuals. Open: are individuals never trained on farther from all?"""
    gallery, names = vectors[rows.train], [one.individuals[i] for i in rows.train]
    known = vectors[rows.photos] @ gallery.T
    new_rows = [i for i in rows.individuals if _measured(one.individuals[i])]
    result: dict[str, Any] = {
        "trained_crops": len(rows.train),
        "trained_individuals": len(set(names)),
        "held_out_crops": len(rows.photos),
        "held_out_individuals": len({one.individuals[i] for i in new_rows}),
    }
    if rows.photos:
        ranks = [_rank(scores, names, one.individuals[i]) for scores, i in zip(known, rows.photos, strict=True)]
        result |= {f"closed_top{k}": _share([r <= k for r in ranks]) for k in (1, 5)}
    if rows.photos and new_rows:
        best = np.concatenate([known.max(axis=1), (vectors[new_rows] @ gallery.T).max(axis=1)])
        labels = [1] * len(rows.photos) + [0] * len(new_rows)
        result["auroc_new"] = round(float(roc_auc_score(labels, best)), 3)
    if new_rows:
        result["unseen_top1"] = _unseen_top1(one.chosen(new_rows), vectors[new_rows])
    return result


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


def _rank(scores: npt.NDArray[np.float32], names: Sequence[str], name: str) -> int:
    """1 where the best individual is the right one, and so on."""
    best: dict[str, float] = {}
    for who, score in zip(names, scores, strict=True):
        best[who] = max(best.get(who, -2.0), float(score))
    return 1 + sum(score > best[name] for score in best.values()) if name in best else len(best) + 1


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


def _calibrations(found: Mapping[str, Sequence[tuple[Labelled, Evidence]]]) -> dict[str, Any]:
    """A calibration for each part with evidence, and a default from all real ones together."""
    real = {part: [(one, e) for one, e in sets if not _is_rendered(one)] for part, sets in found.items()}
    default = _fitted([pair for pairs in real.values() for pair in pairs])
    result: dict[str, Any] = {"default": default} if default else {}
    for part, sets in found.items():
        entry = _fitted(real[part])
        if entry is None:
            entry = _fitted(sets)
            entry = _flattened(entry, default) if entry and default else entry
        if entry:
            result[part] = entry
    if "default" not in result and result:
        result["default"] = next(iter(result.values()))
    return result


def _is_rendered(one: Labelled) -> bool:
    return one.name.startswith(RENDERED)


def _fitted(sets: Sequence[tuple[Labelled, Evidence]]) -> Mapping[str, Any] | None:
    if not sets:
        return None
    pooled = Evidence(np.concatenate([e.same for _, e in sets]), np.concatenate([e.different for _, e in sets]))
    calibration = fit(pooled)
    if calibration is None:
        return None
    return card_entry(calibration, pooled, "; ".join(f"{one.name}, not trained on" for one, _ in sets))


def _flattened(entry: Mapping[str, Any], default: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rendered animals are easier than real ones: no steeper than the default, and even no earlier than it."""
    slope = min(entry["slope"], default["slope"])
    even = max(-e["intercept"] / e["slope"] for e in (entry, default))
    source = f"{entry['source']}; flattened to what real crops of other parts gave, since rendered animals are easier"
    calibration = Calibration(slope, round(-even * slope, 3))
    return {**entry, "slope": calibration.slope, "intercept": calibration.intercept, "source": source}


def describe_sets(
    sets: Sequence[LabelSet],
    labelled: Sequence[Labelled],
    splits: Sequence[Split],
    only_calibrate: Sequence[Labelled],
    options: "EmbedderTraining",
) -> dict[str, Any]:
    """The card's account of what the weights were made from, and the command that makes them again."""
    sources = provenance(options.provenance)
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
        "retrain": command(sets, options),
        "cannot": list(CANNOT),
    }


def _source(one: Labelled, sources: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    if _is_rendered(one):
        return {"source": "rendered by whalepipe", "licence": "AGPL-3.0-or-later"}
    return sources.get(one.name, {"source": one.name, "licence": "not stated"})


def command(sets: Sequence[LabelSet], options: "EmbedderTraining") -> str:
    """The command line that trains these weights again; DATA stands for the folder that holds all that is read."""
    everything = [path for one in (*sets, *options.calibrate) for path in (one.labels, one.crops)]
    named = portable(everything)
    words = ["whalepipe", "train", "embedder", *(named(one.labels) for one in sets)]
    for one in sets:
        words += ["--photos", named(one.crops), "--part", one.part]
    for one in options.calibrate:
        words += ["--calibrate", f"{named(one.labels)}:{named(one.crops)}:{one.part}"]
    words += [word for pattern in options.without for word in ("--without", pattern)]
    words += flags(options, ("rendered", "shots", "epochs", "size", "batch", "freeze", "seed"))
    return shlex.join([*words, "--out", f"weights/{options.out.name}"])
