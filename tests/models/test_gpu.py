"""Pictures together, fewer of them where memory runs short, and 16 bits: on the processor, in a graphics processor's
place. None of this says how it runs on a real one."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.conftest import PROJECT
from whalepipe.config import DetectConfig
from whalepipe.models import detector, embedder, gpu
from whalepipe.models.detector import Detector, load_model, prepared
from whalepipe.models.embedder import KIND, Embedder, build
from whalepipe.models.gpu import Batches, Gathered, OnGpu, in_all_digits
from whalepipe.models.network import TorchNetwork, torch_network
from whalepipe.models.weights import find_weights, save_weights
from whalepipe.photos import read_photo

CUDA_SAYS = "CUDA out of memory. Tried to allocate 2.00 GiB"
MPS_SAYS = "MPS backend out of memory (MPS allocated: 8.00 GB)"


class Small:
    """Doubles numbers, where memory holds at most `holds` of them."""

    def __init__(self, holds: int, error: type[Exception] = RuntimeError, says: str = CUDA_SAYS) -> None:
        self.holds, self._error, self._says = holds, error, says
        self.sizes: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        """As `Batches` has it."""
        self.sizes.append(len(items))
        if len(items) > self.holds:
            raise self._error(self._says)
        return [2 * item for item in items]


@pytest.mark.parametrize(
    ("error", "says"), [(RuntimeError, CUDA_SAYS), (torch.OutOfMemoryError, CUDA_SAYS), (RuntimeError, MPS_SAYS)]
)
def test_where_memory_runs_short_half_as_many_go_on(
    caplog: pytest.LogCaptureFixture, error: type[Exception], says: str
) -> None:
    run = Small(3, error, says)
    batches = Batches(run, 8)
    assert batches(range(10)) == [2 * i for i in range(10)]
    assert run.sizes == [8, 4, 2, 2, 2, 2, 2] and batches.size == 2
    assert caplog.messages == [
        f"the graphics processor is short of memory: {size} pictures at a time from now on" for size in (4, 2)
    ]
    assert batches([7]) == [14] and run.sizes[-1] == 1


def test_what_torch_keeps_is_given_back_by_versions_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.mps, "is_available", raising=False)
    assert Batches(Small(2), 4)(range(3)) == [0, 2, 4]


def test_how_many_fit_is_found_by_a_sample_before_the_first_photo() -> None:
    run = Small(5)
    batches = Batches(run, 16)
    batches.fit(1)
    assert batches.size == 4 and run.sizes == [16, 8, 4, 4, 4, 4]


def test_one_picture_that_is_too_much_and_any_other_error_are_told() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        Batches(Small(0), 4)(range(4))
    other = Small(0, RuntimeError, "cuDNN error")
    with pytest.raises(RuntimeError, match="cuDNN error"):
        Batches(other, 4)(range(4))
    assert other.sizes == [4]


def test_filled_batches_are_of_one_size() -> None:
    run = Small(9)
    assert Batches(run, 4, filled=True)(range(6)) == [0, 2, 4, 6, 8, 10]
    assert Batches(run, 4, filled=True)([5]) == [10]
    assert run.sizes == [4, 4, 4]


def test_what_threads_ask_for_while_one_runs_goes_together() -> None:
    begun, go_on, sizes = threading.Event(), threading.Event(), []

    def run(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        begun.set()
        assert go_on.wait(10)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]

    ask = Gathered(Batches(run, 4))
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, 1)
        assert begun.wait(10)
        more = [pool.submit(ask, number) for number in (2, 3, 4)]
        while len(ask._waiting) < 3:
            threading.Event().wait(0.001)
        go_on.set()
        assert [one.result(10) for one in (first, *more)] == [2, 4, 6, 8]
        assert sizes == [1, 3]
        with pytest.raises(ValueError, match="13"):
            pool.submit(ask, 13).result(10)
        assert pool.submit(ask, 5).result(10) == 10


def test_pictures_of_one_shape_go_together_and_each_gets_its_own_answer() -> None:
    shapes: list[tuple[int, ...]] = []

    class Brightest(torch.nn.Module):
        """Says the highest number of each picture."""

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            shapes.append(tuple(pictures.shape))
            return pictures.amax(dim=(1, 2, 3))[:, None]

    pictures = [np.full((4 + number % 2, 6, 3), number, np.uint8) for number in range(7)]
    said = OnGpu(Brightest(), prepared, "cpu", at_once=3).several(pictures)
    assert [round(255 * float(one[0])) for one in said] == [0, 1, 2, 3, 4, 5, 6]
    assert shapes == [(3, 3, 4, 6), (1, 3, 4, 6), (3, 3, 5, 6)]


def test_on_the_processor_a_network_runs_as_it_always_did() -> None:
    assert type(torch_network(torch.nn.Identity(), prepared, "cpu")) is TorchNetwork
    if torch.backends.mps.is_available():
        assert type(torch_network(torch.nn.Identity(), prepared, "mps", 4)) is OnGpu


@pytest.fixture
def sixteen_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor reckons as CUDA would."""
    monkeypatch.setattr(gpu, "in_fewer_digits", lambda _: torch.autocast("cpu", dtype=torch.float16))


