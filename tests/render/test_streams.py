"""Streams: what one draws no other draws."""

import numpy as np
import pytest

from whalepipe.render import draw_scene, for_training, scene_rng


def test_a_scene_is_the_same_for_ever_and_another_in_every_stream() -> None:
    assert scene_rng("train", "photos", 0, 7).random() == scene_rng("train", "photos", 0, 7).random()
    drawn = {
        tuple(scene_rng(stream, purpose, seed, number).integers(2**62, size=2))
        for stream in ("train", "demo", "test", "mine")
        for purpose in ("photos", "crops")
        for seed in range(3)
        for number in range(50)
    }
    assert len(drawn) == 4 * 2 * 3 * 50


def test_seas_and_cameras_of_two_streams_differ() -> None:
    one, two = (draw_scene(scene_rng(stream, "photos", 0, 0), []) for stream in ("train", "demo"))
    assert one.seed != two.seed
    assert one.sea != two.sea
    assert one.camera != two.camera


def test_no_number_is_the_seed_of_a_stream() -> None:
    plain = {np.random.default_rng(seed).random() for seed in range(200)}
    assert not plain & {scene_rng("train", "photos", seed).random() for seed in range(200)}


@pytest.mark.parametrize("stream", ["demo", "test"])
def test_demo_and_test_are_kept_from_training(stream: str) -> None:
    with pytest.raises(ValueError, match=f"'{stream}' is kept to score on"):
        for_training(stream)
    assert for_training("train") == "train"


def test_a_stream_needs_a_name() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        scene_rng("")
