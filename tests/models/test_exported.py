"""The exported forms: the same boxes as the weights, none but theirs, and no torch."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import PROJECT
from whalepipe.config import DetectConfig
from whalepipe.errors import WeightsError
from whalepipe.files import digest
from whalepipe.models import device, silhouette
from whalepipe.models.detector import Detector, build_model
from whalepipe.models.embedder import Embedder
from whalepipe.models.exported import Exported, Form, find_exported, keep_exported
from whalepipe.models.weights import Weights, find_weights, save_recarded, save_weights
from whalepipe.photos import read_photo

pytest.importorskip("onnxruntime", reason="the extra `fast` is not installed")
CARD = {"kind": "detector", "architecture": "yolov5n.yaml", "parts": ["fluke", "dorsal_fin"]}
RENDERED = PROJECT / "labels" / "rendered" / "photos"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Random weights with their exported form."""
    pytest.importorskip("onnx", reason="the extra `train` is not installed")
    from whalepipe.models.export import export_weights

    path = tmp_path_factory.mktemp("weights") / "random.pt"
    return export_weights(save_weights(path, build_model("yolov5n.yaml", 2).state_dict(), CARD))


@pytest.fixture(scope="module")
def shipped() -> tuple[Detector, Detector]:
    """The shipped weights as torch runs them and as they are exported."""
    weights = find_weights("detector", "detector")
    return Detector(weights), Detector(weights, exported=find_exported(weights, "onnx", "cpu"))


def same_boxes(both: tuple[Detector, Detector], photos: list[Path]) -> int:
    """How many boxes the two find on these photos, after making sure that they are the same within a pixel of 960."""
    config, count = DetectConfig(), 0
    for photo in photos:
        pixels = read_photo(photo, config.size)
        boxes, others = (detector(pixels, config) for detector in both)
        assert [b.part for b in boxes] == [b.part for b in others], photo
        for box, other in zip(boxes, others, strict=True):
            corners = [(b.xmin, b.ymin, b.xmax, b.ymax) for b in (box, other)]
            assert np.abs(np.subtract(*corners)).max() * config.size < 1, photo
            assert box.confidence == pytest.approx(other.confidence, abs=0.001)
        count += len(boxes)
    return count


def test_the_shipped_form_gives_the_same_boxes_on_rendered_photos(shipped):
    assert same_boxes(shipped, sorted(RENDERED.glob("*.jpg"))) >= 4


@pytest.mark.parametrize("folder", ["fins", "flukes"])
def test_the_shipped_form_gives_the_same_boxes_on_real_photos(shipped, real_data, folder):
    assert same_boxes(shipped, sorted((real_data / folder / "photos").glob("*.jpg"))[::16]) >= 2


def test_the_shipped_silhouettes_form_tells_the_same_pixels():
    weights = find_weights("silhouette", silhouette.KIND)
    form = find_exported(weights, "onnx", "cpu")
    own, other = silhouette.Silhouettes(weights), silhouette.Silhouettes(weights, exported=form)
    for photo in sorted(RENDERED.glob("*.jpg")):
        first, second = own(read_photo(photo)), other(read_photo(photo))
        assert np.abs(first.part - second.part).max() < 0.01
        assert np.abs(first.edge - second.edge).max() < 0.01


def test_the_shipped_embedders_form_gives_the_same_vectors_to_the_fourth_decimal():
    weights = find_weights("embedder", "embedder")
    form = find_exported(weights, "onnx", "cpu")
    own, other = Embedder(weights), Embedder(weights, exported=form)
    for photo in sorted(RENDERED.glob("*.jpg"))[:3]:
        first, second = own.look(read_photo(photo)), other.look(read_photo(photo))
        assert np.abs(first.vector - second.vector).max() < 5e-5
        assert first.response == pytest.approx(second.response, abs=0.002)
    assert form.path.stat().st_size < 1.05 * weights.path.stat().st_size


def test_a_form_goes_with_weights_under_another_card(made, tmp_path):
    twin = save_recarded(tmp_path / "twin.pt", made, {**made.card, "calibration": {}})
    keep_exported(made, twin)
    found = find_exported(twin, "auto", "cpu")
    assert found.path == tmp_path / "twin.onnx" and found.digest == find_exported(made, "auto", "cpu").digest