def test_boxes_of_16_bits_are_the_same_within_a_pixel(sixteen_bits: None) -> None:  # noqa: ARG001
    weights, config = find_weights("detector", "detector"), DetectConfig(size=320)
    own, other = Detector(weights), Detector(weights)
    model = load_model(weights)
    in_all_digits(model.model[-1])
    other._network = OnGpu(model, prepared, "cpu", 4)
    picture = read_photo(PROJECT / "labels" / "rendered" / "photos" / "0004.jpg", 320)
    boxes, others = own(picture, config), other(picture, config)
    assert boxes and [b.part for b in boxes] == [b.part for b in others] and boxes != others
    for box, near in zip(boxes, others, strict=True):
        corners = [(b.xmin, b.ymin, b.xmax, b.ymax) for b in (box, near)]
        assert np.abs(np.subtract(*corners)).max() * 320 < 0.5
        assert box.confidence == pytest.approx(near.confidence, abs=0.002)


def test_a_vector_does_not_depend_on_who_else_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    card = {"kind": KIND, "backbone": "mobilenetv3_small_050", "dimension": 16, "size": 32}
    weights = save_weights(tmp_path / "w.pt", build("mobilenetv3_small_050", 16).state_dict(), card)
    crops = [np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8) for seed in range(2)]
    own = [Embedder(weights)(crop) for crop in crops]
    made = Embedder(weights)
    monkeypatch.setattr(embedder, "side_by_side", lambda: 2)
    looks = embedder.torch_looks(made.voters, "cpu:0")  # any device but "cpu" itself
    made._looks = looks
    alone = [made(crop) for crop in crops]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(made, crops))
    assert [one.tobytes() for one in alone] == [one.tobytes() for one in together]
    for one, other in zip(own, alone, strict=True):
        assert np.abs(one - other).max() < 1e-4


def test_the_windows_of_a_photo_are_looked_at_together() -> None:
    """As test_tiles.py has it, with a network that takes several pictures."""
    sizes: list[tuple[int, int]] = []

    def several(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
        sizes.append((len(pictures), max(pictures[0].shape)))
        said = []
        for picture in pictures:
            _, _, stats, _ = cv2.connectedComponentsWithStats((picture[..., 0] > 180).astype(np.uint8))
            rows = [(x + w / 2, y + h / 2, w, h, 0.0, 0.9 if max(w, h) >= 12 else 0.1) for x, y, w, h, _ in stats[1:]]
            said.append(np.reshape([r for r in rows if max(r[2:4]) >= 3], (-1, 6)).astype(np.float32).T)
        return said

    photo = np.zeros((640, 1280, 3), np.uint8)
    for number in range(4):
        photo[300:340, 100 + 300 * number : 140 + 300 * number] = 255
    finds = Detector.__new__(Detector)
    finds.parts, finds._several = ("fluke", "dorsal_fin"), several
    boxes = finds(cv2.resize(photo, (128, 64), interpolation=cv2.INTER_AREA), DetectConfig(size=128), lambda: photo)
    assert len(boxes) == 4
    assert (4, 320) in sizes and len(sizes) < 8
    assert detector.WINDOWS == 16
