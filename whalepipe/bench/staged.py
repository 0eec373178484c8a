"""`python -m whalepipe.bench.staged`: what `whalepipe run` does, and where its time went.

Tells seconds of the whole, and for each kind of work seconds and processor seconds, added up over all threads.
"""

import sys
import time
from dataclasses import asdict
from pathlib import Path

from whalepipe.bench.task import Task, write_result
from whalepipe.job import Job
from whalepipe.pipeline import run
from whalepipe.progress import silent
from whalepipe.report import write_report
from whalepipe.stopwatch import Stopwatch


def staged(task: Task, out: Path) -> dict[str, object]:
    """Run everything on the photos and tell."""
    watch, begun = Stopwatch(), time.perf_counter()
    job = Job(task.raw_dir, out, task.config, device=task.device, watch=watch)
    tables = run(job)
    with watch("write"):
        write_report(job, tables, silent)
    spent = {name: asdict(each) for name, each in watch.spent.items()}
    return {"seconds": time.perf_counter() - begun, "spent": spent}


if __name__ == "__main__":
    given, result = Task.parse(sys.argv[1:])
    write_result(result, staged(given, result.with_suffix(".out")))
