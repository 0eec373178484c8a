"""`python -m whalepipe.bench.ideal`: the decoder and the models of a run, fed from memory, and nothing else.

No disk, no tables, no cache, no pictures written or read back; the models are loaded before the clock starts. As many
threads as a run has, each with a photo. Models are what `models/` holds: arrays in, arrays out.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import local

import numpy as np
from numpy.typing import NDArray

from whalepipe.bench.task import Task, write_result
from whalepipe.instruments import Instruments
from whalepipe.jpeg import Canvas
from whalepipe.models.device import working_side_by_side
from whalepipe.opened import read_file
from whalepipe.photos import describe, read_photo
from whalepipe.stages import quality as grading
from whalepipe.stages.crop import crop as cut
from whalepipe.stages.detect import detect
from whalepipe.stages.distinctive import asked, marked
from whalepipe.stages.view import view
from whalepipe.tables import Crop, Detection, Photo

IN_MEMORY = 2**30  # bytes of photos that are held: so many are enough to know how long one takes


@dataclass(frozen=True)
class Held:
    """A photo in memory."""

    photo: Photo
    data: bytes


def ideal(task: Task) -> dict[str, object]:
    """Seconds for the photos that fit into memory, and how many these are."""
    held = in_memory(task)
    with working_side_by_side(len(held)) as workers, ThreadPoolExecutor(workers) as pool:
        treat = treatment(task)
        list(pool.map(treat, held[:workers]))  # loads the models
        begun = time.perf_counter()
        list(pool.map(treat, held))
        took = time.perf_counter() - begun
    return {"photos": len(held), "seconds": took}


def in_memory(task: Task) -> list[Held]:
    """The first photos, as many as fit."""
    held, room = [], IN_MEMORY
    for found in task.photos:
        data = read_file(found)
        photo = describe(found, task.config.photos, data)
        if data and photo.usable and room >= len(data):
            held.append(Held(photo, data))
            room -= len(data)
    return held


def treatment(task: Task) -> Callable[[Held], None]:
    """What is done with each photo."""
    config, tools, own = task.config, Instruments(task.config, task.device, known=False), local()

    def treat(held: Held) -> None:
        own.canvas = getattr(own, "canvas", None) or Canvas()
        full = cache(lambda: read_photo(held.data, canvas=own.canvas))
        small = read_photo(held.data, config.detect.size)
        found = detect(held.photo, small, tools.detector, config.detect, full)
        if found:
            for box, (crop, pixels) in zip(found, cut(full(), found, config.crop), strict=True):
                look(tools, held.photo, box, crop, np.ascontiguousarray(pixels))

    return treat


def look(tools: Instruments, photo: Photo, box: Detection, crop: Crop, pixels: NDArray[np.uint8]) -> None:
    """Put a crop through the models that a run puts it through, as far as it goes by itself."""
    seen = tools.embedder.look(pixels)
    view(crop, lambda: pixels, tools.sides)
    [measures] = grading.measured(photo, box, crop, pixels, tools.config.crop, tools.cuts)
    row = grading.judged(measures, tools.grader, crop.part, seen)
    for one in asked([crop], [grading.decided(row, tools.least_grade(crop.part), tools.config.quality)]):
        marked(one, lambda: pixels, tools.distinctiveness)
    if tools.species_model:
        tools.species_model(seen.vector, crop.part)


if __name__ == "__main__":
    given, result = Task.parse(sys.argv[1:])
    write_result(result, ideal(given))
