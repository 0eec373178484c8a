"""What a catalogue bears: SIGKILL at random moments of the commands that change it.

Usage: python scripts/catalog_kills.py FOLDER [KILLS] [CATALOGUE_URL]   FOLDER is made and filled; KILLS is 200

Each time a process is forked that runs one command, and is killed at a random moment of the time that such commands
take. Then the database is checked, each decision against the rows that it says it changed, and the state of the whole
against that before and that which the command leads to where it is let be. Prints one JSON object.
"""

import contextlib
import importlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from whalepipe.catalog.decisions import By, Judgement, Verdict
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.journal import KEYS, current
from whalepipe.catalog.place import Place
from whalepipe.catalog.schema import changes, decisions, metadata
from whalepipe.catalog.store import Catalog
from whalepipe.errors import WhalepipeError

BY = By("kills", "at random")
LOADED = ("sqlalchemy.dialects.sqlite", "whalepipe.catalog.store")


class Commands:
    """Random changes of a catalogue, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random, self.made = random.Random(seed), 0

    def next(self, catalog: Catalog) -> Sequence[Any]:
        """The name of a method of Catalog and what to give it."""
        names = [i.name for i in catalog.individuals() if catalog.holdings(i.name)] or [""]
        self.made += 1
        one, other = self.random.choice(names), self.random.choice(names)
        crop = catalog.holdings(one)[0].origin if one else ""
        met = self.random.choice([e.name for e in catalog.encounters()] or [""])
        fresh, new = f"n{self.made}", [_entry(f"n{self.made // 3}", 10 * self.made + n) for n in range(5)]
        kinds = [
            ("add", new),
            ("rename", one, fresh),
            ("merge", one, other),
            ("split", one, [crop], fresh),
            ("assign", one, [crop], other),
            ("remove", one, BY, [crop]),
            ("edit", one, {"notes": fresh}),
            ("edit_encounter", met, {"place": fresh}),
            ("judge", Judgement(crop, Verdict.unsure)),
            ("judge", Judgement(f"new {self.made}", Verdict.new, fresh, _entry(fresh, f"new {self.made}"))),
            ("judge_all", [(Judgement(o, Verdict.unsure), None) for o in (crop, f"old {self.made}")]),
            ("undo", self.random.randint(1, max(2, self.made))),
        ]
        return kinds[0] if one == "" else self.random.choice(kinds)


def _entry(name: str, origin: object) -> Entry:
    return Entry(name, "fluke", f"{origin}.jpg", os.urandom(20_000), f"{origin}", f"{origin}.jpg", f"day {name}")


def do(catalog: Catalog, command: Sequence[Any]) -> None:
    """Run one command; one that the catalogue refuses changes nothing."""
    name, *given = command
    with contextlib.suppress(WhalepipeError):
        getattr(catalog, name)(*given, *(() if BY in given else (BY,)))


def state(catalog: Catalog) -> str:
    """All that a command may change, but for times, random numbers, and pictures that are nobody's."""
    with catalog.database.reading() as connection:
        found: dict[str, Any] = {}
        for table in metadata.sorted_tables:
            left_out = {"made_at", "jpeg", "vector", "packed", "value"}
            columns = [c for c in table.columns if c.name not in left_out]
            if table.name not in ("photos", "encounters", "settings"):
                query = sql.select(*columns).order_by(*table.primary_key.columns)
                found[table.name] = [list(row) for row in connection.execute(query)]
        return json.dumps(found, sort_keys=True)


def check(catalog: Catalog, path: Path | None) -> None:
    """Raises AssertionError where the file is damaged, or a row is not what the last decision about it says."""
    if path:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    last = sql.select(changes.c.kind, changes.c.row, sql.func.max(changes.c.decision_id)).group_by(
        changes.c.kind, changes.c.row
    )
    with catalog.database.reading() as connection:
        for kind, row, number in connection.execute(last).all():
            key = changes.c.kind == kind, changes.c.row == row, changes.c.decision_id == number
            after = connection.execute(sql.select(changes.c.after).where(*key)).scalar()
            assert kind in KEYS and current(connection, kind, row) == after, (kind, row, number)
        numbers = connection.execute(sql.select(decisions.c.id).order_by(decisions.c.id)).scalars().all()
    assert list(numbers) == list(range(1, len(numbers) + 1)) or not path


def attempt(place: Place, command: Sequence[Any], usual: float, moment: float) -> bool:
    """Run it in a process of its own, killed at that share of twice its `usual` time; whether it was then still there.

    Having done, it stays a while, as a server does, so that some are killed just after they wrote.
    """
    pid = os.fork()
    if not pid:
        try:
            do(Catalog.open_or_create(place), command)
            time.sleep(usual)
        finally:
            os._exit(0)
    time.sleep(2 * usual * moment)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def hostile(place: Place, kills: int, seed: int = 1) -> dict[str, Any]:
    """Kill until so many commands were killed before their end; what became of them. Raises AssertionError."""
    for name in LOADED:
        importlib.import_module(name)
    commands, dice, ends = Commands(seed), random.Random(seed), Counter[str]()
    catalog, killed, usual = Catalog.open_or_create(place), 0, 0.05
    path = None if isinstance(place, str) else place
    do(catalog, ("add", [_entry(f"first {n % 4}", f"first {n}") for n in range(12)]))
    while killed < kills:
        command, before = commands.next(catalog), state(catalog)
        died = attempt(place, command, usual, dice.random())
        check(catalog, path)
        after = state(catalog)
        begun = time.monotonic()
        if after == before:
            do(Catalog.open_or_create(place), command)  # what it would have led to
            usual = 0.8 * usual + 0.2 * (time.monotonic() - begun)
        check(catalog, path)
        whole = state(catalog)
        refused = whole == before
        killed += died
        ends[("absent" if after == before else "whole") if died and not refused else "refused or done"] += 1
        assert after in (before, whole), command
    return {"killed": killed, "ends": dict(ends), "decisions": len(catalog.decisions(limit=10**6))}


def main() -> None:
    """The command line."""
    folder, kills = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    folder.mkdir(parents=True, exist_ok=True)
    place: Place = sys.argv[3] if len(sys.argv) > 3 else folder / "killed.sqlite"
    print(json.dumps(hostile(place, kills)))


if __name__ == "__main__":
    main()
