"""Photos on a cluster of two nodes (both on this machine, a core each), one of which is killed in the middle.

Runs `whalepipe run` on a folder of photos, or a URL, alone and with `--engine ray`, kills the second node's raylet and
workers once a third of the photos are done, and compares every table and crop byte by byte. The nodes run where an
empty disk is mounted over FOLDER (`unshare -m`, which takes root on Linux), so that their workers can neither read nor
write what the command writes there. Prints JSON: photos, seconds of each run, how many photos were done when the node
was lost and by the end of the shared part, files that workers left in FOLDER, whether all is the same.

Usage: python scripts/ray_trial.py RAW_DIR FOLDER    RAW_DIR with photos alone; FOLDER, elsewhere, takes both results
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


def started(raw: str, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    """`whalepipe run` in a process of its own."""
    args = [sys.executable, "-m", "whalepipe", "run", raw, "--out", str(out), "--quiet", *more]
    return subprocess.Popen(args, stdout=subprocess.DEVNULL)


def timed(raw: str, out: Path) -> float:
    """Seconds of a run by one process."""
    begun = time.monotonic()
    if started(raw, out).wait():
        raise SystemExit("the run alone failed")
    return time.monotonic() - begun


def nodes(hidden: Path) -> None:
    """Two nodes that do not see what lies in a folder: tells the address, loses one at a line, ends at the end.

    Tells at last which files were left in the folder.
    """
    subprocess.run(["mount", "-t", "tmpfs", "none", str(hidden)], check=True)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    if sys.stdin.readline():
        cluster.remove_node(second, allow_graceful=False)
        print("lost", flush=True)
        sys.stdin.readline()
    print(json.dumps([str(path) for path in hidden.rglob("*")]), flush=True)
    cluster.shutdown()


def with_a_loss(raw: str, out: Path, photos: int) -> dict[str, object]:
    """A run on two nodes, of which the second is killed; its seconds, and how much was done at that moment."""
    args = ["unshare", "-m", sys.executable, __file__, "--nodes", raw, str(out.parent)]
    cluster = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert cluster.stdin and cluster.stdout
    address = cluster.stdout.readline().strip()
    begun = time.monotonic()
    process = started(raw, out, "--engine", "ray", "--ray-address", address)
    try:
        while len(list(out.glob(KEPT))) < photos / 3 and process.poll() is None:
            time.sleep(0.1)
        done = len(list(out.glob(KEPT)))
        print("lose one", file=cluster.stdin, flush=True)
        cluster.stdout.readline()
        if process.wait():
            raise SystemExit("the run on the cluster failed")
        seconds = time.monotonic() - begun
        cluster.stdin.close()
        left = json.loads(cluster.stdout.readline())
        return {"seconds": seconds, "done_when_lost": done, "shared": len(list(out.glob(KEPT))), "left": left}
    finally:
        process.kill()
        cluster.stdin.close()
        cluster.wait()


def different(one: Path, other: Path) -> list[str]:
    """Tables and crops that are not the same in both, and those that only one has."""
    made = [p for p in sorted(one.rglob("*")) if p.suffix in (".csv", ".npy", ".jpg") and "cache" not in p.parts]
    names = {str(p.relative_to(one)) for p in made}
    found = [n for n in sorted(names) if not (other / n).exists() or not filecmp.cmp(one / n, other / n, shallow=False)]
    return found + sorted({str(p.relative_to(other)) for p in (other / "crops").iterdir()} - names)


def main() -> None:
    """Run the trial and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw_dir")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.nodes:
        nodes(said.folder)
        return
    raw = said.raw_dir if "://" in said.raw_dir else str(Path(said.raw_dir).absolute())
    alone, shared = said.folder.absolute() / "alone", said.folder.absolute() / "shared"
    seconds = timed(raw, alone)
    photos = json.loads((alone / "summary.json").read_text(encoding="utf-8"))["files"]["total"]
    loss = with_a_loss(raw, shared, photos)
    unlike = different(alone, shared)
    print(json.dumps({"photos": photos, "alone_seconds": seconds, **loss, "same": not unlike, "unlike": unlike}))


if __name__ == "__main__":
    main()
