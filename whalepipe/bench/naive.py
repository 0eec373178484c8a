"""`python -m whalepipe.bench.naive`: the script that a user would write, with the same weights.

Ultralytics' predict on every path, the photo opened once more to cut the crops out of it, each crop by itself through
the timm network in torch, a dot product of all with all. Settings are those that the libraries choose themselves.
"""

import sys

import cv2
import numpy as np

from whalepipe.bench.task import Task, write_result
from whalepipe.bench.yolo import predicting
from whalepipe.models.embedder import load_voters, voted
from whalepipe.models.ensemble import find_embedder


def naive(task: Task) -> dict[str, object]:
    """Find, cut, embed and compare; tells how much was found and how many threads torch took."""
    import torch

    predict = predicting(task)
    networks = load_voters(find_embedder(task.config.embed))
    vectors = []
    for found in task.photos:
        [result] = predict(str(found.path))
        photo = cv2.imread(str(found.path))
        if photo is None:
            continue
        for xmin, ymin, xmax, ymax in result.boxes.xyxy.int().tolist():
            crop = cv2.cvtColor(photo[ymin:ymax, xmin:xmax], cv2.COLOR_BGR2RGB)
            vectors.append(voted(networks, [crop])[0])
    cosines = np.stack(vectors) @ np.stack(vectors).T if vectors else np.zeros((0, 0))
    return {"boxes": len(cosines), "threads": torch.get_num_threads()}


if __name__ == "__main__":
    given, result = Task.parse(sys.argv[1:])
    write_result(result, naive(given))
