"""What somebody else needs to get the same page from the same photos."""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whalepipe.catalog.entries import Summary
from whalepipe.catalog.place import called, open_catalog, titled
from whalepipe.config import Config
from whalepipe.job import Job
from whalepipe.photos import as_text
from whalepipe.tables import Photo

# What summary.json has the digests of, in the order in which they are used.
KINDS = (
    "detector", "detector_exported", "tightener", "embedder", "view", "quality", "distinctiveness", "species",
    "silhouette",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A setting of the run; `default` is empty where it has its default."""

    name: str
    value: str
    default: str = ""


@dataclass(frozen=True)
class Repeat:
    """The command, the versions and digests behind the page, and every setting."""

    command: str
    facts: Sequence[tuple[str, str]]
    settings: Sequence[Setting]


def repeat(job: Job, photos: Sequence[Photo], made_with: Mapping[str, Any], held: Iterable[Summary]) -> Repeat:
    """How to make this page again."""
    settings = _settings(asdict(job.config), asdict(Config()))
    return Repeat(_command(job, settings), list(_facts(job, photos, made_with, list(held)).items()), settings)


def _settings(used: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Setting]:
    return [
        Setting(f"{stage}.{key}", _text(value), "" if value == defaults[stage][key] else _text(defaults[stage][key]))
        for stage, values in used.items()
        for key, value in values.items()
    ]


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, str) else f"{value}"


def _command(job: Job, settings: Sequence[Setting]) -> str:
    """A command line that does this run again; settings from a file are written out."""
    words = ["whalepipe", "run", str(job.raw_dir), "--out", str(job.out)]
    catalog = None if job.catalog is None else called(job.catalog)
    for option, path in (("--catalog", catalog), ("--boxes", job.boxes)):
        words += [option, str(path)] if path else []
    words += ["--device", job.device] if job.device != "auto" else []
    for setting in settings:
        words += ["--set", f"{setting.name}={setting.value}"] if setting.default else []
    return as_text(shlex.join(words))


def _facts(job: Job, photos: Sequence[Photo], made_with: Mapping[str, Any], held: Sequence[Summary]) -> dict[str, str]:
    ids = sorted(p.photo_id for p in photos if p.photo_id)
    facts = {
        "whalepipe": str(made_with.get("whalepipe", "")),
        "Photos": f"{len(ids):,} files; sha256 over their sorted digests {_digest(ids)}",
    }
    if job.boxes:
        facts["Boxes"] = f"drawn by a person: {as_text(job.boxes.name)}"
    for kind in KINDS:
        if made_with.get(kind):
            facts[f"Weights, {kind.replace('_', ' ')}"] = f"sha256 {made_with[kind]}"
    if made_with.get("runtime"):
        facts["Networks"] = f"run by {made_with['runtime']}"
    if made_with.get("calibration"):
        facts["Calibration"] = f"of the embedder's card; digest {made_with['calibration']}"
    if job.catalog is None:
        facts["Catalogue"] = "none was given: no animal could be named"
    else:
        animals, crops = len({s.individual for s in held}), sum(s.crops for s in held)
        facts["Catalogue"] = (
            f"{as_text(titled(job.catalog))}: {animals:,} individuals, {crops:,} crops;"
            f" revision {made_with.get('catalogue', '')}"
        )
        catalog = open_catalog(job.catalog)
        if catalog and catalog.revision != made_with.get("catalogue"):
            facts["Catalogue"] += ", changed since: its pictures and numbers are those of now"
    return facts


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()
