"""What is timed within something else counts once."""

import threading
import time

import pytest

from whalepipe.stopwatch import Stopwatch


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_inner_work_counts_for_itself_alone() -> None:
    watch = Stopwatch()
    with watch("outer"):
        busy(0.03)
        with watch("inner"):
            busy(0.06)
        with watch("inner"):
            time.sleep(0.05)
    assert watch.spent["inner"].processor_seconds == pytest.approx(0.06, abs=0.015)
    assert watch.spent["outer"].processor_seconds == pytest.approx(0.03, abs=0.015)
    assert watch.spent["inner"].seconds >= 0.11


def test_threads_are_added_up_and_an_error_passes() -> None:
    watch = Stopwatch()

    def work() -> None:
        with watch("a"):
            busy(0.03)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.spent["a"].processor_seconds == pytest.approx(0.09, abs=0.02)
    with pytest.raises(ValueError, match="x"), watch("b"):
        raise ValueError("x")
    assert "b" in watch.spent
