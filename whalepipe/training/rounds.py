"""What trainings of ours share: a folder of one's own to go on from, batches, the rate of learning, checkpoints."""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from whalepipe.errors import WhalepipeError
from whalepipe.files import write_aside
from whalepipe.training.curves import RATE, log_epoch

WARM_UP = 0.05  # of all steps
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
Averaging = Callable[[Tensors, Tensors, int | torch.Tensor], None]


def claim(folder: Path, *what: object) -> None:
    """Refuse a folder in which another training was begun: its checkpoint does not fit this one."""
    mark = folder / "training.txt"
    text = "".join(f"{thing!r}\n" for thing in what)
    if mark.is_file() and mark.read_text(encoding="utf-8") != text:
        raise WhalepipeError(f"{folder} holds another training; choose another --work-dir or remove it")
    write_aside(mark, text.encode())


def batches(count: int, batch: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """Row numbers in random order; what does not fill a last batch is left out."""
    order = rng.permutation(count)
    for start in range(0, max(count - batch, 0) + 1, batch):
        yield order[start : start + batch]


def running_mean(kept: float) -> Averaging:
    """How a step moves the running mean of the weights, of which it leaves the share `kept`; at first less.

    After n steps no more than (1 + n) / (10 + n): else a short training would end mostly with what it began with (as
    TensorFlow's ExponentialMovingAverage has it).
    """

    def moved(means: Tensors, now: Tensors, steps: int | torch.Tensor) -> None:
        share = min(kept, (1 + int(steps)) / (10 + int(steps)))
        get_ema_multi_avg_fn(share)(means, now, steps)  # type: ignore[no-untyped-call]

    return moved


def set_rate(optimizer: torch.optim.Optimizer, done: float, rate: float) -> None:
    """Warm-up, then half a cosine down to nothing; `done` is the share of all steps, 0 to 1.

    A group's `share` multiplies its rate.
    """
    factor = done / WARM_UP if done < WARM_UP else 0.5 * (1 + np.cos(np.pi * (done - WARM_UP) / (1 - WARM_UP)))
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0) * max(float(factor), 0.01)


def checkpoint(
    folder: Path, state: Mapping[str, Any], epoch: int, loss: float, rate: float, found: Mapping[str, float]
) -> None:
    """Write last.pt aside, then the epoch's line of the log (see `curves`), and draw the log."""
    out = io.BytesIO()
    torch.save(dict(state), out)
    write_aside(folder / "last.pt", out.getvalue())
    log_epoch(folder, epoch, loss, {RATE: rate, **found})
