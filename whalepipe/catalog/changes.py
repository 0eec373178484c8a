"""What people change in the catalogue. Each change is one decision, written in the same transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql

from whalepipe.catalog import encounters, people
from whalepipe.catalog.database import Database
from whalepipe.catalog.decisions import By, Decision, Judgement
from whalepipe.catalog.entries import Added, Entry, Kind
from whalepipe.catalog.filing import Filing
from whalepipe.catalog.journal import Journal, current
from whalepipe.catalog.judging import judge
from whalepipe.catalog.names import Twins
from whalepipe.catalog.since import Seen, refuse_unseen
from whalepipe.catalog.undo import last_undoable, undo
from whalepipe.errors import CatalogError
from whalepipe.tables import UNKNOWN, VIEWS

JOINED = {"notes"}  # fields of which both individuals' texts are kept where they become one


class Changing:
    """The writing half of `store.Catalog`. Every method raises CatalogError, and then nothing was changed.

    `seen`: what the caller saw; ConflictError where somebody decided about it since.
    """

    database: Database

    @contextmanager
    def _deciding(self, seen: Seen | None) -> Iterator[sql.Connection]:
        with self.database.writing() as connection:
            refuse_unseen(connection, seen)
            yield connection

    def add(self, entries: Iterable[Entry], by: By | None = None, twins: Twins = Twins.ask) -> Added:
        """Add crops, each under its individual. Raises CatalogError where a crop is held under another name."""
        with self.database.writing() as connection:
            adding, held = _Adding(Journal(connection, by or By()), twins, self.database.name), 0
            counts: Counter[str] = Counter()
            for entry in entries:
                name = adding.add(entry)
                held += name is None
                counts.update([name] if name else [])
            if counts:
                subject = next(iter(counts)) if len(counts) == 1 else ""
                adding.journal.close("add", subject, {}, {"crops": counts.total(), "individuals": dict(counts)})
        return Added(counts.total(), held)

    def assign(self, individual: str, crops: Sequence[str], to: str, by: By, seen: Seen | None = None) -> Decision:
        """Move crops (file names or origins) of one individual to another that there is."""
        with self._deciding(seen) as connection:
            target = people.known(connection, to, self.database.name)
            return self._moved(connection, "assign", individual, crops, target, Journal(connection, by))

    def split(
        self,
        individual: str,
        crops: Sequence[str],
        new: str,
        by: By,
        twins: Twins = Twins.ask,
        seen: Seen | None = None,
    ) -> Decision:
        """Move crops (file names or origins) of one individual to a new one, which has its species."""
        with self._deciding(seen) as connection:
            source = people.known(connection, individual, self.database.name)
            name = people.unused(connection, new, twins)
            row = current(connection, "individuals", str(source)) or {}
            journal = Journal(connection, by)
            number = journal.make(people.fresh(name, row["species"]))
            return self._moved(connection, "split", individual, crops, number, journal)

    def _moved(
        self, connection: sql.Connection, kind: str, source: str, crops: Sequence[str], target: int, journal: Journal
    ) -> Decision:
        number, to = people.known(connection, source, self.database.name), people.named(connection, target)
        if not crops or number == target:
            raise CatalogError("name the crops to move, and another individual than theirs; nothing was changed")
        origins = people.held(connection, number, crops)
        for origin in origins:
            _move(journal, origin, target)
        return journal.close(kind, source, {"individual": source, "crops": origins}, {"individual": to})

    def remove(self, individual: str, by: By, crops: Sequence[str] = (), seen: Seen | None = None) -> Decision:
        """Take crops out of the catalogue, or, where none is named, the individual with all of its crops."""
        with self._deciding(seen) as connection:
            number, journal = people.known(connection, individual, self.database.name), Journal(connection, by)
            origins, row = people.held(connection, number, crops), current(connection, "individuals", str(number))
            for origin in origins:
                _move(journal, origin, None)
                standing = current(connection, "verdicts", origin)
                if standing and standing["individual_id"] is None:
                    journal.put("verdicts", origin, None)
            before: dict[str, Any] = {"individual": individual, "crops": origins}
            if not crops:
                for origin in people.denied(connection, number):
                    journal.put("verdicts", origin, None)
                journal.put("individuals", str(number), None)
                before = {**before, **(row or {})}
            return journal.close("remove", individual, before, {})

    def merge(self, individual: str, into: str, by: By, seen: Seen | None = None) -> Decision:
        """One animal under two ids: all that is `individual`'s becomes that of `into`, whose empty fields it fills."""
        with self._deciding(seen) as connection:
            numbers = [people.known(connection, name, self.database.name) for name in (individual, into)]
            if numbers[0] == numbers[1]:
                raise CatalogError(f"{individual!r} cannot be merged with itself; nothing was changed")
            old, kept = (current(connection, "individuals", str(n)) or {} for n in numbers)
            journal, origins = Journal(connection, by), people.held(connection, numbers[0])
            for origin in origins:
                _move(journal, origin, numbers[1])
            for origin in people.denied(connection, numbers[0]):
                row = current(connection, "verdicts", origin)
                journal.put("verdicts", origin, {**(row or {}), "individual_id": numbers[1]})
            journal.put("individuals", str(numbers[0]), None)
            joined = {**kept, **_together(old, kept)}
            journal.put("individuals", str(numbers[1]), joined)
            before = {"individual": individual, "crops": origins, individual: dict(old), into: dict(kept)}
            return journal.close("merge", individual, before, {"individual": into, into: joined})

    def rename(self, individual: str, new: str, by: By, twins: Twins = Twins.ask) -> Decision:
        """Give an individual another id."""
        with self.database.writing() as connection:
            number = people.known(connection, individual, self.database.name)
            name, journal = people.unused(connection, new, twins, individual), Journal(connection, by)
            row = current(connection, "individuals", str(number))
            journal.put("individuals", str(number), {**(row or {}), "name": name})
            return journal.close("rename", individual, {"individual": individual}, {"individual": name})

    def edit(self, individual: str, fields: Mapping[str, Any], by: By, seen: Seen | None = None) -> Decision:
        """Set fields of an individual, those of `entries.Individual` but for its name."""
        fields = people.checked(fields)
        with self._deciding(seen) as connection:
            number, journal = people.known(connection, individual, self.database.name), Journal(connection, by)
            row = current(connection, "individuals", str(number)) or {}
            journal.put("individuals", str(number), {**row, **fields})
            if journal.empty:
                raise CatalogError(f"{individual!r} is so already; nothing was changed")
            return journal.close("edit", individual, {name: row[name] for name in fields}, fields)

    def edit_encounter(self, encounter: str, fields: Mapping[str, str], by: By) -> Decision:
        """Set where and when an encounter was: `place`, `time`."""
        fields = encounters.checked(fields)
        with self.database.writing() as connection:
            row, journal = encounters.known(connection, encounter, self.database.name), Journal(connection, by)
            journal.put("encounters", encounter, {**row, **fields})
            if journal.empty:
                raise CatalogError(f"encounter {encounter!r} is so already; nothing was changed")
            return journal.close("encounter", encounter, {name: row[name] for name in fields}, fields)

    def judge(self, judgement: Judgement, by: By, seen: int | None = None, twins: Twins = Twins.ask) -> Decision:
        """Note a person's verdict about a crop, and add it to the catalogue or take it out as that demands.

        A later judgement of the same origin replaces an earlier. `seen`: the number of the last decision about the
        origin that the caller saw, 0 for none; ConflictError where there is a later one.
        """
        return self.judge_all([(judgement, seen)], by, twins)[0]

    def judge_all(
        self, judgements: Iterable[tuple[Judgement, int | None]], by: By, twins: Twins = Twins.ask
    ) -> list[Decision]:
        """Several judgements, each with what the caller saw, as `judge` takes them: all or none."""
        with self.database.writing() as connection:
            return [judge(Journal(connection, by), one, seen, twins, self.database.name) for one, seen in judgements]

    def turn(self, individual: str, crops: Sequence[str], view: str, by: By, seen: Seen | None = None) -> Decision:
        """Say that crops (file names or origins) of an individual show another side of it than the catalogue has."""
        sides = (*VIEWS, UNKNOWN)
        if view not in sides:
            raise CatalogError(f"{view!r} is no side; give one of {', '.join(sides)}; nothing was changed")
        with self._deciding(seen) as connection:
            number, journal = people.known(connection, individual, self.database.name), Journal(connection, by)
            before = {}
            for origin in people.held(connection, number, crops):
                row = current(connection, "crops", origin) or {}
                before[origin] = row["view"]
                journal.put("crops", origin, {**row, "view": view})
            if journal.empty:
                raise CatalogError(f"{individual!r} is so already; nothing was changed")
            was = {"individual": individual, "crops": list(before), "view": " ".join(sorted(set(before.values())))}
            return journal.close("turn", individual, was, {"view": view})

    def dismiss(self, suspicion: str, by: By, seen: Seen | None = None) -> Decision:
        """Note that what `audit` suspects (by its key) is right as it is, so that it does not come back."""
        kind = suspicion.rpartition("-")[0]
        if kind not in {k.value for k in Kind}:
            raise CatalogError(f"{suspicion!r} is no key of a suspicion; `whalepipe catalog audit` lists them")
        with self._deciding(seen) as connection:
            journal = Journal(connection, by)
            journal.put("dismissals", suspicion, {"kind": kind})
            if journal.empty:
                raise CatalogError(f"{suspicion} is dismissed already; nothing was changed")
            return journal.close("dismiss", suspicion, {}, {"dismissed": True})

    def undo(self, decision: int | None, by: By) -> Decision:
        """Take back a decision of any kind (None: the last that holds); undoing an undo is doing again.

        Raises ConflictError where a later decision that holds was built on it.
        """
        return self.undo_all([decision], by)[0]

    def undo_all(self, decisions: Iterable[int | None], by: By) -> list[Decision]:
        """Take back several, one after the other, as `undo` does: all or none."""
        with self.database.writing() as connection:
            return [undo(connection, last_undoable(connection) if n is None else n, by) for n in decisions]


