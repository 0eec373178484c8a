"""Networks of torch on a graphics processor: several pictures at a time, as many as its memory holds, and on CUDA in 16
bits where those are enough (Micikevicius et al. 2018, "Mixed precision training", ICLR) with colours side by side.

What a picture's numbers are does not depend on what else runs, unless memory runs short: pictures that go together are
those of one photo, or batches are filled up. None of it was run on real hardware yet.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from whalepipe.models.device import TORCH

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)
Given = TypeVar("Given")
Said = TypeVar("Said")
Picture = npt.NDArray[np.uint8]
Raw = npt.NDArray[np.float32]


def short_of_memory(error: Exception) -> bool:
    """Whether it is what torch raises where the memory of a device does not suffice: of CUDA, of MPS, of whichever."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


class Batches(Generic[Given, Said]):
    """What is run together, so many at a time; half as many from then on wherever memory runs short."""

    def __init__(self, run: Callable[[Sequence[Given]], Sequence[Said]], size: int, filled: bool = False) -> None:
        """`filled`: with the last one, so that all batches are of one size."""
        self.size, self._run, self._filled = size, run, filled

    def __call__(self, items: Sequence[Given]) -> list[Said]:
        """What is said of each. Raises what `run` raises, lack of memory only where one alone is too much."""
        said: list[Said] = []
        while len(said) < len(items):
            size = self.size
            some = list(items[len(said) : len(said) + size])
            padded = some + [some[-1]] * (size - len(some)) if self._filled else some
            made = self._tried(padded)
            if made is not None:
                said += made[: len(some)]
        return said

    def fit(self, sample: Given) -> None:
        """Find out how many fit by so many of one sample: before the first photo, so that it is settled for all."""
        self([sample] * self.size)

    def _tried(self, items: Sequence[Given]) -> Sequence[Said] | None:
        """None where there are to be fewer."""
        try:
            return self._run(items)
        except Exception as error:
            if not short_of_memory(error) or len(items) == 1:
                raise
        # Here what was reckoned with is free again: the error, which held it, is gone.
        self.size = min(self.size, len(items) // 2)
        _release()
        log.warning("the graphics processor is short of memory: %d pictures at a time from now on", self.size)
        return None


def _release() -> None:
    """Give back what torch keeps for later."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():  # torch.mps itself cannot be asked in the oldest versions that serve
        torch.mps.empty_cache()


class Gathered(Generic[Given, Said]):
    """What several threads ask for at a time is run together."""

    def __init__(self, batches: Batches[Given, Said]) -> None:
        self._batches = batches
        self._waiting: list[tuple[Given, Future[Said]]] = []
        self._list, self._running = threading.Lock(), threading.Lock()

    def __call__(self, item: Given) -> Said:
        """What is said of it. Raises what the batches raise."""
        own: Future[Said] = Future()
        with self._list:
            self._waiting.append((item, own))
        with self._running:  # whoever comes first runs for all that wait by then
            if not own.done():
                self._run_waiting()
        return own.result()

    def _run_waiting(self) -> None:
        with self._list:
            taken, self._waiting = self._waiting, []
        try:
            for (_, future), said in zip(taken, self._batches([item for item, _ in taken]), strict=True):
                future.set_result(said)
        except BaseException as error:  # an interrupt, too: the others wait for an answer
            for _, future in taken:
                future.set_exception(error)
            if not isinstance(error, Exception):
                raise


def in_fewer_digits(device: str) -> AbstractContextManager[Any]:
    """Within, CUDA multiplies in 16 bits, and adds in 32; on another device nothing is changed."""
    import torch

    return torch.autocast("cuda", dtype=torch.float16) if _is_cuda(device) else nullcontext()


def moved(model: Any, device: str) -> Any:
    """A network on a device, its numbers in the order in which CUDA's 16-bit convolutions want them."""
    import torch

    return model.to(device, memory_format=torch.channels_last) if _is_cuda(device) else model.to(device)


def _is_cuda(device: str) -> bool:
    return device.startswith("cuda")


def in_all_digits(module: Any) -> None:
    """Have one module of a network run in 32 bits all the same."""
    import torch

    forward = module.forward

    def whole(*given: Any) -> Any:
        with torch.autocast(next(module.parameters()).device.type, enabled=False):
            return forward(*(_wide(one) for one in given))

    module.forward = whole


def _wide(given: Any) -> Any:
    return [one.float() for one in given] if isinstance(given, list | tuple) else given.float()


class OnGpu:
    """A network there, as network.py says, that also takes several pictures at a time."""

    def __init__(
        self, model: Any, prepared: "Callable[[torch.Tensor], torch.Tensor]", device: str, at_once: int = 1
    ) -> None:
        """`prepared` makes (N, h, w, 3) bytes what the model takes; `at_once`: pictures, at most, if they fit."""
        self._model, self._prepared, self._device = moved(model, device), prepared, device
        self._batches = Batches(self._run, at_once)

    def __call__(self, picture: Picture) -> Raw:
        """What the network says of one picture (h, w, 3)."""
        return self.several([picture])[0]

    def fit(self, shape: tuple[int, int]) -> None:
        """Find out how many pictures of this height and width fit at a time."""
        self._batches.fit(np.zeros((*shape, 3), np.uint8))

    def several(self, pictures: Sequence[Picture]) -> list[Raw]:
        """Of each: those of one shape go together."""
        said: dict[int, Raw] = {}
        for shape in sorted({picture.shape for picture in pictures}):
            alike = [number for number, picture in enumerate(pictures) if picture.shape == shape]
            said.update(zip(alike, self._batches([pictures[number] for number in alike]), strict=True))
        return [said[number] for number in range(len(pictures))]

    def _run(self, pictures: Sequence[Picture]) -> list[Raw]:
        import torch

        with TORCH, torch.inference_mode(), in_fewer_digits(self._device):
            raw = self._model(self._prepared(torch.from_numpy(np.stack(pictures)).to(self._device)))
            raw = raw[0] if isinstance(raw, tuple | list) else raw
            return list(raw.float().cpu().numpy())
