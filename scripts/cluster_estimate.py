"""An estimate on paper of a run with `--engine ray` on a cluster: from measured costs of one core and sizes on disk.

Takes what `whalepipe bench RAW_DIR --json` printed, the output folder of a run over photos like those to come, and
what `python scripts/many_photos.py FOLDER` printed. Prints a JSON object: `a_photo` (what a run keeps of one),
`workers` (photos a second, hours, what they ask of the shared folder), `end` (the one process that makes the tables of
all: hours, memory), `limits` (at how many photos or nodes each of them is reached). No cluster was measured: nothing is
subtracted for networks, waiting disks or cores that get in each other's way.

Usage: python scripts/cluster_estimate.py --bench BENCH.json --out OUT --many MANY.jsonl [--photos 10000000]
       [--nodes 100] [--cores 16] [--memory-gb 64] [--new-share 1.0] [--lookup-ms 0.5] [--operations 20000]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whalepipe.outcome import read_summary
from whalepipe.tables import Crop, Photo, read_table

BY_WORKERS = ("read", "decode", "detect", "crop", "quality", "embed", "match")
# Looked for in vain, its folder asked for, made aside, given its rights, renamed; a crop's file is looked at as well.
OF_AN_ENTRY = 5
OF_A_PHOTO = 3  # listed, looked at, opened
TO_READ = 2  # an entry: looked for and opened
PAIR_BYTES = 4  # of two new crops of one part, while they are grouped (models/clusters.py)
HOUR = 3600.0
TABLES_OF_ALL = ("decide", "follow", "newcomers", "report")  # kept once a run, not once a photo


def on_disk(out: Path) -> dict[str, float]:
    """What a run keeps of each photo: entries, files and bytes; and how large photos are."""
    photos = [photo for photo in read_table(out / "photos.csv", Photo) if photo.usable]
    crops = read_table(out / "crops.csv", Crop)
    entries = [path for path in (out / "cache").glob("*/*/*.json") if path.parts[-3] not in TABLES_OF_ALL]
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
    """What all nodes do together, and what they ask of the shared folder."""
    core_ms = sum(bench["stages"][stage]["ms_per_photo"] for stage in BY_WORKERS)
    rate = 1000 / core_ms * said.cores * said.nodes
    operations = OF_AN_ENTRY * (kept["entries"] + kept["crops"]) + kept["crops"] + OF_A_PHOTO
    return {
        "ms_of_a_core": core_ms,
        "photos_per_second_of_a_node": rate / said.nodes,
        "photos_per_second": rate,
        "hours": said.photos / rate / HOUR,
        "read_mb_per_second": rate * kept["photo_bytes"] / 1e6,
        "written_mb_per_second": rate * kept["written_bytes"] / 1e6,
        "metadata_operations_per_second": rate * operations,
        "hours_by_metadata": said.photos * operations / said.operations / HOUR,
        "files_made": said.photos * (kept["entries"] + kept["crops"]),
        "written_tb": said.photos * kept["written_bytes"] / 1e12,
        "photos_tb": said.photos * kept["photo_bytes"] / 1e12,
    }


def end(many: Sequence[dict[str, Any]], kept: dict[str, float], said: argparse.Namespace) -> dict[str, float]:
    """What the one process does that makes the tables: it finds all made, but in files of their own."""
    looking = 1 + TO_READ * kept["entries"] + kept["crops"]
    return {
        "processor_hours": said.photos * slope(many, "processor_seconds") / HOUR,
        "hours_of_looking_up": said.photos * looking * said.lookup_ms / 1000 / HOUR,
        "memory_gb": said.photos * slope(many, "peak_mb") / 1e3,
        "grouping_gb": PAIR_BYTES * (said.photos * kept["crops"] * said.new_share) ** 2 / 1e9,
    }


def limits(
    working: dict[str, float], ending: dict[str, float], kept: dict[str, float], said: argparse.Namespace
) -> list[dict[str, Any]]:
    """At how many photos memory is full; from how many nodes on more of them do not help."""
    grouped = (said.memory_gb * 1e9 / PAIR_BYTES) ** 0.5 / (kept["crops"] * said.new_share)
    serial = ending["processor_hours"] + ending["hours_of_looking_up"]
    found = [
        {"what": "grouping the new animals of one part fills the memory", "photos": round(grouped)},
        {"what": "tables fill the memory", "photos": round(said.photos * said.memory_gb / ending["memory_gb"])},
    ]
    times = [
        {"what": "the end takes as long as all workers", "nodes": round(said.nodes * working["hours"] / serial, 1)},
        {
            "what": "the shared folder makes no more files a second",
            "nodes": round(said.nodes * said.operations / working["metadata_operations_per_second"], 1),
        },
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
    parser.add_argument("--lookup-ms", type=float, default=0.5, help="for one answer of the shared folder")
    parser.add_argument("--operations", type=float, default=20_000.0, help="that the shared folder answers a second")
    said = parser.parse_args()
    bench = json.loads(said.bench.read_text(encoding="utf-8"))
    many = [json.loads(line) for line in said.many.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    kept = on_disk(said.out)
    working, ending = workers(bench, kept, said), end(many, kept, said)
    reached = limits(working, ending, kept, said)
    told = {"a_photo": kept, "workers": working, "end": ending, "limits": reached}
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
