"""Several finished embedders as one: what each sees of a crop stands one after the other in a vector.

The cosine of two vectors is then the mean of the networks' cosines (soft voting), or the sum in which each counts by
how much its own calibration makes of it: so ranked are the sums of their log likelihood ratios (calibrated sum; after
Cermak et al. 2024, "WildFusion: individual animal identification with calibrated similarity fusion", section 3, who add
calibrated probabilities).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.config import EmbedConfig
from whalepipe.errors import WeightsError
from whalepipe.models.calibration import Calibration, Joint, entry_of, read_calibration
from whalepipe.models.weights import Weights, find_weights

Vectors = npt.NDArray[np.float32]
KIND = "embedder"
SUM = "sum"
BLEND = "blend"  # in the card: how the networks' cosines are joined, where not as their mean
SHARES = "shares"
DEFAULT = "default"
DECIMALS = 4
# Of a card: what a network is, and how made.
OF_NETWORK = ("backbone", "architecture", "shown", "dimension", "size", "sizes", "trained_on", "retrain", "settings")
UNFITTED = (
    "claim probabilities as a fitted one does: its calibration is the mean of those of its files, until it is fitted "
    "anew by `catalog calibrate`"
)


def find_embedder(config: EmbedConfig) -> Weights:
    """The embedder of a configuration: one file, or several that are joined, each checked against its card.

    Raises WeightsError as `find_weights`, and where the files do not go together.
    """
    found = [find_weights(name, KIND) for name in names_of(config)]
    return found[0] if len(found) == 1 else joined(found, config.blend)


def names_of(config: EmbedConfig) -> list[str]:
    """The names of the files: those between commas, unless a file is called so."""
    if Path(config.weights).is_file():
        return [config.weights]
    return [name.strip() for name in config.weights.split(",")]


def joined(every: Sequence[Weights], by: str) -> Weights:
    """Several files as one, joined by vote or by sum; its digest is of all of them and of how they are joined.

    Raises WeightsError where two are the same, or they were made for other parts or for other details.
    """
    path = Path(",".join(str(one.path) for one in every))
    _check(every)
    shares = _shares([read_calibration(one.card, DEFAULT).slope for one in every], every) if by == SUM else None
    card = _card(every, shares)
    told = json.dumps([[one.digest for one in every], shares])
    return Weights(path, hashlib.sha256(told.encode()).hexdigest(), card, tuple(every))


def with_slopes(weights: Weights, slopes: Sequence[float]) -> Weights:
    """Joined files, each of which counts in the sum by how steeply its cosines tell one animal from two."""
    every = weights.joined
    return replace(weights, card={**weights.card, **_blend(_shares(slopes, every))})


def networks_of(every: Sequence[Weights]) -> list[dict[str, Any]]:
    """What the cards say of each network of several files, those beside the first of a file behind it."""
    return [
        {"weights": one.digest, **{key: card[key] for key in OF_NETWORK if key in card}}
        for one in every
        for card in (one.card, *one.card.get("beside", ()))
    ]


def files_of(weights: Weights, vectors: Vectors) -> list[Vectors]:
    """Vectors (N, dimension) of joined files as each file by itself would make them."""
    networks = [weights.card, *weights.card.get("beside", ())]
    lengths = [int(card["dimension"]) * len(card.get("sizes", [0])) for card in networks]
    parts = np.split(vectors, np.cumsum(lengths)[:-1], axis=1)
    alone = iter([part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts])
    counts = [1 + len(one.card.get("beside", ())) for one in weights.joined]
    files = [np.concatenate([next(alone) for _ in range(n)], axis=1) / np.sqrt(n) for n in counts]
    return [file.astype(np.float32) for file in files]


def put_together(weights: Weights, files: Sequence[Vectors]) -> Vectors:
    """The vectors (N, dimension) of joined files with shares from those of each file."""
    shares = iter(shares_of(weights.card, weights.path) or ())
    counts = [1 + len(one.card.get("beside", ())) for one in weights.joined]
    of_files = [sum(next(shares) for _ in range(n)) for n in counts]
    together = np.concatenate([v * np.sqrt(s) for v, s in zip(files, of_files, strict=True)], axis=1)
    return together.astype(np.float32)


def shares_of(card: Mapping[str, Any], path: Path) -> list[float] | None:
    """How much the cosine of each network counts, all together 1; None: all alike. Raises WeightsError."""
    blend: Any = card.get(BLEND)
    if blend is None:
        return None
    shares = blend.get(SHARES) if isinstance(blend, dict) else None
    networks = 1 + len(card.get("beside", ()))
    if not isinstance(shares, list) or len(shares) != networks or not all(_is_share(s) for s in shares):
        raise WeightsError(f"{path}: what its card says of the networks' shares is no list of {networks} of them")
    return [float(share) / sum(shares) for share in shares]  # rounded, they hardly ever add up to 1


def _is_share(value: object) -> bool:
    return isinstance(value, float | int) and 0 < value < 1


def _shares(slopes: Sequence[float], every: Sequence[Weights]) -> list[float]:
    """A share for each network: its file's, parted evenly among those that vote in it."""
    counts = [1 + len(one.card.get("beside", ())) for one in every]
    shares = [slope / sum(slopes) / n for slope, n in zip(slopes, counts, strict=True) for _ in range(n)]
    return [round(share, DECIMALS) for share in shares]


