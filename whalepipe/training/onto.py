"""Weights that grade already, and beside these a grade of further parts, from whether their crops are found again."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from whalepipe.errors import WhalepipeError
from whalepipe.models.arrays import load_arrays
from whalepipe.models.grade import FOUND, KIND, lines_of
from whalepipe.models.weights import Weights, find_weights, load_state
from whalepipe.training.found import grades_left_out, line
from whalepipe.training.graded import Example
from whalepipe.training.grading import figures_of, folds_of, kept_of


def base(name: str, embedder: str, parts: Sequence[str]) -> Weights:
    """The weights of this name. Raises WeightsError, and WhalepipeError where these parts cannot be graded beside."""
    weights = find_weights(name, KIND)
    if weights.card.get("embedder") != embedder:
        raise WhalepipeError(f"{weights.path}: was made with another embedder; name it by --set embed.weights=...")
    graded = set(weights.card.get("kept", ())) - lines_of(load_arrays(weights), FOUND).keys()
    if graded & set(parts):
        raise WhalepipeError(f"{weights.path}: people graded {min(graded & set(parts))}, and what they said stays")
    return weights


def beside(weights: Weights, made: Sequence[Example]) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
    """The tensors with a line for each part of the examples, and what changes in the card."""
    grades: npt.NDArray[np.float64] = grades_left_out(made, folds_of(made))
    state = dict(load_state(weights))
    for part in sorted({e.part for e in made}):
        own = line([e for e in made if e.part == part])
        state[FOUND + part] = torch.from_numpy(own.astype(np.float32))
    card = weights.card
    kept = {part: shares for part, shares in kept_of(made, grades).items() if part in {e.part for e in made}}
    return state, {
        "kept": {**card["kept"], **kept},
        "asked": {**card.get("asked", {}), **dict(sorted(Counter(e.asked for e in made).items()))},
        "figures": {**card.get("figures", {}), **figures_of(made, grades)},
    }
