"""The report once more, from the tables of a run: after a decision, for a newer page, or where it was lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from whalepipe.catalog.place import Place
from whalepipe.config import config_of
from whalepipe.errors import TableError, WhalepipeError
from whalepipe.job import Job
from whalepipe.outcome import Outcome, asked_catalog, asked_of, asked_raw_dir, read_outcome, read_summary
from whalepipe.pipeline import Tables
from whalepipe.progress import Progress, silent
from whalepipe.report.page import write_report
from whalepipe.stages.decide import Newcomers
from whalepipe.stages.promise import Promise


def write_again(out: Path, catalog: Place | None = None, progress: Progress = silent) -> Path:
    """Write report.html and results.xlsx of the run whose results lie in `out`. Returns the page's path.

    `catalog` is where the run's catalogue lies now, if it was moved. Raises WhalepipeError.
    """
    outcome = read_outcome(out)
    job = _job(out, outcome.summary)
    return write_report(replace(job, catalog=catalog) if catalog else job, _tables(outcome), progress)


def read_job(out: Path) -> Job:
    """What the run whose results lie in `out` was asked for. Raises WhalepipeError."""
    return _job(out, read_summary(out))


def _job(out: Path, summary: dict[str, Any]) -> Job:
    raw, boxes, where = asked_raw_dir(summary), asked_of(summary, "boxes"), out / "summary.json"
    if raw is None:
        raise WhalepipeError(f"{where} is of an older version: run `whalepipe run` again, it keeps what is made")
    config = config_of(summary["made_with"]["config"], str(where))
    return Job(raw, out, config, asked_catalog(summary), boxes, str(summary["asked"].get("device", "auto")))


def _tables(outcome: Outcome) -> Tables:
    summary = outcome.summary
    try:
        newcomers = {part: Newcomers(**each) for part, each in summary.get("new_earliest", {}).items()}
        promised = {part: Promise(**p) if p else None for part, p in summary.get("expected", {}).items()}
    except TypeError as error:
        raise TableError(f"{outcome.out / 'summary.json'}: damaged ({error}); run the same command again") from error
    return Tables(
        photos=outcome.photos,
        detections=outcome.detections,
        crops=outcome.crops,
        quality=outcome.quality,
        species=outcome.species,
        matches=outcome.matches,
        newcomers=newcomers,
        promised=promised,
        ledger=outcome.ledger,
    )
