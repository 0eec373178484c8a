"""Ray Data: the processes of this machine, or of every machine of a cluster."""

import logging
import os
import pickle
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whalepipe.engines import Task
from whalepipe.errors import EngineError

ANSWERS_IN_S = 10.0
HERE = "local"  # the address that starts a cluster of this machine alone
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_BACKEND_LOG_LEVEL": "fatal"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Ray:
    """Workers of one core each, as many as the cluster has cores for, that begin and end as work does.

    `address` of a running cluster (host:port, `auto` for the one that this machine belongs to), or `local`. A worker
    or machine that is lost is replaced, and only what it had not ended is done again.
    """

    address: str = HERE

    def __call__(self, make: Callable[[], Task], parts: Sequence[Any], /) -> Iterator[int]:
        """See `Engine`. Raises EngineError where there is no cluster at the address."""
        os.environ.update(QUIET)  # read when Ray is imported; the first: no network connection that nobody asked for
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise EngineError("--engine ray needs the package 'ray': pip install 'whalepipe[ray]'") from error
        self._connect(ray)
        try:
            rows = [{"number": number, "part": pickle.dumps(part)} for number, part in enumerate(parts)]
            # A block a part, so that who is ready first takes the next; what Ray keeps of a block is small.
            data = ray.data.from_items(rows, override_num_blocks=max(1, len(rows)))
            workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
            pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers)
            done = data.map(_Worker, fn_constructor_args=(make,), compute=pool, num_cpus=1)
            for row in done.iter_rows():
                if row["error"]:
                    raise EngineError(f"a worker could not go on: {row['error']}")
                yield int(row["number"])
        finally:
            ray.shutdown()

    def _connect(self, ray: Any) -> None:
        host, _, port = self.address.rpartition(":")
        try:
            if host:  # Ray itself waits for minutes
                socket.create_connection((host, int(port)), timeout=ANSWERS_IN_S).close()
            with _unheard():  # or Ray's core tells on stderr that it was told to be quiet
                ray.init(
                    address=None if self.address == HERE else self.address,
                    include_dashboard=False if self.address == HERE else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": ONE_THREAD},
                )
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise EngineError(f"--ray-address {self.address}: no cluster answers there ({error})") from error
        for name in ("ray", "ray.data", "ray.data._internal"):  # whose lines would stand among the command's own
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _unheard() -> Iterator[None]:
    """Within, nothing that is written to stderr is heard, be it by a library that is no Python."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


class _Worker:
    """A process on some machine of the cluster, which keeps its models from part to part."""

    def __init__(self, make: Callable[[], Task]) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._task = make()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do one part. An error is a result: Ray would take it for a lost worker and begin again."""
        error = ""
        try:
            self._task(pickle.loads(row["part"]))
        except Exception as failed:
            error = f"{type(failed).__name__}: {failed}"
        return {"number": row["number"], "error": error}
