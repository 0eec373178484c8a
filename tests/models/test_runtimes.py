"""What runs exported networks: the same boxes, vectors and silhouettes from each, and which of them is chosen."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import PROJECT
from tests.helpers import whalepipe
from tests.models.test_exported import same_boxes
from whalepipe.errors import ConfigError
from whalepipe.models import device, runtimes
from whalepipe.models.detector import Detector
from whalepipe.models.device import working_side_by_side
from whalepipe.models.exported import Exported, Form, find_exported
from whalepipe.models.runtimes import pick_runtime
from whalepipe.models.weights import find_weights

RENDERED = sorted((PROJECT / "labels" / "rendered" / "photos").glob("*.jpg"))


def forms(kind: str) -> list[Form]:
    """The shipped weights of a kind for ONNX Runtime and for OpenVINO."""
    for package in ("onnxruntime", "openvino"):
        pytest.importorskip(package)
    weights = find_weights(kind, kind)
    return [find_exported(weights, backend, "cpu") for backend in ("onnx", "openvino")]


def test_openvino_draws_the_same_boxes_within_a_pixel() -> None:
    weights = find_weights("detector", "detector")
    by_onnx, by_openvino = (Detector(weights, exported=form) for form in forms("detector"))
    assert same_boxes((by_onnx, by_openvino), RENDERED[2:5]) >= 3


@pytest.mark.parametrize(
    ("kind", "shapes", "apart"),
    [("embedder", ((192, 192, 3), (256, 256, 3)), 1e-3), ("silhouette", ((160, 224, 3),), 1e-3)],
)
def test_openvino_says_the_same_from_any_thread(kind: str, shapes: tuple[tuple[int, ...], ...], apart: float) -> None:
    pictures = [np.random.default_rng(0).integers(0, 256, shape, np.uint8) for shape in shapes]
    by_onnx, by_openvino = forms(kind)
    with working_side_by_side(2) as threads, ThreadPoolExecutor(threads) as pool:
        network = Exported(by_openvino)
        said = [one.result() for one in [pool.submit(network, *pictures) for _ in range(4)]]
    assert np.abs(Exported(by_onnx)(*pictures) - said[0]).max() < apart
    assert all(one.tobytes() == said[0].tobytes() for one in said)


def test_each_runtime_is_a_cause_of_its_own() -> None:
    by_onnx, by_openvino = forms("silhouette")
    assert by_onnx.cause == by_onnx.digest == by_openvino.digest != by_openvino.cause
    assert len(by_openvino.cause) == 64


def test_openvino_runs_all_stages_and_sends_nothing(tmp_path: Path) -> None:
    """Importing its converter would try to: so it, and what it sends with, is never imported."""
    forms("detector")
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a connection was made')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from whalepipe.cli import app\ntry:\n    app(sys.argv[1:])\nfinally:\n"
        "    names = {'torch', 'openvino', 'onnxruntime', 'openvino_telemetry', 'openvino.tools'}\n"
        "    print(sorted(names & sys.modules.keys()))"
    )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "fluke.jpg").write_bytes((PROJECT / "labels/rendered/photos/0004.jpg").read_bytes())
    args = ["quality", tmp_path / "raw", "--out", tmp_path / "out", "--device", "cpu", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", program, *args, "--set", "detect.backend=openvino"],
        capture_output=True, text=True, cwd=PROJECT, check=True, env={**os.environ, "HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "['openvino']" and done.stderr == ""
    assert len((tmp_path / "out" / "quality.csv").read_text().splitlines()) >= 2
    assert not (tmp_path / "home").exists()


def test_a_run_by_one_runtime_is_not_taken_for_one_by_another(tmp_path: Path) -> None:
    """Nothing detected by ONNX Runtime is found by OpenVINO in the cache, and the other way round."""
    forms("detector")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "fluke.jpg").write_bytes(RENDERED[0].read_bytes())
    kept = []
    for backend in ("auto", "onnx", "openvino", "openvino"):
        said = whalepipe("detect", tmp_path / "raw", "--out", tmp_path / "out", "--set", f"detect.backend={backend}")
        assert said.code == 0
        kept.append(sum(path.is_file() for path in (tmp_path / "out" / "cache" / "detect").rglob("*")))
    assert kept == [1, 1, 2, 2]


class Machine:
    """What a machine is said to have."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def has(self, *installed: str, driver: bool = False, providers: tuple[str, ...] = ()) -> None:
        """Runtimes that are installed, the driver of a graphics processor, and what ONNX Runtime was built with."""
        names = {"onnx": "onnxruntime", "openvino": "openvino"}
        packages = {one: (name if one in installed else "no_such_package", one) for one, name in names.items()}
        self._patch.setattr(runtimes, "PACKAGES", packages)
        self._patch.setattr(device, "may_have_gpu", lambda: driver)
        self._patch.setattr(runtimes, "_available", lambda: list(providers))
        runtimes._by_provider.cache_clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """One of which a test says what it has."""
    for package in ("onnxruntime", "openvino"):
        pytest.importorskip(package)
    yield Machine(monkeypatch)
    runtimes._by_provider.cache_clear()


