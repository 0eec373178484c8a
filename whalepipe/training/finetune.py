"""Ultralytics' trainer, made to run as a part: no connection, no print, no validation, fast on a processor.

Imported only where a detector is trained. Its checkpoint last.pt, written aside after each epoch, is a pickle: it is
read again from the run's own folder only.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from whalepipe.files import aside
from whalepipe.models.detector import import_ultralytics
from whalepipe.training.weather import Weather

Dataset: Any = import_ultralytics("ultralytics.data.dataset").YOLODataset
DetectionTrainer: Any = import_ultralytics("ultralytics.models.yolo.detect").DetectionTrainer
DetectionModel: Any = import_ultralytics("ultralytics.nn.tasks").DetectionModel


class Watch(Protocol):
    """Who is told how a training goes on."""

    def start(self, steps: int) -> None:
        """The first epoch begins, of so many steps."""

    def step(self) -> None:
        """A step is done."""

    def epoch(self, done: int, losses: Mapping[str, float], rate: float) -> bool:
        """An epoch is done and its weights are written: how many are, mean losses by kind, rate of learning.

        Returns whether it was the last.
        """


def half_precision(device: str) -> bool:
    """Whether the device multiplies bfloat16 faster than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    capabilities = known() if device == "cpu" else {}
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


class Model(DetectionModel):  # type: ignore[misc]
    """The detection model, its convolutions in bfloat16 where that is faster, its loss always in float32."""

    def loss(self, batch: dict[str, Any], preds: Any = None) -> Any:
        """Loss (box, class, distribution) of a batch, `img` (B, 3, H, W) from 0 to 1; see Ultralytics."""
        if preds is None:
            images = batch["img"].contiguous(memory_format=torch.channels_last)
            kind = images.device.type
            with torch.autocast(kind, torch.bfloat16, enabled=half_precision(kind)):
                preds = self.forward(images)
            preds = _floats(preds)
        return super().loss(batch, preds)


def _floats(value: Any) -> Any:
    """The same predictions, however they are nested, in float32."""
    if isinstance(value, torch.Tensor):
        return value.float()
    return {k: _floats(v) for k, v in value.items()} if isinstance(value, dict) else [_floats(v) for v in value]


class Photos(Dataset):  # type: ignore[misc]
    """Ultralytics' data set, each photo in some weather before it becomes part of a mosaic."""

    def __init__(self, weather: Weather | None, **settings: Any) -> None:
        self._weather = weather
        super().__init__(**settings)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """A photo, `img` (H, W, 3) uint8, and its boxes; see Ultralytics."""
        label: dict[str, Any] = super().get_image_and_label(index)
        if self._weather is not None:
            # From the generator that Ultralytics seeds, in each of its workers.
            label["img"] = self._weather(label["img"], np.random.default_rng(random.getrandbits(64)))
        return label


class Trainer(DetectionTrainer):  # type: ignore[misc]
    """Trains on a prepared folder; `base` (name to tensor) are the tensors to begin with, as far as they fit."""

    last: Path

    def __init__(
        self,
        overrides: dict[str, Any],
        data: dict[str, Any],
        base: dict[str, torch.Tensor],
        threads: int,
        watch: Watch,
        weather: Weather | None = None,
    ) -> None:
        self._prepared, self._base, self._watch, self._weather = data, base, watch, weather
        threads = threads or torch.get_num_threads()
        super().__init__(overrides=overrides)
        torch.set_num_threads(threads)  # Ultralytics has just set its own number

    def get_dataset(self) -> dict[str, Any]:
        """The prepared data; Ultralytics' own check would fetch a font."""
        return self._prepared

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Photos:
        """Photos as Ultralytics builds them, whose own builder takes no class of ours."""
        train = mode == "train"
        settings = {"imgsz": self.args.imgsz, "batch_size": batch, "augment": train, "hyp": self.args, "task": "detect"}
        return Photos(self._weather if train else None, img_path=img_path, data=self.data, **settings)

    def run_callbacks(self, event: str) -> None:
        """Report steps and epochs. Ultralytics' own callbacks would send statistics."""
        if event == "on_train_start":
            self._watch.start(len(self.train_loader))
        elif event == "on_train_batch_end":
            self._watch.step()
        elif event == "on_model_save":
            losses = {name: float(value) for name, value in self.tloss.items()}
            self.stop |= self._watch.epoch(self.epoch + 1, losses, float(self.optimizer.param_groups[0]["lr"]))

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = False) -> Model:  # noqa: ARG002
        """A model of the configuration that begins with the checkpoint, if there is one, or the base."""
        model: Model = Model(cfg, nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        state = self._base if weights is None else weights.state_dict()
        model.load_state_dict({**model.state_dict(), **fitting(state, model)})
        model.to(memory_format=torch.channels_last)
        return model

    def validate(self) -> tuple[dict[str, float], float]:
        """No validation: the folds are scored by `evaluate detector`, on photos that no training saw."""
        return {}, 0.0

    def final_eval(self) -> None:
        """Likewise; last.pt stays as it is."""

    def save_model(self) -> bool:
        """Write this epoch's weights, then last.pt, both aside, so that a kill leaves the one before whole."""
        last: Path = self.last
        with aside(epoch_file(last, self.epoch + 1)) as temporary:
            state = self.ema.ema.state_dict()
            torch.save({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, temporary)
        with aside(last) as temporary:
            self.last = temporary
            try:
                super().save_model()
            finally:
                self.last = last
        self.best.unlink(missing_ok=True)  # without validation it is the same
        return True


def fitting(state: dict[str, torch.Tensor], model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Those tensors of a state that the model has by the same name and shape."""
    own = model.state_dict()
    return {name: t.to(own[name].dtype) for name, t in state.items() if name in own and own[name].shape == t.shape}


def epoch_file(last: Path, epoch: int) -> Path:
    """Where the weights after an epoch (1, 2, ...) lie, beside last.pt."""
    return last.with_name(f"epoch-{epoch:04d}.pt")


def epochs_done(last: Path) -> int:
    """How many epochs a run's own checkpoint has behind it; 0 without one."""
    if not last.is_file():
        return 0
    return int(torch.load(last, map_location="cpu", weights_only=False)["epoch"]) + 1


def mean_weights(last: Path, epochs: Sequence[int]) -> dict[str, torch.Tensor]:
    """The mean of the weights after these epochs; what is no float (counters) is that of the last one."""
    states = [torch.load(epoch_file(last, e), map_location="cpu", weights_only=True) for e in epochs]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }
