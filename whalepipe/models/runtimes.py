"""What runs exported networks (exported.py): ONNX Runtime or OpenVINO on a processor, NVIDIA's libraries through ONNX
Runtime on a graphics processor. Each is loaded when the first network is."""

import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from whalepipe.errors import ConfigError
from whalepipe.files import user_cache
from whalepipe.models.device import on_processor, side_by_side, threads_each

log = logging.getLogger(__name__)
AUTO, TORCH, ONNX, OPENVINO, CUDA, TENSORRT = "auto", "torch", "onnx", "openvino", "cuda", "tensorrt"
PACKAGES = {ONNX: ("onnxruntime", "fast"), OPENVINO: ("openvino", "openvino")}  # and the extra that brings each
NAMES = {
    ONNX: "ONNX Runtime on the processor",
    OPENVINO: "OpenVINO on the processor",
    CUDA: "ONNX Runtime with CUDA",
    TENSORRT: "ONNX Runtime with TensorRT",
    TORCH: "PyTorch on {}",
}
PROCESSOR = "CPUExecutionProvider"
PROVIDERS = {TENSORRT: "TensorrtExecutionProvider", CUDA: "CUDAExecutionProvider"}  # the faster first
ONLY_ERRORS = 3  # of what ONNX Runtime logs; they are raised too
# Importing OpenVINO's converter sends statistics, unless a file in the user's home forbids it, and takes as long as all
# the rest. OpenVINO does without where it is not there.
UNWANTED = ("openvino.tools", "openvino_telemetry")

Inputs = Mapping[str, npt.NDArray[np.uint8]]
Raw = npt.NDArray[np.float32]
Run = Callable[[Inputs], Raw]  # the network's inputs by their names in, its only output out


def installed(runtime: str) -> bool:
    """Whether its package is there."""
    return importlib.util.find_spec(PACKAGES[runtime][0]) is not None


def pick_runtime(backend: str, device: str) -> str:
    """What `DetectConfig.backend` means on a device: a runtime, or TORCH where no exported form is to run.

    It depends on what is installed alone, never on which is faster today: they round differently, and tables must be
    the same from run to run. Raises ConfigError where what was asked for is not installed.
    """
    if backend == AUTO:
        here = (runtime for runtime in (ONNX, OPENVINO) if installed(runtime))
        return next(here, TORCH) if on_processor(device) else TORCH
    if backend == TORCH:
        return TORCH
    package, extra = PACKAGES[OPENVINO if backend == OPENVINO else ONNX]
    if importlib.util.find_spec(package) is None:
        raise ConfigError(f"detect.backend={backend} needs the package {package!r}: pip install 'whalepipe[{extra}]'")
    return OPENVINO if backend == OPENVINO else _by_provider(backend, device)


@cache  # so that what is missing is said once
def _by_provider(backend: str, device: str) -> str:
    """Which of ONNX Runtime's providers runs: the first of those that would serve which it has."""
    serve = [TENSORRT, CUDA] if backend == TENSORRT else [CUDA]
    usable = [] if device == "mps" or on_processor(device) else _available()
    runtime = next((one for one in serve if PROVIDERS[one] in usable), ONNX)
    asked = backend if backend == TENSORRT else device
    if asked in PROVIDERS and runtime != asked:
        runs = "the processor" if runtime == ONNX else runtime
        log.warning("--device %s: the installed onnxruntime has no %s here; %s runs", device, asked, runs)
    return runtime


def _available() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def open_network(data: bytes, runtime: str) -> tuple[list[str], Run]:
    """The names of a network's inputs, in their order, and what runs it; `data` is the file's (ONNX).

    Several threads may run it at a time. Raises whatever the runtime does of a bad file.
    """
    return _open_openvino(data) if runtime == OPENVINO else _open_onnx(data, runtime)


def _open_onnx(data: bytes, runtime: str) -> tuple[list[str], Run]:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads_each()
    options.log_severity_level = ONLY_ERRORS
    session = onnxruntime.InferenceSession(data, options, providers=_providers(runtime))
    if runtime in PROVIDERS and PROVIDERS[runtime] not in session.get_providers():  # its libraries are not there
        log.warning("onnxruntime could not start %s, so that %s runs", runtime, session.get_providers()[0])

    def run(inputs: Inputs) -> Raw:
        [raw] = session.run(None, inputs)
        return np.asarray(raw, np.float32)

    return [each.name for each in session.get_inputs()], run


def _providers(runtime: str) -> list[Any]:
    """In the order in which they are tried: what one cannot run the next does."""
    if runtime == ONNX:
        return [PROCESSOR]
    kept = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(user_cache() / TENSORRT)}
    first = [(PROVIDERS[TENSORRT], kept)] if runtime == TENSORRT else []
    return [*first, PROVIDERS[CUDA], PROCESSOR]


def _open_openvino(data: bytes) -> tuple[list[str], Run]:
    """With its shapes left open: made for one shape it is hardly faster, and making it takes as long as several looks.

    OpenVINO would keep what it made, and save a second at each start; it is not asked to, because it does not say how
    it would know what a killed run left half written.
    """
    core = import_openvino().Core()
    streams = side_by_side()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # else 16 bits where the processor has them, and boxes move
        "INFERENCE_NUM_THREADS": streams * threads_each(),
        "NUM_STREAMS": streams,  # one for each thread that asks
        "ENABLE_CPU_PINNING": False,  # several processes would be bound to the same cores
    }
    network = core.compile_model(core.read_model(data), "CPU", settings)
    own = threading.local()

    def run(inputs: Inputs) -> Raw:
        if not hasattr(own, "request"):
            own.request = network.create_infer_request()
        return np.array(own.request.infer(dict(inputs))[network.output(0)], np.float32)

    return [each.get_any_name() for each in network.inputs], run


def import_openvino() -> ModuleType:
    """OpenVINO without what is UNWANTED."""
    with _missing(UNWANTED):
        return importlib.import_module("openvino")


_IMPORTING = threading.Lock()


@contextmanager
def _missing(names: tuple[str, ...]) -> Iterator[None]:
    """Within, these modules cannot be imported, unless they were before."""
    with _IMPORTING:
        absent = [name for name in names if name not in sys.modules]
        for name in absent:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            yield
        finally:
            for name in absent:
                sys.modules.pop(name, None)
