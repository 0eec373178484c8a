"""How fast each installed runtime runs a network here, by a few looks in turn, so that other work disturbs all alike.

It is for people to read and choose by (`whalepipe doctor`). Nothing is chosen by it: runtimes differ in the last
digits, and a choice that changes with how busy a machine was would change tables from one run to the next.
"""

import time
from collections.abc import Mapping
from statistics import median

import numpy as np

from whalepipe.models.device import MOST_SIDE_BY_SIDE, working_side_by_side
from whalepipe.models.exported import Exported, find_exported
from whalepipe.models.network import Network, Picture
from whalepipe.models.runtimes import ONNX, OPENVINO, installed
from whalepipe.models.weights import Weights

SHAPE = (448, 640)  # pixels, as of a photo where the detector was trained
LOOKS = 5  # of each, after one that is not counted
SAME = 1.1  # times as fast: less is not worth another setting


def speeds(weights: Weights) -> dict[str, float]:
    """Milliseconds of one look of a detector on the processor, by backend, with the threads that each has in a run.

    Of those that are installed. Raises WeightsError.
    """
    with working_side_by_side(MOST_SIDE_BY_SIDE):
        forms = {b: find_exported(weights, b, "cpu", needed=False) for b in (ONNX, OPENVINO) if installed(b)}
        networks = {backend: Exported(form) for backend, form in forms.items() if form}
    return timed(networks, np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8))


def timed(networks: Mapping[str, Network], picture: Picture) -> dict[str, float]:
    """Milliseconds of each at one picture: the median of LOOKS."""
    took: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(1 + LOOKS):
        for name, network in networks.items():
            began = time.perf_counter()
            network(picture)
            took[name].append(1000 * (time.perf_counter() - began))
    return {name: median(each[1:]) for name, each in took.items()}


def advice(found: Mapping[str, float], runs: str) -> tuple[str, str]:
    """What was found, and which setting is worth a change, if another than `runs` is faster by more than SAME."""
    told = ", ".join(f"{name} {took:.0f} ms" for name, took in found.items())
    best = min(found, key=lambda name: found[name])
    times = found.get(runs, 0.0) / found[best]
    other = f"--set detect.backend={best} is {times:.1f} times as fast" if times > SAME else ""
    return f"a look of the detector at {SHAPE[1]} x {SHAPE[0]} pixels: {told}", other
