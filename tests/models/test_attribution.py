"""Attribution with networks and questions whose answer is known: one that sees a place alone, labels worked out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from whalepipe.models import attribution
from whalepipe.models.attribution import Question, Sweep, bounded, label, likeness_to, share
from whalepipe.models.embedder import Voter, build, voted
from whalepipe.models.species import Head

pytest.importorskip("captum", reason="captum is not installed: pip install 'whalepipe[explain]'")


@pytest.fixture(scope="module")
def voters() -> list[Voter]:
    """Two networks with random weights, the first with two looks: vectors of 8, 8 and 4 numbers."""
    import torch

    torch.manual_seed(0)
    first, second = build("test_efficientnet", 8, 2), build("test_efficientnet", 4)
    return [Voter(first.eval(), [64, 96]), Voter(second.eval(), [64])]


def spotted(seed: int = 0) -> np.ndarray:
    """A crop, (60, 90, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 255, (60, 90, 3), np.uint8)


@pytest.fixture
def sees_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedder whose one number is how bright the left third is."""

    def look(_voters: Sequence[Voter], crops: Sequence[np.ndarray], _device: str) -> np.ndarray:
        return np.array([[c[:, : c.shape[1] // 3].mean() / 255] for c in crops], np.float32)

    monkeypatch.setattr(attribution, "voted", look)


def test_what_alone_counts_is_found_and_the_ceiling_is_reached(sees_the_left: None) -> None:  # noqa: ARG001
    crop = np.full((60, 90, 3), 255, np.uint8)
    question = likeness_to(np.ones(1, np.float32))
    found = attribution.occlusion([], crop, question)
    left = np.zeros((6, 9), np.bool_)
    left[:, :3] = True
    assert found.shape == (60, 90) and found[:, :20].min() > 0.05 and abs(found[:, 70:]).max() < 1e-5
    told = bounded(found, left)
    assert told is not None and told.chance == pytest.approx(1 / 3, abs=0.02)
    assert told.attribution == pytest.approx(told.ceiling, abs=0.01) and told.ceiling > 0.65
    wrong = bounded(found, ~left)
    assert wrong is not None and wrong.attribution < 0.35 < wrong.chance < wrong.ceiling


def test_a_smaller_square_sees_sharper(sees_the_left: None) -> None:  # noqa: ARG001
    crop, left = np.full((60, 90, 3), 255, np.uint8), np.zeros((6, 9), np.bool_)
    left[:, :3] = True
    question, small = likeness_to(np.ones(1, np.float32)), Sweep(0.1, 1)
    coarse, fine = attribution.occlusion([], crop, question), attribution.occlusion([], crop, question, sweep=small)
    assert (share(fine, left) or 0) > (share(coarse, left) or 0) + 0.05


def test_where_nothing_speaks_for_the_answer_there_is_no_share(sees_the_left: None) -> None:  # noqa: ARG001
    black = attribution.occlusion([], np.zeros((60, 90, 3), np.uint8), likeness_to(np.ones(1, np.float32)))
    assert black.max() < 1e-6 and black.min() < -0.05  # a grey square makes it brighter
    assert share(black, np.ones((6, 9), np.bool_)) is None
    assert bounded(black, np.ones((6, 9), np.bool_)) is None
    assert bounded(-black, np.zeros((6, 9), np.bool_)) is None


def colours() -> Voter:
    """A network whose vector is the mean colour, and whose last convolution is the picture in cells of 8 pixels."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.width = nn.AvgPool2d(8), 3

        def forward(self, pictures: Any, _look: int) -> Any:
            return self.backbone(pictures).mean((2, 3))

    return Voter(Network().eval(), [64])


@pytest.mark.parametrize(("colour", "place"), [(0, slice(0, 45)), (2, slice(45, 90))])
def test_grad_cam_lies_where_the_colour_is_that_is_asked_for(colour: int, place: slice) -> None:
    crop, mask = np.zeros((60, 90, 3), np.uint8), np.zeros((60, 90), np.bool_)
    crop[:, :45, 0], crop[:, 45:, 2], mask[:, place] = 255, 255, True
    gradients, _ = attribution.seen([colours()], crop, likeness_to(np.eye(3, dtype=np.float32)[colour]))
    assert (share(gradients, mask) or 0) > 0.95


def test_the_last_convolution_answers_whatever_is_asked(voters: list[Voter]) -> None:
    crop, [other] = spotted(), voted(voters, [spotted(1)])
    (gradients, activation), (opposite, same) = (
        attribution.seen(voters, crop, likeness_to(sign * other)) for sign in (1, -1)
    )
    assert gradients.shape == activation.shape == (60, 90)
    assert np.allclose(activation, same) and not np.allclose(gradients, opposite)
    assert activation.min() >= 0 and 0.3 < activation.max() <= 1.001


def test_maps_have_the_proportions_of_the_crop(voters: list[Voter]) -> None:
    wide = np.ascontiguousarray(np.tile(spotted(), (2, 16, 1)))  # 120 x 1440
    assert attribution.shrunk(wide).shape == (43, 512, 3)
    [other] = voted(voters, [spotted(1)])
    found = attribution.maps(voters, spotted(), likeness_to(other))
    assert found.occlusion.shape == found.gradcam.shape == found.activation.shape == (60, 90)
    assert np.isfinite(found.occlusion).all() and np.abs(found.occlusion).max() > 0


HEAD = Head(("a", "b", "c"), np.array([[2.0, 0], [0, 1], [0, 0]]), np.array([0.0, 0.5, 1.0]), np.zeros((1, 2)), 0.0)


def test_the_score_of_a_label_is_its_logit_in_deviations_from_the_mean() -> None:
    # Logits 2, 1.5 and 1: the mean is 1.5, the deviation the root of a sixth.
    vectors = np.array([[1.0, 1.0]], np.float32)
    scores = [float(label(HEAD, name).score(vectors)[0]) for name in ("a", "b", "c")]
    assert scores == pytest.approx([0.5 * 6**0.5, 0, -0.5 * 6**0.5])
    with pytest.raises(ValueError, match="d"):
        label(HEAD, "d")


ASKED = (label(HEAD, "a"), label(HEAD, "b"), likeness_to(np.array([0.6, 0.8], np.float32)))


@pytest.mark.parametrize("question", ASKED)
def test_the_slope_is_that_of_the_score(question: Question) -> None:
    at, little = np.array([0.3, 0.9], np.float32), 1e-2
    steps = np.eye(2, dtype=np.float32) * little
    rise = [float((question.score((at + d)[None]) - question.score((at - d)[None]))[0]) / (2 * little) for d in steps]
    assert question.slope(at) == pytest.approx(rise, abs=0.01)
