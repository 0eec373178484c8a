"""The results of a run in the formats of the field."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from whalepipe.errors import ConfigError
from whalepipe.formats.results import captures, darwincore, detections, mark, rmark, socprog, wildbook
from whalepipe.formats.results.given import Given, Wish
from whalepipe.outcome import TABLES, Outcome, read_outcome
from whalepipe.stages.listing import in_time


@dataclass(frozen=True)
class Format:
    """A format of results: how it is written, how its file ends (a folder has no ending), which choices it obeys."""

    write: Callable[[Given, Path], list[str]]
    ending: str
    obeys: frozenset[str] = frozenset({"states"})


HISTORIES = frozenset({"states", "part", "occasions"})
FORMATS = {
    "wildbook": Format(wildbook.write, "", frozenset({"states", "species", "location"})),
    "darwincore": Format(darwincore.write, ".zip", frozenset({"states", "species"})),
    "mark": Format(mark.write, ".inp", HISTORIES),
    "rmark": Format(rmark.write, ".txt", HISTORIES),
    "captures": Format(captures.write, ".csv", HISTORIES),
    "socprog": Format(socprog.write, ".xlsx"),
    "coco": Format(detections.write_coco, ".json"),
    "megadetector": Format(detections.write_megadetector, ".json"),
}
OPTIONS = {"states": "--with"}  # of the command line, where it calls a choice otherwise


def export(out: Path, format: str, to: Path | None = None, wish: Wish | None = None) -> tuple[Path, list[str]]:
    """Write the results that lie in `out`; returns where, and what the format has no place for.

    Raises ConfigError (an unknown format, a choice that it has no use for, nothing to write), WhalepipeError (no
    results), TableError, StorageError.
    """
    if format not in FORMATS:
        raise ConfigError(f"--format {format}: not one of {', '.join(FORMATS)}")
    chosen, wish = FORMATS[format], wish or Wish()
    _refuse_idle(format, chosen, wish)
    found = read_outcome(out)
    path = to or out / f"{format}{chosen.ending}"
    _refuse_place(path, found)
    tables = found.photos, in_time(found.photos), found.detections, found.crops, found.ledger
    return path, chosen.write(Given(*tables, found.summary["made_with"], wish), path)


def _refuse_place(path: Path, found: Outcome) -> None:
    """Neither originals nor the results themselves are written to."""
    raw, target = found.raw_dir, path.resolve()
    if isinstance(raw, Path) and target.is_relative_to(raw.resolve()):
        raise ConfigError(f"{path} would lie among the originals; choose another place with --out")
    own = (found.out / name for name in (*(f"{t}.csv" for t in TABLES), "summary.json", "report.html"))
    if target in (found.out.resolve(), *(p.resolve() for p in own)):
        raise ConfigError(f"{path} is what is to be read; choose another place with --out")


def _refuse_idle(name: str, format: Format, wish: Wish) -> None:
    """No choice is passed over in silence."""
    default = Wish()
    for each in fields(Wish):
        if each.name not in format.obeys and getattr(wish, each.name) != getattr(default, each.name):
            option = OPTIONS.get(each.name, f"--{each.name}")
            users = ", ".join(n for n, f in FORMATS.items() if each.name in f.obeys)
            raise ConfigError(f"{option} says nothing to {name}; it does to {users}")
