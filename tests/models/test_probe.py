"""Backends timed in turn, and what is advised."""

import time

import numpy as np
import pytest

from whalepipe.models.probe import advice, speeds, timed
from whalepipe.models.weights import find_weights


def test_networks_are_timed_in_turn_and_the_first_look_does_not_count() -> None:
    order: list[str] = []

    def network(name: str, seconds: float) -> object:
        def look(_picture: object) -> np.ndarray:
            time.sleep(0.2 if name not in order else seconds)
            order.append(name)
            return np.zeros(1, np.float32)

        return look

    found = timed({"a": network("a", 0.002), "b": network("b", 0.02)}, np.zeros((4, 4, 3), np.uint8))
    assert order == ["a", "b"] * 6
    assert 2 <= found["a"] < 20 <= found["b"] < 200


@pytest.mark.parametrize(
    ("found", "runs", "told", "other"),
    [
        ({"onnx": 100.0, "openvino": 95.0}, "onnx", "onnx 100 ms, openvino 95 ms", ""),
        ({"onnx": 100.0, "openvino": 50.0}, "onnx", "onnx 100 ms, openvino 50 ms",
         "--set detect.backend=openvino is 2.0 times as fast"),
        ({"onnx": 40.0, "openvino": 50.0}, "openvino", "onnx 40 ms, openvino 50 ms",
         "--set detect.backend=onnx is 1.2 times as fast"),
        ({"onnx": 40.0}, "onnx", "onnx 40 ms", ""),
        ({"onnx": 40.0}, "tensorrt", "onnx 40 ms", ""),
    ],
)  # fmt: skip
def test_another_backend_is_advised_where_it_is_worth_it(
    found: dict[str, float], runs: str, told: str, other: str
) -> None:
    assert advice(found, runs) == (f"a look of the detector at 640 x 448 pixels: {told}", other)


def test_the_shipped_detector_is_timed_by_each_runtime() -> None:
    for package in ("onnxruntime", "openvino"):
        pytest.importorskip(package)
    found = speeds(find_weights("detector", "detector"))
    assert found.keys() == {"onnx", "openvino"} and all(1 < took < 60_000 for took in found.values())
