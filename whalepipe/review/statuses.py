"""What HTTP calls it where something cannot be done."""

from collections.abc import Mapping

from whalepipe.catalog.database import AwayError
from whalepipe.catalog.decisions import ConflictError
from whalepipe.errors import CatalogError, PhotoError, WhalepipeError
from whalepipe.review.turns import BusyError

STATUS: Mapping[type[WhalepipeError], int] = {
    ConflictError: 409, AwayError: 503, CatalogError: 422, PhotoError: 422, BusyError: 503,
}  # fmt: skip


def status_of(error: WhalepipeError) -> int:
    """Of an answer that says so."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
