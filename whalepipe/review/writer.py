"""Writes the tables that follow from decisions, in a thread of its own: a person never waits for them.

The catalogue has every decision already, so a kill loses nothing: the next start writes what was not written.
"""

from collections.abc import Mapping
from threading import Condition, Thread
from time import monotonic

from whalepipe.errors import WhalepipeError
from whalepipe.job import Job
from whalepipe.review.index import Index
from whalepipe.review.outputs import Outputs
from whalepipe.stages.decided import Said

QUIET_S = 15.0  # after the last decision the report is made anew: it has pictures and takes seconds
AGAIN_S = 5.0  # after a full disk, say


class Writer:
    """Keeps the tables of a run as the last wish has them."""

    def __init__(self, job: Job, index: Index) -> None:
        self._outputs = Outputs(job, index)
        self._turn = Condition()
        self._wish: tuple[Mapping[str, Said], int] | None = None
        self._closing = self._dropped = False
        self._report_at: float | None = None  # None: the report shows what the tables have
        self._not_before = 0.0
        self.written = 0  # the last decision that the tables have
        self.problem = ""  # why they could not be written
        self._thread = Thread(target=self._run, name="tables", daemon=True)
        self._thread.start()

    def wish(self, said: Mapping[str, Said], last: int) -> None:
        """Let the tables become what people said, by crop; `last` is the last decision in it."""
        with self._turn:
            self._wish = said, last
            self._turn.notify_all()

    def close(self) -> None:
        """Write what is still to be written, the report too."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        self._thread.join()

    def drop(self) -> None:
        """Stop, and write nothing more: a new run has written all tables anew."""
        self._dropped = True
        self.close()

    def wait(self, last: int, seconds: float) -> bool:
        """Whether the tables have a decision, at the latest after so many seconds."""
        with self._turn:
            return self._turn.wait_for(lambda: self.written >= last, seconds)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(self._due, self._patience())
                wish = self._wish if self._due() else None
                closing = self._closing
            if self._dropped:
                return
            if wish is not None:
                self._write(*wish)
            elif self._report_at is not None and (closing or monotonic() >= self._report_at):
                self._report()
            if closing and (self.problem or (self._wish is None and self._report_at is None)):
                return

    def _due(self) -> bool:
        return self._closing or (self._wish is not None and monotonic() >= self._not_before)

    def _patience(self) -> float | None:
        waits = self._not_before if self._wish is not None else self._report_at
        return None if waits is None else max(0.0, waits - monotonic())

    def _write(self, said: Mapping[str, Said], last: int) -> None:
        try:
            changed = self._outputs.write(said)
        except WhalepipeError as error:
            self.problem, self._not_before = str(error), monotonic() + AGAIN_S
            return
        with self._turn:
            if self._wish is not None and self._wish[1] == last:
                self._wish = None
            self.written, self.problem = last, ""
            self._report_at = monotonic() + QUIET_S if changed else self._report_at
            self._turn.notify_all()

    def _report(self) -> None:
        self._report_at = None
        try:
            self._outputs.report()
        except WhalepipeError as error:
            self.problem, self._report_at = str(error), monotonic() + QUIET_S
            return
        with self._turn:
            self.problem = "" if self._wish is None else self.problem
