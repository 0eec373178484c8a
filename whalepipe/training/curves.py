"""The log of a training and its picture: losses, learning rate and what validation found, over the epochs.

log.csv has one line an epoch and no header: epoch, mean loss, time of day, then cells of a name and its value
("box_loss 1.97", "learning rate 0.001", "ap50 0.81"). Whatever has `loss` in its name is drawn with the losses.
"""

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from whalepipe.files import aside

LOG, PICTURE = "log.csv", "curves.png"
LOSS, RATE, FOUND = "loss", "learning rate", "on what was held out"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 250, 70, 250, 34, 30  # of a panel and its margins, pixels
# Okabe and Ito 2008, "Color universal design": eight colours that colour-blind people tell apart, without yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
FAINT, TEXT = "#DDDDDD", "#333333"

Epochs = dict[int, float]  # value by epoch


def log_epoch(folder: Path, epoch: int, loss: float, found: Mapping[str, float]) -> None:
    """Add an epoch's line to the folder's log and draw the log anew."""
    shown = [f"{name} {value:.4g}" for name, value in found.items()]
    with (folder / LOG).open("a", encoding="utf-8") as log:
        log.write(",".join([str(epoch), f"{loss:.4f}", time.strftime("%H:%M:%S"), *shown]) + "\n")
    draw(read_log(folder / LOG), folder / PICTURE)


def read_log(path: Path) -> dict[str, Epochs]:
    """Each name of a log and its value by epoch. An epoch that was trained again after a kill has its last values."""
    series: dict[str, Epochs] = {}
    with path.open(encoding="utf-8", newline="") as log:
        for row in csv.reader(log):
            try:
                epoch, values = int(row[0]), [(LOSS, row[1]), *(cell.rpartition(" ")[::2] for cell in row[3:])]
                numbers = [(name, float(value)) for name, value in values]
            except (IndexError, ValueError):  # a kill left half a line
                continue
            for name, number in numbers:
                series.setdefault(name, {})[epoch] = number
    return series


def draw(series: Mapping[str, Epochs], path: Path) -> None:
    """Write a PNG with a panel for the losses, for the learning rate and for the rest, as far as there are such."""
    panels: dict[str, dict[str, Epochs]] = {}
    for name, epochs in series.items():
        finite = {epoch: value for epoch, value in epochs.items() if isfinite(value)}
        if finite:
            panels.setdefault(_panel(name), {})[name] = finite
    last = max((epoch for epochs in series.values() for epoch in epochs), default=1)
    image = Image.new("RGB", (WIDTH, HEIGHT * max(1, len(panels))), "white")
    pen = ImageDraw.Draw(image)
    for row, title in enumerate(t for t in (LOSS, RATE, FOUND) if t in panels):
        _Panel(pen, row * HEIGHT, last, panels[title]).draw(title)
    with aside(path) as temporary:
        image.save(temporary, "PNG")


def _panel(name: str) -> str:
    return LOSS if LOSS in name else RATE if name == RATE else FOUND


@dataclass(frozen=True)
class _Panel:
    """A chart of some curves, its top edge at `top`."""

    pen: ImageDraw.ImageDraw
    top: int
    last: int  # epoch at the right end
    curves: Mapping[str, Epochs]

    def draw(self, title: str) -> None:
        self._text((LEFT, self.top + 10), title, 14)
        marks = ticks(max(value for epochs in self.curves.values() for value in epochs.values()))
        for mark in marks:
            y = self._y(mark, marks[-1])
            self.pen.line([(LEFT, y), (WIDTH - RIGHT, y)], FAINT)
            self._text((LEFT - 8, y - 6), f"{mark:g}", anchor="ra")
        for epoch in range(1, self.last + 1, max(1, -(-self.last // 15))):
            self._text((self._x(epoch), self.top + HEIGHT - BOTTOM + 6), str(epoch), anchor="ma")
        for number, (name, epochs) in enumerate(self.curves.items()):
            self._curve(number, name, epochs, marks[-1])

    def _curve(self, number: int, name: str, epochs: Epochs, highest: float) -> None:
        colour = COLOURS[number % len(COLOURS)]
        points = [(self._x(epoch), self._y(value, highest)) for epoch, value in sorted(epochs.items())]
        self.pen.line(points, colour, 2)
        for x, y in points:
            self.pen.ellipse([x - 3, y - 3, x + 3, y + 3], colour)
        y = self.top + TOP + 18 * number
        self.pen.line([(WIDTH - RIGHT + 20, y + 6), (WIDTH - RIGHT + 40, y + 6)], colour, 3)
        self._text((WIDTH - RIGHT + 48, y), f"{name} {epochs[max(epochs)]:.3g}")

    def _x(self, epoch: int) -> float:
        return LEFT + 10 + (WIDTH - LEFT - RIGHT - 20) * (epoch - 1) / max(1, self.last - 1)

    def _y(self, value: float, highest: float) -> float:
        height = HEIGHT - TOP - BOTTOM
        return self.top + TOP + height * (1 - min(max(value, 0.0), highest) / highest)

    def _text(self, place: tuple[float, float], text: str, size: int = 12, anchor: str = "la") -> None:
        self.pen.text(place, text, TEXT, ImageFont.load_default(size), anchor)


def ticks(highest: float) -> Sequence[float]:
    """From nothing up to the first round number that is not below `highest`: 0, 0.2, 0.4, 0.6 for 0.55."""
    if highest <= 0:
        return [0.0, 1.0]
    whole = 10.0 ** floor(log10(highest / 4))
    step = next(whole * times for times in (1, 2, 5, 10) if whole * times * 5 >= highest)
    count = next(n for n in range(1, 7) if round(n * step, 12) >= highest * (1 - 1e-9))
    return [round(n * step, 12) for n in range(count + 1)]
