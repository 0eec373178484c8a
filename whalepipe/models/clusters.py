"""Crops that show one animal, by their vectors alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024  # rows of cosines made at a time
FINE = 1_000_000  # to six decimals
NEVER = np.iinfo(np.int32).min


def group(vectors: Sequence[NDArray[np.float32]], photos: Sequence[str], least: float) -> list[list[int]]:
    """Crops that show one animal: average-linkage clustering (Sokal and Michener 1958) that never joins one photo.

    `vectors` are of unit length; two groups are joined, the most alike first, while the mean cosine between their crops
    is at least `least` and no photo is in both. Each group lists its members in order; groups by their first member.
    Takes 4 bytes for each pair of crops.
    """
    if not photos:
        return []
    means = _cosines(vectors, photos)
    sizes = np.ones(len(photos))
    groups: dict[int, list[int]] = {i: [i] for i in range(len(photos))}
    best = means.max(axis=1, initial=NEVER)  # of each row, so that not the whole table is searched at every join
    while len(groups) > 1:
        a = int(np.argmax(best))
        b = int(np.argmax(means[a]))
        if means[a, b] == NEVER or not means[a, b] / FINE >= least:
            break
        a, b = min(a, b), max(a, b)
        stale = (best != NEVER) & ((means[a] == best) | (means[b] == best))  # the table is symmetric, rows are faster
        joined = _joined(means[a], means[b], sizes[a], sizes[b])
        joined[[a, b]] = NEVER
        means[a], means[:, a] = joined, joined
        means[b], means[:, b] = NEVER, NEVER
        best = np.maximum(best, joined)
        again = np.flatnonzero(stale)
        best[again] = [means[row].max() for row in again]
        sizes[a] += sizes[b]
        groups[a] = sorted(groups[a] + groups.pop(b))
    return sorted(groups.values())


def _cosines(vectors: Sequence[NDArray[np.float32]], photos: Sequence[str]) -> NDArray[np.int32]:
    """The cosine of each two, to four decimals, in millionths; NEVER for two of one photo and for one and itself."""
    stacked = np.stack(vectors).astype(np.float64)
    _, named = np.unique(np.array(photos, dtype=object), return_inverse=True)
    found = np.empty((len(stacked), len(stacked)), dtype=np.int32)
    for start in range(0, len(stacked), BLOCK):
        rows = slice(start, start + BLOCK)
        exact = np.rint(stacked[rows] @ stacked[start:].T * 1e4).astype(np.int32) * (FINE // 10_000)
        exact[named[rows, None] == named[None, start:]] = NEVER
        found[rows, start:], found[start:, rows] = exact, exact.T
    return found


def _joined(
    one: NDArray[np.int32], other: NDArray[np.int32], size: np.float64, others: np.float64
) -> NDArray[np.int32]:
    """The mean cosines of two groups taken as one, to six decimals, in millionths."""
    mean = (size * (one / FINE) + others * (other / FINE)) / (size + others)
    never = (one == NEVER) | (other == NEVER)
    return np.where(never, NEVER, np.rint(mean * FINE)).astype(np.int32)
