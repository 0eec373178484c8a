"""Which photos are of one sight of an animal."""

from whalepipe.training.alike import joined, pairs_alike, sights

ONE, OTHER = 0, 2**64 - 1  # difference hashes that have no bit in common


def test_a_chain_of_pairs_is_one_group() -> None:
    assert joined(6, [(3, 4), (1, 3), (5, 5)]) == [0, 1, 2, 1, 1, 5]
    assert joined(2, []) == [0, 1]


def test_what_is_alike_is_a_matter_of_bits() -> None:
    hashes = [0b0, 0b1111, 0b1111111]
    assert [pair for pair in pairs_alike(hashes, hashes) if pair[0] < pair[1]] == [(0, 1), (1, 2)]
    assert [pair for pair in pairs_alike(hashes, hashes, 3) if pair[0] < pair[1]] == [(1, 2)]


def test_an_encounter_is_one_and_so_are_near_duplicates_of_one_animal() -> None:
    assert sights(["a", "a", "b"], ["e", "", "e"], [ONE, OTHER, OTHER]) == [0, 1, 0]
    assert sights(["a", "a", "a"], ["", "", ""], [ONE, OTHER, ONE]) == [0, 1, 0]
    # Those of two animals are none: else a's photos would be of one encounter by way of b's.
    assert sights(["a", "b", "b", "a"], ["", "e", "e", ""], [ONE, ONE, OTHER, OTHER]) == [0, 1, 1, 3]
