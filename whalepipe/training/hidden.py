"""What tells by the embedder's vector how much of a part is hidden: a line, learned on rendered animals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV

from whalepipe.training.exemplars import Exemplar

Vectors = npt.NDArray[np.float32]

STRENGTHS = np.logspace(-2, 3, 11)  # of the regularisation, the best of which is taken


def line(drawn: Sequence[Exemplar], vectors: Vectors) -> npt.NDArray[np.float64]:
    """(dimension + 1,): the share hidden is the product with a vector and 1.

    Ridge regression (Hoerl and Kennard 1970), its strength by leaving each crop out in turn.
    """
    model = RidgeCV(STRENGTHS).fit(vectors, [e.hidden for e in drawn])
    return np.append(model.coef_, model.intercept_)


def told(drawn: Sequence[Exemplar], vectors: Vectors, by: npt.NDArray[np.float64]) -> float:
    """Rank correlation of what a line tells with what is true, of animals that it was not learned on."""
    return round(float(spearmanr([e.hidden for e in drawn], vectors @ by[:-1] + by[-1]).statistic), 4)
