"""What an installed whalepipe bears, with its real weights: many photos, a second run, a changed threshold, SIGKILL.

Usage: python scripts/soak.py FOLDER [PHOTOS]   FOLDER is made and filled; PHOTOS (1,000) is the size of the large card

Prints one JSON object a check.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from whalepipe.files import digest

SMALL, KILLS, SHARE = 24, 20, 10  # photos of the card that is killed; kills; a tenth of the large card for comparison
MAIN = """
import sys
from whalepipe.cli import main
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""


def card(folder: Path, count: int) -> Path:
    """Rendered scenes of 640 x 427 pixels, each a few times in another light, so that no two files are the same."""
    from whalepipe.render import draw_individual, draw_scene, render_scene

    folder.mkdir(parents=True, exist_ok=True)
    scenes = []
    for number in range(min(25, count)):
        animals = [draw_individual(("fluke", "dorsal_fin")[number % 2], "test", number)] if number % 4 else []
        scene = draw_scene(np.random.default_rng([3, number]), animals, width=640, height=427)
        scenes.append(render_scene(scene).image)
    for number in range(count):
        light = 0.8 + 0.4 * (number % 97) / 97
        picture = np.clip(scenes[number % len(scenes)] * light, 0, 255).astype(np.uint8)
        picture[0, :16] = 255 * np.array([number >> bit & 1 for bit in range(16)])[:, None]
        cv2.imwrite(str(folder / f"{number:05}.jpg"), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return folder


def start(raw: Path, out: Path, *more: str) -> "subprocess.Popen[str]":
    """`whalepipe run`, which at its end says on stderr whether torch was imported."""
    command = [sys.executable, "-c", MAIN, "run", str(raw), "--out", str(out), "--device", "cpu", "--quiet", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ)


def finish(process: "subprocess.Popen[str]", begun: float) -> dict[str, object]:
    """Seconds, peak of resident memory (MB), exit code, whether models could have been loaded."""
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": round(time.monotonic() - begun, 2),
        "peak_mb": used.ru_maxrss // 1024,
        "exit": process.returncode,
        "torch": said.strip().endswith("True"),
    }


def timed(raw: Path, out: Path, *more: str) -> dict[str, object]:
    """One run from beginning to end."""
    begun = time.monotonic()
    return finish(start(raw, out, *more), begun)


def tables(out: Path) -> dict[str, str]:
    """Digests of all tables."""
    return {path.name: digest(path) for path in sorted(out.glob("*.csv"))}


def made(out: Path, stage: str) -> dict[str, int]:
    """When each cached result of a stage was written."""
    return {str(path): path.stat().st_mtime_ns for path in (out / "cache" / stage).rglob("*") if path.is_file()}


def tell(what: str, **found: object) -> None:
    print(json.dumps({"check": what, **found}), flush=True)


def many(folder: Path, count: int) -> None:
    """Memory against the number of photos; a second run; a changed threshold."""
    tenth = timed(card(folder / "tenth", count // SHARE), folder / "out-tenth")
    tell(f"{count // SHARE} photos", **tenth)
    raw, out = card(folder / "many", count), folder / "out-many"
    tell(f"{count} photos", **timed(raw, out))
    before = tables(out)
    tell("the second run", **timed(raw, out), same=tables(out) == before)
    costly = {stage: made(out, stage) for stage in ("detect", "embed")}
    changed = timed(raw, out, "--set", "quality.min_sharpness=0.3")
    again = {stage: made(out, stage) for stage in ("detect", "embed")}
    tell("another threshold", **changed, redone=again != costly, quality_changed=tables(out) != before)


def killed(folder: Path) -> None:
    """SIGKILL at random moments, then to the end; and two runs at once."""
    raw = card(folder / "small", SMALL)
    whole = timed(raw, folder / "out-undisturbed")
    expected = tables(folder / "out-undisturbed")
    tell(f"{SMALL} photos, undisturbed", **whole)
    rng, same, hit = random.Random(1), 0, 0
    for number in range(KILLS):
        out = folder / f"out-{number}"
        process = start(raw, out)
        time.sleep(rng.uniform(0, 0.9 * float(str(whole["seconds"]))))
        os.kill(process.pid, signal.SIGKILL)  # Popen.kill would reap it, and its use of memory would be lost
        hit += finish(process, 0.0)["exit"] == -signal.SIGKILL
        timed(raw, out)
        same += tables(out) == expected
    tell("killed", times=hit, same_tables=f"{same} of {KILLS}")
    begun = time.monotonic()
    pair = [start(raw, folder / "out-both") for _ in range(2)]
    exits = [finish(process, begun)["exit"] for process in pair]
    tell("two at once", exits=exits, same=tables(folder / "out-both") == expected)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True)
    killed(place)
    many(place, int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
