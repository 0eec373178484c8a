"""What only a catalogue on a PostgreSQL server can meet."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from tests.catalog.test_store import entry
from tests.databases import cut_off
from tests.helpers import catalogue_of, run, states, tables, whalepipe
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Added, Entry, Summary
from whalepipe.catalog.store import Catalog
from whalepipe.errors import CatalogError


@pytest.fixture
def url(fresh_url: Callable[[], str]) -> str:
    return fresh_url()


def test_a_connection_lost_in_the_middle_leaves_no_half_decision(server: str, url: str) -> None:
    catalog = Catalog.open_or_create(url)
    catalog.add([entry("A", 1)])

    def interrupted() -> Iterator[Entry]:
        yield entry("B", 2)
        cut_off(server)
        yield entry("B", 3)

    with pytest.raises(CatalogError, match=r"cannot be used now \(.*terminating connection.*\); nothing was changed"):
        catalog.add(interrupted())
    assert catalog.summaries() == [Summary("A", "", "fluke", 1, 0)]  # by a connection of its own
    assert len(catalog.decisions()) == 1
    assert catalog.add([entry("B", 2)]) == Added(1, 0)


def test_where_the_connection_is_lost_at_the_very_end_nobody_claims_to_know(server: str, url: str) -> None:
    catalog = Catalog.open_or_create(url)
    catalog.add([entry("A", 1)])
    engine = catalog.database._engine
    sql.event.listen(engine, "commit", lambda _: cut_off(server))
    with pytest.raises(CatalogError, match=r"terminating connection.*\); whether it was done, nobody knows"):
        catalog.rename("A", "B", By("x"))


def test_what_no_database_can_hold_is_refused_and_not_called_damage(url: str) -> None:
    catalog = Catalog.open_or_create(url)
    with pytest.raises(CatalogError, match=r"takes no such text or number \(.*NUL.*\); nothing was changed"):
        catalog.add([entry("A", 1)], By("a\0b"))
    assert catalog.decisions() == []


def test_where_no_server_answers_or_no_catalogue_is_one_line_says_so(url: str) -> None:
    for wrong, words in (
        ("postgresql://tests:secret@127.0.0.1:9/postgres", "cannot be used now (connection failed"),
        (url, "make one with `whalepipe catalog add`"),
        ("mysql://host/x", "mysql: only SQLite files and PostgreSQL"),
        ("postgresql://a b:c://x:y", "the catalogue's URL cannot be read"),
    ):
        complaint = whalepipe("catalog", "list", "--catalog", wrong).complaint
        assert words in complaint and "secret" not in complaint


@pytest.mark.usefixtures("fake_models")
def test_a_run_gives_the_same_tables_and_keeps_no_password(raw: Path, tmp_path: Path, url: str) -> None:
    file, secret = catalogue_of(raw, tmp_path), url.replace("tests@", "tests:secret@")
    assert whalepipe("catalog", "export", tmp_path / "all", "--catalog", file).code == 0
    assert whalepipe("catalog", "import", tmp_path / "all", "--catalog", secret).code == 0
    for out, catalogue in (("file", file), ("server", secret)):
        assert run(raw, tmp_path / out, "--catalog", catalogue).code == 0
    assert states(tmp_path / "file")["a.jpg"].split(",").count("identified") == 1
    assert tables(tmp_path / "file") == tables(tmp_path / "server")
    assert whalepipe("report", tmp_path / "server", "--quiet").code == 0
    written = [p.read_bytes() for p in (tmp_path / "server").rglob("*") if p.is_file()]
    assert len(written) > 10 and not any(b"secret" in text for text in written)


def test_writers_wait_for_one_another(url: str) -> None:
    Catalog.open_or_create(url)

    def add(first: int) -> None:
        for n in range(first, first + 5):
            Catalog.open_or_create(url).add([entry("A", 0), entry("A", n)], By(str(first)))

    threads = [threading.Thread(target=add, args=(1 + 10 * n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    catalog = Catalog.open(url)
    assert catalog.summaries() == [Summary("A", "", "fluke", 16, 0)]
    assert [d.id for d in catalog.decisions()] == list(range(1, 16))


def test_one_that_writes_for_long_is_said_to(server: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.catalog.database.WAIT_S", 1)
    catalog = Catalog.open_or_create(url)
    engine = sql.create_engine(server)
    with engine.begin() as other:
        other.execute(sql.text("SELECT pg_advisory_xact_lock(2003329388)"))
        with pytest.raises(CatalogError, match=r"cannot be used now \(.*lock timeout"):
            catalog.add([entry("A", 1)])
    engine.dispose()
    assert catalog.add([entry("A", 1)]) == Added(1, 0)
