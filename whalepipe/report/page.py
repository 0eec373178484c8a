"""report.html: one file that opens without a server, with small pictures inside; all text from outside is escaped."""

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from whalepipe.cache import Cache, recipe
from whalepipe.catalog.place import open_catalog
from whalepipe.explain.table import read_explained
from whalepipe.files import aside, digest
from whalepipe.job import Job
from whalepipe.models.device import cores
from whalepipe.pipeline import Tables
from whalepipe.progress import Progress
from whalepipe.report.content import Page, page_of
from whalepipe.report.pictures import (
    BESIDE,
    FOLDER,
    LIMIT,
    Ahead,
    Album,
    Beside,
    Inside,
    Originals,
    Shown,
    Source,
    count,
    forget,
)
from whalepipe.report.trust import instruments
from whalepipe.report.words import percent, span, when, words
from whalepipe.store import titled

VERSION = 6
SHOWN = ("ledger", "matches", "detections", "species", "quality", "photos")  # tables of the run


@dataclass(frozen=True)
class Made:
    """The report as the cache remembers it: to be left alone while the files are still those that were written."""

    size: int
    changed_ns: int
    pictures: int


class _TooLargeError(Exception):
    """The page outgrew what goes by mail."""


def write_report(job: Job, tables: Tables, progress: Progress) -> Path:
    """Write report.html and results.xlsx into `job.out`, unless those there show just this. Returns the page's path.

    `tables` are those that lie there. Where the pictures have no room in a page that goes by mail, they lie beside it
    in report-pictures/. Raises StorageError, CatalogError.
    """
    cache = Cache(job.out / "cache")
    path = job.out / "report.html"
    made_with = json.loads((job.out / "summary.json").read_text(encoding="utf-8"))["made_with"]
    shown = [_digest(job.out / f"{name}.csv") for name in SHOWN]
    causes = [*shown, made_with, tables.newcomers, tables.expected, instruments(job), titled(job.raw_dir)]
    causes.append(read_explained(job.out))
    key = recipe("report", VERSION, *causes)
    kept = cache.load("report", key, Made)
    if kept and any(shown) and _made(path) == kept[0] and (job.out / "results.xlsx").exists():
        return path
    from whalepipe.report.workbook import write_workbook  # openpyxl: a second run has no use for it

    write_workbook(job.out / "results.xlsx", tables.ledger, tables.matches)
    _write(path, job, page_of(job, tables, made_with), progress)
    made = _made(path)
    if made:
        cache.store("report", key, [made])
    return path


def _digest(table: Path) -> str:
    try:
        return digest(table)
    except OSError:  # none such was made; where none of all was, nobody knows what a page shows
        return ""


def _made(path: Path) -> Made | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return Made(status.st_size, status.st_mtime_ns, count(path.parent / FOLDER))


def _write(path: Path, job: Job, page: Page, progress: Progress) -> None:
    """Write the page, its pictures inside where they have room, else beside it."""
    originals = Originals(job.out / "crops", open_catalog(job.catalog))
    sources = page.sources()
    with ThreadPoolExecutor(cores()) as pool:
        side = originals.side(sources, pool)
        if side is not None:
            with suppress(_TooLargeError):
                inside = Inside(Ahead(partial(originals.encoded, side), sources, pool))
                _render(path, page, inside, _told(progress, sources), LIMIT)
                return forget(path.parent / FOLDER, set())
        beside = Beside(Ahead(partial(originals.encoded, BESIDE), sources, pool), path.parent / FOLDER)
        _render(path, page, beside, _told(progress, sources), None)
    return forget(path.parent / FOLDER, beside.names())


def _told(progress: Progress, sources: list[Source]) -> Iterator[Source]:
    return iter(progress("report", sources))


def _render(path: Path, page: Page, album: Album, ticks: Iterator[Source], limit: int | None) -> None:
    """Write the page piece by piece: no more than a few pictures are in memory at a time."""

    def picture(source: Source) -> Shown | None:
        shown = album(source)
        if shown is None or shown.link:
            next(ticks, None)
        return shown

    script = resources.files("whalepipe.report").joinpath("templates/report.js").read_text(encoding="utf-8")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pieces = templates().get_template("report.html").generate(
        page=page, picture=picture, beside=isinstance(album, Beside), script=Markup(script), allowed=allowed
    )  # fmt: skip
    written = 0
    with aside(path) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            written += file.write(piece.encode("utf-8"))
            if limit is not None and written > limit:
                raise _TooLargeError
    for _ in ticks:  # a bar goes to its end
        pass


def templates() -> Environment:
    """The pages' templates; all that is put into one is escaped."""
    environment = Environment(
        loader=PackageLoader("whalepipe.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "when": when, "span": span, "words": words}
    return environment
