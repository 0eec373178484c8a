"""The output tables as people's decisions have them: ledger.csv, summary.json, overrides.csv, and the report."""

import json
from collections.abc import Mapping
from pathlib import Path

from whalepipe.catalog.decisions import Verdict
from whalepipe.csvtable import columns, line_of, read_table, to_cell, write_lines, write_table
from whalepipe.files import write_aside
from whalepipe.job import Job
from whalepipe.outcome import read_summary
from whalepipe.report.again import write_again
from whalepipe.review.index import Index
from whalepipe.stages.decided import Said, changed
from whalepipe.stages.ledger import answered
from whalepipe.summary import summarize
from whalepipe.tables import Answer, Ledger, Override
from whalepipe.work import OVERRIDES

OURS = "decided by "  # how the reasons begin of the overrides that follow from decisions
COLUMNS = list(columns(Ledger))


class Outputs:
    """Writes the tables of one run. Not for two threads."""

    def __init__(self, job: Job, index: Index) -> None:
        self._job, self._index = job, index
        self._rows = list(index.rows)
        self._lines = [_line(row) for row in self._rows]
        self._places = {row.crop: place for place, row in enumerate(self._rows) if row.crop}
        self._said: Mapping[str, Said] = {}  # as the rows have it
        self._fresh = True  # nothing was written yet: what lies there may be of before a kill

    def write(self, said: Mapping[str, Said]) -> bool:
        """Bring the tables to what people said, by crop; whether that changed any.

        Raises StorageError, and then each is whole, old or new.
        """
        fresh = {crop for crop, word in said.items() if self._said.get(crop) is not word}
        for crop in fresh | (self._said.keys() - said.keys()):
            self._put(crop, said.get(crop))
        self._said = said
        ledger = [line_of(COLUMNS), *self._lines]
        if self._fresh and _text(self._job.out / "ledger.csv") == "".join(ledger):
            self._fresh = False
            return False
        self._write_overrides(said)
        self._write_summary()
        write_lines(self._job.out / "ledger.csv", ledger)  # the last: where it is right after a kill, so are the others
        self._fresh = False
        return True

    def report(self) -> None:
        """Make the report and the workbook anew, where the run made them. Raises StorageError, CatalogError."""
        if (self._job.out / "report.html").exists():
            write_again(self._job.out, self._job.catalog)

    def _alone(self, crop: str) -> Ledger:
        return self._index.frames[crop].row

    def _put(self, crop: str, word: Said | None) -> None:
        place, row = self._places[crop], self._alone(crop)
        answer = changed(_answer(row), word) if word else None
        self._rows[place] = answered(row, answer) if answer else row
        self._lines[place] = _line(self._rows[place])

    def _write_summary(self) -> None:
        text = json.dumps({**read_summary(self._job.out), **summarize(self._rows)}, indent=2)
        write_aside(self._job.out / "summary.json", (text + "\n").encode())

    def _write_overrides(self, said: Mapping[str, Said]) -> None:
        """What is not usable is set aside by the next run too, and what a person could use is kept."""
        path = self._job.out / OVERRIDES
        before = read_table(path, Override) if path.exists() else []
        own = [row for row in before if not row.reason.startswith(OURS) and row.crop not in said]
        ours = [Override(crop, keep, said[crop].reason) for crop, keep in sorted(self._kept(said).items())]
        if (rows := own + ours) != before:
            write_table(path, Override, rows)

    def _kept(self, said: Mapping[str, Said]) -> dict[str, bool]:
        """Where people decided otherwise than quality."""
        kept = {crop: word.verdict is not Verdict.not_usable for crop, word in said.items()}
        return {crop: keep for crop, keep in kept.items() if keep == (self._alone(crop).state == "rejected")}


def _line(row: Ledger) -> str:
    return line_of(to_cell(getattr(row, name)) for name in COLUMNS)


def _answer(row: Ledger) -> Answer:
    return Answer(row.crop, row.state, row.individual, row.probability, row.reason)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError):
        return ""
