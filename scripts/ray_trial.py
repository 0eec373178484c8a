"""A card run on a cluster of two nodes (both on this machine, a core each), one of which is killed in the middle.

Runs `whalepipe run` on a folder of photos alone and with `--engine ray`, kills the second node's raylet and workers
once a third of the photos are done, and compares every table and crop byte by byte. Prints JSON: photos, seconds of
each run, how many photos were done when the node was lost and by the end of the shared part, whether all is the same.

Usage: python scripts/ray_trial.py RAW_DIR FOLDER    RAW_DIR with photos alone; FOLDER takes both results
"""

import argparse
import filecmp
import json
import subprocess
import sys
import time
from pathlib import Path

from ray.cluster_utils import Cluster

KEPT = "cache/spread/*/*.json"


def started(raw: Path, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    """`whalepipe run` in a process of its own."""
    args = [sys.executable, "-m", "whalepipe", "run", str(raw), "--out", str(out), "--quiet", *more]
    return subprocess.Popen(args, stdout=subprocess.DEVNULL)


def timed(raw: Path, out: Path) -> float:
    """Seconds of a run by one process."""
    begun = time.monotonic()
    if started(raw, out).wait():
        raise SystemExit("the run alone failed")
    return time.monotonic() - begun


def with_a_loss(raw: Path, out: Path, photos: int) -> dict[str, float]:
    """A run on two nodes, of which the second is killed; its seconds, and how much was done at that moment."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    begun = time.monotonic()
    process = started(raw, out, "--engine", "ray", "--ray-address", cluster.address)
    try:
        while len(list(out.glob(KEPT))) < photos / 3 and process.poll() is None:
            time.sleep(0.1)
        done = len(list(out.glob(KEPT)))
        cluster.remove_node(second, allow_graceful=False)
        if process.wait():
            raise SystemExit("the run on the cluster failed")
        return {"seconds": time.monotonic() - begun, "done_when_lost": done, "shared": len(list(out.glob(KEPT)))}
    finally:
        process.kill()
        cluster.shutdown()


def different(one: Path, other: Path) -> list[str]:
    """Tables and crops that are not the same in both, and those that only one has."""
    made = [p for p in sorted(one.rglob("*")) if p.suffix in (".csv", ".npy", ".jpg") and "cache" not in p.parts]
    names = {str(p.relative_to(one)) for p in made}
    found = [n for n in sorted(names) if not (other / n).exists() or not filecmp.cmp(one / n, other / n, shallow=False)]
    return found + sorted({str(p.relative_to(other)) for p in (other / "crops").iterdir()} - names)


def main() -> None:
    """Run the trial and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw_dir", type=Path)
    parser.add_argument("folder", type=Path)
    said = parser.parse_args()
    raw, photos = said.raw_dir.absolute(), len(list(said.raw_dir.iterdir()))
    alone, shared = said.folder.absolute() / "alone", said.folder.absolute() / "shared"
    seconds = timed(raw, alone)
    loss = with_a_loss(raw, shared, photos)
    unlike = different(alone, shared)
    print(json.dumps({"photos": photos, "alone_seconds": seconds, **loss, "same": not unlike, "unlike": unlike}))


if __name__ == "__main__":
    main()
