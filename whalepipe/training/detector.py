"""Train a detector: tables of boxes and their photos in, weights with their card out."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from whalepipe.errors import TableError, WhalepipeError
from whalepipe.files import write_aside
from whalepipe.models.detector import KIND, STRIDE, Detector
from whalepipe.models.weights import Weights, save_weights
from whalepipe.training.base import architecture, load_base
from whalepipe.training.boxes import count_boxes
from whalepipe.training.detector_card import describe
from whalepipe.training.duration import Tell
from whalepipe.training.gather import LABELLED, NEGATIVE, Group, gather, write_list
from whalepipe.training.heldout import FIGURE, MOST, Jury
from whalepipe.training.mining import MINED, MOST_REPEATS, RATE, Mined, mine

if TYPE_CHECKING:
    import torch

    from whalepipe.training.phases import Phase

    Trained = tuple[Phase, dict[str, torch.Tensor]]  # a phase and the weights that it made


@dataclass(frozen=True)
class DetectorTraining:
    """How to train a detector."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    work_dir: Path  # pictures, checkpoints and log of this run; a run that was stopped goes on from there
    base: Path | None = None  # to begin with: weights of ours, a plain state dict, a checkpoint of Ultralytics'
    architecture: str = ""  # YAML file of Ultralytics'; empty: the base's where it says so, otherwise yolov5n.yaml
    negatives: tuple[Path, ...] = ()  # folders of photos without animals
    rendered: int = 0  # rendered photos to train on beside the real ones
    pasted: int = 0  # photos of rendered animals in the real seas of `seas`
    seas: tuple[tuple[Path, Path], ...] = ()  # tables of boxes, each with the folder of its photos
    without: tuple[str, ...] = ()  # glob patterns of encounters and photos to leave out
    parts: tuple[str, ...] = ("fluke", "dorsal_fin")
    provenance: Path | None = None  # JSON: {folder name: {"source": ..., "licence": ...}}, for the card
    epochs: int = 30
    held_out: float = (
        0.15  # share of each table's and folder's photos, by whole encounters, that each epoch is scored on
    )
    patience: int = 6  # epochs without a better score there after which no more are trained; 0: all of them are
    average: int = 4  # last epochs of which the weights are averaged: an epoch's own are a matter of luck
    size: int = 640  # long side of the pictures, pixels; a multiple of 32
    batch: int = 8
    repeat_to: int = 150  # a table with fewer photos is repeated until it has about so many in an epoch
    mine: int = 0  # further epochs, after those, in which pictures with false boxes of the weights so far are repeated
    weather: float = 1.0  # times the usual probabilities of haze, sun glare and blur
    mine_labelled: bool = False  # look for such in the photos of the tables too: only where every animal has its box
    freeze: int = 5  # layers of the backbone, from the first, that keep the base's tensors
    learning_rate: float = 0.001
    seed: int = 0
    threads: int = 0  # of the processor; 0: as many as torch takes
    device: str = "cpu"


def train_detector(
    labels: Sequence[tuple[Path, Path]],
    options: DetectorTraining,
    progress: Callable[[int, int, float], None] | None = None,
    tell: Tell | None = None,
) -> Weights:
    """Train on tables of boxes, each with the folder of its photos, and on rendered ones.

    Writes the weights, their exported form and their card.

    `progress` is called after each epoch: epochs done, epochs in all, mean loss; `tell` takes lines that say how long
    it will take and what was mined. A run that was killed goes on from its last epoch. Raises TableError (a wrong
    table, named with its row), WeightsError (the base), StorageError, and WhalepipeError where `work_dir` holds
    another training.
    """
    from whalepipe.models.export import export_weights
    from whalepipe.training.phases import Phase

    _check(labels, options)
    base = load_base(options.base)
    options, work = replace(options, architecture=architecture(options.architecture, base)), options.work_dir
    _claim(work, labels, options, base.digest)
    groups, mined = gather(labels, options), None
    _same_pictures(groups, work)
    jury = _jury(groups, options, tell)
    listed = work / "pictures.txt"
    count = write_list(groups, listed)
    phase = Phase(work / "run", listed, count, options.epochs, options.learning_rate, 0, options.mine, jury)
    state = phase.run(base.state, options, progress, tell)
    if options.mine:
        mined, hard = _mine(state, groups, options, tell)
        if hard.pictures:
            groups, listed = [*groups, hard], work / f"pictures-{MINED}.txt"
            count, rate = write_list(groups, listed), RATE * options.learning_rate
            further = Phase(work / MINED, listed, count, options.mine, rate, options.epochs, 0, jury)
            phase, state = _better((phase, state), (further, further.run(state, options, progress, tell)), jury, tell)
    judged = jury.account(state, [phase.before + e for e in phase.chosen(options)]) if jury else None
    return export_weights(save_weights(options.out, state, describe(labels, options, groups, mined, judged)))


