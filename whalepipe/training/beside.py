"""Finished weights that vote beside new ones: their tensors and what the new card says of them."""

from collections.abc import Sequence
from typing import Any

import torch

from whalepipe.models.embedder import beside, part_of
from whalepipe.models.weights import Weights, load_state

# Of a card: what it is, and how made.
KEPT = ("backbone", "architecture", "shown", "dimension", "size", "sizes", "trained_on", "retrain", "settings")


def beside_it(voting: Sequence[Weights]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors under the names that tell them from the first network's, and the card's entry; both empty for none.

    Weights beside which others vote bring these along.
    """
    state: dict[str, torch.Tensor] = {}
    cards: list[dict[str, Any]] = []
    for weights in voting:
        every = load_state(weights)
        for number, card in enumerate([weights.card, *weights.card.get("beside", ())]):
            cards.append({"weights": weights.digest, **{key: card[key] for key in KEPT if key in card}})
            state |= {beside(len(cards)) + name: tensor for name, tensor in part_of(every, number).items()}
    return state, {"beside": cards} if cards else {}
