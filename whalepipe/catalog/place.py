"""Where a run's catalogue is, if it has one, and its opening.

Nothing of a database is imported before one is asked for: that takes as long as a photo does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from whalepipe.errors import CatalogError

if TYPE_CHECKING:
    import sqlalchemy as sql

    from whalepipe.catalog.store import Catalog

Place: TypeAlias = Path | str  # a file, or the URL of a PostgreSQL database
DRIVER = "postgresql+psycopg"


def open_catalog(place: Place | None) -> "Catalog | None":
    """The catalogue at a place. Raises CatalogError."""
    if place is None:
        return None
    from whalepipe.catalog.store import Catalog

    return Catalog.open(place)


def called(place: Place) -> str:
    """What messages call a catalogue: its path, or its URL without the password."""
    return server_url(place).render_as_string(hide_password=True) if isinstance(place, str) else str(place)


def titled(place: Place) -> str:
    """The short name of a catalogue: its file's or its database's."""
    return server_url(place).database or "" if isinstance(place, str) else place.name


def server_url(place: str) -> "sql.URL":
    """The address of a PostgreSQL database. Raises CatalogError for any other."""
    import sqlalchemy as sql
    from sqlalchemy.exc import ArgumentError

    try:
        url = sql.make_url(place)
    except (ArgumentError, ValueError) as error:
        raise CatalogError("the catalogue's URL cannot be read; as postgresql+psycopg://user@host/database") from error
    if url.drivername not in ("postgresql", DRIVER):
        raise CatalogError(f"{url.drivername}: only SQLite files and PostgreSQL ({DRIVER}://...) hold catalogues")
    return url.set(drivername=DRIVER)