def _better(first: "Trained", last: "Trained", jury: Jury | None, tell: Tell | None) -> "Trained":
    """The weights after the mined pictures, unless a jury finds those before them better."""
    if jury is None or jury(last[1])[FIGURE] >= jury(first[1])[FIGURE]:
        return last
    if tell:
        tell("on what was held out the mined pictures made it no better: the weights before them are kept")
    return first


def _jury(groups: Sequence[Group], options: DetectorTraining, tell: Tell | None) -> Jury | None:
    """What scores each epoch; None where nothing is, or could be, held out."""
    held = [one for group in groups for one in group.held]
    boxes = count_boxes(one.picture for one in held)
    if tell and options.held_out:
        told = f"{len(held)} photos with {boxes} boxes are held out, by encounter, to score each epoch on"
        tell(told if boxes else "no encounter with boxes can be held out: nothing says when to stop, so all epochs run")
    if not boxes:
        return None
    return Jury(held, _card(options), options.size, options.device, options.work_dir)


def _mine(
    state: "dict[str, torch.Tensor]", groups: Sequence[Group], options: DetectorTraining, tell: Tell | None
) -> tuple[Mined, Group]:
    """Look over what the options say with the weights so far; also the group of what was found."""
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    detector = Detector(save_weights(options.work_dir / "first.pt", state, _card(options)), options.device)
    negatives, labelled = ([p for g in groups if g.kind == kind for p in g.pictures] for kind in (NEGATIVE, LABELLED))
    looked = labelled if options.mine_labelled else []
    found, pictures = mine(negatives, looked, detector, options.size, options.work_dir)
    if tell:
        tell(f"{found.false_boxes} false boxes in {found.looked_at} pictures: {len(pictures)} to train on once more")
    repeats = min(MOST_REPEATS, max(1, round(options.repeat_to / len(pictures)))) if pictures else 1
    return found, Group(MINED, MINED, pictures, repeats)


def _card(options: DetectorTraining) -> dict[str, object]:
    """What weights that are still being made must say to be opened."""
    return {"kind": KIND, "architecture": options.architecture, "parts": list(options.parts)}


def _check(labels: Sequence[tuple[Path, Path]], options: DetectorTraining) -> None:
    if not labels and not options.rendered:
        raise WhalepipeError("nothing to train on: give a table of boxes, or --rendered")
    if options.size % STRIDE or options.size <= 0:
        raise WhalepipeError(f"size must be a multiple of {STRIDE}, not {options.size}")
    if bool(options.pasted) != bool(options.seas):
        raise WhalepipeError("--pasted and --seas go together: how many photos, and in whose seas the animals stand")
    if options.mine < 0 or (options.mine_labelled and not options.mine):
        raise WhalepipeError("--mine must not be negative, and --mine-labelled needs it: for how many epochs")
    if options.mine and not options.negatives and not options.mine_labelled:
        raise WhalepipeError("--mine finds nothing to look over: give --negatives, or --mine-labelled")
    if not 0 <= options.held_out <= MOST or options.patience < 0 or options.weather < 0:
        raise WhalepipeError(f"held_out must be from 0 to {MOST}, patience and weather not negative")
    if min(options.epochs, options.batch, options.average) < 1:
        raise WhalepipeError("epochs, average and batch must be at least 1")


def _claim(work_dir: Path, labels: Sequence[tuple[Path, Path]], options: DetectorTraining, base: str) -> None:
    """Write down what is trained here, so that another training is not mistaken for its continuation."""
    # Where the weights go and on how many threads changes nothing in them.
    recipe = asdict(replace(options, out=Path(), work_dir=Path(), threads=0, device=""))
    tables = [hashlib.sha256(_read(table)).hexdigest() for table, _ in (*labels, *options.seas)]
    text = json.dumps({"options": recipe, "tables": tables, "base": base}, default=str, indent=2, sort_keys=True) + "\n"
    note = work_dir / "recipe.json"
    if note.is_file() and note.read_text(encoding="utf-8") != text:
        raise WhalepipeError(f"{work_dir} holds a training with other options or labels; remove it or name another")
    write_aside(note, text.encode())


def _same_pictures(groups: Sequence[Group], work_dir: Path) -> None:
    """Write down what is trained on and what is held out, or see that it is what the training began with."""
    named = {
        f"{n} {g.name}": [[p.name for p in g.pictures], [h.picture.name for h in g.held]] for n, g in enumerate(groups)
    }
    text, note = json.dumps(named, indent=1) + "\n", work_dir / "pictures.json"
    if note.is_file() and note.read_text(encoding="utf-8") != text:
        raise WhalepipeError(f"{work_dir} holds a training on other photos; remove it or name another")
    write_aside(note, text.encode())


def _read(table: Path) -> bytes:
    try:
        return table.read_bytes()
    except OSError as error:
        raise TableError(f"{table}: cannot be read ({error.strerror})") from error
