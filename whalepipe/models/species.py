"""Species from a crop's vector: one small classifier for each part, that says nothing of what is far from all it knows.

Multinomial logistic regression on the embedder's vector, its logits divided by a temperature (Guo et al. 2017, "On
calibration of modern neural networks", section 4.2). A vector whose nearest example is farther than 95 of 100
examples are from their own nearest is left unnamed, as in Bendale and Boult 2016, "Towards open set deep networks":
the softmax alone is sure of things that it never saw.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import WeightsError
from whalepipe.models.arrays import load_arrays
from whalepipe.models.weights import Weights, find_weights, ships

log = logging.getLogger(__name__)
KIND = "species"
SHIPPED = "species"  # the name that stands in the configuration unless the user gives another
DECIMALS = 4  # of probabilities and cosines: what is compared is what is stored
LEAST_OTHERS = 0.1  # of 7 names all were right, which one in nine may still not be (Laplace)
ARRAYS = ("coefficients", "intercepts", "examples")

Numbers = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Told:
    """What a head says of one vector: species with probabilities, best first, and whether it is near what it knows."""

    candidates: Sequence[tuple[str, float]] = ()
    near: bool = False


@dataclass(frozen=True)
class Sure:
    """A species that was named, and how much a candidate of another one counts beside one of it."""

    species: str
    others: float  # 0 to 1


def sure(species: str, probability: float) -> Sure:
    """What a name with this probability leaves to other species: the odds against it.

    No less than LEAST_OTHERS, since names may be wrong more often than their probabilities say.
    """
    against = (1 - probability) / max(probability, LEAST_OTHERS)
    return Sure(species, round(min(max(against, LEAST_OTHERS), 1.0), DECIMALS))


@dataclass(frozen=True)
class Head:
    """The classifier of one part: K species, dimension D, N examples that it was fitted on."""

    species: Sequence[str]
    coefficients: Numbers  # (K, D), already divided by the temperature
    intercepts: Numbers  # (K,), the same
    examples: Numbers  # (N, D), unit vectors
    least_cosine: float  # to the nearest example: below it a vector is of something else

    def __call__(self, vector: Vector) -> Told:
        """What it says of a unit vector, (D,)."""
        wide = vector.astype(np.float64)
        probabilities = softmax(self.coefficients @ wide + self.intercepts)
        order = np.argsort(-probabilities, kind="stable")
        nearest = round(float((self.examples @ wide).max()), DECIMALS)
        ranked = [(self.species[i], round(float(probabilities[i]), DECIMALS)) for i in order]
        return Told(ranked, nearest >= self.least_cosine)


def softmax(logits: Numbers) -> Numbers:
    """Probabilities along the last axis; a logit of minus infinity gives 0."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


class SpeciesModel:
    """The heads of a weights file, loaded when the first vector is asked about."""

    def __init__(self, weights: Weights) -> None:
        self.digest, self._weights = weights.digest, weights

    def __call__(self, vector: Vector, part: str) -> Told:
        """What is known of a unit vector, (D,), of this part: nothing if it has no head. Raises WeightsError."""
        return self._heads[part](vector) if part in self._heads else Told()

    def head(self, part: str) -> Head | None:
        """The classifier of a part, if there is one. Raises WeightsError."""
        return self._heads.get(part)

    @cached_property
    def _heads(self) -> dict[str, Head]:
        arrays = {name: array.astype(np.float64) for name, array in load_arrays(self._weights).items()}
        try:
            return {part: _head(entry, part, arrays) for part, entry in self._weights.card["parts"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{self._weights.path}: its arrays do not fit the parts that its card names") from error


def _head(entry: Mapping[str, Any], part: str, arrays: Mapping[str, Numbers]) -> Head:
    species = [str(name) for name in entry["species"]]
    coefficients, intercepts, examples = (arrays[f"{part}.{name}"] for name in ARRAYS)
    if intercepts.shape != (len(species),) or coefficients.shape != (len(species), examples.shape[1]):
        raise ValueError(part)
    return Head(species, coefficients, intercepts, examples, float(entry["least_cosine"]))


def find_species(name: str, embedder: str) -> SpeciesModel | None:
    """The weights of this name, for vectors of the embedder with this digest; None where nothing tells species.

    That is so where none ship, and, with a warning, where the shipped ones are of another embedder's vectors.
    Raises WeightsError where the user named weights (not SHIPPED) that cannot be used, or the shipped are damaged.
    """
    if name == SHIPPED and not ships(name):
        return None
    weights = find_weights(name, KIND)
    if weights.card.get("embedder") == embedder:
        return SpeciesModel(weights)
    problem = f"{weights.path} tells species by the vectors of another embedder; make it anew with `train species`"
    if name != SHIPPED:
        raise WeightsError(problem)
    log.warning("%s; until then every species is unknown", problem)
    return None
