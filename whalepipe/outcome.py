"""What a run left in its folder, read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whalepipe.errors import TableError, WhalepipeError
from whalepipe.store import Origin, Store
from whalepipe.tables import Crop, Detection, Ledger, Match, Photo, Quality, Species, read_table

TABLES: dict[str, type[Any]] = {
    "photos": Photo,
    "detections": Detection,
    "crops": Crop,
    "quality": Quality,
    "species": Species,
    "matches": Match,
    "ledger": Ledger,
}


@dataclass(frozen=True)
class Outcome:
    """The tables of a whole run, and its summary.json."""

    out: Path
    summary: dict[str, Any]
    photos: list[Photo]
    detections: list[Detection]
    crops: list[Crop]
    quality: list[Quality]
    species: list[Species]
    matches: list[Match]
    ledger: list[Ledger]

    @property
    def raw_dir(self) -> Origin | None:
        """As `asked_raw_dir` of the summary."""
        return asked_raw_dir(self.summary)


def asked_of(summary: dict[str, Any], name: str) -> Path | None:
    """A path of the run's command (`raw_dir`, `catalog`, `boxes`) as it was given, where it is understood from here
    as it was there; else the whole of it. None where none was given, or an older version did not keep it."""
    asked = summary.get("asked")
    if not isinstance(asked, dict) or not asked.get(name):
        return None
    given, folder = Path(str(asked[name])), Path(str(asked.get("folder", "")))
    return given if folder == Path.cwd() else folder / given


def asked_catalog(summary: dict[str, Any]) -> Path | str | None:
    """The run's catalogue: its file, as `asked_of`, or the URL of its database."""
    return _url_of(summary, "catalog") or asked_of(summary, "catalog")


def asked_raw_dir(summary: dict[str, Any]) -> Origin | None:
    """Where the run's photos were: their folder, as `asked_of`, or their store."""
    url = _url_of(summary, "raw_dir")
    return Store(url) if url else asked_of(summary, "raw_dir")


def _url_of(summary: dict[str, Any], name: str) -> str:
    asked = summary.get("asked")
    given = str(asked.get(name, "")) if isinstance(asked, dict) else ""
    return given if "://" in given else ""


def read_outcome(out: Path) -> Outcome:
    """The tables in a run's output folder. Raises WhalepipeError where there are none, TableError for a damaged one."""
    found = read_summary(out)
    return Outcome(out, found, **{name: read_table(out / f"{name}.csv", row) for name, row in TABLES.items()})


def read_summary(out: Path) -> dict[str, Any]:
    """summary.json of a run's output folder. Raises WhalepipeError where there is none, TableError if it is damaged."""
    path = out / "summary.json"
    if not path.is_file():
        raise WhalepipeError(f"{out} holds no results; give the output folder of `whalepipe run`")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: cannot be read ({error}); run the same command again") from error
    made_with = summary.get("made_with") if isinstance(summary, dict) else None
    if not isinstance(made_with, dict) or not isinstance(made_with.get("config"), dict):
        raise TableError(f"{path}: does not say what it was made with; run the same command again")
    return dict(summary)
