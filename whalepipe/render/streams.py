"""Streams: named sources of chance, so that what one purpose draws no other can."""

import hashlib

import numpy as np

KEPT = ("demo", "test")  # what the demo and the tests show: no training may have seen it


def scene_rng(stream: str, *which: str | int) -> np.random.Generator:
    """Return the generator of one scene: its sea, its camera, and where which animals are.

    It is seeded with a digest of the stream's name and of words and numbers that name the scene, so scenes of two
    streams never begin alike, whatever the numbers are. Raises ValueError for an empty name.
    """
    if not stream:
        raise ValueError("a stream needs a name")
    text = "/".join([stream, "scene", *(str(word) for word in which)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def for_training(stream: str) -> str:
    """Return a stream's name unless it is kept from training. Raises ValueError for "demo" and "test"."""
    if stream in KEPT:
        raise ValueError(f"the stream {stream!r} is kept to score on: choose another than {' and '.join(KEPT)}")
    return stream
