"""How long the pages of the audit take beside a large catalogue: while it is compared, when all is found, and after
decisions, which are taken back.

Usage: python scripts/audit_pages.py OUT [--asks 20]   OUT: what a run against the catalogue wrote (`--catalog`), such as
                                                       that of catalog_scale.py

Starts the server, asks for the audit until all is found, and then for its pages. Times are the server's answers as a
client on this computer gets them, in milliseconds: median, worst and the first, which may have to read what is then
kept. `waited` is how long the whole list takes to be there, in seconds; `memory` is the server's.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.review_scale import memory, timed
from tests.review.servers import serving

HTML = {"Accept": "text/html"}
PAUSE_S = 0.5  # between two askings of who waits


def awaited(client: httpx.Client, others: Sequence[str]) -> tuple[str, float]:
    """Ask for the list, and for other pages beside, until the audit is done: what the answers took, and how long."""
    begin, taken = time.perf_counter(), dict[str, list[float]]()
    while True:
        for address in ("/audit", *others):
            asked = time.perf_counter()
            client.get(address, headers=HTML).raise_for_status()
            taken.setdefault(address, []).append(1000 * (time.perf_counter() - asked))
        status = client.get("/api/audit").json()["status"]
        if not status["looking"]:
            lines = (
                f"{a}: median {statistics.median(t):.0f}, worst {max(t):.0f}, first {t[0]:.0f}, {len(t)} answers"
                for a, t in taken.items()
            )
            return "; ".join(lines) + (f"; {status['problem']}" if status["problem"] else ""), time.perf_counter() - begin
        time.sleep(PAUSE_S)


def decided(client: httpx.Client, key: str, action: str) -> float:
    """Take a decision and take it back; the milliseconds of the first."""
    case = client.get(f"/api/audit/{key}").json()
    body: dict[str, Any] = {"action": action, "seen": case["seen"], "who": "scale"}
    if action == "merge":
        body["keep"] = case["doubt"]["individuals"][0]
    begin = time.perf_counter()
    answer = client.post(f"/api/audit/{key}", json=body)
    took = 1000 * (time.perf_counter() - begin)
    answer.raise_for_status()
    client.post("/api/undo", json={"decision": answer.json()["id"], "who": "scale"}).raise_for_status()
    return took


def measure(client: httpx.Client, asks: int) -> None:
    """Print a line for each kind of page."""
    said, waited = awaited(client, ["/"])
    print(f"{'while it compares':34} {said}\n{'waited':34} {waited:.0f} s", flush=True)
    first = client.get("/api/audit").json()
    print(f"{'found':34} " + ", ".join(f"{c['count']} {c['kind']}" for c in first["counts"]), flush=True)
    keys = [d["key"] for d in first["doubts"]]

    def page(address: str) -> Callable[[int], httpx.Response]:
        return lambda number: client.get(address.format(key=keys[number % len(keys)]), headers=HTML)

    for name, address in {
        "the list": "/audit", "the list, its middle": "/audit?offset=5000", "one kind": "/audit?kind=duplicate",
        "a suspicion": "/audit/{key}", "a suspicion again": "/audit/{key}",
    }.items():  # fmt: skip
        print(f"{name:34} {timed(page(address), asks)}", flush=True)
    for action, kind in (("dismiss", "two-animals"), ("merge", "two-ids")):
        some = [d["key"] for d in client.get("/api/audit", params={"kind": kind}).json()["doubts"]]
        took = [decided(client, key, action) for key in some[:asks]]
        if took:
            print(f"{action:34} median {statistics.median(took):6.0f}, worst {max(took):6.0f}", flush=True)
        said, waited = awaited(client, [f"/audit/{keys[0]}"])
        print(f"{'while it compares again':34} {said}\n{'waited':34} {waited:.0f} s", flush=True)


def main() -> None:
    """Serve, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--asks", type=int, default=20)
    asked = parser.parse_args()
    with serving(asked.out) as server, httpx.Client(base_url=server.address, timeout=120) as client:
        measure(client, asked.asks)
        print(f"{'memory':34} {memory(server.pid)}")


if __name__ == "__main__":
    main()