@pytest.mark.parametrize("shape", [(1, 1), (20, 900), (900, 20), (50, 64)])
def test_any_shape_of_picture_and_the_same_boxes_again(made, shape):
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    form, config = find_exported(made, "onnx", "cpu"), DetectConfig(size=64, confidence=0.0)
    first, again = (Detector(made, exported=form)(picture, config) for _ in range(2))
    assert first == again


def test_the_card_names_the_form_and_the_weights_stay_as_they_were(made):
    path = made.path.with_suffix(".onnx")
    card = json.loads(made.path.with_suffix(".json").read_text())
    assert card == {**CARD, "sha256": digest(made.path), "exported": {"sha256": digest(path)}}
    assert find_weights(str(made.path), "detector") == made
    assert find_exported(made, "auto", "cpu") == Form(path, digest(path), {}, runtime="onnx")


@pytest.mark.parametrize("driver", [True, False])
def test_where_the_form_runs(made, monkeypatch, driver):
    monkeypatch.setattr(device, "may_have_gpu", lambda: driver)
    runs = {(b, d): find_exported(made, b, d) is not None for b in ("auto", "onnx", "torch") for d in ("auto", "cuda")}
    assert runs == {
        ("auto", "auto"): not driver, ("auto", "cuda"): False,
        ("onnx", "auto"): True, ("onnx", "cuda"): True,
        ("torch", "auto"): False, ("torch", "cuda"): False,
    }  # fmt: skip


def test_weights_without_the_form_are_run_by_torch_unless_it_is_asked_for(made):
    bare = replace(made, card={**CARD, "kind": "another"})
    assert find_exported(bare, "auto", "cpu") is None
    with pytest.raises(WeightsError, match=r"has no exported form; set detect\.backend=torch"):
        find_exported(bare, "onnx", "cpu")


def test_a_form_of_other_weights_or_damaged_is_refused(made, tmp_path):
    form = tmp_path / "w.onnx"
    form.write_bytes(b"another")
    with pytest.raises(WeightsError, match=r"w\.onnx: damaged or replaced"):
        find_exported(replace(made, path=tmp_path / "w.pt"), "auto", "cpu")
    with pytest.raises(WeightsError, match=r"w\.onnx: changed while it was being read"):
        Exported(Weights(form, "0" * 64, {}))
    with pytest.raises(WeightsError, match=r"w\.onnx: cannot be loaded"):
        Exported(Weights(form, digest(form), {}))


def test_an_export_that_differs_is_refused(tmp_path, monkeypatch):
    from whalepipe.models import export

    weights = save_weights(tmp_path / "w.pt", build_model("yolov5n.yaml", 2).state_dict(), CARD)
    other = find_exported(find_weights("detector", "detector"), "onnx", "cpu").path.read_bytes()
    monkeypatch.setattr("torch.onnx.export", lambda _model, _given, path, **_: Path(path).write_bytes(other))
    with pytest.raises(WeightsError, match=r"w\.onnx: differs from the weights by"):
        export.export_weights(weights)
    assert "exported" not in json.loads((tmp_path / "w.json").read_text())
    assert not (tmp_path / "w.onnx").exists()


def test_detecting_with_the_form_loads_no_torch(tmp_path):
    program = (
        "import sys\nfrom whalepipe.cli import app\ntry:\n    app(sys.argv[1:])\nfinally:\n"
        "    print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'ultralytics', 'onnxruntime'}))"
    )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "fluke.jpg").write_bytes((RENDERED / "0004.jpg").read_bytes())
    args = ["detect", tmp_path / "raw", "--out", tmp_path / "out", "--device", "cpu", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", program, *args], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    assert done.stdout.splitlines()[-1] == "['onnxruntime']"
    assert len((tmp_path / "out" / "detections.csv").read_text().splitlines()) >= 2


@pytest.mark.parametrize(
    ("system", "machine", "drivers", "expected"),
    [
        ("linux", "x86_64", False, False),
        ("linux", "x86_64", True, True),
        ("darwin", "arm64", False, True),
        ("darwin", "x86_64", True, False),
    ],
)
def test_a_graphics_processor_is_looked_for_without_torch(tmp_path, monkeypatch, system, machine, drivers, expected):
    monkeypatch.setattr(device.sys, "platform", system)
    monkeypatch.setattr(device.platform, "machine", lambda: machine)
    monkeypatch.setattr(device, "DRIVERS", (tmp_path / "none", tmp_path if drivers else tmp_path / "neither"))
    assert device.may_have_gpu() is expected
