"""Where decisions are taken: the run's index, the catalogue, and the tables that follow from both."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import compress
from threading import RLock

from whalepipe.catalog.database import AwayError
from whalepipe.catalog.decisions import By, Decision, Judgement, Verdict
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.store import Catalog
from whalepipe.enrol import kept_jpeg
from whalepipe.errors import WhalepipeError
from whalepipe.job import Job
from whalepipe.photos import inside, read_photo
from whalepipe.review.index import Frame, Index, stamp_of
from whalepipe.review.queue import SECTIONS, Item, Wanted, queue
from whalepipe.review.writer import Writer
from whalepipe.stages.decide import provisional_name
from whalepipe.stages.decided import EVERY, NAMES, Said, everything_said, said_of
from whalepipe.tables import UNKNOWN

Heard = tuple[Mapping[str, Said], int]  # what holds of every crop, by origin, and the last decision


@dataclass(frozen=True)
class Ask:
    """What a person decides: a verdict about crops of one animal, each with the last decision about it that she saw."""

    verdict: Verdict
    seen: Mapping[str, int]  # by crop; 0: none
    individual: str = ""


@dataclass(frozen=True)
class Count:
    """How many items of a kind there are, and how many wait for a person."""

    section: str
    title: str
    total: int
    open: int


class Desk:
    """The state behind the page. Every decision is the catalogue's before it is anywhere else."""

    def __init__(self, job: Job, catalog: Catalog) -> None:
        self.job, self.catalog = job, catalog
        self._lock = RLock()
        self._last = 0
        self._said: dict[str, Said] = {}  # by crop
        self._kinds: tuple[str | None, Mapping[str, str]] = None, {}  # at which revision of the catalogue
        self._load(Index.read(job.out), self._heard())

    # What is there ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take in what other people decided, and a new run of the same photos. Raises WhalepipeError."""
        with self._lock:
            if stamp_of(self.job.out) != self.index.stamp:
                index, heard = Index.read(self.job.out), self._heard()  # all of it, before anything is replaced
                self.writer.drop()
                self._load(index, heard)
                return
            fresh = self.catalog.decisions(since=self._last, limit=EVERY)
            mine = {d.subject for d in fresh} & self.index.by_origin.keys()
            if not all(d.kind == "judge" or d.subject in mine for d in fresh):
                self._take_in(*self._heard())  # a merge or a new name may concern any crop
            elif fresh:
                self._take_in_some(mine, fresh[-1].id)

    def _load(self, index: Index, heard: Heard) -> None:
        self.index = index
        self.items = queue(self.index)
        self._item = {crop: number for number, item in enumerate(self.items) for crop in item.crops}
        self._total = Counter(item.section for item in self.items)
        self.writer = Writer(self.job, self.index)
        self._take_in(*heard)

    def _heard(self) -> Heard:
        last = self.catalog.decisions(limit=1)
        return everything_said(self.catalog), last[-1].id if last else 0

    def _take_in(self, said: Mapping[str, Said], last: int) -> None:
        mine = self.index.by_origin
        words = sorted((word.id, mine[origin], word) for origin, word in said.items() if origin in mine)
        self._said = {crop: word for _, crop, word in words}  # in the order in which they were said
        self._waiting = bytearray(self.waits(item) for item in self.items)
        self._left = Counter(item.section for item in compress(self.items, self._waiting))
        self._wish(last)

    def _take_in_some(self, origins: set[str], last: int) -> None:
        for origin in origins:
            crop, standing = self.index.by_origin[origin], self.catalog.standing(origin)
            found = said_of([standing] if standing else [], self.catalog.decisions(origin=origin))
            item, number = self.item(crop), self._item.get(crop)
            self._left[item.section] -= self.waits(item)
            self._said.pop(crop, None)
            if origin in found:
                self._said[crop] = found[origin]
            self._left[item.section] += self.waits(item)
            if number is not None:
                self._waiting[number] = self.waits(item)
        self._wish(last)

    def _wish(self, last: int) -> None:
        self._last = last
        self.writer.wish(dict(self._said), last)

    @property
    def counts(self) -> list[Count]:
        """How much there is to do, by section."""
        return [Count(name, title, self._total[name], self._left[name]) for name, title in SECTIONS.items()]

    @property
    def last(self) -> int:
        """The number of the last decision that is taken in."""
        return self._last

    def said(self, crop: str) -> Said | None:
        """A person's last word about a crop."""
        return self._said.get(crop)

    def decided(self) -> Sequence[tuple[str, Said]]:
        """Every crop of the run that a person decided about, the last one first."""
        return list(self._said.items())[::-1]

    def seen(self, crop: str) -> int:
        """The last decision about a crop; 0 where there is none."""
        decision = self.catalog.last_decision(self.index.frames[crop].origin)
        return decision.id if decision else 0

    def kinds(self) -> Mapping[str, str]:
        """The species of the catalogue's individuals."""
        revision = self.catalog.revision
        if self._kinds[0] != revision:
            self._kinds = revision, {i.name: i.species for i in self.catalog.individuals()}
        return self._kinds[1]

    def individuals(self, part_of_name: str, most: int) -> list[str]:
        """Individuals whose names have this in them, those first that begin with it."""
        wanted = part_of_name.strip().casefold()
        found = [name for name in self.kinds() if wanted in name.casefold()]
        return sorted(found, key=lambda name: (not name.casefold().startswith(wanted), name))[:most]

    def problem(self) -> str:
        """Why decisions cannot be taken or written now; empty where they can."""
        try:
            self.refresh()
        except WhalepipeError as error:
            return str(error)
        return self.writer.problem

    # The queue --------------------------------------------------------------------------------------------------

    def waits(self, item: Item) -> bool:
        """Whether a crop of an item still waits for an answer: a denied candidate is none."""
        return any(crop not in self._said or self._said[crop].verdict is Verdict.different for crop in item.crops)

    def asked(self, wanted: Wanted) -> Iterator[Item]:
        """The items that wait, in the order of the queue; those that a person left unsure at the end."""
        waiting = compress(self.items, self._waiting)
        yield from waiting if wanted == Wanted() else (item for item in waiting if self._fits(item, wanted))
        unsure = [crop for crop, word in self.decided() if word.verdict is Verdict.unsure]
        numbers = sorted({self._item[crop] for crop in unsure if crop in self._item})
        left = (self.items[number] for number in numbers if not self._waiting[number])
        yield from (item for item in left if self._fits(item, wanted))

    def item(self, crop: str) -> Item:
        """The item that a crop is of; one that is sure is an item of its own."""
        number = self._item.get(crop)
        return Item((crop,), "", 0.0) if number is None else self.items[number]

    def beside(self, crop: str, wanted: Wanted) -> tuple[str, str]:
        """The first crops of the items before and after a crop's that wait; empty where there is none."""
        here = self._item.get(crop, -1)
        before = (i for i in reversed(self.items[: max(here, 0)]) if self._goes(i, wanted))
        after = (i for i in self.items[here + 1 :] if self._goes(i, wanted))
        begin = (i for i in self.items[: max(here, 0)] if self._goes(i, wanted))
        following = next(after, None) or next(begin, None)
        return next((i.first for i in before), ""), following.first if following else ""

    def _goes(self, item: Item, wanted: Wanted) -> bool:
        return self.waits(item) and self._fits(item, wanted)

    def _fits(self, item: Item, wanted: Wanted) -> bool:
        return wanted.section in ("", item.section) and wanted.fits(item, self.index.frames[item.first])

    # Decisions --------------------------------------------------------------------------------------------------

    def decide(self, ask: Ask, by: By) -> list[Decision]:
        """Take a verdict into the catalogue, about all its crops in one transaction, and then into the tables.

        Raises ConflictError where somebody decided since, CatalogError where the catalogue refuses.
        """
        judgements = []
        for number, (crop, seen) in enumerate(ask.seen.items()):
            again = Verdict.same if ask.verdict is Verdict.new and number else ask.verdict
            judgements.append((self._judgement(replace(ask, verdict=again), crop), seen))
        made = self.catalog.judge_all(judgements, by)
        self.refresh_if_it_can()
        return made

    def undo(self, number: int, by: By) -> Decision:
        """Take a decision back. Raises ConflictError where another was built on it, CatalogError."""
        return self.undo_all([number], by)[0]

    def undo_all(self, numbers: Sequence[int], by: By) -> list[Decision]:
        """Take several back, one after the other: all or none. Raises as `undo`."""
        made = self.catalog.undo_all(numbers, by)
        self.refresh_if_it_can()
        return made

    def refresh_if_it_can(self) -> None:
        """What was decided is decided, though the catalogue is away since: whoever asks next takes it in."""
        with suppress(AwayError):
            self.refresh()

    def provisional(self, crop: str) -> str:
        """What a new animal is called as long as nobody gives it a name: one that the catalogue does not hold."""
        frame = self.index.frames[crop]
        named = frame.row.individual if frame.row.state == "new" else ""
        taken = {word.individual for word in self._said.values() if word.verdict in NAMES}
        return named if named and named not in taken else provisional_name(frame.crop)

    def close(self) -> None:
        """Write all that is still to be written."""
        self.writer.close()

    def _judgement(self, ask: Ask, crop: str) -> Judgement:
        frame = self.index.frames[crop]
        entry = self._entry(frame, ask.individual) if ask.verdict in NAMES else None
        return Judgement(frame.origin, ask.verdict, ask.individual, entry)

    def _entry(self, frame: Frame, individual: str) -> Entry:
        row, photo = frame.row, self.index.photos[frame.row.photo]
        pixels = read_photo(inside(self.job.out / "crops", frame.crop.crop))
        return Entry(
            individual,
            row.part,
            row.crop,
            kept_jpeg(pixels),
            frame.origin,
            photo=row.photo,
            encounter=row.encounter,
            view=row.view or UNKNOWN,
            species=row.species if row.species != UNKNOWN else "",
            photo_id=row.photo_id,
            taken_at=row.taken_at,
            latitude=photo.latitude,
            longitude=photo.longitude,
        )


def open_desk(job: Job) -> Desk:
    """The desk of a run; a catalogue that is not there yet is made. Raises WhalepipeError."""
    if job.catalog is None:
        raise WhalepipeError("decisions go into a catalogue: name one with --catalog; it is made if there is none")
    return Desk(job, Catalog.open_or_create(job.catalog))
