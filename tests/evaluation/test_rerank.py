"""Re-ranking: those whose nearest are one's own nearest come first."""

import numpy as np

from whalepipe.evaluation.rerank import reranked


def around(angle: float, count: int, spread: float) -> np.ndarray:
    """So many unit vectors about a direction of the plane."""
    angles = angle + np.linspace(-spread, spread, count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_who_shares_neighbours_comes_before_who_is_a_little_nearer() -> None:
    # The nearest of the query is one whose own nearest 20 are of another group; the next 15 have it among theirs.
    own, stranger, others = around(-0.06, 15, 0.01), around(0.045, 1, 0.0), around(0.075, 40, 0.005)
    query, gallery = around(0.0, 1, 0.0), np.concatenate([own, stranger, others])
    found = reranked(query, gallery)[0]
    assert found.shape == (56,)
    assert np.argmax(query @ gallery.T) == 15
    assert np.argmin(found) == 14 and sorted(np.argsort(found)[:15]) == list(range(15))


def test_the_same_picture_is_nearest() -> None:
    gallery = np.concatenate([around(angle, 10, 0.1) for angle in (0.0, 1.0, 2.0)])
    assert np.argmin(reranked(gallery[[5, 25]], gallery), axis=1).tolist() == [5, 25]
