"""Re-ranking by k-reciprocal encoding: Zhong et al. 2017, "Re-ranking person re-identification with k-reciprocal
encoding", equations 3 to 12.

It uses the other queries too, which one query alone does not have, and its distances have no calibration: for
comparisons only, the pipeline does without.
"""

import numpy as np
from numpy.typing import NDArray

NEAR, FEW, SHARE = 20, 6, 0.3  # k1, k2 and lambda of the paper

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]


def reranked(queries: Vectors, gallery: Vectors) -> Floats:
    """Distances (queries, gallery) of unit vectors, (queries, dimension) and (gallery, dimension).

    Two are near that share those which have each other among their nearest.
    """
    every = np.concatenate([queries, gallery]).astype(np.float64)
    distance = 2 - 2 * every @ every.T
    distance = distance / distance.max(axis=0)
    ranks = np.argsort(distance, axis=1, kind="stable")
    encoded = np.zeros_like(distance)
    for i in range(len(every)):
        mutual = _mutual(ranks, i, NEAR)
        wider = set(mutual.tolist())
        for j in mutual:
            theirs = _mutual(ranks, int(j), NEAR // 2)
            if len(np.intersect1d(theirs, mutual)) > 2 / 3 * len(theirs):
                wider |= set(theirs.tolist())
        chosen = np.array(sorted(wider))
        weights = np.exp(-distance[i, chosen])
        encoded[i, chosen] = weights / weights.sum()
    encoded = np.stack([encoded[ranks[i, :FEW]].mean(axis=0) for i in range(len(every))])
    jaccard = np.zeros((len(queries), len(gallery)))
    held = encoded[len(queries) :]
    for i in range(len(queries)):
        used = np.flatnonzero(encoded[i])
        least = np.minimum(encoded[i, used], held[:, used]).sum(axis=1)
        jaccard[i] = 1 - least / (2 - least)
    return np.asarray((1 - SHARE) * jaccard + SHARE * distance[: len(queries), len(queries) :])


def _mutual(ranks: NDArray[np.intp], i: int, count: int) -> NDArray[np.intp]:
    """Those of the nearest of i that have i among their own nearest."""
    near = ranks[i, : count + 1]
    return np.asarray(near[(ranks[near, : count + 1] == i).any(axis=1)])
