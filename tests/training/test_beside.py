"""Weights that vote beside others: both are in the new file, and the cosine of two crops is the mean of theirs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_embedder import drawn, labels, options, trained  # noqa: F401
from whalepipe.errors import WeightsError
from whalepipe.models.embedder import Embedder
from whalepipe.models.weights import Weights, find_weights, load_state, save_weights
from whalepipe.training.crops import LabelSet
from whalepipe.training.embedder import train_embedder


@pytest.fixture(scope="module")
def both(labels: LabelSet, trained: Weights, tmp_path_factory: pytest.TempPathFactory) -> Weights:  # noqa: F811
    chosen = options(tmp_path_factory.mktemp("both"), calibrate=(labels,), beside=(trained.path,), epochs=4, until=1)
    epochs: list[tuple[int, int]] = []
    made = train_embedder([labels], chosen, lambda done, of, _: epochs.append((done, of)))
    assert epochs == [(1, 1)]
    return find_weights(str(made.path), "embedder")


def test_cosines_are_the_mean_of_both(both: Weights, trained: Weights, tmp_path: Path) -> None:  # noqa: F811
    alone = {k: v for k, v in load_state(both).items() if not k.startswith("beside.")}
    card = {k: v for k, v in both.card.items() if k != "beside"}
    first = Embedder(save_weights(tmp_path / "first.pt", alone, card))
    second, together = Embedder(trained), Embedder(both)
    crops = [drawn(1, 0), drawn(2, 0)]
    cosines = [float(np.dot(*(embedder(crop) for crop in crops))) for embedder in (first, second, together)]
    assert together(crops[0]).shape == (32,)
    assert cosines[2] == pytest.approx((cosines[0] + cosines[1]) / 2, abs=1e-3)


def test_the_card_says_who_votes_and_how_it_was_made(both: Weights, trained: Weights) -> None:  # noqa: F811
    [other] = both.card["beside"]
    assert other["weights"] == trained.digest
    assert other["retrain"] == trained.card["retrain"] and other["trained_on"] == trained.card["trained_on"]
    assert "--beside weights/mine.pt --until 1" in both.card["retrain"]


def test_those_beside_others_are_brought_along(both: Weights, labels: LabelSet, tmp_path: Path) -> None:  # noqa: F811
    chosen = options(tmp_path, calibrate=(labels,), beside=(both.path,), epochs=1)
    three = find_weights(str(train_embedder([labels], chosen).path), "embedder")
    assert [card["weights"] for card in three.card["beside"]] == [both.digest] * 2
    assert Embedder(three)(drawn(0, 0)).shape == (48,)


def test_what_is_trained_is_finished_once_more_beside_others(
    both: Weights,
    labels: LabelSet,  # noqa: F811
    tmp_path: Path,
) -> None:
    chosen = options(tmp_path, calibrate=(labels,), epochs=1)
    alone = load_state(find_weights(str(train_embedder([labels], chosen).path), "embedder"))
    trained_anew: list[int] = []
    again = replace(chosen, beside=(both.path,), out=tmp_path / "three.pt")
    three = train_embedder([labels], again, lambda done, *_: trained_anew.append(done))
    state = load_state(find_weights(str(three.path), "embedder"))
    assert not trained_anew
    assert all(torch.equal(state[name], tensor) for name, tensor in alone.items())
    assert len(three.card["beside"]) == 2 and "--beside weights/" in three.card["retrain"]


@pytest.mark.parametrize(
    ("beside", "text"),
    [({"a": 1}, "no list of them"), ([{"backbone": "tf_efficientnet_lite0"}], "gives no size"), ([], "do not fit")],
)
def test_a_card_that_does_not_fit_is_refused(both: Weights, tmp_path: Path, beside: object, text: str) -> None:
    tensors = load_state(both)
    if not beside:
        tensors.pop("linear.weight")
    wrong = save_weights(tmp_path / "wrong.pt", tensors, {**both.card, "beside": beside})
    with pytest.raises(WeightsError, match=text):
        Embedder(find_weights(str(wrong.path), "embedder"))
