"""Train a detector: tables of boxes and their photos in, weights with their card out."""

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whalepipe.errors import TableError, WeightsError, WhalepipeError
from whalepipe.files import storing, write_aside
from whalepipe.models.detector import KIND, STRIDE
from whalepipe.models.weights import Weights, load_state, save_weights
from whalepipe.training.boxes import PASTED, RENDERED, Source, count_boxes, empty, labelled, paste_on, prepare, render
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.seas import Seas
from whalepipe.training.sources import Known, account, flags, limits, portable, provenance

if TYPE_CHECKING:
    import torch

ARCHITECTURE = "yolov5n.yaml"
CANNOT = (
    "tell species or individuals apart",
    "find parts other than those named here",
    "see animals whose part is narrower than about 2 % of the photo's long side",
    "tell the dorsal fins of dolphins from those of sharks with certainty",
)


@dataclass(frozen=True)
class DetectorTraining:
    """How to train a detector."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    work_dir: Path  # pictures, checkpoints and log of this run; a run that was stopped goes on from there
    base: Path | None = None  # tensors to begin with: weights of ours or a plain state dict; None: random
    negatives: tuple[Path, ...] = ()  # folders of photos without animals
    rendered: int = 0  # rendered photos to train on beside the real ones
    pasted: int = 0  # photos of rendered animals in the real seas of `seas`
    seas: tuple[tuple[Path, Path], ...] = ()  # tables of boxes, each with the folder of its photos
    without: tuple[str, ...] = ()  # glob patterns of encounters and photos to leave out
    parts: tuple[str, ...] = ("fluke", "dorsal_fin")
    provenance: Path | None = None  # JSON: {folder name: {"source": ..., "licence": ...}}, for the card
    epochs: int = 8
    average: int = 4  # last epochs of which the weights are averaged: an epoch's own are a matter of luck
    size: int = 640  # long side of the pictures, pixels; a multiple of 32
    batch: int = 8
    repeat_to: int = 150  # a table with fewer photos is repeated until it has about so many in an epoch
    freeze: int = 5  # layers of the backbone, from the first, that keep the base's tensors
    learning_rate: float = 0.001
    seed: int = 0
    threads: int = 0  # of the processor; 0: as many as torch takes
    device: str = "cpu"


def train_detector(
    labels: Sequence[tuple[Path, Path]],
    options: DetectorTraining,
    progress: Callable[[int, int, float], None] | None = None,
) -> Weights:
    """Train on tables of boxes, each with the folder of its photos, and on rendered ones.

    Writes the weights, their exported form and their card.

    `progress` is called after each epoch: epochs done, epochs in all, mean loss. A run that was killed goes on from its
    last epoch. Raises TableError (a wrong table, named with its row), WeightsError (the base), StorageError, and
    WhalepipeError where `work_dir` holds another training.
    """
    from whalepipe.training.export import export_detector
    from whalepipe.training.finetune import epochs_done, mean_weights

    _check(labels, options)
    base = load_base(options.base)
    last = options.work_dir / "run" / "weights" / "last.pt"
    _claim(options.work_dir, labels, options)
    sources = _prepare(labels, options)
    done = epochs_done(last)
    if done < options.epochs:
        _fit(base, options, last if done else None, progress)
    averaged = range(max(1, options.epochs - options.average + 1), options.epochs + 1)
    return export_detector(save_weights(options.out, mean_weights(last, averaged), _card(labels, options, sources)))


def _check(labels: Sequence[tuple[Path, Path]], options: DetectorTraining) -> None:
    if not labels and not options.rendered:
        raise WhalepipeError("nothing to train on: give a table of boxes, or --rendered")
    if options.size % STRIDE or options.size <= 0:
        raise WhalepipeError(f"size must be a multiple of {STRIDE}, not {options.size}")
    if bool(options.pasted) != bool(options.seas):
        raise WhalepipeError("--pasted and --seas go together: how many photos, and in whose seas the animals stand")
    if min(options.epochs, options.batch, options.average) < 1:
        raise WhalepipeError("epochs, average and batch must be at least 1")


def load_base(path: Path | None) -> "dict[str, torch.Tensor]":
    """The tensors of a state dict file, ours or another's. Raises WeightsError where it is none."""
    if path is None:
        return {}
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: the base cannot be read ({error.strerror})") from error
    return load_state(Weights(path, digest, {}))


def _claim(work_dir: Path, labels: Sequence[tuple[Path, Path]], options: DetectorTraining) -> None:
    """Write down what is trained here, so that another training is not mistaken for its continuation."""
    # Where the weights go and on how many threads changes nothing in them.
    recipe = asdict(replace(options, out=Path(), work_dir=Path(), threads=0, device=""))
    tables = [hashlib.sha256(_read(table)).hexdigest() for table, _ in (*labels, *options.seas)]
    text = json.dumps({"options": recipe, "tables": tables}, default=str, indent=2, sort_keys=True) + "\n"
    note = work_dir / "recipe.json"
    if note.is_file() and note.read_text(encoding="utf-8") != text:
        raise WhalepipeError(f"{work_dir} holds a training with other options or labels; remove it or name another")
    write_aside(note, text.encode())


def _read(table: Path) -> bytes:
    try:
        return table.read_bytes()
    except OSError as error:
        raise TableError(f"{table}: cannot be read ({error.strerror})") from error


