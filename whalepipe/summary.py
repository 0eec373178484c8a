"""Totals of a ledger. Numbers of animals are given for each part, never added up: a fin and a fluke may be one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from whalepipe.config import LONGEST_LIST
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


def told(expected: Mapping[str, Any] | None) -> str:
    """A `stages.promise.Promise`, as a mapping, in words; None where the catalogue holds nobody of the part."""
    if expected is None:
        return "the catalogue holds none, so no list has anybody to miss"
    length, longest = expected["list_length"], expected["longest"]
    missed = f"{expected['miss_rate']:.1%} of the known animals' crops are expected to be missed"
    if length:
        first = f"first {length} candidates" if length > 1 else "first candidate"
        said = [f"look at the {first} of every crop without a name, and {missed}"]
    elif longest >= LONGEST_LIST:
        said = [f"no list of up to {longest} candidates misses as few as was asked: with {longest}, {missed}"]
    else:
        said = [f"with the {longest} candidates that are written, {missed}"]
    wrong, bias = expected["false_match_rate"], expected["abundance_bias"]
    said += [f"{wrong:.1%} of the names given without a look are expected to be wrong"] if wrong is not None else []
    if bias is not None:
        high = "high" if bias >= 0 else "low"
        said.append(f"an estimate of abundance by mark and recapture comes out {abs(bias):.1%} too {high}")
    return "; ".join([*said, "all this as far as the probabilities are true"])
