"""An estimate on paper of a run with `--engine ray` on a cluster: from measured costs of one core and sizes on disk.

Takes what `whalepipe bench RAW_DIR --json` printed, the output folder of a run over photos like those to come, and
what `python scripts/many_photos.py FOLDER` printed; measures here what it takes to keep what came of a photo. Prints a
JSON object: `a_photo` (what a run keeps of one), `workers` (photos a second, hours, bytes that they read and send),
`command` (the one process that keeps what comes and makes the tables of all: hours, memory), `limits` (at how many
photos or nodes each of them is reached). No cluster was measured: nothing is subtracted for networks, waiting disks or
cores that get in each other's way.

Usage: python scripts/cluster_estimate.py --bench BENCH.json --out OUT --many MANY.jsonl [--photos 10000000]
       [--nodes 100] [--cores 16] [--memory-gb 64] [--new-share 1.0]
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whalepipe.bundle import Bundle
from whalepipe.files import passing_folder
from whalepipe.outcome import read_summary
from whalepipe.packed import PackedCache
from whalepipe.tables import Crop, Photo, read_table

BY_WORKERS = ("read", "decode", "detect", "crop", "quality", "embed", "match")
PAIR_BYTES = 4  # of two new crops of one part, while they are grouped (models/clusters.py)
HOUR = 3600.0
TABLES_OF_ALL = ("decide", "follow", "newcomers", "report")  # kept once a run, not once a photo


def entries_of(out: Path) -> list[Path]:
    """What the cache keeps of photos, a file each."""
    return [path for path in (out / "cache").glob("*/*/*.json") if path.parts[-3] not in TABLES_OF_ALL]


def keeping_ms(out: Path) -> float:
    """Processor milliseconds a photo that it takes to write what workers would send of these; the least of five."""
    crops = {crop.crop: (0, (out / "crops" / crop.crop).read_bytes()) for crop in read_table(out / "crops.csv", Crop)}
    came = Bundle({(path.parts[-3], path.stem): path.read_bytes() for path in entries_of(out)}, crops)
    photos = sum(photo.usable for photo in read_table(out / "photos.csv", Photo))
    seconds = []
    for _ in range(5):
        with passing_folder() as folder:
            begun = time.process_time()
            came.put(PackedCache(folder / "cache"), folder / "crops")
            seconds.append(time.process_time() - begun)
    return 1000 * min(seconds) / photos


def on_disk(out: Path) -> dict[str, float]:
    """What a run keeps of each photo: entries, files and bytes; and how large photos are."""
    photos = [photo for photo in read_table(out / "photos.csv", Photo) if photo.usable]
    crops = read_table(out / "crops.csv", Crop)
    entries = entries_of(out)
    asked = read_summary(out)["asked"]
    raw = Path(asked["folder"]) / asked["raw_dir"]
    written = sum(path.stat().st_size for path in entries) + sum((out / "crops" / c.crop).stat().st_size for c in crops)
    return {
        "photo_bytes": sum((raw / photo.photo).stat().st_size for photo in photos) / len(photos),
        "entries": (len(entries) + len(photos)) / len(photos),  # one more, which says that a worker was done with it
        "crops": len(crops) / len(photos),
        "written_bytes": written / len(photos),
    }


def slope(lines: Sequence[dict[str, Any]], figure: str) -> float:
    """What a photo more adds to a figure of the second run, by the two largest sizes."""
    less, more = sorted(lines, key=lambda line: line["photos"])[-2:]
    return float((more[figure]["warm"] - less[figure]["warm"]) / (more["photos"] - less["photos"]))


def workers(bench: dict[str, Any], kept: dict[str, float], said: argparse.Namespace) -> dict[str, float]:
    """What all nodes do together, and what they read and send."""
    core_ms = sum(bench["stages"][stage]["ms_per_photo"] for stage in BY_WORKERS)
    rate = 1000 / core_ms * said.cores * said.nodes
    return {
        "ms_of_a_core": core_ms,
        "photos_per_second_of_a_node": rate / said.nodes,
        "photos_per_second": rate,
        "hours": said.photos / rate / HOUR,
        "read_mb_per_second": rate * kept["photo_bytes"] / 1e6,
        "sent_mb_per_second": rate * kept["written_bytes"] / 1e6,
        "photos_tb": said.photos * kept["photo_bytes"] / 1e12,
    }


def command(many: Sequence[dict[str, Any]], kept: dict[str, float], said: argparse.Namespace) -> dict[str, float]:
    """What the command's own process does: it keeps what comes, and makes the tables when all has come."""
    a_photo = keeping_ms(said.out)
    return {
        "keeping_ms": a_photo,
        "hours_of_keeping": said.photos * a_photo / 1000 / HOUR,
        "hours_of_tables": said.photos * slope(many, "processor_seconds") / HOUR,
        "files_made": said.photos * (kept["entries"] + kept["crops"]),
        "written_tb": said.photos * kept["written_bytes"] / 1e12,
        "memory_gb": said.photos * slope(many, "peak_mb") / 1e3,
        "grouping_gb": PAIR_BYTES * (said.photos * kept["crops"] * said.new_share) ** 2 / 1e9,
    }


def limits(
    working: dict[str, float], own: dict[str, float], kept: dict[str, float], said: argparse.Namespace
) -> list[dict[str, Any]]:
    """At how many photos memory is full; from how many nodes on more of them do not help."""
    grouped = (said.memory_gb * 1e9 / PAIR_BYTES) ** 0.5 / (kept["crops"] * said.new_share)
    found = [
        {"what": "grouping the new animals of one part fills the memory", "photos": round(grouped)},
        {"what": "tables fill the memory", "photos": round(said.photos * said.memory_gb / own["memory_gb"])},
    ]
    times = [
        {"what": f"{what} takes as long as all workers", "nodes": round(said.nodes * working["hours"] / own[hours], 1)}
        for what, hours in (("keeping what they make", "hours_of_keeping"), ("making tables", "hours_of_tables"))
    ]
    return sorted(found, key=lambda each: each["photos"]) + sorted(times, key=lambda each: each["nodes"])


def main() -> None:
    """Print the estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="what `whalepipe bench --json` printed")
    parser.add_argument("--out", type=Path, required=True, help="output folder of a run")
    parser.add_argument("--many", type=Path, required=True, help="what scripts/many_photos.py printed")
    parser.add_argument("--photos", type=int, default=10_000_000)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--cores", type=int, default=16, help="of a node, each as fast as those that were measured")
    parser.add_argument("--memory-gb", type=float, default=64.0, help="of the machine that makes the tables")
    parser.add_argument("--new-share", type=float, default=1.0, help="crops that are new and of one part")
    said = parser.parse_args()
    bench = json.loads(said.bench.read_text(encoding="utf-8"))
    many = [json.loads(line) for line in said.many.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    kept = on_disk(said.out)
    working, own = workers(bench, kept, said), command(many, kept, said)
    told = {"a_photo": kept, "workers": working, "command": own, "limits": limits(working, own, kept, said)}
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
