"""`python -m whalepipe.bench.yolo`: Ultralytics' own predict on a list of photos, with the same weights.

At the size that the detector looks at a whole photo with first; without the closer looks that whalepipe takes.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from whalepipe.bench.task import Task, write_result
from whalepipe.models.detector import KIND, import_ultralytics, load_model
from whalepipe.models.weights import find_weights


def predicting(task: Task) -> Callable[..., Any]:
    """`YOLO.predict` with the weights and the limits of the configuration."""
    config, weights = task.config.detect, find_weights(task.config.detect.weights, KIND)
    model = import_ultralytics("ultralytics").YOLO(str(weights.card.get("architecture")))
    model.model = load_model(weights)
    limits = {"imgsz": config.size, "conf": config.confidence, "iou": config.overlap, "max_det": config.max_boxes}
    device = {} if task.device == "auto" else {"device": task.device}
    return partial(model.predict, **limits, **device, verbose=False)


def yolo(task: Task) -> dict[str, object]:
    """Find boxes; tells how many and how many threads torch took."""
    import torch

    paths = [str(found.path) for found in task.photos]
    found = sum(len(result.boxes) for result in predicting(task)(paths, stream=True))
    return {"boxes": found, "threads": torch.get_num_threads()}


if __name__ == "__main__":
    given, result = Task.parse(sys.argv[1:])
    write_result(result, yolo(given))