def _prepare(labels: Sequence[tuple[Path, Path]], options: DetectorTraining) -> list[Source]:
    """Write the pictures and the list of an epoch; say what they come from."""
    work, size = options.work_dir, options.size
    groups: list[tuple[str, list[Path], int]] = []
    for number, (table, photos) in enumerate(labels):
        pictures = prepare(labelled(table, photos, options.parts, options.without), work, f"t{number}", size)
        repeats = max(1, round(options.repeat_to / len(pictures))) if pictures else 1
        groups.append((_folder_name(table), pictures, repeats))
    for number, folder in enumerate(options.negatives):
        groups.append((folder.name, prepare(empty(folder, options.without), work, f"n{number}", size), 1))
    if options.rendered:
        groups.append((RENDERED, render(options.rendered, work, options.parts, size, options.seed), 1))
    if options.pasted:
        seas = Seas(options.seas, options.without)
        groups.append((PASTED, paste_on(seas, options.pasted, work, options.parts, size, options.seed), 1))
    sources = [Source(name, len(pictures), count_boxes(pictures), times) for name, pictures, times in groups]
    if not any(source.boxes for source in sources):
        raise TableError("no box is left to train on: see --without and the tables")
    lines = [f"./images/{p.name}" for _, pictures, times in groups for p in pictures * times]
    write_aside(work / "pictures.txt", ("\n".join(lines) + "\n").encode())
    return sources


def _folder_name(table: Path) -> str:
    return table.resolve().parent.name


def _fit(
    base: "dict[str, torch.Tensor]",
    options: DetectorTraining,
    last: Path | None,
    progress: Callable[[int, int, float], None] | None,
) -> None:
    from whalepipe.training.finetune import Trainer

    keep_freed_memory()
    pictures = str((options.work_dir / "pictures.txt").resolve())
    names = dict(enumerate(options.parts))
    data = {"train": pictures, "val": pictures, "names": names, "nc": len(names), "channels": 3}
    with storing(options.work_dir):
        Trainer(_overrides(options, pictures, last), data, base, options.threads, progress).train()


def _overrides(options: DetectorTraining, pictures: str, last: Path | None) -> dict[str, Any]:
    """The arguments of Ultralytics' trainer; https://docs.ultralytics.com/usage/cfg/#train-settings names them."""
    return {
        "model": str(last) if last else ARCHITECTURE,
        "resume": str(last) if last else False,
        "data": pictures,
        "save_dir": str((options.work_dir / "run").resolve()),
        "epochs": options.epochs,
        "imgsz": options.size,
        "batch": options.batch,
        "nbs": options.batch,  # a step for each batch
        "device": options.device,
        "seed": options.seed,
        "freeze": options.freeze,
        "optimizer": "AdamW",
        "lr0": options.learning_rate,
        "cos_lr": True,
        "warmup_epochs": 0.5,
        "warmup_bias_lr": 0.0,
        "patience": 0,
        "degrees": 8.0,
        "scale": 0.6,
        "close_mosaic": max(1, options.epochs // 5) if options.epochs > 1 else 0,
        "amp": False,  # see finetune.Model
        "val": False,
        "plots": False,
        "verbose": False,
        "deterministic": False,
        "workers": 0 if options.device == "cpu" else min(8, os.cpu_count() or 1),
    }


def _card(labels: Sequence[tuple[Path, Path]], options: DetectorTraining, sources: Sequence[Source]) -> dict[str, Any]:
    known = provenance(options.provenance)
    trained_on = [
        {
            **(_account_pasted(known, options) if s.name == PASTED else account(known, s.name, _licence(s.name))),
            "folder": s.name,
            "photos": s.photos,
            "boxes": s.boxes,
            "repeats": s.repeats,
        }
        for s in sources
    ]
    return {
        "kind": KIND,
        "architecture": ARCHITECTURE,
        "parts": list(options.parts),
        "size": options.size,
        "epochs": options.epochs,
        "seed": options.seed,
        "without": list(options.without),
        "trained_on": trained_on,
        "figures": {},
        "retrain": command(labels, options),
        "cannot": [*CANNOT, *limits(known, [s.name for s in sources], KIND)],
    }


def _licence(name: str) -> str:
    return "AGPL-3.0" if name == RENDERED else "not stated"


def _account_pasted(known: Known, options: DetectorTraining) -> dict[str, str]:
    """Pictures of rendered animals in real seas are as free as the photos that the seas were taken from."""
    seas = [account(known, _folder_name(table)) for table, _ in options.seas]
    names, licences = ([str(sea.get(key, "not stated")) for sea in seas] for key in ("source", "licence"))
    return {
        "source": f"rendered animals in box-free seas of {', '.join(names)}",
        "licence": ", ".join(dict.fromkeys([*licences, _licence(RENDERED)])),
    }


def command(labels: Sequence[tuple[Path, Path]], options: DetectorTraining) -> str:
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
    words += [word for pattern in options.without for word in ("--without", pattern)]
    words += flags(options, ("pasted",)) if options.pasted else []
    words += flags(options, ("rendered", "epochs", "size", "batch", "freeze", "seed"))
    words += ["--provenance", f"weights/{options.provenance.name}"] if options.provenance else []
    return shlex.join([*words, "--out", f"weights/{options.out.name}"])
