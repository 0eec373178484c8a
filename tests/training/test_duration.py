"""What a training says of its duration, with times given to it."""

from datetime import datetime

import pytest

from whalepipe.training.duration import Clock, clock_time, lasts

NOON = datetime(2024, 5, 6, 12, 0).timestamp()  # a Monday, local time


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 s"),
        (40, "40 s"),
        (90, "2 min"),
        (59 * 60, "59 min"),
        (3599, "1 h"),
        (7200, "2 h"),
        (9620, "2 h 40 min"),
        (9900, "2 h 45 min"),
        (30 * 3600, "30 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert lasts(seconds) == said


def test_the_end_is_a_time_of_day_and_of_another_day_with_its_name():
    assert clock_time(NOON, 2 * 3600 + 600) == "14:10"
    assert clock_time(NOON, 16 * 3600) == "Tue 04:00"


class Times:
    """A clock that the test moves on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def steps(clock: Clock, times: Times, *seconds: float) -> None:
    for one in seconds:
        times.now += one
        clock.step()


def test_it_is_said_after_eight_steps_of_which_the_first_two_do_not_count_and_again_after_an_epoch():
    told: list[str] = []
    times = Times()
    clock = Clock(3, 160, told.append, times)
    clock.start(20)
    steps(clock, times, 50, 50, 6, 6, 6, 6, 6)
    assert told == []
    steps(clock, times, 6)
    assert told == ["about 6 min: 3 epochs of 160 pictures, until about 12:08"]  # 3 x 20 steps of 6 s
    steps(clock, times, *[6] * 12)
    times.now += 92  # writing; the epoch took 5 min
    clock.epoch()
    assert told[1:] == ["about 10 min more: 2 epochs of 160 pictures, until about 12:15"]
    clock.start(20)
    steps(clock, times, *[6] * 20)
    clock.epoch()
    assert len(told) == 2


def test_a_resumed_run_says_what_is_left_and_a_short_epoch_speaks_when_it_is_over():
    told: list[str] = []
    times = Times()
    clock = Clock(2, 8, told.append, times)  # 2 of 8 epochs are left
    clock.start(2)
    steps(clock, times, 1, 1)
    times.now += 1
    clock.epoch()
    assert told == ["about 3 s more: 1 epoch of 8 pictures, until about 12:00"]
    clock.epoch()
    assert len(told) == 1


def test_nobody_need_listen():
    times = Times()
    clock = Clock(2, 8, None, times)
    clock.start(10)
    steps(clock, times, *[1] * 10)
    clock.epoch()
