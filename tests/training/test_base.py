"""What a detector's training may begin with: tensors, and checkpoints as Ultralytics writes them; nothing that runs."""

import os
import zipfile
from pathlib import Path

import pytest
import torch

from tests.training.test_detector import folder, options, pairs  # noqa: F401  the fixture
from whalepipe.errors import WeightsError
from whalepipe.models.detector import build_model
from whalepipe.models.weights import find_weights, save_weights
from whalepipe.training.base import Base, architecture, load_base
from whalepipe.training.detector import train_detector


def checkpoint(path: Path, name: str) -> torch.nn.Module:
    """A checkpoint as Ultralytics' trainer writes it: the whole model, in half precision."""
    model = build_model(name, 80)
    torch.save({"epoch": -1, "model": model.half(), "ema": None, "train_args": {"imgsz": 640}, "date": "now"}, path)
    return model


def test_nothing_a_state_dict_and_weights_of_ours(tmp_path):
    assert load_base(None) == Base()
    torch.save({"model.0.conv.weight": torch.ones(2).half()}, tmp_path / "plain.pt")
    plain = load_base(tmp_path / "plain.pt")
    assert (plain.architecture, plain.state["model.0.conv.weight"].tolist()) == ("", [1.0, 1.0])
    ours = save_weights(tmp_path / "ours.pt", {"w": torch.zeros(1)}, {"architecture": "yolo11n.yaml"})
    assert (list(load_base(ours.path).state), load_base(ours.path).architecture) == (["w"], "yolo11n.yaml")
    ours.path.with_suffix(".json").write_text("{}")
    assert load_base(ours.path).architecture == ""


@pytest.mark.parametrize("name", ["yolov8n.yaml", "yolo11n.yaml", "yolo26n.yaml"])
def test_a_checkpoint_gives_its_tensors_and_its_architecture(tmp_path, name):
    model = checkpoint(tmp_path / "base.pt", name)
    base = load_base(tmp_path / "base.pt")
    assert (base.architecture, architecture("", base)) == (name, name)
    assert list(base.state) == list(model.state_dict())
    assert all(torch.equal(tensor, base.state[key].to(tensor.dtype)) for key, tensor in model.state_dict().items())


class Mark:
    """Unpickled, it calls something."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def test_a_checkpoint_that_would_run_something_is_refused_before_it_does(tmp_path):
    model, touch = build_model("yolov5n.yaml", 2), f"touch {tmp_path / 'ran'}"
    # Ultralytics evaluates the activation that a model's description names.
    described = {"backbone": [[-1, 1, "nn.Identity", []]], "head": [], "nc": 1}
    described |= {"activation": f"__import__('os').system({touch!r})"}
    for call in ((os.system, touch), (type(model), described), (type(model), "yolov5n.yaml"), (torch.nn.Linear, 2, 2)):
        torch.save({"model": model, "ema": Mark(*call)}, tmp_path / "bad.pt")
        with pytest.raises(WeightsError, match=r"bad\.pt: a checkpoint of Ultralytics' that cannot be opened safely"):
            load_base(tmp_path / "bad.pt")
    torch.save({"model": Mark(os.system, touch)}, tmp_path / "worse.pt")
    with pytest.raises(WeightsError, match=r"worse\.pt: cannot be loaded"):
        load_base(tmp_path / "worse.pt")
    assert not (tmp_path / "ran").exists()


def test_a_file_cut_short_and_one_without_a_model(tmp_path):
    checkpoint(tmp_path / "base.pt", "yolov5n.yaml")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "base.pt").read_bytes()[:-5000])
    with pytest.raises(WeightsError, match=r"cut\.pt: cannot be loaded"):
        load_base(tmp_path / "cut.pt")
    torch.save({"note": "ultralytics"}, tmp_path / "note.pt")
    with zipfile.ZipFile(tmp_path / "note.pt") as whole:
        assert any(b"ultralytics" in whole.read(name) for name in whole.namelist())
    with pytest.raises(WeightsError, match=r"note\.pt: a checkpoint .* cannot be opened safely \('model'\)"):
        load_base(tmp_path / "note.pt")


def test_which_architecture_is_trained():
    assert architecture("", Base()) == "yolov5n.yaml"
    assert architecture("", Base({}, "yolo11n.yaml")) == "yolo11n.yaml"
    assert architecture("yolov8n.yaml", Base({}, "yolo11n.yaml")) == "yolov8n.yaml"
    with pytest.raises(WeightsError, match=r"no architecture 'yolo99\.yaml'"):
        architecture("yolo99.yaml", Base())
    with pytest.raises(WeightsError, match="its coarsest cell has 64 pixels, not 32"):
        architecture("yolov5n-p6.yaml", Base())
    for other in ("yolo11n-seg.yaml", "yolo11n-cls.yaml"):
        with pytest.raises(WeightsError, match="no architecture of a detector of boxes alone"):
            architecture(other, Base())
    other = build_model("yolo26n.yaml", 2).state_dict()
    with pytest.raises(WeightsError, match=r"only \d+ of the \d+ tensors of yolov5n\.yaml are in the base"):
        architecture("", Base(other))


@pytest.mark.parametrize("name", ["yolo11n.yaml", "yolo26n.yaml"])
def test_a_detector_of_another_architecture_is_trained_exported_and_found(folder, name):  # noqa: F811
    checkpoint(folder / "base.pt", name)
    train_detector(pairs(folder), options(folder, base=folder / "base.pt"))
    card = find_weights(str(folder / "out" / "fins.pt"), "detector").card
    assert card["architecture"] == name
    assert f"--base DATA/base.pt --architecture {name} " in card["retrain"]
