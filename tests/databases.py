"""Fixtures of every kind of database: a SQLite file, and a PostgreSQL server that lives as long as the tests."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sql

from whalepipe.catalog.place import Place

NUMBERS = itertools.count()


class Server:
    """A private PostgreSQL server on a socket in a temporary folder, to be stopped and started."""

    def __init__(self, programs: Path) -> None:
        self.folder = _short_folder()
        self.url = f"postgresql+psycopg://tests@/postgres?host={self.folder}"
        self._programs, self._user = programs, _owner(self.folder)
        words = ("-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        _call(self._user, programs / "initdb", "-D", self.folder / "data", *words)
        self.start()

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=200 -c shared_buffers=16MB"
        self._control("-o", options, "-w", "-l", self.folder / "log", "start")

    def stop(self) -> None:
        """As a power cut would."""
        self._control("-m", "immediate", "-w", "stop")

    def end(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, *words: str | Path) -> None:
        _call(self._user, self._programs / "pg_ctl", "-D", self.folder / "data", *words)


@pytest.fixture(scope="session")
def server_process() -> Iterator[Server]:
    """One server for all tests; skips where there is none."""
    pytest.importorskip("psycopg", reason="no psycopg: pip install 'whalepipe[postgresql]'")
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    started = Server(programs)
    try:
        yield started
    finally:
        started.end()


@pytest.fixture(scope="session")
def server(server_process: Server) -> str:
    """The URL of the server."""
    return server_process.url


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _short_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="wp-"))  # the path of a socket is limited to 107 bytes


def _owner(folder: Path) -> str | None:
    """The user that the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return name
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user")


def _call(user: str | None, *command: str | Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, user=user, group=user and pwd.getpwnam(user).pw_gid, extra_groups=[] if user else None,
        cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def away(server: Server) -> Iterator[None]:
    """The server is stopped as by a power cut, and there again afterwards."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def cut_off(url: str) -> None:
    """End every connection to the server but this one, in the middle of whatever they do."""
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text(f"SELECT count(pg_terminate_backend(pid)) {others}"))
    engine.dispose()


@pytest.fixture(scope="session")
def fresh_url(server: str) -> Callable[[], str]:
    """Makes the URL of an empty place on the server, another each time."""

    def make() -> str:
        name = f"t{next(NUMBERS)}"
        engine = sql.create_engine(server)
        with engine.begin() as connection:
            connection.execute(sql.text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return f"{server}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a catalogue may be made, on either kind of database."""
    if request.param == "sqlite":
        return tmp_path / "c.sqlite"
    make: Callable[[], str] = request.getfixturevalue("fresh_url")
    return make()
