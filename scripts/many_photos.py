"""What many photos cost: runs of 100, 1,000 and 10,000, from nothing and once more, and how much memory they take.

The photos are tiny and the networks are replaced by rules of thumb that tell painted squares (`tests/fakes.py`), with
vectors as long as the shipped embedder's: so all is measured but decoding and networks, whose cost for a photo does
not depend on how many there are. Each size is a folder of its own, with bursts of three and encounters, two animals in
every second photo, one in most others.

Prints one JSON object a size: milliseconds a photo of the run from nothing (`cold`), by the clock and of a processor;
peak of resident memory (MB), seconds and processor seconds of that run, of a second one (`warm`) and of one with
--verify; seconds that reading and digesting all photos takes; whether all three left the same tables.

Usage: python scripts/many_photos.py FOLDER [--sizes 100 1000 10000] [--set SECTION.NAME=VALUE]...
"""

import argparse
import json
import os
import subprocess
import sys
import time
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from tests import fakes  # noqa: E402
from whalepipe.files import digest  # noqa: E402
from whalepipe.models.embedder import Look  # noqa: E402

DIMENSION = 512
ALIKE = 0.35  # length of what differs between two crops of one animal, beside 1 for what they have in common
FIRST = datetime(2024, 5, 1, 8)
EXIF_IFD, TAKEN_AT = 0x8769, 0x9003


class Embedder(fakes.Embedder):
    """Tells an animal by its two shades, and no two of its crops quite alike."""

    def look(self, crop: fakes.Pixels) -> Look:
        """See `whalepipe.models.embedder.Embedder.look`."""
        shades = (np.percentile(crop[..., channel], 80) for channel in (1, 2))
        animal = np.random.default_rng([round(float(shade) / 20) for shade in shades]).normal(size=DIMENSION)
        noise = np.random.default_rng(zlib.crc32(crop.tobytes())).normal(size=DIMENSION)
        vector = animal / np.linalg.norm(animal) + ALIKE * noise / np.linalg.norm(noise)
        return Look((vector / np.linalg.norm(vector)).astype(np.float32), 1.0)


def card(folder: Path, count: int) -> Path:
    """So many photos, none the same as another, in bursts of three, 500 a day."""
    folder.mkdir(parents=True)
    for number in range(count):
        first, second = number // 3 % 97, number // 3 % 53
        animals = [
            fakes.Animal(20, 40 + number % 8, 80, 100, first % 8, ("dorsal_fin", "fluke")[first % 2]),
            fakes.Animal(120, 50, 180, 110 + number % 5, second % 8, "dorsal_fin"),
        ][: (number // 3) % 7 and 1 + (number // 3) % 2]
        picture = fakes.sea(*animals)
        for animal, tint in zip(animals, (first, second), strict=False):
            picture[animal.ymin : animal.ymax, animal.xmin : animal.xmax, 2] += np.uint8(20 * (tint // 8 % 4))
        for bit in range(16):  # its number, in the sky
            picture[:8, 8 * bit : 8 * bit + 8, 2] += 60 * (number >> bit & 1)
        exif = Image.Exif()
        taken = FIRST + timedelta(days=number // 500, seconds=number % 500 // 3 * 40 + number % 3)
        exif.get_ifd(EXIF_IFD)[TAKEN_AT] = taken.strftime("%Y:%m:%d %H:%M:%S")
        fakes.save(folder / f"{number:06}.jpg", picture, exif=exif)
    return folder


def timed(raw: Path, out: Path, *more: str) -> dict[str, Any]:
    """Seconds, those of a processor, and peak of resident memory (MB) of a whole process."""
    given = [str(raw), "--out", str(out), "--device", "cpu", "--quiet", *more]
    begun = time.monotonic()
    command = [sys.executable, str(Path(__file__).resolve()), "--inside", str(out.parent / "weights"), "run", *given]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"ended with {process.returncode}: {' '.join(command)}")
    processor = used.ru_utime + used.ru_stime
    return {"seconds": time.monotonic() - begun, "processor": processor, "peak_mb": used.ru_maxrss // 1024}


def reading(raw: Path) -> float:
    """Seconds that reading and digesting all files takes, one after the other."""
    begun = time.monotonic()
    for path in sorted(raw.iterdir()):
        digest(path)
    return time.monotonic() - begun


def tables(out: Path) -> dict[str, str]:
    """Digests of all tables."""
    return {path.name: digest(path) for path in sorted(out.glob("*")) if path.suffix in (".csv", ".npy")}


def measured(folder: Path, count: int, more: list[str]) -> dict[str, Any]:
    """One size."""
    raw, out = folder / f"photos-{count}", folder / f"out-{count}"
    if not raw.exists():
        card(raw, count)
    cold = timed(raw, out, *more)
    before = tables(out)
    warm = timed(raw, out, *more)
    same = tables(out) == before
    verified = timed(raw, out, "--verify", *more)
    runs = {"cold": cold, "warm": warm, "verify": verified}
    return {
        "photos": count,
        "ms_per_photo": round(1000 * cold["seconds"] / count, 2),
        "processor_ms_per_photo": round(1000 * cold["processor"] / count, 2),
        "peak_mb": {name: each["peak_mb"] for name, each in runs.items()},
        "seconds": {name: round(each["seconds"], 2) for name, each in runs.items()},
        "processor_seconds": {name: round(each["processor"], 2) for name, each in runs.items()},
        "reading_seconds": round(reading(raw), 2),
        "same_tables": same and tables(out) == before,
    }


def inside(weights: Path, arguments: list[str]) -> None:
    """`whalepipe ARGUMENTS` with the simple models, in this process."""
    import importlib

    def patch(name: str, value: Any) -> None:
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)

    fakes.install(weights, patch)
    patch("whalepipe.models.embedder.Embedder", Embedder)
    from whalepipe.cli import main as command

    sys.argv = ["whalepipe", *arguments]
    command()


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--set", action="append", default=["quality.min_size=48"])
    said = parser.parse_args()
    more = [text for setting in said.set for text in ("--set", setting)]
    for count in said.sizes:
        print(json.dumps(measured(said.folder, count, more)), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]), sys.argv[3:])
    else:
        main()
