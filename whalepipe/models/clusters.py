"""Crops that show one animal, by their vectors alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def cosines_of(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """The cosine (n, n) of each two of n unit vectors, to four decimals."""
    stacked = np.stack(vectors).astype(np.float64)
    return np.asarray(np.round(stacked @ stacked.T, 4))


def group(cosines: NDArray[np.float64], photos: Sequence[str], least: float) -> list[list[int]]:
    """Crops that show one animal: average-linkage clustering (Sokal and Michener 1958) that never joins one photo.

    `cosines` is (n, n); two groups are joined, the most alike first, while the mean cosine between their crops is at
    least `least` and no photo is in both. Each group lists its members in order; groups by their first member.
    """
    means = np.where(_same_photo(photos), -np.inf, cosines)
    np.fill_diagonal(means, -np.inf)
    sizes = np.ones(len(photos))
    groups: dict[int, list[int]] = {i: [i] for i in range(len(photos))}
    best = means.max(axis=1, initial=-np.inf)  # of each row, so that not the whole table is searched at every join
    while len(groups) > 1:
        a = int(np.argmax(best))
        b = int(np.argmax(means[a]))
        if not means[a, b] >= least or np.isinf(means[a, b]):
            break
        a, b = min(a, b), max(a, b)
        stale = np.isfinite(best) & ((means[:, a] == best) | (means[:, b] == best))
        joined = np.round((sizes[a] * means[a] + sizes[b] * means[b]) / (sizes[a] + sizes[b]), 6)
        joined[[a, b]] = -np.inf
        means[a], means[:, a] = joined, joined
        means[b], means[:, b] = -np.inf, -np.inf
        best = np.maximum(best, joined)
        best[stale] = means[stale].max(axis=1)
        sizes[a] += sizes[b]
        groups[a] = sorted(groups[a] + groups.pop(b))
    return sorted(groups.values())


def _same_photo(photos: Sequence[str]) -> NDArray[np.bool_]:
    names = np.array(photos, dtype=object)
    return np.asarray(names[:, None] == names[None, :], dtype=np.bool_)
