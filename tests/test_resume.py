"""Killed, interrupted, run twice at once, and run on many photos: the same tables, and no more memory."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests import fakes
from tests.conftest import PROJECT
from tests.helpers import check_books, rows, tables

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}


def card(folder: Path, photos: int) -> Path:
    """A folder with one or two animals in every photo but each seventh."""
    for n in range(photos):
        animals = [fakes.Animal(20, 40 + n % 8, 80, 100, n % 8), fakes.Animal(120, 50, 180, 110 + n // 8, (n * 3) % 8)]
        picture = fakes.sea(*animals[: n % 7 and 1 + n % 2])
        for bit in range(10):  # its number, in the sky, so that no two photos are alike
            picture[:8, 8 * bit : 8 * bit + 8, 2] += 60 * (n >> bit & 1)
        fakes.save(folder / f"{n:04}.jpg", picture)
    (folder / "text.txt").write_text("x")
    return folder


def test_killed_at_twenty_moments_and_two_at_once(tmp_path: Path) -> None:
    raw = card(tmp_path / "raw", 6)
    labels = tmp_path / "who.csv"
    labels.write_text("photo,part,xmin,ymin,xmax,ymax,individual\n0001.jpg,dorsal_fin,20,41,80,100,A\n")
    weights, catalogue = tmp_path / "weights", tmp_path / "catalogue.sqlite"
    _command(weights, "catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu")
    seeded = random.Random(7)
    moments = json.dumps([round(0.9 * seeded.random(), 3) for _ in range(20)])
    args = ["run", raw, "--catalog", catalogue, "--device", "cpu", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.forks", weights, "0.004", moments, tmp_path / "out", *args],
        cwd=PROJECT, env=ONE_THREAD, check=True, capture_output=True, text=True,
    )  # fmt: skip
    ends = json.loads(done.stdout)
    assert ends["both"] == [0, 0]
    assert set(ends["ends"]) <= {-signal.SIGKILL, 0}
    assert ends["ends"].count(-signal.SIGKILL) >= 12, "too few were killed in time"
    expected = tables(tmp_path / "out-undisturbed")
    assert len(expected) == 12
    check_books(tmp_path / "out-undisturbed", 7)
    assert "identified" in {r["state"] for r in rows(tmp_path / "out-undisturbed", "ledger")}
    for name in (*range(20), "both"):
        assert tables(tmp_path / f"out-{name}") == expected, name
        check_books(tmp_path / f"out-{name}", 7)


def _command(weights: Path, *args: str | Path, delay: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fakes", weights, delay, *args],
        cwd=PROJECT, env=ONE_THREAD, check=True, capture_output=True, text=True,
    )  # fmt: skip


def test_ctrl_c_ends_with_130_and_one_line(tmp_path: Path) -> None:
    raw = card(tmp_path / "raw", 6)
    args = [tmp_path / "weights", "1.0", "run", raw, "--out", tmp_path / "out", "--device", "cpu", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes", *args],
        cwd=PROJECT, env=ONE_THREAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell that runs the tests in the background has told its children to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    limit = time.monotonic() + 60
    while not list((tmp_path / "out").glob("cache/detect/*/*")) and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "whalepipe: interrupted; the same command goes on from here\n"
    _command(tmp_path / "weights", "run", raw, "--out", tmp_path / "out", "--device", "cpu", "--quiet")
    check_books(tmp_path / "out", 7)


WATCHED = """
import resource, sys
from pathlib import Path
from tests import fakes, forks
forks.prepare(Path(sys.argv[1]), 0.0)
try:
    sys.argv = ["whalepipe", *sys.argv[2:]]
    forks.main()
except SystemExit:
    calls = fakes.CALLS
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_maxrss, len(calls.loaded), calls.detected, calls.embedded, int(used.ru_utime + used.ru_stime))
"""


def watched(tmp_path: Path, raw: Path) -> list[int]:
    """Peak memory in KiB, models loaded, pictures detected and embedded, and whole seconds of computing."""
    args = ["run", raw, "--out", tmp_path / f"out-{raw.name}", "--device", "cpu", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, tmp_path / "weights", *args],
        cwd=PROJECT, env=ONE_THREAD, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [int(n) for n in done.stdout.splitlines()[-1].split()]


def test_memory_does_not_grow_with_the_number_of_photos_and_a_warm_run_is_fast(tmp_path: Path) -> None:
    few = watched(tmp_path, card(tmp_path / "few", 250))
    many = watched(tmp_path, card(tmp_path / "many", 1000))
    assert many[1:3] == [3, 1000]
    assert many[0] - few[0] < 60 * 1024, "KiB for 750 photos more: what the tables and the new animals' cosines take"
    warm = watched(tmp_path, tmp_path / "many")
    assert warm[1:4] == [0, 0, 0]
    assert warm[4] < 5
    check_books(tmp_path / "out-many", 1001)
