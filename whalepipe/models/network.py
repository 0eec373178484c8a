"""A network as torch runs it, a picture at a time; its exported form (exported.py) takes and gives the same."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whalepipe.models.device import TORCH
from whalepipe.models.gpu import OnGpu

if TYPE_CHECKING:
    import torch

Picture = npt.NDArray[np.uint8]
Network = Callable[[Picture], npt.NDArray[np.float32]]  # a picture (h, w, 3) RGB in, what is said of it out


def torch_network(
    model: Any, prepared: "Callable[[torch.Tensor], torch.Tensor]", device: str, at_once: int = 1
) -> Network:
    """A network on a device; on a graphics processor it may be asked for so many pictures together (gpu.py)."""
    return TorchNetwork(model, prepared) if device == "cpu" else OnGpu(model, prepared, device, at_once)


class TorchNetwork:
    """A network on the processor."""

    def __init__(self, model: Any, prepared: "Callable[[torch.Tensor], torch.Tensor]") -> None:
        """`prepared` makes (1, h, w, 3) bytes what the model takes."""
        self._model, self._prepared = model, prepared

    def __call__(self, picture: Picture) -> npt.NDArray[np.float32]:
        """What the network says, as Network says."""
        import torch

        with TORCH, torch.inference_mode():
            raw = self._model(self._prepared(torch.from_numpy(picture[None])))
            raw = raw[0] if isinstance(raw, tuple | list) else raw
            said: npt.NDArray[np.float32] = raw[0].numpy()
        return said
