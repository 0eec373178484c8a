"""Where a catalogue is kept: one SQLite file, or a PostgreSQL server's database. Transactions, and errors in words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFreeError

from whalepipe.catalog.place import Place, called, server_url
from whalepipe.errors import CatalogError

WAIT_S = 30  # for another process that is writing
ANSWER_S = 10  # for a server to take a connection, where its URL does not say
UNDONE = "nothing was changed"
WRITERS = 0x7768616C  # the number of PostgreSQL's advisory lock that all who write hold


class AwayError(CatalogError):
    """The catalogue cannot be used now: its server does not answer, or somebody writes for long. Try again later."""


class Database:
    """Connections to one catalogue. What is written is written in one transaction, one writer at a time."""

    def __init__(self, place: Place, references: bool = True) -> None:
        self.name = called(place)
        self._engine = _server(place) if isinstance(place, str) else _file(place, references)

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """A connection that sees one state of the catalogue throughout. Raises CatalogError."""
        with self._mended(), self._engine.execution_options(**self._one_state()).connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """A transaction: all of it happens or none. Raises CatalogError."""
        # The lock is taken before anything is read, so that two processes that add do not trip over one another.
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        with self._mended(), engine.connect() as connection, connection.begin() as transaction:
            if self._served:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
            yield connection
            with self._mended("whether it was done, nobody knows: look before you do it again"):
                transaction.commit()

    def changed_meanwhile(self) -> CatalogError:
        """What to raise where two answers of the catalogue do not fit together, since somebody wrote in between."""
        return CatalogError(f"{self.name}: changed while it was being read; run again")

    @property
    def _served(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    def _one_state(self) -> dict[str, Any]:
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self._served else {}

    @contextmanager
    def _mended(self, outcome: str = UNDONE) -> Iterator[None]:
        """Turn what the database raises into one line that names the catalogue."""
        try:
            yield
        except (OperationalError, NoneFreeError) as error:
            cause = " ".join(str(getattr(error, "orig", error)).split())
            left = outcome if self._served else UNDONE  # a file is never changed by half, nor unheard
            raise AwayError(f"{self.name}: cannot be used now ({cause}); {left}") from error
        except DataError as error:
            raise CatalogError(f"{self.name}: takes no such text or number ({error.orig}); {UNDONE}") from error
        except DatabaseError as error:
            raise CatalogError(f"{self.name}: not a catalogue, or damaged ({error.orig}); restore a copy") from error


def insert_missing(connection: sql.Connection, table: sql.Table, row: Mapping[str, Any]) -> None:
    """Insert a row unless one with its key is there."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(make(table).on_conflict_do_nothing(), row)


def inserted(connection: sql.Connection, table: sql.Table, row: Mapping[str, Any]) -> int:
    """Insert a row; its number."""
    key = connection.execute(sql.insert(table), row).inserted_primary_key
    assert key is not None
    return int(key[0])


def _server(place: str) -> sql.Engine:
    url = server_url(place)
    patience = {} if "connect_timeout" in url.query else {"connect_timeout": ANSWER_S}
    try:
        return sql.create_engine(url, pool_pre_ping=True, connect_args=patience)
    except ImportError as error:
        text = f"a catalogue on a server needs the package {error.name!r}: pip install 'whalepipe[postgresql]'"
        raise CatalogError(text) from error


def _file(path: Path, references: bool) -> sql.Engine:
    address = sql.URL.create("sqlite", database=str(path.absolute()))
    # Without a level of its own, Python's sqlite3 begins no transaction before a SELECT or CREATE TABLE.
    engine = sql.create_engine(address, connect_args={"timeout": WAIT_S, "isolation_level": None})
    if references:
        sql.event.listen(engine, "connect", _keep_references)
    sql.event.listen(engine, "begin", _begin)
    return engine


def _keep_references(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sql.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
