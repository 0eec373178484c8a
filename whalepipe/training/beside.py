"""Finished weights that vote beside new ones: their tensors and what the new card says of them."""

from collections.abc import Sequence
from typing import Any

import torch

from whalepipe.models.embedder import SHARES, beside, part_of
from whalepipe.models.ensemble import networks_of, shares_of
from whalepipe.models.weights import Weights, load_state


def beside_it(voting: Sequence[Weights]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors under the names that tell them from the first network's, and the card's entry; both empty for none.

    Weights beside which others vote bring these along.
    """
    return _beside(_tensors(voting)), {"beside": networks_of(voting)} if voting else {}


def together(weights: Weights) -> dict[str, torch.Tensor]:
    """The tensors of several joined files in one, and the shares of the networks, where they have some."""
    first, *others = _tensors(weights.joined)
    shares = shares_of(weights.card, weights.path)
    return {**first, **_beside(others), **({SHARES: torch.tensor(shares)} if shares else {})}


def _beside(networks: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The tensors of networks beside a first one, under their names in its file."""
    return {beside(n) + name: tensor for n, one in enumerate(networks, start=1) for name, tensor in one.items()}


def _tensors(every: Sequence[Weights]) -> list[dict[str, torch.Tensor]]:
    """Those of each network of several files, in the order of `networks_of`."""
    states = [(load_state(one), 1 + len(one.card.get("beside", ()))) for one in every]
    return [part_of(state, number) for state, count in states for number in range(count)]
