"""Rendered pictures to train on: drawn by several processes, and kept, since that takes minutes."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from whalepipe import render
from whalepipe.files import write_aside

Item = TypeVar("Item")
Made = TypeVar("Made")
Arrays = Mapping[str, npt.NDArray[np.generic]]


def spread(make: Callable[[Item], Made], items: Iterable[Item], workers: int = 2, chunk: int = 8) -> list[Made]:
    """What `make` gives for each item, in their order, by so many processes of one thread each.

    `make` and what it is given must be picklable. What it raises is raised.
    """
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        return list(pool.map(make, items, chunksize=chunk))


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives, kept as .npz beside others under `path` and the renderer's state.

    After a change of the renderer they are made anew, since others would be drawn beside them. Raises StorageError.
    """
    file = path.with_name(f"{path.name}-{renderer_state()}.npz")
    if file.is_file():
        with np.load(file, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    made = make()
    out = io.BytesIO()
    np.savez(out, **made)  # type: ignore[arg-type]
    write_aside(file, out.getvalue())
    return made


@cache
def renderer_state() -> str:
    """The first 8 hexadecimal digits of the sha256 of the renderer's source."""
    sources = sorted(Path(render.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
