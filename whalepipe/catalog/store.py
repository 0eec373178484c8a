"""The catalogue: the individuals that a lab knows, their crops, the crops' embeddings, and who decided what."""

from collections.abc import Callable, Iterable

import sqlalchemy as sql

from whalepipe.catalog.changes import Changing
from whalepipe.catalog.database import Database, insert_missing
from whalepipe.catalog.names import Ids, Twins
from whalepipe.catalog.place import Place
from whalepipe.catalog.schema import SCHEMA, metadata, settings
from whalepipe.catalog.vectors import Vectors
from whalepipe.errors import CatalogError

MAKE_ONE = "make one with `whalepipe catalog add`"


class Catalog(Vectors, Changing):
    """A catalogue in a file or on a server. Every change is one transaction and one decision: whole or not at all."""

    def __init__(self, place: Place) -> None:
        self.place, self.database = place, Database(place)

    @classmethod
    def open(cls, place: Place) -> "Catalog":
        """An existing catalogue, brought up to this version's schema if it is of an older one.

        Raises CatalogError where there is none, or it is damaged or of another kind.
        """
        if not isinstance(place, str) and not _is(place.is_file):
            raise CatalogError(f"no catalogue {place} (no such file); {MAKE_ONE}")
        catalog = cls(place)
        found = catalog._schema()
        if found is None and isinstance(place, str):
            raise CatalogError(f"no catalogue in {catalog.database.name}; {MAKE_ONE}")
        if found is None:
            raise CatalogError(f"{place}: not a catalogue of whalepipe; give another with --catalog")
        if found != SCHEMA:
            _migrate(place, found)
        return catalog

    @classmethod
    def open_or_create(cls, place: Place) -> "Catalog":
        """The catalogue at `place`, made empty where there is none."""
        if not isinstance(place, str):
            if _is(place.is_dir):
                raise CatalogError(f"{place} is a folder; give the file that the catalogue is to be")
            try:
                if place.exists() and place.stat().st_size:
                    return cls.open(place)
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CatalogError(f"cannot make {place}: {error.strerror}") from error
        elif cls(place)._schema() is not None:
            return cls.open(place)
        catalog = cls(place)  # an empty file is what a process killed at this point leaves
        with catalog.database.writing() as connection:
            metadata.create_all(connection)
            insert_missing(connection, settings, {"name": "schema", "value": SCHEMA})
        return catalog

    @classmethod
    def is_at(cls, place: Place) -> bool:
        """Whether there is a catalogue, or what is to be one. Raises CatalogError where nobody can tell."""
        there = isinstance(place, str) or (_is(place.is_file) and place.stat().st_size > 0)
        return there and cls(place)._schema() is not None

    @classmethod
    def check_ids_at(cls, place: Place, names: Iterable[str], twins: Twins) -> None:
        """Refuse, before anything is made, what `add` would: see `names.Ids`. Raises CatalogError."""
        held = cls.open(place).individuals() if cls.is_at(place) else []
        ids = Ids((i.name for i in held), twins)
        for name in names:
            ids.use(ids.meant(name))

    def _schema(self) -> str | None:
        """The number of its schema; None where this is no catalogue."""
        with self.database.reading() as connection:
            if not sql.inspect(connection).has_table(settings.name):
                return None
            query = sql.select(settings.c.value).where(settings.c.name == "schema")
            return str(connection.execute(query).scalar())


def _migrate(place: Place, found: str) -> None:
    database = Database(place, references=False)
    if isinstance(place, str):
        raise CatalogError(f"{database.name}: of another version of whalepipe (schema {found}, this one is {SCHEMA})")
    from whalepipe.catalog.migrations import migrate  # Alembic is slow to load and hardly ever needed

    with database.writing() as connection:
        migrate(connection, place)


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a name too long, a folder without permission
        return False
