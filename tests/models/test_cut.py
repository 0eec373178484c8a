import numpy as np
import pytest

from whalepipe.config import QualityConfig
from whalepipe.models.cut import Box, Cuts, find_cuts, sides_cut
from whalepipe.models.silhouette import SHAPE, Floats, Silhouette

WIDE, HIGH = 240, 160


def never() -> None:
    raise AssertionError("nobody is asked where no side of the box but the lower one ends at the frame")


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((40, 40, 100, 100), 0),
        ((0, 40, 60, 100), 1),
        ((0.4, 0, 60, 60), 2),
        ((180, 100, 240, 160), 2),
        ((2, 40, 122, 100), 1),
        ((3, 40, 122, 100), 0),
    ],
)
def test_a_box_that_ends_at_the_frame_is_cut_by_it_where_nothing_tells(box: Box, cut: int) -> None:
    assert sides_cut(box, WIDE, HIGH, lambda: None) == cut


@pytest.mark.parametrize("run", [0.04, 0.5])
@pytest.mark.parametrize(("box", "side"), [((0, 40, 60, 100), 0), ((40, 0, 100, 60), 1), ((180, 40, 240, 100), 2)])
def test_what_touches_the_frame_is_whole_and_what_runs_along_it_is_cut(box: Box, side: int, run: float) -> None:
    touching, running = np.full(4, 0.02), np.full(4, 0.02)
    running[side] = run
    assert sides_cut(box, WIDE, HIGH, lambda: touching) == 0
    assert sides_cut(box, WIDE, HIGH, lambda: running) == 1


def test_nothing_is_asked_of_a_box_within_the_photo() -> None:
    assert sides_cut((40, 40, 100, 100), WIDE, HIGH, never) == 0


@pytest.mark.parametrize(
    ("along", "cut"),
    [
        (None, 0),
        ((0.0, 0.0, 0.0, 0.0), 0),
        ((0.1, 0.0, 0.16, 0.0), 0),  # tips that touch it
        ((0.17, 0.0, 0.0, 0.0), 1),
        ((0.5, 0.0, 0.3, 0.9), 2),
        ((0.0, 0.9, 0.0, 0.9), 0),  # the box ends above and below before the frame
    ],
)
def test_of_a_photo_cut_to_its_animal_the_silhouette_tells(along: tuple[float, ...] | None, cut: int) -> None:
    told = None if along is None else np.array(along)
    assert sides_cut((1, 30, 239, 120), WIDE, HIGH, lambda: told) == cut


def test_below_a_body_always_goes_on() -> None:
    assert sides_cut((0, 0, WIDE, HIGH), WIDE, HIGH, lambda: np.array([0.0, 0.0, 0.0, 1.0])) == 0
    assert sides_cut((100, 100, 160, HIGH), WIDE, HIGH, never) == 1


def test_one_side_of_a_photo_that_is_spanned_the_other_way_is_cut() -> None:
    assert sides_cut((0, 0, WIDE, 60), WIDE, HIGH, lambda: np.array([0.1, 0.1, 0.1, 0.0])) == 1


def drawn(*blocks: tuple[slice, slice]) -> Floats:
    odds = np.full(SHAPE[::-1], -5.0, np.float32)
    for block in blocks:
        odds[block] = 5.0
    return odds


EVERY = slice(None), slice(None)


def test_how_far_a_silhouette_runs_along_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = find_cuts(QualityConfig(), "cpu")
    assert cuts is not None
    assert cuts.method.startswith("cut-2 outline-")
    width, height = SHAPE
    inner = slice(60, 100), slice(60, 100)
    part = drawn((slice(0, 40), slice(0, 30)), (slice(height // 2, height), slice(width - 1, width)), inner)
    monkeypatch.setitem(cuts.__dict__, "_silhouettes", lambda crop: Silhouette(part, part))  # noqa: ARG005
    picture = np.zeros((2 * height, 2 * width, 3), np.uint8)
    found = cuts("fluke", picture, (0.0, 0.0, 2.0 * width, 2.0 * height))
    assert found is not None
    assert found.tolist() == pytest.approx([40 / 160, 30 / 224, 0.5, 1 / 224])
    lower = cuts("fluke", picture, (0.0, float(height), 2.0 * width, 2.0 * height))
    assert lower is not None
    assert lower.tolist() == pytest.approx([0.0, 30 / 224, 1.0, 1 / 224])
    assert cuts("head", picture, (0.0, 0.0, 10.0, 10.0)) is None


def test_a_silhouette_that_failed_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = find_cuts(QualityConfig(), "cpu")
    assert cuts is not None
    hardly = drawn((slice(0, 160), slice(0, 11)))
    monkeypatch.setitem(cuts.__dict__, "_silhouettes", lambda crop: Silhouette(hardly, hardly))  # noqa: ARG005
    assert cuts("fluke", np.zeros((9, 9, 3), np.uint8), (0.0, 0.0, 9.0, 9.0)) is None


def test_it_can_be_switched_off() -> None:
    assert find_cuts(QualityConfig(silhouette="none"), "cpu") is None


def test_a_box_beyond_the_picture_does_not_break_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = find_cuts(QualityConfig(), "cpu")
    assert isinstance(cuts, Cuts)
    monkeypatch.setitem(cuts.__dict__, "_silhouettes", lambda crop: Silhouette(drawn(EVERY), drawn()))  # noqa: ARG005
    found = cuts("fluke", np.zeros((2, 2, 3), np.uint8), (2.0, 2.0, 2.0, 2.0))
    assert found is not None
    assert found.shape == (4,)
