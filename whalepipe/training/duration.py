"""How long a training will take: said after its first steps, and again when its first epoch is over."""

import time
from collections.abc import Callable
from datetime import datetime

Tell = Callable[[str], None]  # takes a line for the person who waits

WARM = 2  # steps that are not timed: memory is taken in them, and kernels are chosen
TIMED = 6  # steps that are
MINUTE, HOUR = 60, 3600  # seconds


class Clock:
    """Times the steps of the first epoch that a process trains, and says how long all that are left will take."""

    def __init__(self, left: int, pictures: int, tell: Tell | None, now: Callable[[], float] = time.time) -> None:
        """`left`: epochs still to train; `pictures` of an epoch; `now` gives seconds since 1970."""
        self._left, self._pictures, self._tell, self._now = left, pictures, tell, now
        self._per_epoch, self._steps, self._begun, self._warm = 1, 0, now(), 0.0
        self._first = True

    def start(self, steps: int) -> None:
        """The first epoch begins; it has so many steps."""
        self._per_epoch, self._steps, self._begun = steps, 0, self._now()

    def step(self) -> None:
        """A step is done."""
        self._steps += 1
        if self._steps == WARM:
            self._warm = self._now()
        if self._first and self._steps == WARM + TIMED:
            self._say((self._now() - self._warm) / TIMED * self._per_epoch, "")

    def epoch(self) -> None:
        """An epoch is done, with all that follows its steps: measuring, writing, drawing."""
        self._left -= 1
        if self._first and self._left > 0:
            self._say(self._now() - self._begun, " more")
        self._first = False

    def _say(self, an_epoch: float, more: str) -> None:
        if self._tell is None:
            return
        seconds = an_epoch * self._left
        epochs = f"{self._left} epoch{'s' if self._left > 1 else ''} of {self._pictures} pictures"
        self._tell(f"about {lasts(seconds)}{more}: {epochs}, until about {clock_time(self._now(), seconds)}")


def lasts(seconds: float) -> str:
    """A duration as it is said: 40 s, 25 min, 2 h 40 min (from an hour on to the nearest 5 minutes)."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE)
    if minutes >= 60:
        minutes = 5 * round(minutes / 5)
    hours, minutes = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0))


def clock_time(now: float, seconds: float) -> str:
    """The local time of day in so many seconds, with the weekday where that is not today."""
    today, then = datetime.fromtimestamp(now), datetime.fromtimestamp(now + seconds)
    return then.strftime("%H:%M" if then.date() == today.date() else "%a %H:%M")
