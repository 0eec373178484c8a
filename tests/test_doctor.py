"""`whalepipe doctor` on an installation that works, and on many that do not."""

import importlib.metadata
import json
import re
import shutil
import socket
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.helpers import mismatched_torchvision, whalepipe
from whalepipe import doctor
from whalepipe.doctor import Check


def checks(*args: str | Path) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and the checks by their name."""
    said = whalepipe("doctor", "--json", *args)
    assert said.err == "" and said.out.count("\n") == 1
    told = json.loads(said.out)
    assert told["ok"] == (said.code == 0)
    found: dict[str, list[dict[str, str]]] = {}
    for check in told["checks"]:
        assert check.keys() == {"name", "state", "found", "remedy"} and check["state"] in ("ok", "warning", "fault")
        found.setdefault(check["name"], []).append(check)
    return said.code, found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    """Fake weights, no photo run."""

    def none(_patient: object) -> Iterator[Check]:
        yield Check("self-test", "ok", "left out")

    monkeypatch.setattr(doctor, "_self_test", none)


def test_what_works_is_ok_and_no_connection_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the shipped weights, end to end."""

    def refuse(*args: Any, **_: Any) -> None:
        raise AssertionError(f"a connection was made: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    code, found = checks("--out", tmp_path / "out", "--device", "cpu")
    assert code == 0 and not (tmp_path / "out").exists()
    names = {"python", "libraries", "devices", "folder", "self-test"}
    names |= {f"weights {kind}" for kind in ("detector", "embedder", "silhouette", "quality", "species")}
    assert names <= found.keys() and all(c["state"] == "ok" for name in names for c in found[name]), found
    assert found["self-test"][0]["found"].endswith("its animal found")
    runs = "ONNX Runtime on the processor" if find_spec("onnxruntime") else "PyTorch on cpu"
    assert found["weights embedder"][0]["found"].endswith(f"as on its card, {runs}")
    if find_spec("onnxruntime"):
        told = found["speed"][0]["found"]
        assert re.match(r"a look of the detector at 640 x 448 pixels: onnx \d+ ms", told)
        assert ("openvino" in told) == (find_spec("openvino") is not None)


def test_one_line_each(quick: None, tmp_path: Path) -> None:  # noqa: ARG001
    said = whalepipe("doctor", "--out", tmp_path)
    lines = said.out.splitlines()
    assert said.code == 0 and {line.split()[0] for line in lines} <= {"ok", "warning"}
    assert [line for line in lines if line.startswith("ok       python")]
    assert len(lines) == sum(len(each) for each in checks("--out", tmp_path)[1].values())


def test_damaged_and_missing_weights_are_faults(quick: None, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "fake-weights" / "detector.pt").write_bytes(b"x")
    (tmp_path / "fake-weights" / "quality.json").unlink()
    code, found = checks()
    assert code == 1
    assert [name for name, each in found.items() if each[0]["state"] == "fault"] == [
        "weights detector",
        "weights silhouette",  # which draws the detector's boxes anew
        "weights quality",
    ]
    assert "detector.pt: damaged or replaced" in found["weights detector"][0]["found"]
    assert "card cannot be read" in found["weights quality"][0]["found"]


def test_libraries_that_are_missing_or_too_old(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    true = importlib.metadata.version

    def version(package: str) -> str:
        if package in ("timm", "wildlife-datasets"):
            raise importlib.metadata.PackageNotFoundError(package)
        return {"torch": "1.9", "opencv-python-headless": "5.0"}.get(package) or true(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    code, found = checks()
    assert code == 1
    told = [(c["state"], c["found"]) for c in found["libraries"]]
    assert told == [
        ("fault", "timm is missing"),
        ("fault", "torch 1.9 is not >=2.5"),
        ("warning", "opencv-python and opencv-python-headless overwrite one another"),
    ]
    [extra] = found["extra wildlife"]
    assert extra["state"] == "warning" and extra["remedy"] == "pip install 'whalepipe[wildlife]'"
    assert extra["found"] == ("not there: data sets of wildlife-datasets to evaluate on (wildlife-datasets is missing)")


def test_a_torchvision_that_was_built_for_another_torch(
    quick: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    mismatched_torchvision(tmp_path / "site", monkeypatch)
    code, found = checks()
    assert code == 1
    [told] = [c for c in found["libraries"] if c["state"] == "fault"]
    assert told["found"] == (
        "torchvision is installed but cannot be imported (RuntimeError: operator torchvision::nms does not exist): "
        "pip install --force-reinstall torch torchvision"
    )
    assert found["weights embedder"][0]["state"] == "ok"


class Extras:
    """Of an installed package."""

    def get_all(self, _name: str) -> list[str]:
        return ["explain"]


def test_what_is_needed_is_known_without_a_checkout_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = doctor.requirements()
    texts = ["torch>=2.5", "captum>=0.7; extra == 'explain'", "tomli; python_version < '3.0'"]
    monkeypatch.setattr(doctor, "PROJECT", tmp_path / "none.toml")
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: texts)
    monkeypatch.setattr(importlib.metadata, "metadata", lambda _: Extras())
    found = {extra: [str(r.name) for r in needed] for extra, needed in doctor.requirements().items()}
    assert found == {"": ["torch"], "explain": ["captum"]}
    assert {"", "explain", "train"} <= wanted.keys()


def test_a_device_that_is_not_there(quick: None) -> None:  # noqa: ARG001
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    code, found = checks("--device", "cuda")
    assert code == 1
    assert found["devices"][1]["found"] == "no device 'cuda' on this machine; choose --device cpu"


def test_that_no_graphics_processor_was_tried_is_said(
    quick: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "pick_device", lambda _: "cuda")
    told = checks()[1]["devices"][1]
    assert told["state"] == "ok" and told["found"].startswith("--device auto runs on cuda")
    assert told["remedy"] == "its makers had none to try whalepipe on: compare some photos with --device cpu"


def test_where_results_cannot_go(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    (tmp_path / "file").write_text("")
    assert checks("--out", tmp_path / "file")[1]["folder"][0]["found"] == f"{tmp_path / 'file'} is a file"
    for free, state in ((100_000_000, "fault"), (900_000_000, "warning"), (3_000_000_000, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(10**10, 0, free))
        assert checks("--out", tmp_path / "new")[1]["folder"][0]["state"] == state
    assert not (tmp_path / "new").exists()

    def refuse(dir: Path) -> None:
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    [told] = checks("--out", tmp_path / "new")[1]["folder"]
    assert (told["state"], told["found"]) == ("fault", f"{tmp_path} cannot be written (Permission denied)")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ImportError("libGL.so.1: cannot open shared object file"), "apt-get install libgl1 libglib2.0-0"),
        (ImportError("No module named 'x'"), "pip install --force-reinstall whalepipe"),
        (RuntimeError("oops"), "please report this line"),
    ],
)
def test_what_breaks_in_a_run_is_told_and_nothing_else_is_left_out(
    fake_models: fakes.Calls,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    remedy: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("whalepipe.render.render_scene", fail)
    code, found = checks()
    assert code == 1
    [told] = found["self-test"]
    assert told["found"] == f"{type(error).__name__}: {error}" and remedy in told["remedy"]
    assert found["folder"][0]["state"] == "ok"


def test_a_detector_of_ones_own_may_not_find_the_rendered_animal(fake_models: fakes.Calls) -> None:  # noqa: ARG001
    code, found = checks("--device", "cpu")
    [told] = found["self-test"]
    assert code == 0 and told["state"] == "warning" and told["found"].endswith("its animal was not found")


def test_of_every_extra_it_is_known_what_it_brings() -> None:
    told = tomllib.loads(doctor.PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert told.keys() - {doctor.FOR_DEVELOPERS} == doctor.BRINGS.keys()
