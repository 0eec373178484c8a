"""An index of eight bits a number (FAISS), which says quickly which crops are worth comparing exactly.

Every crop is looked at, so nothing is trained and nothing left out unseen: a number of a vector becomes a whole one
from -127 to 127 by a rule that knows no other vector. Sums of products of whole numbers are exact in whatever order
they are added up, so that what is found depends on the crops alone: not on the machine, its threads, or the order in
which they came. An index that looks at a part of them only (IVF, HNSW) is faster, but depends on what it was trained
or built with: two catalogues that hold the same would give two answers (docs/figures.md compares them).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whalepipe.models.device import cores

VERSION = 1
MOST = 127
REACH = 8.0  # numbers of a unit vector beyond so many times their usual size, which are a few in 100,000, are cut

Vectors = NDArray[np.float32]


def whole(vectors: Vectors) -> Vectors:
    """Unit vectors (..., dimension) as whole numbers, still float32."""
    scale = MOST * np.sqrt(vectors.shape[-1]) / REACH
    return np.asarray(np.clip(np.rint(vectors * scale), -MOST, MOST), np.float32)


def empty(dimension: int) -> Any:
    """A segment without vectors."""
    import faiss

    return faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )


def extended(segment: Any, vectors: Vectors) -> None:
    """Add unit vectors, (n, dimension), to a segment that lies in memory."""
    segment.add(np.ascontiguousarray(whole(vectors)))


def packed(segment: Any) -> memoryview:
    """The bytes of a segment's file."""
    import faiss

    data: Any = faiss.serialize_index(segment)
    return memoryview(data)


def read(path: Path, mapped: bool) -> Any:
    """A segment; mapped: its numbers stay in the file and are read as they are needed. Raises RuntimeError."""
    import faiss

    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)


def scan(segments: Sequence[Any], query: Vectors, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows, counted over all segments, that look most like a query, (dimension,), and how much.

    The `count` best or, where several are as good as the last of these, those that are better: in whatever order the
    rows stand, it is the same crops.
    """
    import faiss

    asked = whole(query)[None]
    begins = np.cumsum([0, *(s.ntotal for s in segments)])

    def search(segment: Any) -> Any:
        faiss.omp_set_num_threads(1)  # of this thread: several segments are searched at a time
        return segment.search(asked, min(count, segment.ntotal))

    with ThreadPoolExecutor(max_workers=min(cores(), len(segments))) as pool:
        found = list(pool.map(search, segments))
    scores = np.concatenate([s[0] for s, _ in found])
    rows = np.concatenate([r[0] + begin for (_, r), begin in zip(found, begins, strict=False)])
    if len(scores) > count:
        order = np.argsort(-scores, kind="stable")[:count]
        scores, rows = scores[order], rows[order]
    better = scores > scores.min() if begins[-1] > count else np.ones(len(scores), bool)
    return rows[better], scores[better]
