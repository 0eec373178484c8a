"""The catalogue: one SQLite file with the individuals that a lab knows, their crops and the crops' embeddings."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql
from numpy.typing import NDArray
from sqlalchemy.exc import DatabaseError, OperationalError

from whalepipe.catalog.entries import Added, Entry, Holding, Summary
from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.catalog.schema import SCHEMA, crops, details, embeddings, individuals, metadata, settings
from whalepipe.errors import CatalogError, PhotoError
from whalepipe.models.details import CloserLook, Details
from whalepipe.photos import decode

Each = Callable[[str, Sequence[Any]], Iterable[Any]]
WAIT_S = 30  # for another process that is writing
KEPT = 4096  # crops whose details stay in memory: 200 MB at most


class Catalog:
    """A catalogue on disk. Every change is one transaction: all of it happens or none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        address = sql.URL.create("sqlite", database=str(path.absolute()))
        # Without a level of its own, Python's sqlite3 begins no transaction before a SELECT or CREATE TABLE.
        self._engine = sql.create_engine(address, connect_args={"timeout": WAIT_S, "isolation_level": None})
        sql.event.listen(self._engine, "begin", _begin)

    @classmethod
    def open(cls, path: Path) -> "Catalog":
        """An existing catalogue. Raises CatalogError where there is none, or the file is damaged or of another kind."""
        if not _is(path.is_file):
            raise CatalogError(f"no catalogue {path} (no such file); make one with `whalepipe catalog add`")
        catalog = cls(path)
        with catalog._reading() as connection:
            if not sql.inspect(connection).has_table(settings.name):
                raise CatalogError(f"{path}: not a catalogue of whalepipe; give another with --catalog")
            found = connection.execute(sql.select(settings.c.value).where(settings.c.name == "schema")).scalar()
        if found != SCHEMA:
            raise CatalogError(f"{path}: of another version of whalepipe (schema {found}, this one is {SCHEMA})")
        return catalog

    @classmethod
    def open_or_create(cls, path: Path) -> "Catalog":
        """The catalogue at `path`, made empty where there is none."""
        if _is(path.is_dir):
            raise CatalogError(f"{path} is a folder; give the file that the catalogue is to be")
        try:
            if path.exists() and path.stat().st_size:
                return cls.open(path)
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogError(f"cannot make {path}: {error.strerror}") from error
        catalog = cls(path)  # an empty file is what a process killed at this point leaves
        with catalog._writing() as connection:
            metadata.create_all(connection)
            row = {"name": "schema", "value": SCHEMA}
            connection.execute(sql.insert(settings).prefix_with("OR IGNORE"), row)
        return catalog

    @property
    def revision(self) -> str:
        """Changes whenever the individuals or crops do."""
        with self._reading() as connection:
            query = sql.select(settings.c.value).where(settings.c.name == "revision")
            return str(connection.execute(query).scalar() or "")

    def add(self, entries: Iterable[Entry]) -> Added:
        """Add crops, each under its individual. Raises CatalogError where a crop is held under another name."""
        added = held = 0
        with self._writing() as connection:
            for entry in entries:
                new = _add(connection, entry, self.path)
                added += new
                held += not new
            if added:
                connection.execute(sql.delete(settings).where(settings.c.name == "revision"))
                connection.execute(sql.insert(settings).values(name="revision", value=uuid.uuid4().hex))
        return Added(added, held)

    def summaries(self) -> list[Summary]:
        """Every individual, a line for each of its parts, in the order of their names."""
        query = (
            sql.select(
                individuals.c.name,
                individuals.c.species,
                crops.c.part,
                sql.func.count(crops.c.id),
                sql.func.count(sql.distinct(sql.func.nullif(crops.c.encounter, ""))),
            )
            .join_from(individuals, crops)
            .group_by(individuals.c.name, individuals.c.species, crops.c.part)
            .order_by(individuals.c.name, crops.c.part)
        )
        with self._reading() as connection:
            return [Summary(*row) for row in connection.execute(query)]

    def holdings(self, individual: str) -> list[Holding]:
        """The crops of one individual. Raises CatalogError where the catalogue does not hold it."""
        made_by = sql.func.coalesce(sql.func.group_concat(embeddings.c.weights), "")
        query = (
            sql.select(crops.c.crop, crops.c.part, crops.c.view, crops.c.encounter, crops.c.photo, made_by)
            .join_from(crops, individuals)
            .outerjoin(embeddings, embeddings.c.crop_id == crops.c.id)
            .where(individuals.c.name == individual)
            .group_by(crops.c.id)
            .order_by(crops.c.part, crops.c.encounter, crops.c.crop)
        )
        with self._reading() as connection:
            rows = [Holding(*row) for row in connection.execute(query)]
        if not rows:
            raise CatalogError(f"{self.path} holds no individual {individual!r}")
        return rows

    def picture(self, individual: str, crop: str) -> bytes:
        """The JPEG of a crop; empty where the catalogue does not hold it."""
        query = (
            sql.select(crops.c.jpeg)
            .join_from(crops, individuals)
            .where(individuals.c.name == individual, crops.c.crop == crop)
        )
        with self._reading() as connection:
            return bytes(connection.execute(query).scalar() or b"")

    def numbers(self) -> list[int]:
        """The number of every crop, in the order of `gallery`."""
        with self._reading() as connection:
            return [int(n) for n in connection.execute(sql.select(crops.c.id).order_by(crops.c.id)).scalars()]

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB of the crop with that number. Raises CatalogError."""
        with self._reading() as connection:
            jpeg = connection.execute(sql.select(crops.c.jpeg).where(crops.c.id == number)).scalar()
        return self._decoded(bytes(jpeg or b""), number)

    def gallery(
        self,
        weights: str,
        embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        each: Each,
        look: CloserLook | None = None,
    ) -> Gallery:
        """All crops with their vectors under the weights of this digest; those that are missing are made and kept.

        `look`: with the details that it finds, which are read one crop at a time, when they are asked for.
        """
        self._make_missing(embeddings, weights, lambda pixels, _: embed(pixels).astype("<f4").tobytes(), each)
        if look:
            self._make_missing(details, look.method, lambda pixels, part: look(pixels, part).packed(), each)
        query = (
            sql.select(
                crops.c.crop,
                individuals.c.name,
                crops.c.part,
                crops.c.encounter,
                crops.c.view,
                embeddings.c.vector,
                crops.c.id,
            )
            .join_from(crops, individuals)
            .join(embeddings, embeddings.c.crop_id == crops.c.id)
            .where(embeddings.c.weights == weights)
            .order_by(crops.c.id)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return Gallery(revision=self.revision)
        vectors = np.stack([np.frombuffer(row[5], dtype="<f4").astype(np.float32) for row in rows])
        reader = lru_cache(KEPT)(lambda row: self._details(rows[row][6], look.method)) if look else None
        return Gallery([Shot(*row[:5]) for row in rows], vectors, self.revision, reader)

    def _details(self, crop_id: int, method: str) -> Details:
        query = sql.select(details.c.packed).where(details.c.crop_id == crop_id, details.c.method == method)
        with self._reading() as connection:
            packed = connection.execute(query).scalar()
        try:
            return Details.unpacked(bytes(packed or b""))
        except ValueError as error:
            raise CatalogError(f"{self.path}: damaged, the details of its crop {crop_id}; restore a copy") from error

    def _make_missing(
        self, table: sql.Table, maker: str, make: Callable[[NDArray[np.uint8], str], bytes], each: Each
    ) -> None:
        """Fill `table` (crop_id, what made it, bytes) with what `make` makes of every crop that lacks it."""
        crop_id, made_by, _ = table.columns
        with self._reading() as connection:
            there = sql.inspect(connection).has_table(table.name)
        if not there:
            with self._writing() as connection:
                table.create(connection, checkfirst=True)
        having = sql.select(crop_id).where(made_by == maker)
        with self._reading() as connection:
            missing = connection.execute(sql.select(crops.c.id).where(crops.c.id.not_in(having))).scalars().all()
        for number in each("catalogue", missing) if missing else ():
            with self._reading() as connection:
                wanted = sql.select(crops.c.jpeg, crops.c.part).where(crops.c.id == number)
                jpeg, part = connection.execute(wanted).one()
            made = make(self._decoded(jpeg, number), part)
            with self._writing() as connection:
                row = dict(zip(table.columns.keys(), (number, maker, made), strict=True))
                connection.execute(sql.insert(table).prefix_with("OR IGNORE"), row)

    def _decoded(self, jpeg: bytes, number: int) -> NDArray[np.uint8]:
        try:
            return decode(jpeg)
        except PhotoError as error:
            raise CatalogError(f"{self.path}: damaged, its crop {number} {error}; restore a copy") from error

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        with self._mended(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        # The lock is taken before anything is read, so that two processes that add do not trip over one another.
        with self._mended(), self._engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            yield connection

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """Turn what the database raises into one line that names the file."""
        try:
            yield
        except OperationalError as error:
            raise CatalogError(f"{self.path}: cannot be used now ({error.orig}); nothing was changed") from error
        except DatabaseError as error:
            raise CatalogError(f"{self.path}: not a catalogue, or damaged ({error.orig}); restore a copy") from error


def _begin(connection: sql.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a name too long, a folder without permission
        return False


def _add(connection: sql.Connection, entry: Entry, path: Path) -> bool:
    """Whether the crop was added; False where the catalogue holds it already under this name."""
    owner = connection.execute(
        sql.select(individuals.c.name).join_from(crops, individuals).where(crops.c.origin == entry.origin)
    ).scalar()
    if owner == entry.individual:
        return False
    if owner is not None:
        raise CatalogError(f"{path} holds {entry.crop} as {owner!r}, not {entry.individual!r}; nothing was added")
    row = {
        "individual_id": _individual(connection, entry),
        "origin": entry.origin,
        "crop": entry.crop,
        "part": entry.part,
        "view": entry.view or "unknown",
        "photo": entry.photo,
        "encounter": entry.encounter,
        "jpeg": entry.jpeg,
    }
    connection.execute(sql.insert(crops).values(**row))
    return True


def _individual(connection: sql.Connection, entry: Entry) -> int:
    query = sql.select(individuals.c.id).where(individuals.c.name == entry.individual)
    found = connection.execute(query).scalar()
    if found is not None:
        return int(found)
    values = {"name": entry.individual, "species": entry.species}
    key = connection.execute(sql.insert(individuals).values(**values)).inserted_primary_key
    return int(key[0]) if key else 0
