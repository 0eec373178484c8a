"""Train the embedder: sub-center ArcFace on individuals, some of whom are held out to measure and to calibrate on.

Deng et al. 2019, "ArcFace: additive angular margin loss", equation 3; Deng et al. 2020, "Sub-center ArcFace", section
3.2: each individual has several centers, so that a wrong label or another view does not pull all its crops together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pytorch_metric_learning.losses import SubCenterArcFaceLoss
from torch.optim.swa_utils import AveragedModel

from whalepipe.errors import WeightsError, WhalepipeError
from whalepipe.models import silhouette
from whalepipe.models.details import CloserLook
from whalepipe.models.embedder import KIND, Voter, build, load_voters, normalised
from whalepipe.models.weights import Weights, find_weights, save_weights
from whalepipe.training.augment import Strength
from whalepipe.training.beside import beside_it
from whalepipe.training.crops import Labelled, LabelSet, Split, is_name, is_rendered, load, render, rendered_set
from whalepipe.training.crops import split as parted
from whalepipe.training.drawn import kept
from whalepipe.training.duration import Clock, Tell
from whalepipe.training.further import all_trained, as_finished, begun, kept_figures, place_centers
from whalepipe.training.imagenet import BACKBONE, load_imagenet
from whalepipe.training.lessons import MIRRORS, Lessons, batch, lessons, taken
from whalepipe.training.measure import command, describe_sets, measure, measure_known, validate, write_splits
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.rounds import batches, checkpoint, claim, running_mean, set_rate
from whalepipe.training.whiten import whiten

PARTS = ("network", "mean", "loss", "optimizer")  # of a `_Run` that a checkpoint holds
STRENGTH = Strength(degrees=12.0, zoom=0.15, shift=0.08, gain=0.3, grey=0.1, blur=0.2)
STORED = 1.15  # crops are held this much larger than the network's input, so that moving them costs no detail


@dataclass(frozen=True)
class EmbedderTraining:
    """How to train an embedder."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    work_dir: Path  # checkpoint and log; a run that was stopped goes on from there
    base: Path | None = None  # a state dict to begin with; None: ImageNet weights of the backbone's own package
    beside: tuple[Path, ...] = ()  # finished weights that vote beside these, see models/embedder.py
    further: Path | None = None  # finished weights to go on from with all real crops, see further.py
    measured: bool = False  # going on, held-out photos stay held out, to be measured on
    calibrate: tuple[LabelSet, ...] = ()  # label sets that only calibrate: never trained on
    rendered: int = 0  # rendered individuals of each part
    shots: int = 6  # photos of each of these
    take: int = 0  # of the rendered crops of each part an epoch takes so many, by chance; 0: all
    without: tuple[str, ...] = ()  # glob patterns of encounters and crops to leave out
    held_out: float = 0.15  # share of the individuals
    backbone: str = BACKBONE
    freeze: int = 3  # stages of the backbone, from the first, that stay as ImageNet made them: half of the time
    dimension: int = 256
    epochs: int = 14
    until: int = 0  # stop after so many of them, with the running mean of the weights by then; 0: after all
    size: int = 192  # side of the crops, pixels
    sizes: tuple[int, ...] = ()  # of further looks at each crop, once trained; see `unit_vectors`
    whitened: int = 512  # numbers of a vector that each look gives, once trained
    smallest: float = 1.0  # each batch is shown at a side from this share of `size` up to it
    batch: int = 16
    learning_rate: float = 1e-3
    margin: float = 20.0  # degrees
    scale: float = 32.0
    seed: int = 0
    threads: int = 0  # of the processor; 0: as many as torch takes
    silhouette: str = "silhouette"  # weights that tell outlines, where calibration looks closer
    provenance: Path | None = None  # JSON: {folder name: {"source": ..., "licence": ...}}, for the card
    mirrored: tuple[str, ...] = ("fluke", "dorsal_fin")  # parts of which mirror images are trained on too
    drop_path: float = 0.1  # see models/embedder.py
    averaged: float = 0.998  # what a step leaves of the running mean of the weights
    strength: Strength = STRENGTH


@dataclass
class _Run:
    """What an epoch changes, and a checkpoint holds."""

    network: torch.nn.Module
    mean: AveragedModel  # of the network over its last steps: better than where the last of them happened to end
    loss: torch.nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, **{name: getattr(self, name).state_dict() for name in PARTS}}

    def restore(self, state: dict[str, Any]) -> None:
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.epoch = int(state["epoch"])


