"""What starting up costs: `whalepipe --help`, and a run of one photo with nothing kept and with all of it kept.

Whole processes in turn, medians: seconds, processor seconds, and which share of these went into importing modules
(measured around every import statement), with the packages whose modules take longest to import of the imports' time
(`python -X importtime`, each module without what it imports itself).

Usage: python scripts/startup.py PHOTO --repeats 5 [--set detect.backend=openvino]
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

IMPORTED = re.compile(r"import time: +(\d+) \| +\d+ \| +([^.\s]+)")
LONGEST = 8  # packages told of each command
# Runs whalepipe, and tells on the last line of stderr how many processor seconds importing took, and all of it.
PROGRAM = """
import atexit, builtins, sys, threading, time
true, here, spent = builtins.__import__, threading.local(), []
def timed(*args, **words):
    if getattr(here, "inside", False):
        return true(*args, **words)
    here.inside, begun = True, time.thread_time()
    try:
        return true(*args, **words)
    finally:
        here.inside = False
        spent.append(time.thread_time() - begun)
builtins.__import__ = timed
atexit.register(lambda: print("imports", sum(spent), time.process_time(), file=sys.stderr))
from whalepipe.cli import main
main()
"""


class Started(NamedTuple):
    """One process."""

    wall: float
    processor: float
    share: float  # of the processor seconds
    packages: dict[str, float]  # share of the imports' time


def started(args: Sequence[str | Path]) -> Started:
    """Run `whalepipe ARGS` in a process of its own."""
    command = [sys.executable, "-X", "importtime", "-c", PROGRAM, *map(str, args)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - begun
    [(imports, processor)] = re.findall(r"^imports (\S+) (\S+)$", done.stderr, re.MULTILINE)
    packages: dict[str, float] = defaultdict(float)
    for own, package in IMPORTED.findall(done.stderr):
        packages[package] += int(own)
    whole = sum(packages.values())
    shares = {name: own / whole for name, own in packages.items()}
    return Started(wall, float(processor), float(imports) / float(processor), shares)


def told(name: str, every: Sequence[Started]) -> None:
    """Print the medians of one command."""
    wall, processor, share = (median(one[place] for one in every) for place in range(3))
    print(f"{name}: {wall:.2f} s, {processor:.2f} processor seconds, of which imports {share:.0%}")
    names = {package for one in every for package in one.packages}
    took = {package: median(one.packages.get(package, 0.0) for one in every) for package in names}
    longest = sorted(took, key=lambda package: -took[package])[:LONGEST]
    print("    " + ", ".join(f"{package} {took[package]:.0%}" for package in longest))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="settings", help="as whalepipe takes it")
    given = parser.parse_args()
    settings = [word for setting in given.settings for word in ("--set", setting)]
    rounds: dict[str, list[Started]] = defaultdict(list)
    for _ in range(given.repeats):
        with tempfile.TemporaryDirectory(prefix="whalepipe-startup-") as folder:
            raw, out = Path(folder) / "raw", Path(folder) / "out"
            raw.mkdir()
            shutil.copy(given.photo, raw)
            run = ["run", raw, "--out", out, "--device", "cpu", "--quiet", *settings]
            rounds["whalepipe --help"].append(started(["--help"]))
            rounds["run of one photo"].append(started(run))
            rounds["the same again"].append(started(run))
    for name, every in rounds.items():
        told(name, every)


if __name__ == "__main__":
    main()
