"""What the embedder is shown: who a mirror image is, how many rendered crops an epoch takes, how large a batch is."""

import numpy as np

from whalepipe.training.augment import Strength
from whalepipe.training.crops import Labelled, Split, rendered_set
from whalepipe.training.lessons import batch, lessons, taken


def grey(count: int, side: int = 64) -> np.ndarray:
    """Pictures (count, side, side, 3) of which each is one grey, its number."""
    return np.repeat(np.arange(count, dtype=np.uint8), side * side * 3).reshape(count, side, side, 3)


def real(part: str, names: list[str]) -> Labelled:
    return Labelled("real", part, grey(len(names)), names, [""] * len(names), [f"{i}.png" for i in range(len(names))])


def everyone(count: int) -> Split:
    return Split(list(range(count)), [], [])


def test_a_mirrored_fluke_is_another_individual_and_a_mirrored_fin_the_same():
    flukes, fins = real("fluke", ["a", "a", "b"]), real("dorsal_fin", ["a", "c"])
    those = lessons([flukes, fins], [everyone(3), everyone(2)], ("fluke", "dorsal_fin"))
    assert those.classes[0] == those.classes[1]
    assert those.mirrors[0] == those.mirrors[1]
    assert len({*those.classes[:3].tolist(), *those.mirrors[:3].tolist()}) == 4
    assert those.classes[3:].tolist() == those.mirrors[3:].tolist()


def test_parts_that_are_not_mirrored_have_no_mirror_image():
    those = lessons([real("head", ["a", "b"])], [everyone(2)], ("fluke",))
    assert those.mirrors.tolist() == [-1, -1]
    assert those.people == 2


def test_an_epoch_takes_every_real_crop_and_so_many_rendered_ones_of_each_part():
    heads = real("head", [str(i) for i in range(5)])
    flukes = rendered_set("fluke", grey(40), [str(i % 4) for i in range(40)], [f"{i}-0" for i in range(40)])
    fins = rendered_set("dorsal_fin", grey(3), ["a", "b", "c"], ["0-0", "1-0", "2-0"])
    those = lessons([heads, flukes, fins], [everyone(5), everyone(40), everyone(3)], ())
    rows = taken(those.rendered, 8, np.random.default_rng(0))
    assert sorted(rows[rows < 5].tolist()) == [0, 1, 2, 3, 4]
    assert len(set(rows[(rows >= 5) & (rows < 45)].tolist())) == 8
    assert sorted(rows[rows >= 45].tolist()) == [45, 46, 47]


def test_another_epoch_takes_other_rendered_crops_and_none_is_left_out_for_ever():
    rendered = np.array(["fluke"] * 30)
    seen = [set(taken(rendered, 10, np.random.default_rng(epoch)).tolist()) for epoch in range(30)]
    assert seen[0] != seen[1]
    assert set.union(*seen) == set(range(30))


def test_all_are_taken_where_nobody_asked_for_fewer():
    assert sorted(taken(np.array(["", "fluke", "fluke"]), 0, np.random.default_rng(0)).tolist()) == [0, 1, 2]


def test_batches_are_of_every_side_between_the_smallest_and_the_largest():
    those = lessons([real("head", ["a", "b"])], [everyone(2)], ())
    rng = np.random.default_rng(0)
    sides = {tuple(batch(those, np.array([0, 1]), 224, 0.7, Strength(), rng)[0].shape) for _ in range(40)}
    assert sides == {(2, 160, 160, 3), (2, 192, 192, 3), (2, 224, 224, 3)}


def test_a_batch_is_of_the_size_itself_where_no_smaller_one_is_asked_for_or_fits():
    those = lessons([real("head", ["a", "b"])], [everyone(2)], ())
    rng = np.random.default_rng(0)
    assert batch(those, np.array([0]), 48, 1.0, Strength(), rng)[0].shape == (1, 48, 48, 3)
    assert batch(those, np.array([0]), 48, 0.9, Strength(), rng)[0].shape == (1, 48, 48, 3)
