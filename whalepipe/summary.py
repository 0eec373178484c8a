"""Totals of a ledger. Numbers of animals are given for each part, never added up: a fin and a fluke may be one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from whalepipe.tables import Ledger

OF_FILES = ("empty", "duplicate", "skipped", "failed")
OF_CROPS = ("identified", "new", "unsure", "rejected")


def summarize(rows: Sequence[Ledger]) -> dict[str, Any]:
    """`files` (adds up to what was found on disk), `crops` (adds up to all crops), and `parts` with their animals."""
    states = Counter(r.state for r in rows)
    with_crops = len({r.photo for r in rows if r.crop})
    files = {"total": len({r.photo for r in rows}), "with_crops": with_crops, **{s: states[s] for s in OF_FILES}}
    crops = {"total": sum(1 for r in rows if r.crop), **{s: states[s] for s in OF_CROPS}}
    parts = {part: _of_part([r for r in rows if r.part == part]) for part in sorted({r.part for r in rows} - {""})}
    return {"files": files, "crops": crops, "parts": parts}


def _of_part(rows: Sequence[Ledger]) -> dict[str, int]:
    states = Counter(r.state for r in rows)
    return {
        "crops": len(rows),
        "known_individuals": len({r.individual for r in rows if r.state == "identified"}),
        "new_individuals": len({r.individual for r in rows if r.state == "new"}),
        "unsure_crops": states["unsure"],
        "rejected_crops": states["rejected"],
    }
