"""The measurement: whole processes, one after the other in turn, each time from nothing; medians of several rounds."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from whalepipe.bench.copies import copy_photos
from whalepipe.bench.processes import Timed, timed, told
from whalepipe.bench.task import Task, write_settings
from whalepipe.config import Config
from whalepipe.errors import ConfigError, WhalepipeError
from whalepipe.photos import scan
from whalepipe.progress import Progress, silent

STAGES = ("read", "decode", "detect", "crop", "quality", "embed", "match", "write")
# Each of them, and which command of whalepipe does as much as it does.
AGAINST = {"naive": "run", "yolo": "detect"}


@dataclass(frozen=True)
class Measurement:
    """What is to be measured."""

    raw_dir: Path
    config: Config = field(default_factory=Config)
    device: str = "auto"
    against: Sequence[str] = ()
    repeats: int = 5
    copies: int = 1  # of each photo

    def check(self) -> None:
        """Raises ConfigError for a name that nothing is known by."""
        unknown = [name for name in self.against if name not in AGAINST]
        if unknown:
            raise ConfigError(f"--against {unknown[0]}: known are {', '.join(AGAINST)}")


@dataclass
class Rounds:
    """What each process took and told, round by round, by its name."""

    took: dict[str, list[Timed]] = field(default_factory=dict)
    said: dict[str, list[Any]] = field(default_factory=dict)

    def seconds(self, name: str) -> float:
        """Median over the rounds."""
        return median(each.seconds for each in self.took[name])

    def peak(self, name: str) -> float | None:
        """The most memory (MiB) of any round; None where the system does not tell."""
        return max((each.peak_memory_mib for each in self.took[name] if each.peak_memory_mib is not None), default=None)


def bench(asked: Measurement, progress: Progress = silent) -> dict[str, Any]:
    """Measure a folder. Returns the figures of `figures`. Raises ConfigError, WhalepipeError."""
    asked.check()
    with tempfile.TemporaryDirectory(prefix="whalepipe-bench-") as name:
        work = Path(name)
        write_settings(work / "settings.json", asked.config)
        task = Task(_photos(asked, work / "photos"), work / "settings.json", asked.device)
        photos = len(task.photos)
        if not photos:
            raise WhalepipeError(f"{asked.raw_dir} holds no photo to measure with")
        rounds = Rounds()
        for number in progress("bench", range(asked.repeats)):
            _round(asked, task, work / str(number), rounds)
    return figures(asked, photos, rounds)


def _photos(asked: Measurement, folder: Path) -> Path:
    if asked.copies == 1:
        return asked.raw_dir
    folder.mkdir()
    copy_photos([found for found in scan(asked.raw_dir) if not found.note], folder, asked.copies)
    return folder


def _round(asked: Measurement, task: Task, folder: Path, rounds: Rounds) -> None:
    """Every process once: whalepipe's command, then what is measured against it."""
    folder.mkdir()
    for command in dict.fromkeys(["run", *(AGAINST[name] for name in asked.against)]):
        options = "--config", task.settings, "--device", task.device, "--quiet"
        ours = timed("whalepipe", [command, task.raw_dir, "--out", folder / command, *options])
        rounds.took.setdefault(command, []).append(ours)
        for name in (name for name in asked.against if AGAINST[name] == command):
            _part(name, task, folder, rounds)
    for name in ("ideal", "staged"):
        _part(name, task, folder, rounds)


def _part(name: str, task: Task, folder: Path, rounds: Rounds) -> None:
    result = folder / f"{name}.json"
    rounds.took.setdefault(name, []).append(timed(f"whalepipe.bench.{name}", task.arguments(result)))
    rounds.said.setdefault(name, []).append(told(result))


def figures(asked: Measurement, photos: int, rounds: Rounds) -> dict[str, Any]:
    """photos_per_second of `whalepipe run`; of_ideal, its share of what decoder and models alone reach, fed from
    memory; peak_memory_mib; stages (`stages_of`); against, by name: ratio, how many times as long the other took.

    Medians over the rounds, memory the most of any.
    """
    rate = photos / rounds.seconds("run")
    best = median(said["photos"] / said["seconds"] for said in rounds.said["ideal"])
    return {
        "photos_per_second": round(rate, 3),
        "of_ideal": round(rate / best, 3),
        "peak_memory_mib": rounds.peak("run"),
        "stages": stages_of(rounds.said["staged"], photos),
        "against": {name: _beside(name, photos, rounds) for name in asked.against},
        "ideal_photos_per_second": round(best, 3),
        "seconds": [round(each.seconds, 3) for each in rounds.took["run"]],
        "processor_seconds": [round(each.processor_seconds, 3) for each in rounds.took["run"]],
        "photos": photos,
        "repeats": asked.repeats,
        "cores": os.cpu_count(),
    }


def stages_of(said: Sequence[Mapping[str, Any]], photos: int) -> dict[str, dict[str, float]]:
    """Of each stage: milliseconds a photo, added up over the threads, and how many cores it keeps busy, as a mean over
    the whole run. Means over the rounds. Starting up is in none of them, loading a model is in the stage that does."""
    stages = {}
    for stage in STAGES:
        spent = [(round_["spent"].get(stage, {}), round_["seconds"]) for round_ in said]
        took = mean(each.get("seconds", 0.0) for each, _ in spent)
        cores = mean(each.get("processor_seconds", 0.0) / whole for each, whole in spent)
        stages[stage] = {"ms_per_photo": round(1000 * took / photos, 2), "cores": round(cores, 3)}
    return stages


def _beside(name: str, photos: int, rounds: Rounds) -> dict[str, Any]:
    ours, theirs = rounds.seconds(AGAINST[name]), rounds.seconds(name)
    return {
        "ratio": round(theirs / ours, 3),
        "command": AGAINST[name],
        "photos_per_second": round(photos / theirs, 3),
        "our_photos_per_second": round(photos / ours, 3),
        "peak_memory_mib": rounds.peak(name),
        "boxes": rounds.said[name][0]["boxes"],
        "threads": rounds.said[name][0]["threads"],
        "seconds": [round(each.seconds, 3) for each in rounds.took[name]],
    }
