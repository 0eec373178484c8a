"""Round numbers and times for the axes of the page's charts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SPANS = tuple(
    timedelta(minutes=m)
    for m in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 14 * 1440, 28 * 1440, 91 * 1440)
)
DAY = timedelta(days=1)
MONDAY = datetime(1970, 1, 5)  # from which days and weeks are counted


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the chart's units, with what stands there."""

    at: float
    label: str
    below: str = ""  # on a second line


def round_step(length: float, most: int) -> float:
    """The smallest of 1, 2 and 5 times a power of ten of which at most `most` steps make up `length`; 1 at least."""
    least = max(length / most, 1.0)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def counts(highest: int, most: int = 5) -> list[int]:
    """Whole numbers from 0 to the first round one that is not below `highest`."""
    step = int(round_step(max(highest, 1), most))
    return list(range(0, step * math.ceil(max(highest, 1) / step) + 1, step))


def span_of(first: datetime, last: datetime, most: int) -> timedelta:
    """The shortest of SPANS of which at most `most`, counted from a whole one, reach from `first` to `last`."""
    return next((s for s in SPANS if _whole(last, s) - _whole(first, s) < most * s), SPANS[-1])


def begins(first: datetime, last: datetime, span: timedelta) -> list[datetime]:
    """The beginnings of the spans that hold all times from `first` to `last`."""
    begin = _whole(first, span)
    return [begin + i * span for i in range((last - begin) // span + 1)]


def _whole(time: datetime, span: timedelta) -> datetime:
    return MONDAY + (time - MONDAY) // span * span


def time_ticks(times: Sequence[datetime], places: Sequence[float], span: timedelta, most: int) -> list[Tick]:
    """At most `most` of the times, each with its time of day where spans are shorter than a day, and with its day where
    that is another than the one before."""
    apart = max(1, math.ceil(len(times) / most))
    ticks, before = [], None
    for time, place in list(zip(times, places, strict=True))[::apart]:
        day = f"{time:%Y-%m-%d}" if before is None or before.date() != time.date() else ""
        ticks.append(Tick(place, day) if span >= DAY else Tick(place, f"{time:%H:%M}", day))
        before = time
    return ticks