class _Adding:
    """Crops that are added in one decision."""

    def __init__(self, journal: Journal, twins: Twins, where: str) -> None:
        self.journal, self._filing, self._where = journal, Filing(journal), where
        self._ids = people.ids(journal.connection, twins)
        self._numbers = people.numbers(journal.connection)

    def add(self, entry: Entry) -> str | None:
        """The individual under which the crop was added; None where the catalogue holds it already under this name."""
        name, there = self._ids.meant(entry.individual), self._filing.there(entry.origin)
        if there is not None and there["individual_id"] is not None:
            held_as = people.named(self.journal.connection, there["individual_id"])
            if held_as == name:
                return None
            text = f"{self._where} holds {entry.crop} as {held_as!r}, not {entry.individual!r}; nothing was added"
            raise CatalogError(text)
        if name not in self._numbers:
            self._numbers[name] = self.journal.make(people.fresh(name, entry.species))
            self._ids.use(name)
        self._filing.file(entry, self._numbers[name], there)
        return name


def _move(journal: Journal, origin: str, to: int | None) -> None:
    row = current(journal.connection, "crops", origin)
    journal.put("crops", origin, {**(row or {}), "individual_id": to})


def _together(old: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What of the old individual's fields the kept one takes over."""
    filled = {n: old[n] for n in people.UNKNOWN if kept[n] in ("", None)}
    both = {n: f"{kept[n]}\n{old[n]}" for n in JOINED if old[n] and kept[n] and old[n] != kept[n]}
    return {**filled, **both}
