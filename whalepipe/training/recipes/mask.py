"""Teach the network that finds an animal's mask, on rendered crops, whose masks are known."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from whalepipe.models.inputs import Input, fitted
from whalepipe.training.outlines import PART, outlined
from whalepipe.training.recipes.recipe import Mask
from whalepipe.training.rendered import STREAM
from whalepipe.training.rounds import batches

DRAWN = ("fluke", "dorsal_fin")  # parts that the renderer draws
BATCH = 16


def learn_mask(network: Any, part: str, shown: Input, how: Mask, seed: int) -> float:
    """Train a mask network on crops of rendered photos of a part (of flukes, where none of that part are drawn).

    Returns the share of intersection over union with the truth on a fifth of the crops, which it was not trained on.
    Raises WhalepipeError where no photo shows the part.
    """
    drawn = outlined(part if part in DRAWN else DRAWN[0], range(how.photos), STREAM, seed, workers=1)
    pictures = [fitted(p, (how.size, how.size)) for p in drawn.pictures]
    truths = np.stack([fitted((t & PART) * 255, (how.size, how.size)) for t in drawn.truths]) > 127
    aside = max(1, len(pictures) // 5)
    steps, rng = torch.optim.Adam(network.parameters(), how.rate), np.random.default_rng(seed)
    network.train()
    for _ in range(how.epochs):
        for rows in batches(len(pictures) - aside, min(BATCH, len(pictures) - aside), rng):
            seen = network(shown.tensor([pictures[i] for i in rows], how.size))["out"][:, 0]
            loss = binary_cross_entropy_with_logits(seen, torch.from_numpy(truths[rows]).float())
            steps.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            steps.step()
    network.eval()
    network.requires_grad_(False)
    with torch.inference_mode():
        told = network(shown.tensor(pictures[-aside:], how.size))["out"][:, 0].numpy() > 0
    return float((told & truths[-aside:]).sum() / max(1, (told | truths[-aside:]).sum()))
