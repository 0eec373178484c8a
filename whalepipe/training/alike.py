"""Which photos are nearly the same, so that they stay on one side of a split, and which side chance puts them on."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

BITS = 64
AT_ONCE = 1024  # rows of a table of all pairs that are in memory
ALIKE_BITS = 6  # difference hashes that differ in no more are of near-duplicate photos

Picture = npt.NDArray[np.uint8]


def difference_hash(picture: Picture) -> int:
    """64 bits of (height, width, 3): whether each cell of an 8 x 9 thumbnail is brighter than its right neighbour."""
    small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int("".join("1" if b else "0" for b in bits), 2)


def alike(one: int, other: int) -> bool:
    """Whether two difference hashes are of near-duplicate photos."""
    return (one ^ other).bit_count() <= ALIKE_BITS


def pairs_alike(hashes: Sequence[int], others: Sequence[int], bits: int = ALIKE_BITS) -> Iterator[tuple[int, int]]:
    """All pairs of indices of difference hashes, the first of `hashes`, the second of `others`, that are.

    `bits`: in no more than so many they differ."""
    theirs = _bits(others)
    for begin in range(0, len(hashes), AT_ONCE):
        # Bits as 1 and -1: their product is BITS less twice the number in which two differ.
        found = np.argwhere(_bits(hashes[begin : begin + AT_ONCE]) @ theirs.T >= BITS - 2 * bits)
        yield from ((begin + int(i), int(j)) for i, j in found)


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` things the number of its group, the lowest index in it: a chain of pairs makes one group."""
    groups = list(range(count))

    def root(i: int) -> int:
        while groups[i] != i:
            groups[i] = groups[groups[i]]
            i = groups[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        groups[high] = low
    return [root(i) for i in range(count)]


def sights(names: Sequence[str], encounters: Sequence[str], hashes: Sequence[int]) -> list[int]:
    """For each photo the number of the encounter that it is of, for all that one can tell.

    A photo without an encounter is an encounter of its own; nearly the same photos of one animal are of one.
    """
    first: dict[str, int] = {}
    pairs = [(first.setdefault(e, i), i) for i, e in enumerate(encounters) if e]
    pairs += [(i, j) for i, j in pairs_alike(hashes, hashes) if names[i] == names[j]]
    return joined(len(names), pairs)


def _bits(hashes: Sequence[int]) -> npt.NDArray[np.float32]:
    raw = b"".join(value.to_bytes(BITS // 8, "big") for value in hashes)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8)).reshape(-1, BITS)
    return 2 * bits.astype(np.float32) - 1


def chance(seed: int, what: str, name: str) -> float:
    """A number from 0 to 1 that a name always draws, whichever other names there are."""
    digest = hashlib.sha256(f"{seed}/{what}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
