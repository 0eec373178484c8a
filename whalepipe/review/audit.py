"""The audit behind the page: made once in a thread of its own, kept until the catalogue changes, decided on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from threading import Condition, Lock, Thread
from typing import TypeVar

from whalepipe.catalog.audit import Suspicion
from whalepipe.catalog.decisions import By, ConflictError, Decision
from whalepipe.catalog.entries import Fact, Kind
from whalepipe.catalog.since import Seen
from whalepipe.catalog.store import Catalog
from whalepipe.errors import CatalogError, WhalepipeError
from whalepipe.evaluation.audit import Auditor, Found
from whalepipe.job import Job

PATIENCE_S = 0.1  # whoever asks waits so long for an audit: a small catalogue's is done by then
TRIES = 3  # of an audit during which the catalogue changed

T = TypeVar("T")


class Action(Enum):
    """What a person makes of a suspicion."""

    merge = "merge"  # one animal: the id `keep` stays
    split = "split"  # two animals: the crops go to a new id, `called`
    move = "move"  # the crops are of the individual `keep`
    correct = "correct"  # the side or species is what it looks like
    remove = "remove"  # the crops leave the catalogue
    dismiss = "dismiss"  # it is right as it is


@dataclass(frozen=True)
class Ask:
    """A decision about a suspicion. `crops` are origins, `seen` is the last decision that the page knew of."""

    action: Action
    seen: int
    crops: Sequence[str] = ()
    keep: str = ""
    called: str = ""


@dataclass(frozen=True)
class Status:
    """How far the audit is."""

    looking: bool
    step: str = ""
    done: int = 0
    total: int = 0
    problem: str = ""  # what stood in the way of the last one


@dataclass(frozen=True)
class Remembered:
    """A suspicion as it was last found, and up to which decision the catalogue was looked at then."""

    suspicion: Suspicion
    last: int


@dataclass(frozen=True)
class Standing:
    """The suspicions that nobody touched since the catalogue was looked at, and up to which decision that was."""

    suspicions: Sequence[Suspicion]
    last: int
    whole: bool = True  # or there is more to come


class Auditing:
    """One catalogue's audit."""

    def __init__(self, catalog: Catalog, job: Job) -> None:
        self._catalog = catalog
        self._auditor = Auditor(catalog, job.config, job.device)  # the thread's
        self._closer, self._one = Auditor(catalog, job.config, job.device), Lock()  # for who opens a suspicion
        self._turn = Condition()
        self._found: Found | None = None
        self._status = Status(looking=False)
        self._known: dict[str, Remembered] = {}  # of all audits of this start: who decides late is told why not
        self._standing: tuple[Found | None, int, Standing] = None, 0, Standing((), 0)  # after which decision
        self._about: dict[int, str] = {}  # the suspicion that a decision was about

    @property
    def status(self) -> Status:
        """How far it is."""
        return self._status

    def standing(self) -> Standing | None:
        """What is suspected now; None as long as the first audit goes on. Begins another where the catalogue changed.

        Raises CatalogError.
        """
        found = self._fresh()
        if found is None:
            return None
        newest = self._catalog.decisions(limit=1)
        last = newest[-1].id if newest else 0
        if self._standing[:2] != (found, last):
            since, gone = self._catalog.since(found.last), self._catalog.dismissed()
            left = [s for s in found.suspicions if s.key not in gone and since.touched(seen(s, found.last)) is None]
            self._standing = found, last, Standing(left, found.last, _fits(found, self._catalog.revision))
        return self._standing[2]

    def remembered(self, key: str) -> Remembered | None:
        """The suspicion with this key, whether or not it stands; None where there never was one."""
        self._fresh()
        return self._known.get(key)

    def closely(self, suspicion: Suspicion) -> Suspicion:
        """The same after a closer look, which takes a second or so where nobody looked before. Raises CatalogError."""
        with self._one:
            return self._closer.look(suspicion)

    def alike(self, one: Fact, other: Fact) -> str:
        """What the vectors of two crops say, in words; empty where they say nothing. Raises CatalogError."""
        with self._one:
            return self._closer.alike(one, other)

    def touched(self, suspicion: Suspicion, last: int) -> Decision | None:
        """The last decision about a suspicion after the decision `last`; None where there is none."""
        what = seen(suspicion, last)
        number = self._catalog.since(last, what).touched(what)
        return None if number is None else self._catalog.decision(number)

    def decide(self, suspicion: Suspicion, ask: Ask, by: By) -> Decision:
        """Do what a person says of a suspicion. Raises ConflictError where somebody decided since, CatalogError."""
        if (decision := self.touched(suspicion, ask.seen)) is not None:  # before its names are asked for
            raise ConflictError(f"somebody decided in the meantime: decision {decision.said}", decision)
        made = self._done(suspicion, ask, by)
        self._about[made.id] = suspicion.key
        return made

    def about(self, decision: int | None) -> str:
        """The key of the suspicion that a decision of this start was about; else empty."""
        return self._about.get(decision or 0, "")

    # Decisions --------------------------------------------------------------------------------------------------

    def _done(self, suspicion: Suspicion, ask: Ask, by: By) -> Decision:
        catalog, what = self._catalog, seen(suspicion, ask.seen)
        if ask.action is Action.dismiss:
            return catalog.dismiss(suspicion.key, by, what)
        if ask.action is Action.merge:
            names = self._names(suspicion)
            ended = [name for name in names if name != ask.keep]
            if len(names) != 2 or len(ended) != 1:
                raise CatalogError("say which of the two ids stays; nothing was changed")
            return catalog.merge(ended[0], ask.keep, by, what)
        if ask.action is Action.correct:
            return self._corrected(suspicion, by, what)
        name, crops = self._whose(suspicion, ask.crops), list(ask.crops)
        if ask.action is Action.split:
            return catalog.split(name, crops, ask.called, by, seen=what)
        if ask.action is Action.move:
            return catalog.assign(name, crops, ask.keep, by, what)
        return catalog.remove(name, by, crops, what)

    def _corrected(self, suspicion: Suspicion, by: By, what: Seen) -> Decision:
        [name, *_] = self._names(suspicion)
        if suspicion.kind is Kind.side:
            return self._catalog.turn(name, suspicion.origins, suspicion.told, by, what)
        if suspicion.kind is Kind.species:
            return self._catalog.edit(name, {"species": suspicion.told}, by, what)
        raise CatalogError("there is no side or species to correct; nothing was changed")

    def _names(self, suspicion: Suspicion) -> list[str]:
        """The ids of its individuals by now: the audit may be from before a new name, or before that was undone."""
        names = {f.owner: f.individual for f in self._catalog.facts(suspicion.origins, suspicion.owners)}
        return [names[owner] for owner in suspicion.owners if owner in names]

    def _whose(self, suspicion: Suspicion, origins: Sequence[str]) -> str:
        """The individual of the suspicion that all these crops are of. Raises CatalogError."""
        facts = self._catalog.facts(origins)
        whose = {f.individual for f in facts if f.owner in suspicion.owners}
        if not origins or len(whose) != 1 or {f.origin for f in facts} != set(origins):
            raise CatalogError("choose crops, all of one of its individuals; nothing was changed")
        return whose.pop()

    # The audit --------------------------------------------------------------------------------------------------

    def _fresh(self) -> Found | None:
        """What the last audit found; a new one is begun where the catalogue changed since, and waited for a little."""
        revision = self._catalog.revision
        with self._turn:
            if not _fits(self._found, revision) and not self._status.looking:
                self._status = Status(looking=True, problem=self._status.problem)
                Thread(target=self._run, name="audit", daemon=True).start()
                self._turn.wait_for(lambda: self._over(revision), PATIENCE_S)
            return self._found

    def _over(self, revision: str) -> bool:
        return not self._status.looking or _fits(self._found, revision)

    def _run(self) -> None:
        problem = "this is a fault of whalepipe; what the server printed says more"
        try:
            problem = self._looked()
        finally:
            with self._turn:
                self._status = Status(looking=False, problem=problem)
                self._turn.notify_all()

    def _looked(self) -> str:
        """Look through the catalogue; what stood in the way."""
        problem = ""
        for _ in range(TRIES):
            try:
                for found in self._auditor.stages(self._progress):
                    self._take(found)
                return ""
            except WhalepipeError as error:  # also where the catalogue changed meanwhile
                problem = str(error)
        return problem

    def _take(self, found: Found) -> None:
        with self._turn:
            self._known |= {s.key: Remembered(s, found.last) for s in found.suspicions}
            self._found = found
            self._turn.notify_all()

    def _progress(self, stage: str, items: Sequence[T]) -> Iterable[T]:
        for number, item in enumerate(items):
            self._status = Status(True, stage, number, len(items), self._status.problem)
            yield item


def _fits(found: Found | None, revision: str) -> bool:
    """Whether it is all that there is to find in the catalogue at this revision."""
    return found is not None and found.whole and found.revision == revision


def seen(suspicion: Suspicion, last: int) -> Seen:
    """What a person who decides on a suspicion has looked at."""
    return Seen(last, suspicion.origins, suspicion.owners, suspicion.key)
