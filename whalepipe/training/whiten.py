"""The last step of training: the layers behind the backbone computed from the features that it gives by then.

In pooled features a few directions vary far more than all others and say little about who it is; a cosine would hear
only them. Centred, each channel brought to one variance, and the directions evened out in part (Jegou and Chum 2012,
"Negative evidences and co-occurrences in image retrieval", section 3; Radenovic et al. 2018, section 3.3, do the like).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from whalepipe.models.embedder import PLAIN
from whalepipe.models.inputs import Input

BATCH = 64  # crops that are embedded at a time
SHRINKAGE = 10.0  # times the mean variance is added to that of each direction: the larger, the less they are evened out


@torch.no_grad()
def whiten(network: Any, pictures: npt.NDArray[np.uint8], sizes: Sequence[int], how: Input = PLAIN) -> None:
    """Replace the network's linear layer and neck of each look, at pictures of these sizes.

    `pictures` are the training crops, (N, height, width, 3) uint8; `how` the network is shown them.
    """
    network.eval()
    for look, size in enumerate(sizes):
        starts = range(0, len(pictures), BATCH)
        pooled = torch.cat([network.pooled(shown(pictures[i : i + BATCH], size, how)) for i in starts])
        linear, neck = network.head(look)
        weight, mean = whitening(pooled, linear.out_features)
        linear.weight.copy_(weight)
        neck.reset_parameters()  # scale 1, shift 0
        neck.running_mean.copy_(mean)
        neck.running_var.fill_(1.0)


def whitening(features: torch.Tensor, dimension: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The (dimension, channels) matrix for (N, channels) features, and the mean, (dimension,), of what it gives."""
    wide = features.double()
    spread = wide.std(dim=0).clamp(min=1e-6)
    standard = (wide - wide.mean(dim=0)) / spread
    values, vectors = torch.linalg.eigh(standard.T @ standard / len(wide))
    values, vectors = values.flip(0)[:dimension].clamp(min=0), vectors.flip(1)[:, :dimension]
    scale = (values + SHRINKAGE * values.mean()).sqrt()
    # Divided by the first, so that the numbers stay near those of the features in 16 bits.
    matrix = (vectors / (scale / scale[0])).T / spread
    return matrix.float(), (matrix @ wide.mean(dim=0)).float()


def shown(pictures: npt.NDArray[np.uint8], size: int, how: Input = PLAIN) -> torch.Tensor:
    """Training crops (n, height, width, 3) as a network is shown them: (n, 3, size, size) floats."""
    return how.tensor(list(pictures), size).contiguous(memory_format=torch.channels_last)
