"""How long the pages of the audit take beside a large catalogue: while it is compared, when all is found, and after
decisions, which are taken back.

Usage: python scripts/audit_pages.py OUT [--asks 20]   OUT: what a run against the catalogue wrote (`--catalog`)

Starts the server, asks for the audit until all is found, and then for its pages. Times are the server's answers as a
client on this computer gets them, in milliseconds: median, worst and the first, which may have to read what is then
kept. `waited` is how long it takes until doubts of identity are there, and until all are, in seconds; `memory` is the
server's.
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


def awaited(client: httpx.Client, name: str, others: Sequence[str]) -> None:
    """Ask for the list, and for other pages beside, until the audit is done; print what the answers took, how long."""
    begin, first, taken = time.perf_counter(), 0.0, dict[str, list[float]]()
    said: dict[str, Any] = {"status": {"looking": True}}
    while said["status"]["looking"]:
        for address in ("/audit", *others):
            asked = time.perf_counter()
            client.get(address, headers=HTML).raise_for_status()
            taken.setdefault(address, []).append(1000 * (time.perf_counter() - asked))
        said = client.get("/api/audit").json()
        first = first or (time.perf_counter() - begin if said["counts"] else 0.0)
        time.sleep(PAUSE_S)
    for address, each in taken.items():
        told = f"median {statistics.median(each):6.0f}, worst {max(each):6.0f}, first {each[0]:6.0f} of {len(each)}"
        print(f"{name}: {address:12} {told}")
    print(f"{'waited':34} {first:.1f}, {time.perf_counter() - begin:.1f} s {said['status']['problem']}", flush=True)


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
    awaited(client, "while it compares", ["/"])
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
        awaited(client, f"after {action}", [f"/audit/{keys[0]}"])


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
