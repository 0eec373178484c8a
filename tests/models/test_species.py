"""Species of vectors: probabilities, what is far from all examples, and weights that do not fit."""

import logging
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from whalepipe.errors import WeightsError
from whalepipe.models.species import Head, SpeciesModel, Told, find_species
from whalepipe.models.weights import Weights, find_weights, save_weights

HEAD = Head(["A", "B"], np.array([[4.0, 0, 0], [0, 2.0, 0]]), np.zeros(2), np.eye(3)[:2], 0.5)
CARD = {"kind": "species", "embedder": "abc", "parts": {"fluke": {"species": ["A", "B"], "least_cosine": 0.5}}}


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def save(path: Path, **change: object) -> Weights:
    import torch

    names = ("coefficients", "intercepts", "examples")
    state = {f"fluke.{name}": torch.from_numpy(np.asarray(getattr(HEAD, name))) for name in names}
    return save_weights(path, state, {**CARD, **change})


def test_probabilities_best_first() -> None:
    assert HEAD(unit(1, 0, 0)) == Told([("A", 0.982), ("B", 0.018)], near=True)  # 1 / (1 + exp(-4))
    assert HEAD(unit(0, 1, 0)) == Told([("B", 0.8808), ("A", 0.1192)], near=True)


def test_far_from_all_examples() -> None:
    assert not HEAD(unit(0.4, 0, 1)).near
    assert HEAD(unit(1.0, 0, 1)).near


def test_saved_and_loaded(tmp_path: Path) -> None:
    model = SpeciesModel(save(tmp_path / "s.pt"))
    assert model(unit(1, 0, 0), "fluke") == HEAD(unit(1, 0, 0))
    assert model(unit(1, 0, 0), "head") == Told()


def test_weights_of_the_right_embedder(tmp_path: Path) -> None:
    path = tmp_path / "s.pt"
    save(path)
    model = find_species(str(path), "abc")
    assert model is not None
    assert model.digest == find_weights(str(path), "species").digest


def test_weights_named_by_the_user_must_fit(tmp_path: Path) -> None:
    save(tmp_path / "s.pt")
    with pytest.raises(WeightsError, match="another embedder"):
        find_species(str(tmp_path / "s.pt"), "other")
    with pytest.raises(WeightsError, match="no weights"):
        find_species(str(tmp_path / "missing.pt"), "abc")


def test_without_shipped_weights_nothing_tells(fake_models: fakes.Calls) -> None:  # noqa: ARG001
    assert find_species("species", "abc") is None


def test_shipped_weights_of_another_embedder_are_not_used(
    tmp_path: Path, fake_models: fakes.Calls, caplog: pytest.LogCaptureFixture  # noqa: ARG001
) -> None:  # fmt: skip
    save(tmp_path / "fake-weights" / "species.pt")
    assert find_species("species", "abc") is not None
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        assert find_species("species", "other") is None
    assert "until then every species is unknown" in caplog.text


@pytest.mark.parametrize(
    "parts",
    [None, ["fluke"], {"head": {"species": ["A", "B"], "least_cosine": 0.5}}, {"fluke": {"species": ["A", "B"]}},
     {"fluke": {"species": ["A"], "least_cosine": 0.5}}],
)  # fmt: skip
def test_a_card_that_does_not_fit_its_arrays(tmp_path: Path, parts: object) -> None:
    model = SpeciesModel(save(tmp_path / "s.pt", parts=parts))
    with pytest.raises(WeightsError, match="do not fit"):
        model(unit(1, 0, 0), "fluke")
