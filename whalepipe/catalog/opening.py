"""The catalogue of a run, if it has one: its database is imported then only, for that takes as long as a photo does."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whalepipe.catalog.store import Catalog


def open_catalog(path: Path | None) -> "Catalog | None":
    """The catalogue in a file. Raises CatalogError."""
    if path is None:
        return None
    from whalepipe.catalog.store import Catalog

    return Catalog.open(path)
