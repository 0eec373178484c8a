"""Train the network that tells an animal's part and its trailing edge, on rendered crops, whose truth is known."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from whalepipe.errors import WhalepipeError
from whalepipe.models.embedder import normalised
from whalepipe.models.silhouette import KIND, PARTS, SHAPE, build
from whalepipe.models.weights import Weights, save_weights
from whalepipe.training.augment import Strength, moved, photographed, warped
from whalepipe.training.drawn import kept
from whalepipe.training.duration import Clock, Tell
from whalepipe.training.imagenet import load_imagenet
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.outlines import EDGE, PART, SHOWN, Outlined, outlined
from whalepipe.training.rendered import STREAM
from whalepipe.training.rounds import batches, checkpoint, claim, set_rate
from whalepipe.training.sources import flags

MEASURED = 0.1  # of the photos of each part: never trained on, to measure on
CANNOT = (
    "know how it does on real photos: it was trained and measured on rendered ones",
    "tell edges of other parts than flukes and dorsal fins",
)


@dataclass(frozen=True)
class SilhouetteTraining:
    """How to train a silhouette network."""

    out: Path  # the weights (.pt) to write; their card goes beside them
    work_dir: Path  # rendered crops, checkpoint and log; a run that was stopped goes on from there
    rendered: int = 1500  # photos of each part
    epochs: int = 8
    batch: int = 16
    freeze: int = 2  # stages of the backbone, from the first, that stay as ImageNet made them
    learning_rate: float = 2e-3
    seed: int = 0
    threads: int = 0  # of the processor; 0: as many as torch takes
    strength: Strength = field(
        default_factory=lambda: Strength(degrees=8, zoom=0.12, shift=0.06, gain=0.35, grey=0.15, blur=0.3, noise=12)
    )


def train_silhouette(
    options: SilhouetteTraining,
    progress: Callable[[int, int, float], None] | None = None,
    tell: Tell | None = None,
) -> Weights:
    """Render, train, measure on photos held out, write weights and card.

    `progress` is called after each epoch: epochs done, epochs in all, mean loss; `tell` takes lines that say how long
    it will take. Raises StorageError, and WhalepipeError where there are too few photos or `work_dir` holds another
    training.
    """
    from whalepipe.models.export import export_weights

    if options.rendered < 2 / MEASURED:
        raise WhalepipeError(f"--rendered must be at least {2 / MEASURED:.0f}: some of the photos are measured on")
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    claim(options.work_dir, replace(options, out=Path(), work_dir=Path(), threads=0))
    crops = [_drawn(part, options, "train") for part in PARTS]
    held_out = [_drawn(part, options, "measure") for part in PARTS]
    network, optimizer, done = _start(options)
    figures = _figures(network, held_out) if done >= options.epochs else {}
    clock = Clock(options.epochs - done, sum(len(one.pictures) for one in crops), tell)
    while done < options.epochs:
        loss = _epoch(network, optimizer, crops, done, options, clock)
        done += 1
        state = {"epoch": done, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
        figures = _figures(network, held_out)
        found = {f"{what} {name}": f for what, of in figures.items() for name, f in of.items()}
        checkpoint(options.work_dir, state, done, loss, optimizer.param_groups[0]["lr"], found)
        clock.epoch()
        if progress:
            progress(done, options.epochs, loss)
    return export_weights(save_weights(options.out, network.state_dict(), _card(figures, crops, options)))


def _drawn(part: str, options: SilhouetteTraining, purpose: str) -> Outlined:
    """Crops of rendered photos, kept in the work folder: drawing them takes minutes."""
    measured = round(MEASURED * options.rendered)
    photos = range(measured) if purpose == "measure" else range(measured, options.rendered)

    def draw() -> dict[str, npt.NDArray[np.uint8]]:
        made = outlined(part, photos, STREAM, options.seed)
        return {"pictures": made.pictures, "truths": made.truths}

    data = kept(options.work_dir / f"{purpose}-{part}", draw)
    return Outlined(part, np.asarray(data["pictures"], np.uint8), np.asarray(data["truths"], np.uint8))


def _start(options: SilhouetteTraining) -> tuple[torch.nn.Module, torch.optim.Optimizer, int]:
    """Network and optimizer as they were left, or as ImageNet made them; epochs done."""
    network: Any = build()
    load_imagenet(torch.nn.ModuleList([*network.stem, network.stages]))
    for module in _frozen(network, options.freeze):
        module.requires_grad_(False)
    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=options.learning_rate, weight_decay=1e-4)
    last, done = options.work_dir / "last.pt", 0
    if last.is_file():
        state = torch.load(last, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        done = int(state["epoch"])
    network.to(memory_format=torch.channels_last)
    return network, optimizer, done


def _frozen(network: Any, stages: int) -> list[torch.nn.Module]:
    return [network.stem, *network.stages[:stages]] if stages else []


def _epoch(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    crops: list[Outlined],
    epoch: int,
    options: SilhouetteTraining,
    clock: Clock,
) -> float:
    """One round over all crops, drawn from the seed and the epoch, so that a resumed run goes on alike."""
    rng = np.random.default_rng([options.seed, epoch])
    everyone = [(one, row) for one in crops for row in range(len(one.pictures))]
    steps = max(1, len(everyone) // options.batch)
    network.train()
    for module in _frozen(network, options.freeze):
        module.eval()  # else batch normalisation would go on moving
    losses = []
    clock.start(steps)
    for step, rows in enumerate(batches(len(everyone), options.batch, rng)):
        set_rate(optimizer, (epoch + step / steps) / options.epochs, options.learning_rate)
        pictures, truths = _batch([everyone[row] for row in rows], rng, options.strength)
        loss = _loss(network(pictures.contiguous(memory_format=torch.channels_last)), truths)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
        clock.step()
    return float(np.mean(losses))


def _batch(
    crops: Sequence[tuple[Outlined, int]], rng: np.random.Generator, strength: Strength
) -> tuple[torch.Tensor, torch.Tensor]:
    """Changed copies of crops (n, 3, h, w), normalised, and their truths (n, 2, h, w), 0 or 1."""
    pictures, truths = [], []
    for one, row in crops:
        matrix = moved(one.pictures[row].shape[:2], SHAPE, rng, strength, 1 / SHOWN)
        flip = 1 if rng.random() < 0.5 else -1
        picture = photographed(warped(one.pictures[row], matrix, SHAPE, cv2.INTER_LINEAR), rng, strength)
        pictures.append(picture[:, ::flip])
        truths.append(warped(one.truths[row], matrix, SHAPE, cv2.INTER_NEAREST)[:, ::flip])
    return normalised(torch.from_numpy(np.stack(pictures))), _told(np.stack(truths))


def _told(truths: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.stack([(truths & bit) > 0 for bit in (PART, EDGE)], 1)).float()


def _loss(odds: torch.Tensor, truths: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, and for both maps one minus Dice's coefficient: an edge is a hundredth of the pixels.

    Milletari, Navab and Ahmadi 2016, "V-Net", equation for the Dice loss.
    """
    shares = torch.sigmoid(odds)
    common = 2 * (shares * truths).sum((0, 2, 3)) + 1
    dice = common / (shares.square().sum((0, 2, 3)) + truths.sum((0, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(odds, truths) + (1 - dice).mean()


def _figures(network: torch.nn.Module, crops: list[Outlined]) -> dict[str, dict[str, float]]:
    """Over rendered crops never trained on: intersection over union of the part, F1 of the edge's pixels."""
    network.eval()
    found = {}
    for one in crops:
        counts = np.zeros((2, 3))
        for rows in _chunks(len(one.pictures)):
            pictures, truths = _plain(one, rows)
            with torch.inference_mode():
                told = network(pictures.contiguous(memory_format=torch.channels_last)) > 0
            both = torch.stack([told & (truths > 0), told, truths > 0]).sum((1, 3, 4))
            counts += both.T.numpy()
        (hit, said, is_part), (edge_hit, edge_said, is_edge) = counts
        found[f"rendered {one.part}"] = {
            "iou": round(float(hit / max(said + is_part - hit, 1)), 4),
            "edge_f1": round(float(2 * edge_hit / max(edge_said + is_edge, 1)), 4),
            "crops": len(one.pictures),
        }
    return found


def _chunks(count: int) -> Iterator[npt.NDArray[np.intp]]:
    yield from np.array_split(np.arange(count), -(-count // 16))


def _plain(one: Outlined, rows: npt.NDArray[np.intp]) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops as the pipeline cuts them."""
    still = Strength(degrees=0, zoom=0, shift=0)
    matrix = moved(one.pictures.shape[1:3], SHAPE, np.random.default_rng(0), still, 1 / SHOWN)
    pictures = np.stack([warped(one.pictures[row], matrix, SHAPE, cv2.INTER_LINEAR) for row in rows])
    truths = np.stack([warped(one.truths[row], matrix, SHAPE, cv2.INTER_NEAREST) for row in rows])
    return normalised(torch.from_numpy(pictures)), _told(truths)


def _card(
    figures: Mapping[str, Mapping[str, float]], crops: list[Outlined], options: SilhouetteTraining
) -> dict[str, Any]:
    settings = asdict(options)
    for name in ("out", "work_dir"):
        settings.pop(name)
    retrain = ["whalepipe", "train", KIND, *flags(options, ("rendered", "epochs", "batch", "freeze", "seed"))]
    return {
        "kind": KIND,
        "input": f"the crop, squashed to {SHAPE[0]} x {SHAPE[1]} pixels, RGB, normalised as for ImageNet",
        "parts": list(PARTS),
        "trained_on": [
            {
                "source": "rendered by whalepipe",
                "licence": "AGPL-3.0-or-later",
                "part": one.part,
                "crops": len(one.pictures),
            }
            for one in crops
        ],
        "figures": {**figures, "note": "on rendered photos never trained on"},
        "retrain": shlex.join([*retrain, "--out", f"weights/{options.out.name}"]),
        "cannot": list(CANNOT),
        "settings": settings,
    }
