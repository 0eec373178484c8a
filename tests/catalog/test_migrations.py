import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.catalog.test_store import jpeg
from tests.helpers import whalepipe
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Holding
from whalepipe.catalog.store import Catalog
from whalepipe.errors import CatalogError, StorageError

DIGEST = "ab" * 32
SCHEMA_1 = """
CREATE TABLE settings (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE individuals (
    id INTEGER NOT NULL, name TEXT NOT NULL, species TEXT NOT NULL, PRIMARY KEY (id), UNIQUE (name)
);
CREATE TABLE crops (
    id INTEGER NOT NULL, individual_id INTEGER NOT NULL, origin TEXT NOT NULL, crop TEXT NOT NULL, part TEXT NOT NULL,
    view TEXT NOT NULL, photo TEXT NOT NULL, encounter TEXT NOT NULL, jpeg BLOB NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(individual_id) REFERENCES individuals (id), UNIQUE (origin)
);
CREATE INDEX ix_crops_part ON crops (part);
CREATE INDEX ix_crops_individual_id ON crops (individual_id);
CREATE TABLE embeddings (
    crop_id INTEGER NOT NULL, weights TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (crop_id, weights), FOREIGN KEY(crop_id) REFERENCES crops (id)
);
CREATE TABLE details (
    crop_id INTEGER NOT NULL, method TEXT NOT NULL, packed BLOB NOT NULL,
    PRIMARY KEY (crop_id, method), FOREIGN KEY(crop_id) REFERENCES crops (id)
);
INSERT INTO settings VALUES ('schema', '1'), ('revision', 'r1');
INSERT INTO individuals VALUES (1, 'A', 'Orcinus orca'), (4, 'B', '');
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A catalogue as version 1 of the schema wrote it."""
    path = tmp_path / "old.sqlite"
    rows = [
        (1, 1, f"{DIGEST} fluke 1,2,3,4", "a.jpg", "fluke", "left", "p.jpg", "day1", jpeg(1)),
        (2, 1, f"{DIGEST} fluke 5,6,7,8", "b.jpg", "fluke", "unknown", "p.jpg", "day2", jpeg(2)),
        (7, 4, "ff" * 32, "c.jpg", "fin", "right", "", "", jpeg(3)),
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_1)
        connection.executemany("INSERT INTO crops VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO embeddings VALUES (2, 'w', x'0000803f')")
        connection.execute("INSERT INTO details VALUES (7, 'm', x'00')")
        connection.commit()
    return path


def shape(path: Path) -> dict[str, object]:
    """Columns, references and indexes of every table; the names of a database's own indexes mean nothing."""
    found: dict[str, object] = {}
    with closing(sqlite3.connect(path)) as c:
        tables = c.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        for table, text in tables:
            columns = [row[1:4] + row[5:] for row in c.execute(f"PRAGMA table_info({table})")]
            references = sorted(row[2:5] for row in c.execute(f"PRAGMA foreign_key_list({table})"))
            indexes = []
            for _, name, unique, *_ in c.execute(f"PRAGMA index_list({table})").fetchall():
                of = [row[2] for row in c.execute(f"PRAGMA index_info({name})")]
                indexes.append(("" if name.startswith("sqlite_") else name, unique, of))
            found[table] = columns, references, sorted(indexes), "AUTOINCREMENT" in (text or "")
    return found


def test_an_older_catalogue_is_copied_and_brought_up_to_date(old: Path) -> None:
    before = old.read_bytes()
    catalog = Catalog.open(old)
    assert (old.parent / "old.schema-1.sqlite").read_bytes()[100:] == before[100:]  # the header counts changes
    assert catalog.holdings("A") == [
        Holding("a.jpg", "fluke", "left", "day1", "p.jpg", "", f"{DIGEST} fluke 1,2,3,4"),
        Holding("b.jpg", "fluke", "unknown", "day2", "p.jpg", "w", f"{DIGEST} fluke 5,6,7,8"),
    ]
    assert catalog.holdings("B") == [Holding("c.jpg", "fin", "right", "", "", "", "ff" * 32)]
    assert [i.species for i in catalog.individuals()] == ["Orcinus orca", ""]
    assert (catalog.revision, catalog.numbers(), catalog.decisions()) == ("r1", [1, 2, 7], [])
    assert catalog.picture("B", "c.jpg") == jpeg(3)
    catalog.undo(catalog.merge("A", "B", By("ann")).id, By("ann"))
    assert len(catalog.holdings("A")) == 2
    with closing(sqlite3.connect(old)) as c:
        assert c.execute("SELECT name, photo_id FROM photos").fetchall() == [("p.jpg", DIGEST)]
        assert c.execute("SELECT packed FROM details").fetchall() == [(b"\0",)]
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_it_then_has_the_tables_of_a_new_one(old: Path) -> None:
    Catalog.open(old)
    Catalog.open_or_create(old.with_name("new.sqlite"))
    assert shape(old) == shape(old.with_name("new.sqlite"))


def test_a_copy_from_before_is_kept(old: Path) -> None:
    kept = old.parent / "old.schema-1.sqlite"
    kept.write_text("of another day")
    assert whalepipe("catalog", "list", "--catalog", old).code == 0
    assert kept.read_text() == "of another day"
    assert (old.parent / "old.schema-1-2.sqlite").stat().st_size > 10_000


def test_without_room_for_the_copy_nothing_is_changed(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = old.read_bytes()
    monkeypatch.setattr("whalepipe.files.tempfile.mkstemp", full)
    with pytest.raises(StorageError, match="the disk is full"):
        Catalog.open(old)
    assert (old.read_bytes(), [p.name for p in old.parent.iterdir()]) == (before, ["old.sqlite"])


@pytest.mark.parametrize("step", range(0, 20, 3))
def test_killed_at_any_step_it_is_the_old_one_or_the_new_one(old: Path, step: int) -> None:
    pid = os.fork()
    if not pid:
        try:
            _die_at(step)
            Catalog.open(old)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    with closing(sqlite3.connect(old)) as c:
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert c.execute("SELECT value FROM settings WHERE name = 'schema'").fetchone() == ("1",)
        assert len(c.execute("SELECT photo FROM crops").fetchall()) == 3
    assert len(Catalog.open(old).holdings("A")) == 2


def _die_at(step: int) -> None:
    """Let this process be killed where the step of that number is about to begin."""
    from alembic.operations import Operations

    done = 0
    for name in ("create_table", "execute", "drop_table", "rename_table", "create_index"):
        step_in = getattr(Operations, name)

        def dying(*args: object, step_in: object = step_in, **more: object) -> object:
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)
            done += 1
            return step_in(*args, **more)  # type: ignore[operator]

        setattr(Operations, name, dying)


def test_a_later_schema_is_left_alone(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'schema'")
    with pytest.raises(CatalogError, match=r"schema 99, this one is 2"):
        Catalog.open(old)
    assert [p.name for p in old.parent.iterdir()] == ["old.sqlite"]