def _blend(shares: Sequence[float] | None) -> dict[str, Any]:
    return {} if shares is None else {BLEND: {"by": SUM, SHARES: list(shares)}}


def _check(every: Sequence[Weights]) -> None:
    names, digests = [str(one.path) for one in every], [one.digest for one in every]
    for place, digest in enumerate(digests):
        if digest in digests[:place]:
            raise WeightsError(f"{names[place]}: the same network as {names[digests.index(digest)]}; name each once")
        if BLEND in every[place].card:
            raise WeightsError(f"{names[place]}: joined by sum already; name the files that it was made from")
    _check_details(every)
    parts = [set(one.card.get("parts", ())) for one in every]
    if all(parts) and not set.intersection(*parts):
        known = "; ".join(f"{n} {', '.join(sorted(p))}" for n, p in zip(names, parts, strict=True))
        raise WeightsError(f"these embedders know no part in common: {known}; name those that know the same")


def _check_details(every: Sequence[Weights]) -> None:
    first = every[0]
    for one in every[1:]:
        if one.card.get("details") != first.card.get("details"):
            said = " and ".join(f"{w.path} {w.card.get('details') or 'none'}" for w in (first, one))
            raise WeightsError(f"the cards count details that were found in different ways: {said}; train one again")


def _card(every: Sequence[Weights], shares: Sequence[float] | None) -> dict[str, Any]:
    first, *others = (one.card for one in every)
    own, *beside = networks_of(every)
    kept = {key: first[key] for key in ("kind", "details", "input") if key in first}
    cannot = [str(text) for card in (first, *others) for text in card.get("cannot", ())]
    return {
        **kept,
        **{key: value for key, value in own.items() if key != "weights"},
        "parts": sorted({part for one in every for part in one.card.get("parts", ())}),
        "trained_on": _every(every, "trained_on"),
        "calibrated_on": _every(every, "calibrated_on"),
        "cannot": list(dict.fromkeys([*cannot, UNFITTED])),
        "joined": [one.digest for one in every],
        "beside": beside,
        "calibration": _calibrations(every),
        **_blend(shares),
    }


def _every(every: Sequence[Weights], key: str) -> list[Any]:
    """What the cards list under a key, each thing once."""
    listed = [thing for one in every for thing in one.card.get(key, ())]
    return [thing for place, thing in enumerate(listed) if thing not in listed[:place]]


def _calibrations(every: Sequence[Weights]) -> dict[str, Any]:
    """The mean of the files' calibrations, for each part of which one of them speaks, and by default."""
    parts = sorted({part for one in every for part in one.card.get("calibration", ())} | {DEFAULT})
    return {part: entry_of(_mean([read_calibration(one.card, part) for one in every])) for part in parts}


def _mean(every: Sequence[Calibration]) -> Calibration:
    """No more is claimed than each of them may."""
    slope, intercept = np.mean([(c.slope, c.intercept) for c in every], axis=0).round(3)
    joints = [astuple(c.joint) for c in every if c.joint]
    joint = Joint(*np.mean(joints, axis=0).round(3).tolist()) if len(joints) == len(every) else None
    least, most = max(c.least for c in every), min(c.most for c in every)
    return Calibration(float(slope), float(intercept), least, most, joint)
