"""Pictures drawn by several processes, and kept until the renderer changes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from whalepipe.training import drawn
from whalepipe.training.drawn import kept, renderer_state, spread


def threads(number: int) -> tuple[int, int]:
    return number * number, cv2.getNumThreads()


def no_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def test_each_item_is_made_in_order_on_one_thread() -> None:
    assert spread(threads, range(5), workers=2, chunk=2) == [(0, 1), (1, 1), (4, 1), (9, 1), (16, 1)]


def test_what_a_process_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="3 is odd"):
        spread(no_odd, [2, 3], workers=1)


def test_what_was_drawn_is_kept_until_the_renderer_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = iter(({"pictures": np.full((2, 3), 7, np.uint8)}, {"pictures": np.zeros(1, np.uint8)}))
    first = kept(tmp_path / "fluke", lambda: next(drawings))
    again = kept(tmp_path / "fluke", lambda: next(drawings))
    assert first["pictures"].tolist() == again["pictures"].tolist() == [[7, 7, 7], [7, 7, 7]]
    assert [p.name for p in tmp_path.iterdir()] == [f"fluke-{renderer_state()}.npz"]
    monkeypatch.setattr(drawn, "renderer_state", lambda: "changed")
    assert kept(tmp_path / "fluke", lambda: next(drawings))["pictures"].tolist() == [0]


def test_nothing_is_kept_of_what_could_not_be_drawn(tmp_path: Path) -> None:
    def fail() -> dict[str, np.ndarray]:
        raise RuntimeError("out of ink")

    with pytest.raises(RuntimeError, match="out of ink"):
        kept(tmp_path / "fluke", fail)
    assert not list(tmp_path.iterdir())