def train_embedder(
    sets: Sequence[LabelSet],
    options: EmbedderTraining,
    progress: Callable[[int, int, float], None] | None = None,
    tell: Tell | None = None,
) -> Weights:
    """Train on label sets and rendered animals, measure and calibrate on the held out, write weights and card.

    `progress` is called after each epoch: epochs done, epochs in all, mean loss; `tell` takes lines that say how long
    it will take. Raises TableError, PhotoError, WeightsError (the base, the silhouettes), StorageError, and
    WhalepipeError where `work_dir` holds another training.
    """
    keep_freed_memory()
    unknown = set(options.mirrored) - MIRRORS.keys()
    if unknown:
        raise WhalepipeError(f"--mirror {min(unknown)}: known is what a mirrored {', '.join(MIRRORS)} shows")
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.measured and not options.further:
        raise WhalepipeError("--measured goes with --further: another training measures anyway")
    torch.manual_seed(options.seed)
    look = CloserLook(find_weights(options.silhouette, silhouette.KIND))
    # What is blank here changes nothing in what is learned: so that may be finished once more, beside others.
    claim(options.work_dir, sets, replace(options, out=Path(), work_dir=Path(), threads=0, silhouette="", beside=()))
    finished, voting = begun(options.further), [find_weights(str(path), KIND) for path in options.beside]
    labelled = _everything(sets, options)
    splits = [_split(one, options) for one in labelled]
    write_splits(labelled, splits, options.work_dir)
    those = lessons(labelled, splits, options.mirrored)
    run = _start(options, those, finished)
    an_epoch = len(taken(those.rendered, options.take, np.random.default_rng()))
    last = options.until or options.epochs
    clock = Clock(last - run.epoch, an_epoch, tell)
    while run.epoch < last:
        loss = _epoch(run, those, options, clock)
        found = validate(run.mean.module, labelled, splits, options.size)
        checkpoint(options.work_dir, run.state(), run.epoch, loss, run.optimizer.param_groups[0]["lr"], found)
        clock.epoch()
        if progress:
            progress(run.epoch, last, loss)
    network = _finished(run.mean.module, those, options)
    only_calibrate = [load(one, _stored(options), options.without) for one in options.calibrate]
    voters = [Voter(network, (options.size, *options.sizes)), *(v for w in voting for v in load_voters(w))]
    if finished:
        told = kept_figures(finished)
        if options.measured:
            told["figures_further"] = measure_known(voters, labelled, splits, told["calibration"], look)
    else:
        figures, calibration = measure(voters, labelled, splits, only_calibrate, look)
        told = {"calibration": calibration, "figures": figures}
    made_from = describe_sets(labelled, splits, only_calibrate, options.provenance, command(sets, options))
    state, cards = beside_it(voting)
    card = _card(network, look, {**made_from, **told, **cards}, options)
    return save_weights(options.out, {**network.state_dict(), **state}, card)


def _split(one: Labelled, options: EmbedderTraining) -> Split:
    """Who and what is held out; going on from finished weights, no real individual is."""
    found = parted(one, options.held_out, options.seed)
    return all_trained(found, options.measured) if options.further and not is_rendered(one) else found


def _finished(network: torch.nn.Module, those: Lessons, options: EmbedderTraining) -> torch.nn.Module:
    """The backbone as it was trained, with the layers behind it for each look."""
    looks = (options.size, *options.sizes)
    # Fewer crops than that vary in fewer directions.
    finished = build(options.backbone, min(options.whitened, len(those.classes) - 1), len(looks))
    learned = {k: v for k, v in network.state_dict().items() if not k.startswith(("linear.", "neck."))}
    finished.load_state_dict(learned, strict=False)
    finished.to(memory_format=torch.channels_last)
    whiten(finished, those.pictures, looks)
    return finished


def _everything(sets: Sequence[LabelSet], options: EmbedderTraining) -> list[Labelled]:
    """Real and rendered crops of named individuals."""
    size = _stored(options)
    labelled = []
    for one in sets:
        crops = load(one, size, options.without)
        labelled.append(crops.chosen([i for i, name in enumerate(crops.individuals) if is_name(name)]))
    for part in ("fluke", "dorsal_fin") if options.rendered else ():
        labelled.append(_rendered(part, size, options))
    if not labelled:
        raise WhalepipeError("nothing to train on: give a table of crops, or --rendered")
    return labelled


def _stored(options: EmbedderTraining) -> int:
    """Side of the squares that crops are held as."""
    return max([round(options.size * STORED), *options.sizes])