@pytest.mark.parametrize(
    ("installed", "driver", "expected"),
    [
        (("onnx", "openvino"), False, "onnx"),
        (("onnx",), False, "onnx"),
        (("openvino",), False, "openvino"),
        ((), False, "torch"),
        (("onnx", "openvino"), True, "torch"),
    ],
)
def test_auto_goes_by_what_is_installed_alone(
    machine: Machine, installed: tuple[str, ...], driver: bool, expected: str
) -> None:
    machine.has(*installed, driver=driver)
    assert pick_runtime("auto", "auto") == expected
    assert pick_runtime("torch", "auto") == "torch"


@pytest.mark.parametrize(("backend", "extra"), [("onnx", "onnx"), ("tensorrt", "onnx"), ("openvino", "openvino")])
def test_what_is_asked_for_and_not_installed_is_named(machine: Machine, backend: str, extra: str) -> None:
    machine.has()
    with pytest.raises(ConfigError, match=rf"detect\.backend={backend} needs .* pip install 'whalepipe\[{extra}\]'"):
        pick_runtime(backend, "cpu")


TRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("backend", "asked", "driver", "providers", "expected", "complaint"),
    [
        ("tensorrt", "auto", True, (TRT, CUDA, CPU), "tensorrt", ""),
        ("tensorrt", "cuda", True, (TRT, CUDA, CPU), "tensorrt", ""),
        ("tensorrt", "cuda", True, (CUDA, CPU), "cuda", "has no tensorrt here; cuda runs"),
        ("tensorrt", "cuda", True, (CPU,), "onnx", "has no tensorrt here; the processor runs"),
        ("tensorrt", "auto", False, (TRT, CUDA, CPU), "onnx", "has no tensorrt here; the processor runs"),
        ("tensorrt", "cpu", True, (TRT, CUDA, CPU), "onnx", "--device cpu: the installed onnxruntime has no tensorrt"),
        ("onnx", "auto", True, (TRT, CUDA, CPU), "cuda", ""),
        ("onnx", "cuda", True, (CPU,), "onnx", "has no cuda here; the processor runs"),
        ("onnx", "auto", True, (CPU,), "onnx", ""),
        ("onnx", "mps", True, (CUDA, CPU), "onnx", ""),
        ("onnx", "cpu", True, (CUDA, CPU), "onnx", ""),
    ],
)
def test_which_provider_runs_and_what_is_said_where_it_is_missing(
    machine: Machine,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    asked: str,
    driver: bool,
    providers: tuple[str, ...],
    expected: str,
    complaint: str,
) -> None:
    machine.has("onnx", driver=driver, providers=providers)
    assert [pick_runtime(backend, asked) for _ in range(3)] == [expected] * 3
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == bool(complaint) and complaint in "".join(said)  # once, however many networks there are


class Session:
    """An onnxruntime.InferenceSession that notes its providers, of which all but the processor's fail to start."""

    asked: list[object]

    def __init__(self, _data: bytes, _options: object, providers: list[object]) -> None:
        Session.asked = providers

    def get_providers(self) -> list[str]:
        """What is left."""
        return [CPU]

    def get_inputs(self) -> list[object]:
        """None."""
        return []


def test_providers_are_tried_in_their_order_and_a_failing_one_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(pytest.importorskip("onnxruntime"), "InferenceSession", Session)
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path))
    runtimes.open_network(b"", "tensorrt")
    kept = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(tmp_path / "tensorrt")}
    assert Session.asked == [(TRT, kept), CUDA, CPU]
    assert caplog.messages == ["onnxruntime could not start tensorrt, so that CPUExecutionProvider runs"]
    caplog.clear()
    runtimes.open_network(b"", "cuda")
    assert Session.asked == [CUDA, CPU] and len(caplog.messages) == 1
    runtimes.open_network(b"", "onnx")
    assert Session.asked == [CPU] and len(caplog.messages) == 1
