"""How long the pages of `whalepipe review` take with many crops and individuals, and how much memory it holds.

Usage: python scripts/review_scale.py FOLDER [--crops 100000] [--individuals 10000] [--asks 20]

Writes the results of a run of so many crops (four states in turn, ten candidates each, names drawn at random) and a
catalogue into FOLDER, unless they are there; starts the server; asks for each kind of page so often, and takes
decisions. Times are the server's answers as a client on this computer gets them, in milliseconds: median and worst.
Heat-maps are made anew up to --asks 11; with more, some of them are those that the server kept.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.review.cards import COLUMNS, Plan, card
from tests.review.servers import serving
from whalepipe.tables import NEW

STATES = ("unsure", "new", "identified", "rejected")
CANDIDATES = 9


def make(folder: Path, crops: int, individuals: int) -> None:
    """A run of so many crops."""
    rng = np.random.default_rng(1)
    plans = []
    for number in range(crops):
        names = rng.choice(individuals, CANDIDATES, replace=False) + 1
        shares = np.sort(rng.dirichlet(np.ones(CANDIDATES + 1)))[::-1].round(4)
        ranked = [(f"Mn-{n}", float(p)) for n, p in zip(names, shares, strict=False)] + [(NEW, float(shares[-1]))]
        state = STATES[number % len(STATES)]
        plans.append(Plan(state, number, view=("left", "right")[number % 2], ranked=ranked))
    card(folder, plans, individuals, link=True)


def timed(ask: Callable[[int], httpx.Response], times: int) -> str:
    """Median and worst of so many answers, the first, which may have to read what is then kept, by itself."""
    taken = []
    for number in range(times + 1):
        begin = time.perf_counter()
        answer = ask(number)
        taken.append(1000 * (time.perf_counter() - begin))
        if answer.status_code >= 400:
            sys.exit(f"{answer.status_code}: {answer.text[:500]}")
    return f"median {statistics.median(taken[1:]):6.0f}, worst {max(taken[1:]):6.0f}, first {taken[0]:6.0f}"


def measure(client: httpx.Client, asks: int) -> None:
    """Print a line for each kind of page."""
    items = client.get("/api/queue").json()["items"]
    crops = [item["crop"] for item in items]

    def page(address: str) -> Callable[[int], httpx.Response]:
        return lambda number: client.get(address.format(crop=crops[number % len(crops)], n=number % COLUMNS + 1))

    def decide(number: int) -> httpx.Response:
        crop = crops[number % len(crops)]
        seen = client.get(f"/api/crops/{crop}").json()["seen"]
        body: dict[str, Any] = {"verdict": "same", "seen": seen, "individual": f"Mn-{number + 1}", "who": "scale"}
        begin = time.perf_counter()
        answer = client.post("/api/decide", json=body)
        decided.append(1000 * (time.perf_counter() - begin))
        return answer

    decided: list[float] = []
    kinds = {
        "the queue": "/", "the queue, its end": "/?offset=60000",
        "the queue, one part of it": "/?section=rejected&part=fluke",
        "a query": "/crops/{crop}", "a query as JSON": "/api/crops/{crop}", "the decisions": "/decisions",
        "changes": "/api/changes?since=0", "a search for a name": "/api/individuals?q=n-99",
        "a small picture": "/pictures/small?crop={crop}",
        "a heat-map": "/api/heat?crop={crop}&other=Mn-{n}.jpg&individual=Mn-{n}",
    }  # fmt: skip
    for name, address in kinds.items():
        print(f"{name:26} {timed(page(address), asks)}")
    timed(decide, asks)
    print(f"{'a decision':26} median {statistics.median(decided):6.0f}, worst {max(decided):6.0f}")
    begin = time.perf_counter()
    while client.get("/ready").json()["written"] < client.get("/ready").json()["last"]:
        time.sleep(0.05)
    print(f"{'until the tables have it':26} {time.perf_counter() - begin:6.1f} s")
    print(f"{'a query after decisions':26} {timed(page('/crops/{crop}'), asks)}")


def memory(pid: int) -> str:
    """What the server holds now and held at most, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return f"{found['VmRSS']} MB now, {found['VmHWM']} MB at most"


def main() -> None:
    """Write, serve, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("crops", 100_000), ("individuals", 10_000), ("asks", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    if not (asked.folder / "out" / "answers.csv").exists():
        make(asked.folder, asked.crops, asked.individuals)
    begin = time.perf_counter()
    with serving(asked.folder / "out") as server, httpx.Client(base_url=server.address, timeout=120) as client:
        client.get("/ready")
        print(f"{'start':26} {time.perf_counter() - begin:6.1f} s")
        measure(client, asked.asks)
        print(f"{'memory':26} {memory(server.pid)}")


if __name__ == "__main__":
    main()
