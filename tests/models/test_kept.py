"""Weights that came without an exported form: one is made once, kept by their digest, and runs in their place."""

import json
from pathlib import Path

import numpy as np
import pytest

from whalepipe.models import export, kept
from whalepipe.models.embedder import KIND, Embedder, build
from whalepipe.models.exported import find_exported
from whalepipe.models.weights import Weights, save_weights

for package in ("onnx", "onnxruntime"):
    pytest.importorskip(package)
CARD = {"kind": KIND, "backbone": "mobilenetv3_small_050", "dimension": 16, "size": 64}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Of an embedder, as a training leaves them."""
    path = tmp_path_factory.mktemp("weights") / "mine.pt"
    return save_weights(path, build("mobilenetv3_small_050", 16).state_dict(), CARD)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> Path:
    """A cache that holds their form."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHALEPIPE_CACHE", str(folder))
        assert kept.keep(weights) is not None
    return folder


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was exported since."""
    made: list[str] = []
    true = export.make_form

    def make(weights: Weights, path: Path) -> Weights:
        made.append(weights.path.name)
        return true(weights, path)

    monkeypatch.setattr(export, "make_form", make)
    return made


def test_own_weights_run_exported_and_are_exported_once(
    weights: Weights, full: Path, makers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHALEPIPE_CACHE", str(full))
    form = find_exported(weights, "auto", "cpu")
    assert form is not None and makers == [] and weights.digest in form.path.name
    crop = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    first, second = Embedder(weights)(crop), Embedder(weights, exported=form)(crop)
    assert np.abs(first - second).max() < 1e-4 and np.abs(first).max() > 0.1
    assert find_exported(weights, "torch", "cpu") is None and find_exported(weights, "auto", "cuda") is None


def test_a_damaged_form_is_made_again_and_comes_out_the_same(
    weights: Weights, full: Path, makers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, so that two processes that make it at a time do not harm each other."""
    monkeypatch.setenv("WHALEPIPE_CACHE", str(full))
    before = kept.keep(weights)
    assert before is not None
    before.path.write_bytes(before.path.read_bytes()[:-1])
    assert kept.keep(weights) == before and makers == ["mine.pt"]


def test_what_cannot_be_exported_is_run_by_torch_and_told_once(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def fail(*_: object) -> Weights:
        tried.append(1)
        raise RuntimeError("Unsupported:\n an operator")

    monkeypatch.setattr(export, "make_form", fail)
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path))
    assert [find_exported(weights, "auto", "cpu") for _ in range(3)] == [None] * 3
    assert find_exported(weights, "onnx", "cpu", needed=False) is None
    assert len(tried) == 1 and caplog.messages == [
        f"{weights.path}: cannot be exported (Unsupported: an operator); torch runs it, slower"
    ]
    [card] = tmp_path.rglob("*.json")
    assert json.loads(card.read_text())["why"] == "Unsupported: an operator"
    monkeypatch.setattr(kept, "_makers", lambda: {"torch": "99"})  # a newer one may be able to
    assert find_exported(weights, "auto", "cpu") is None and len(tried) == 2


def test_a_form_that_says_something_else_is_not_used(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path))
    monkeypatch.setattr(export, "VECTORS_APART", 0.0)
    assert find_exported(weights, "auto", "cpu") is None
    assert "its vectors differ from those" in caplog.text
    assert not list(tmp_path.rglob("*.onnx"))


def test_where_nothing_can_be_kept_torch_runs(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path / "file"))
    assert find_exported(weights, "auto", "cpu") is None
    assert "cannot be kept (cannot write" in caplog.text and "torch runs it" in caplog.text


@pytest.mark.parametrize("missing", ["onnx", "torch"])
def test_without_what_makes_one_torch_runs_and_nothing_is_said(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path))
    monkeypatch.setattr(kept, "NEEDED", (f"no_such_{missing}",))
    assert find_exported(weights, "auto", "cpu") is None
    assert caplog.messages == [] and not list(tmp_path.iterdir())
