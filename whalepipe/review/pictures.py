"""The pictures of the page: a crop of the run by its name in the tables, or one of the catalogue by its individual."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from whalepipe.catalog.store import Catalog
from whalepipe.errors import PhotoError
from whalepipe.photos import decode, inside, read_photo
from whalepipe.report.pictures import Originals, Source, shrunk, webp
from whalepipe.review.points import Pixels

SMALL = 320  # pixels, the longer side of a small one
KEPT = 2048  # small ones that stay in memory, some 10 kB each


class Pictures:
    """Reads pictures; what is asked for by a name that no table has is never looked for on disk."""

    def __init__(self, crops: Path, catalog: Catalog) -> None:
        self._crops, self._catalog = crops, catalog
        self._originals = Originals(crops, catalog)
        self._small = lru_cache(KEPT)(self._made)

    def small(self, source: Source) -> bytes | None:
        """A WebP of SMALL pixels; None where there is no such picture."""
        return self._small(source, self._changed(source))

    def whole(self, source: Source) -> bytes | None:
        """The JPEG at its full size; None where there is no such picture."""
        if source.individual:
            return self._catalog.picture(source.individual, source.crop) or None
        try:
            return inside(self._crops, source.crop).read_bytes()
        except (PhotoError, OSError):
            return None

    def file(self, source: Source) -> bytes:
        """As `whole`. Raises PhotoError where there is no such picture."""
        data = self.whole(source)
        if data is None:
            raise PhotoError(f"there is no picture {source.crop}")
        return data

    def pixels(self, name: tuple[str, ...]) -> Pixels:
        """(height, width, 3) uint8 RGB of a crop of the run (its name), or of the catalogue's (name and individual).

        Raises PhotoError.
        """
        crop, *individual = name
        source = Source(crop, individual[0] if individual else "")
        if not source.individual:
            return read_photo(inside(self._crops, source.crop))
        return decode(self._catalog.picture(source.individual, source.crop))

    def _made(self, source: Source, changed: int) -> bytes | None:  # noqa: ARG002  a file that changed is read anew
        picture = self._originals.small(source, SMALL)
        return None if picture is None else webp(picture)

    def _changed(self, source: Source) -> int:
        try:
            return 0 if source.individual else (self._crops / source.crop).stat().st_mtime_ns
        except (OSError, ValueError):
            return 0


class Held:
    """The pictures of the catalogue's crops, by their origins: several crops of an individual may have one name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._small = lru_cache(KEPT)(self._made)

    def small(self, origin: str) -> bytes:
        """A WebP of SMALL pixels; empty where there is no such picture, which is asked again: it may come back."""
        with suppress(KeyError):
            return self._small(origin)
        return b""

    def whole(self, origin: str) -> bytes:
        """The JPEG at its full size; empty where there is no such picture."""
        return self._catalog.jpeg(origin)

    def pixels(self, name: tuple[str, ...]) -> Pixels:
        """(height, width, 3) uint8 RGB of the crop with this origin. Raises PhotoError."""
        return decode(self.whole(name[0]))

    def _made(self, origin: str) -> bytes:
        data = self.whole(origin)
        if not data:
            raise KeyError(origin)
        return webp(shrunk(decode(data), SMALL))
