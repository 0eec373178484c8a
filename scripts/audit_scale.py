"""What `catalog audit` of a large catalogue takes: seconds of each kind of suspicion, and the most memory.

Usage: OMP_NUM_THREADS=1 python scripts/audit_scale.py FOLDER   of the catalogue that catalog_scale.py left in FOLDER

Prints a JSON object for each step, as soon as it is done: identities (one animal under two ids, two under one),
species, near-duplicate photos (once with and once without reading the pictures), the closer look at the first
suspicions, and all of them after two individuals were merged, which is taken back. `cpu` is the time that the processor
worked. Sides are left out: the pictures of that catalogue show none.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Kind
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.evaluation.audit import BY_VECTORS, Auditor


def step(name: str, do: Callable[[], Any]) -> Any:
    """Do it and print how long it took."""
    begun, worked = time.perf_counter(), time.process_time()
    made = do()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    told = {"found": len(made.suspicions), "seconds": round(seconds, 1), "cpu": round(cpu, 1), "memory_mb": memory}
    print(json.dumps({"step": name, **told}), flush=True)
    return made


def main() -> None:
    """The command line."""
    catalog = Catalog.open(Path(sys.argv[1]) / "scale.sqlite")
    auditor = Auditor(catalog, Config(), "cpu")
    found = step("identities", lambda: auditor(BY_VECTORS))
    step("species", lambda: auditor({Kind.species}))
    step("duplicates", lambda: auditor({Kind.duplicate}))
    step("duplicates again", lambda: auditor({Kind.duplicate}))
    step("closer look", lambda: auditor.closely(found))
    pair = next(s.individuals for s in found.suspicions if s.kind is Kind.two_ids)
    merged = catalog.merge(*pair, By("scale"))
    step("after a merge", lambda: auditor(BY_VECTORS | {Kind.species, Kind.duplicate}))
    catalog.undo(merged.id, By("scale"))


if __name__ == "__main__":
    main()
