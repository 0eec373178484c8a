"""report.html: one file that opens without a server, with small pictures inside; all text from outside is escaped."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from whalepipe.cache import Cache, recipe
from whalepipe.catalog.store import Catalog
from whalepipe.errors import PhotoError
from whalepipe.files import write_aside
from whalepipe.photos import as_text, decode, encode_jpeg
from whalepipe.pipeline import Tables
from whalepipe.report.workbook import write_workbook
from whalepipe.summary import summarize
from whalepipe.tables import NEW, Ledger, Match
from whalepipe.work import Job, Progress

VERSION = 1
THUMBNAIL = 160  # pixels, the longer side
JPEG_QUALITY = 70
SHOWN_CANDIDATES = 3


@dataclass(frozen=True)
class Made:
    """The report as the cache remembers it: to be left alone while the file is still the one that was written."""

    size: int
    changed_ns: int


@dataclass(frozen=True)
class Candidate:
    """A ranked answer of one crop, with the catalogue's crop beside it."""

    individual: str
    probability: float
    picture: str  # data URL, or empty


@dataclass(frozen=True)
class Card:
    """One crop on the page."""

    row: Ledger
    picture: str
    candidates: Sequence[Candidate] = ()


@dataclass(frozen=True)
class Group:
    """The crops of one individual."""

    individual: str
    part: str
    cards: Sequence[Card]


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    title: str
    summary: dict[str, Any]
    known: Sequence[Group] = ()
    new: Sequence[Group] = ()
    unsure: Sequence[Card] = ()
    rejected: Sequence[Card] = ()
    without: dict[str, Sequence[Ledger]] = field(default_factory=dict)  # state -> rows of files without a crop
    made_with: str = ""
    notes: str = ""


def write_report(job: Job, tables: Tables, progress: Progress, notes: str = "") -> Path:
    """Write report.html and results.xlsx into `job.out`, unless those there show just this. Returns the page's path.

    `notes` is HTML of our own that stands below the totals. Raises StorageError.
    """
    cache = Cache(job.out / "cache")
    path = job.out / "report.html"
    made_with = json.loads((job.out / "summary.json").read_text(encoding="utf-8"))["made_with"]
    causes = [tables.ledger, tables.matches, tables.detections, made_with, job.raw_dir.resolve().name, notes]
    key = recipe("report", VERSION, *causes)
    kept = cache.load("report", key, Made)
    if kept and _made(path) == kept[0] and (job.out / "results.xlsx").exists():
        return path
    write_workbook(job.out / "results.xlsx", tables.ledger, tables.matches)
    text = _render(_page(job, tables, progress, notes, made_with))
    write_aside(path, text.encode("utf-8"))
    made = _made(path)
    if made:
        cache.store("report", key, [made])
    return path


def _made(path: Path) -> Made | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return Made(status.st_size, status.st_mtime_ns)


def _render(page: Page) -> str:
    environment = Environment(
        loader=PackageLoader("whalepipe.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["percent"] = lambda p: "" if p is None else f"{p:.0%}"
    return environment.get_template("report.html").render(page=page, notes=Markup(page.notes))


def _page(job: Job, tables: Tables, progress: Progress, notes: str, made_with: dict[str, Any]) -> Page:
    catalog = Catalog.open(job.catalog) if job.catalog else None
    candidates = _candidates(tables.matches, catalog)
    rows = [r for r in tables.ledger if r.crop]
    cards = [
        Card(row, _thumbnail_of(job.out / "crops" / row.crop), candidates.get(row.crop, ()))
        for row in progress("report", rows)
    ]
    states = ("failed", "empty", "duplicate", "skipped")
    return Page(
        title=as_text(job.raw_dir.resolve().name),
        summary=summarize(tables.ledger),
        known=_groups(cards, "identified"),
        new=_groups(cards, "new"),
        unsure=[c for c in cards if c.row.state == "unsure"],
        rejected=[c for c in cards if c.row.state == "rejected"],
        without={s: [r for r in tables.ledger if r.state == s] for s in states},
        made_with=json.dumps(made_with, indent=2),
        notes=notes,
    )


def _groups(cards: Sequence[Card], state: str) -> list[Group]:
    grouped: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        if card.row.state == state:
            grouped.setdefault((card.row.individual, card.row.part), []).append(card)
    return [Group(individual, part, members) for (individual, part), members in sorted(grouped.items())]


def _candidates(matches: Sequence[Match], catalog: Catalog | None) -> dict[str, list[Candidate]]:
    pictures: dict[tuple[str, str], str] = {}

    def picture(match: Match) -> str:
        if catalog is None or match.individual == NEW:
            return ""
        wanted = (match.individual, match.gallery_crop)
        if wanted not in pictures:
            pictures[wanted] = _thumbnail(catalog.picture(*wanted))
        return pictures[wanted]

    found: dict[str, list[Candidate]] = {}
    for match in matches:
        if match.rank <= SHOWN_CANDIDATES or match.individual == NEW:
            candidate = Candidate(match.individual, match.probability, picture(match))
            found.setdefault(match.crop, []).append(candidate)
    return found


def _thumbnail_of(crop: Path) -> str:
    try:
        return _thumbnail(crop.read_bytes())
    except OSError:
        return ""


def _thumbnail(jpeg: bytes) -> str:
    """A small picture as a data URL; empty where there is none to show."""
    try:
        pixels = decode(jpeg)
    except PhotoError:
        return ""
    data = encode_jpeg(_small(pixels), JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, THUMBNAIL / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
