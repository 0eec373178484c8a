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

from whalepipe.engines import HANDED_OUT, Task
from whalepipe.errors import EngineError, WhalepipeError

ANSWERS_IN_S = 10.0
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # none: length, type, flags, stream
MOST_TOLD = 300  # characters
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

    def __call__(
        self, here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any], /
    ) -> Iterator[tuple[int, Any]]:
        """See `Engine`. Raises EngineError where there is no cluster at the address, or a worker cannot go on."""
        os.environ.update(QUIET)  # read when Ray is imported; the first: no network connection that nobody asked for
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise EngineError("--engine ray needs the package 'ray': pip install 'whalepipe[ray]'") from error
        try:
            self._connect(ray)
            for row in self._done(ray, here, there, parts).iter_rows():
                if row["error"]:
                    raise EngineError(f"a worker could not go on: {row['error']}")
                yield int(row["number"]), pickle.loads(row["part"])
        except ray.exceptions.RayError as error:
            raise EngineError(f"Ray could not go on: {_plain(error)}") from error
        finally:
            ray.shutdown()

    def _done(self, ray: Any, here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any]) -> Any:
        """The parts on their way, as many as Ray's memory for objects allows: it waits with the others."""
        rows = [{"number": number, "part": pickle.dumps(part), "error": ""} for number, part in enumerate(parts)]
        # A block a part, so that who is ready first takes the next.
        data = ray.data.from_items(rows, override_num_blocks=max(1, len(rows)))
        one, machine = ray.data.ActorPoolStrategy(size=1), {f"node:{ray.util.get_node_ip_address()}": 0.001}  # this one
        prepared = data.map(_Worker, fn_constructor_args=(here,), compute=one, num_cpus=0, resources=machine)
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, max_tasks_in_flight_per_actor=HANDED_OUT)
        return prepared.map(_Worker, fn_constructor_args=(there,), compute=pool, num_cpus=1)

    def _connect(self, ray: Any) -> None:
        host, _, port = self.address.rpartition(":")
        try:
            if host:
                _listen(host, int(port))
            with _unheard():  # or Ray's core tells on stderr that it was told to be quiet
                ray.init(
                    address=self.address,  # `local` too: without, Ray would join whatever it takes for running here
                    include_dashboard=False if self.address == HERE else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": ONE_THREAD},
                )
        except Exception as error:  # Ray raises many kinds, bare Exception among them
            why = f"--ray-address {self.address}: no cluster answers there ({_plain(error)})"
            if self.address == HERE:
                why = f"Ray does not start on this machine ({_plain(error)}); --workers does without it"
            raise EngineError(why) from error
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


def _listen(host: str, port: int) -> None:
    """Raises OSError where nobody answers in time as a head of Ray does: Ray itself would wait for ever.

    It speaks gRPC, so HTTP/2, where each side begins with a frame of settings (RFC 9113, sections 3.4 and 4.1).
    """
    with socket.create_connection((host, port), timeout=ANSWERS_IN_S) as connection:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return  # it would not answer in the clear
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
        if connection.recv(len(SETTINGS), socket.MSG_WAITALL)[3:4] != SETTINGS[3:4]:
            raise ConnectionError("what answers is no head of Ray")


def _plain(error: Exception) -> str:
    """What Ray says of an error, on one line; where it tells how that came about, the last of its lines."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    told = lines[-1:] if any("Traceback" in line for line in lines) else lines
    return " ".join(" ".join(told).split())[:MOST_TOLD]


class _Worker:
    """A process on some machine of the cluster, which keeps its task, and with it its models, from part to part."""

    def __init__(self, make: Callable[[], Task]) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._make = make
        self._task: Task | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do one part. An error is a result: Ray would take it for a lost worker and begin again."""
        if row["error"]:
            return row
        try:
            self._task = self._task or self._make()
            return {**row, "part": pickle.dumps(self._task(pickle.loads(row["part"])))}
        except WhalepipeError as error:
            return {**row, "part": b"", "error": f"{error} (on {socket.gethostname()})"}
        except Exception as error:
            return {**row, "part": b"", "error": f"{type(error).__name__}: {error} (on {socket.gethostname()})"}
