"""The catalogue: the individuals that a lab knows, their crops, the crops' embeddings, and who decided what."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sql

from whalepipe.catalog.changes import Changing
from whalepipe.catalog.database import Database, insert_missing
from whalepipe.catalog.schema import SCHEMA, metadata, settings
from whalepipe.catalog.vectors import Vectors
from whalepipe.errors import CatalogError


class Catalog(Vectors, Changing):
    """A catalogue on disk. Every change is one transaction and one decision: all of it happens or none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path)

    @classmethod
    def open(cls, path: Path) -> "Catalog":
        """An existing catalogue. Raises CatalogError where there is none, or the file is damaged or of another kind."""
        if not _is(path.is_file):
            raise CatalogError(f"no catalogue {path} (no such file); make one with `whalepipe catalog add`")
        catalog = cls(path)
        with catalog.database.reading() as connection:
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
        with catalog.database.writing() as connection:
            metadata.create_all(connection)
            insert_missing(connection, settings, {"name": "schema", "value": SCHEMA})
        return catalog


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a name too long, a folder without permission
        return False
