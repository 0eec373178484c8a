"""Pseudo-labels: crops that nobody named are named by what was trained, and trained on in turn.

Lee 2013, "Pseudo-label: the simple and efficient semi-supervised learning method for deep neural networks".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whalepipe.errors import WhalepipeError
from whalepipe.models.species import softmax
from whalepipe.training.alike import difference_hash, pairs_alike
from whalepipe.training.duration import Tell
from whalepipe.training.recipes.answers import see
from whalepipe.training.recipes.fitting import Fitted
from whalepipe.training.recipes.recipe import Recipe
from whalepipe.training.recipes.sampling import Crops


def with_pseudo_labels(
    crops: Crops, held: Sequence[int], nameless: Crops, fitted: Fitted, recipe: Recipe, tell: Tell | None
) -> Crops:
    """The crops, and behind them the nameless ones of which the classifier is sure, under the names that it gives.

    Says that no figure on those means anything from then on; more loudly where they are nearly the same pictures as
    `held` ones. Raises WhalepipeError for a recipe without a classifier.
    """
    if not fitted.criterion.classifies:
        raise WhalepipeError(f"the recipe {recipe.name} has no classifier that could give pseudo-labels")
    names = fitted.plan.names
    seen = see(fitted.network, fitted.criterion, nameless.pictures, recipe.shown.size, fitted.seen, len(names))
    assert seen.logits is not None
    probabilities = softmax(seen.logits)
    rows = [int(i) for i in np.flatnonzero(probabilities.max(axis=1) >= recipe.answer.pseudo)]
    if tell:
        tell(
            f"warning: {len(rows)} of {len(nameless)} crops without a name are trained on under the name that the "
            "classifier gave them; if they are the photos you will be judged by, that judgement flatters"
        )
        touched = _touching(crops, held, nameless, rows)
        if touched:
            tell(f"warning: {touched} held-out test photos are nearly the same as these; figures on them flatter")
    species = {crops.classes[i]: crops.species[i] for i in range(len(crops))}
    given = [names[int(probabilities[i].argmax())] for i in rows]
    return replace(
        crops,
        pictures=np.concatenate([crops.pictures, nameless.pictures[rows]]),
        classes=[*crops.classes, *given],
        species=[*crops.species, *(species[name] for name in given)],
        groups=[*crops.groups, *(f"pseudo/{i}" for i in rows)],
        parts=[*crops.parts, *(nameless.parts[i] for i in rows)],
    )


def _touching(crops: Crops, held: Sequence[int], nameless: Crops, rows: Sequence[int]) -> int:
    hashes = [difference_hash(crops.pictures[i]) for i in held]
    return len({i for i, _ in pairs_alike(hashes, [difference_hash(nameless.pictures[i]) for i in rows])})