def _rendered(part: str, size: int, options: EmbedderTraining) -> Labelled:
    """Rendered crops, kept in the work folder: drawing them takes minutes."""

    def draw() -> dict[str, npt.NDArray[Any]]:
        made = render(part, options.rendered, options.shots, size, options.seed)
        return {"pictures": made.pictures, "names": np.array(made.individuals), "crops": np.array(made.crops)}

    data = kept(options.work_dir / f"rendered-{part}-{options.rendered}x{options.shots}-{size}-{options.seed}", draw)
    names, crops = ([str(text) for text in data[key]] for key in ("names", "crops"))
    return rendered_set(part, np.asarray(data["pictures"], np.uint8), names, crops, options.seed)


def _start(options: EmbedderTraining, those: Lessons, finished: Weights | None) -> _Run:
    network: Any
    if finished:
        network = as_finished(finished, options.backbone, options.drop_path)
    else:
        network = build(options.backbone, options.dimension, drop_path=options.drop_path)
        _load_base(network, options)
    for module in _frozen(network, options.freeze):
        module.requires_grad_(False)
    loss = SubCenterArcFaceLoss(
        num_classes=those.people,
        embedding_size=network.linear.out_features,
        margin=options.margin,
        scale=options.scale,
        sub_centers=2,
    )
    groups = [
        {"params": [p for p in network.parameters() if p.requires_grad], "lr": options.learning_rate, "share": 1.0},
        {"params": loss.parameters(), "lr": options.learning_rate, "share": 5.0},  # the centers start from nothing
    ]
    network.to(memory_format=torch.channels_last)
    last = options.work_dir / "last.pt"
    if finished and not last.is_file():
        place_centers(network, loss, those, options.size, options.seed)
    mean = AveragedModel(network, multi_avg_fn=running_mean(options.averaged), use_buffers=True)
    run = _Run(network, mean, loss, torch.optim.AdamW(groups, weight_decay=1e-4))
    if last.is_file():
        run.restore(torch.load(last, weights_only=True))
    return run


def _frozen(network: torch.nn.Module, stages: int) -> list[torch.nn.Module]:
    """The stem and the first stages of an EfficientNet. Raises WeightsError for a backbone without such."""
    backbone: Any = network.backbone
    if not stages:
        return []
    try:
        return [backbone.conv_stem, backbone.bn1, *backbone.blocks[:stages]]
    except AttributeError as error:
        raise WeightsError("this backbone has no stages that can be told apart; train it with --freeze 0") from error


def _load_base(network: torch.nn.Module, options: EmbedderTraining) -> None:
    """The backbone's ImageNet weights from the package that carries them, tensor by tensor in order; or `base`."""
    if options.base is not None:
        network.load_state_dict(torch.load(options.base, weights_only=True))
        return
    if options.backbone != BACKBONE:
        raise WeightsError(f"no ImageNet weights of {options.backbone} are at hand; give --base")
    backbone: Any = network.backbone
    load_imagenet(backbone)


def _epoch(run: _Run, those: Lessons, options: EmbedderTraining, clock: Clock) -> float:
    """One round over the pictures; each batch is drawn from the seed and the epoch, so a resumed run goes on alike."""
    rng = np.random.default_rng([options.seed, run.epoch])
    torch.manual_seed(1000 * options.seed + run.epoch)  # by which branches are left out, see `drop_path`
    chosen = taken(those.rendered, options.take, rng)
    steps = max(1, len(chosen) // options.batch)
    run.network.train()
    for module in _frozen(run.network, options.freeze):
        module.eval()  # else batch normalisation would go on moving
    losses = []
    clock.start(steps)
    for step, rows in enumerate(batches(len(chosen), options.batch, rng)):
        set_rate(run.optimizer, (run.epoch * steps + step) / (options.epochs * steps), options.learning_rate)
        shown, wanted = batch(those, chosen[rows], options.size, options.smallest, options.strength, rng)
        vectors = run.network(normalised(shown).contiguous(memory_format=torch.channels_last))
        loss = run.loss(vectors, wanted)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        run.mean.update_parameters(run.network)
        losses.append(float(loss.detach()))
        clock.step()
    run.epoch += 1
    return float(np.mean(losses))


def _card(network: Any, look: CloserLook, told: Mapping[str, Any], options: EmbedderTraining) -> dict[str, Any]:
    settings = asdict(options)
    for name in ("out", "work_dir", "base", "further", "beside", "calibrate", "provenance", "silhouette"):
        settings.pop(name)
    return {
        "kind": KIND,
        "backbone": options.backbone,
        "dimension": network.linear.out_features,  # of each look
        "size": options.size,
        "sizes": [options.size, *options.sizes],
        "input": "the crop, squashed to squares of `sizes` pixels in turn, RGB, normalised as for ImageNet",
        "details": look.method,
        **told,
        "settings": settings,
    }
