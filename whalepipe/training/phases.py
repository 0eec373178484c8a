"""A detector's epochs over one list of pictures: the run of Ultralytics' trainer, what it tells, what it leaves."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from whalepipe.files import storing
from whalepipe.training.curves import LOG, RATE, log_epoch, read_log
from whalepipe.training.duration import Clock, Tell
from whalepipe.training.finetune import Trainer, epochs_done, mean_weights
from whalepipe.training.heldout import JUDGED, Jury, best_epoch, is_over
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.weather import Weather

if TYPE_CHECKING:
    from whalepipe.training.detector import DetectorTraining

Progress = Callable[[int, int, float], None]  # epochs done, epochs in all, mean loss of the last one
State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Phase:
    """Which pictures, for how many epochs, and which epochs of the whole training these are."""

    folder: Path  # Ultralytics' own, with its checkpoints
    listed: Path  # pictures of an epoch
    pictures: int  # how many it lists
    epochs: int
    rate: float  # of learning, at its highest
    before: int  # epochs of the phases before this one
    after: int  # of the phases after it
    jury: Jury | None = None  # scores each epoch

    @property
    def total(self) -> int:
        """Epochs of the whole training."""
        return self.before + self.epochs + self.after

    def run(self, base: State, options: "DetectorTraining", progress: Progress | None, tell: Tell | None) -> State:
        """Train what is left to train and return the mean weights of the last epochs, or of the best one and those
        before it where a jury scores them. Raises StorageError."""
        last = self.folder / "weights" / "last.pt"
        done = epochs_done(last)
        self._judge_left_out(last, done, options)
        if done < self.epochs and not is_over(self.scores(options), options.patience):
            clock = Clock(self.total - self.before - done, self.pictures, tell)
            listed, names = str(self.listed.resolve()), dict(enumerate(options.parts))
            data = {"train": listed, "val": listed, "names": names, "nc": len(names), "channels": 3}
            keep_freed_memory()
            with storing(options.work_dir):
                overrides = self._overrides(options, last if done else None)
                watch = _Watch(self, options, last, clock, progress, tell)
                weather = Weather().scaled(options.weather) if options.weather else None
                Trainer(overrides, data, base, options.threads, watch, weather).train()
        return mean_weights(last, self.chosen(options))

    def _judge_left_out(self, last: Path, done: int, options: "DetectorTraining") -> None:
        """Score the epochs that were trained but not scored, since a kill came between."""
        for epoch in (e for e in range(1, done + 1) if self.jury and e not in self.scores(options)):
            log_epoch(options.work_dir, self.before + epoch, float("nan"), self.judged(last, epoch))

    def judged(self, last: Path, epoch: int) -> dict[str, float]:
        """What the jury finds of an epoch's weights, as the log has it."""
        found = self.jury(mean_weights(last, [epoch])) if self.jury else {}
        return {f"{name} held out": value for name, value in found.items()}

    def chosen(self, options: "DetectorTraining") -> range:
        """The epochs of this phase, of those trained, whose weights are averaged."""
        end = best_epoch(self.scores(options)) or self.epochs
        return range(max(1, end - options.average + 1), end + 1)

    def scores(self, options: "DetectorTraining") -> dict[int, float]:
        """What the jury said of this phase's epochs, from its log."""
        log = options.work_dir / LOG
        if self.jury is None or not log.is_file():
            return {}
        epochs = read_log(log).get(JUDGED, {}).items()
        return {e - self.before: score for e, score in epochs if self.before < e <= self.before + self.epochs}

    def _overrides(self, options: "DetectorTraining", last: Path | None) -> dict[str, Any]:
        """The arguments of Ultralytics' trainer; https://docs.ultralytics.com/usage/cfg/#train-settings names them."""
        return {
            "model": str(last) if last else options.architecture,
            "resume": str(last) if last else False,
            "data": str(self.listed.resolve()),
            "save_dir": str(self.folder.resolve()),
            "epochs": self.epochs,
            "imgsz": options.size,
            "batch": options.batch,
            "nbs": options.batch,  # a step for each batch
            "device": options.device,
            "seed": options.seed,
            "freeze": options.freeze,
            "optimizer": "AdamW",
            "lr0": self.rate,
            "cos_lr": True,
            "warmup_epochs": 0.5,
            "warmup_bias_lr": 0.0,
            "patience": 0,
            "degrees": 8.0,
            "scale": 0.6,
            "close_mosaic": max(1, self.epochs // 5) if self.epochs > 1 else 0,
            "amp": False,  # see finetune.Model
            "val": False,
            "plots": False,
            "verbose": False,
            "deterministic": False,
            "workers": 0 if options.device == "cpu" else min(8, os.cpu_count() or 1),
        }


@dataclass(frozen=True)
class _Watch:
    """What follows a step and an epoch."""

    phase: Phase
    options: "DetectorTraining"
    last: Path  # checkpoint, beside which each epoch's weights lie
    clock: Clock
    progress: Progress | None
    tell: Tell | None

    def start(self, steps: int) -> None:
        self.clock.start(steps)

    def step(self) -> None:
        self.clock.step()

    def epoch(self, done: int, losses: Mapping[str, float], rate: float) -> bool:
        phase, options = self.phase, self.options
        whole, loss = phase.before + done, sum(losses.values())
        log_epoch(options.work_dir, whole, loss, {**losses, RATE: rate, **phase.judged(self.last, done)})
        self.clock.epoch()
        if self.progress is not None:
            self.progress(whole, phase.total, loss)
        over = is_over(phase.scores(options), options.patience)
        if over and done < phase.epochs and self.tell:
            self.tell(f"no better since epoch {whole - options.patience}: no more epochs of these pictures")
        return over
