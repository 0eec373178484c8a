"""The card of a detector: what it was trained on, the command that trains it again, what it cannot do."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whalepipe.models.detector import KIND
from whalepipe.training.base import ARCHITECTURE
from whalepipe.training.boxes import PASTED, RENDERED
from whalepipe.training.mining import MINED, Mined
from whalepipe.training.sources import Known, account, flags, folder_name, limits, portable, provenance

if TYPE_CHECKING:
    from whalepipe.training.detector import DetectorTraining
    from whalepipe.training.gather import Group

CANNOT = (
    "tell species or individuals apart",
    "find parts other than those named here",
    "see animals whose part is narrower than about 2 % of the long side of what it is shown",
    "tell the dorsal fins of dolphins from those of sharks with certainty",
)


def describe(
    labels: Sequence[tuple[Path, Path]],
    options: "DetectorTraining",
    groups: Sequence["Group"],
    mined: Mined | None,
    judged: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The card of these weights; `mined`: what was mined for them, if it was looked for; `judged`: what was held out,
    and how good they are there."""
    known = provenance(options.provenance)
    sources = [group.source for group in groups]
    trained_on = [
        {
            **_account(known, s.name, labels, options),
            "folder": s.name,
            "photos": s.photos,
            "boxes": s.boxes,
            "repeats": s.repeats,
        }
        for s in sources
    ]
    looked = {"mined": {"epochs": options.mine, **_counts(mined)}} if mined else {}
    return {
        "kind": KIND,
        "architecture": options.architecture,
        "parts": list(options.parts),
        "size": options.size,
        "epochs": options.epochs,
        "seed": options.seed,
        "without": list(options.without),
        "trained_on": trained_on,
        **looked,
        **({"held_out": dict(judged)} if judged else {}),
        "figures": {},
        "retrain": command(labels, options),
        "cannot": [*CANNOT, *limits(known, [s.name for s in sources], KIND)],
    }


def _counts(mined: Mined) -> dict[str, int]:
    return {"looked_at": mined.looked_at, "false_boxes": mined.false_boxes, "pictures": len(mined.pictures)}


def _account(
    known: Known, name: str, labels: Sequence[tuple[Path, Path]], options: "DetectorTraining"
) -> dict[str, Any]:
    if name == MINED:
        return _account_mined(known, labels, options)
    return _account_pasted(known, options) if name == PASTED else account(known, name, _licence(name))


def _licence(name: str) -> str:
    return "AGPL-3.0" if name == RENDERED else "not stated"


def _account_pasted(known: Known, options: "DetectorTraining") -> dict[str, str]:
    """Pictures of rendered animals in real seas are as free as the photos that the seas were taken from."""
    seas = [account(known, folder_name(table)) for table, _ in options.seas]
    names, licences = ([str(sea.get(key, "not stated")) for sea in seas] for key in ("source", "licence"))
    return {
        "source": f"rendered animals in box-free seas of {', '.join(names)}",
        "licence": ", ".join(dict.fromkeys([*licences, _licence(RENDERED)])),
    }


def _account_mined(known: Known, labels: Sequence[tuple[Path, Path]], options: "DetectorTraining") -> dict[str, str]:
    """Pictures with false boxes are other folders' own, seen once more."""
    names = [folder.name for folder in options.negatives]
    names += [folder_name(table) for table, _ in labels] if options.mine_labelled else []
    entries = [account(known, name) for name in names]
    licences = [str(entry.get("licence", "not stated")) for entry in entries]
    return {
        "source": f"pictures of {', '.join(names)} in which earlier epochs found false boxes",
        "licence": ", ".join(dict.fromkeys(licences)),
    }


def command(labels: Sequence[tuple[Path, Path]], options: "DetectorTraining") -> str:
    """The command line that trains these weights again; DATA stands for the folder that holds all that is read."""
    pairs = [*labels, *options.seas]
    read = [p for pair in pairs for p in pair] + list(options.negatives) + ([options.base] if options.base else [])
    named = portable(read)
    words = ["whalepipe", "train", "detector", *(named(table) for table, _ in labels)]
    for flag, paths in (("--photos", [p for _, p in labels]), ("--negatives", options.negatives)):
        words += [word for path in paths for word in (flag, named(path))]
    for table, photos in options.seas:
        words += ["--seas", named(photos), "--seas-boxes", named(table)]
    words += ["--base", named(options.base)] if options.base else []
    told = options.base is not None or options.architecture not in ("", ARCHITECTURE)
    words += ["--architecture", options.architecture or ARCHITECTURE] if told else []
    words += [word for pattern in options.without for word in ("--without", pattern)]
    words += flags(options, ("pasted",)) if options.pasted else []
    words += flags(
        options, ("rendered", "epochs", "held_out", "patience", "weather", "size", "batch", "freeze", "seed")
    )
    words += flags(options, ("mine",)) if options.mine else []
    words += ["--mine-labelled"] if options.mine_labelled else []
    words += ["--provenance", f"weights/{options.provenance.name}"] if options.provenance else []
    return shlex.join([*words, "--out", f"weights/{options.out.name}"])
