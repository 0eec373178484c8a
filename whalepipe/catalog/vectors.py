"""The catalogue's gallery: what models make of its crops, made once and kept."""

import time
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sqlalchemy as sql
from numpy.typing import NDArray

from whalepipe.catalog.database import insert_missing
from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.catalog.place import Place
from whalepipe.catalog.reading import Reading
from whalepipe.catalog.schema import crops, details, embeddings, encounters, individuals
from whalepipe.catalog.search.approximate import Indexed
from whalepipe.catalog.search.choice import index_folder
from whalepipe.catalog.search.exact import Shelf, arranged
from whalepipe.catalog.search.found import Searched
from whalepipe.catalog.search.kept import Index, opened
from whalepipe.errors import CatalogError
from whalepipe.models.details import CloserLook, Details

Each = Callable[[str, Sequence[Any]], Iterable[Any]]
Items = Callable[[Sequence[Any]], Iterable[Any]]
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
Tell = Callable[[NDArray[np.uint8]], bytes]
Only = sql.ColumnElement[bool]
KEPT = 4096  # crops whose details stay in memory: 200 MB at most
AT_ONCE = 4096  # vectors that are asked for at a time
KEEP_S = 0.1  # of work at most, and one crop's more, is lost where the process is killed


@dataclass(frozen=True)
class _Held:
    """The crops of a gallery, row for row."""

    shots: Sequence[Shot]
    numbers: NDArray[np.int64]  # of the crops in the catalogue
    keys: NDArray[np.int64]  # their numbers with a check of what they are: another catalogue's differ


class Vectors(Reading):
    """The part of `store.Catalog` that keeps embeddings and details."""

    place: Place

    def gallery(self, weights: str, embed: Embed, each: Each, look: CloserLook | None = None) -> Gallery:
        """All crops with their vectors under the weights of this digest; those that are missing are made and kept.

        `look`: with the details that it finds, which are read one crop at a time, when they are asked for.
        """
        held = self._made(weights, embed, each, look)
        return Gallery(held.shots, self._vectors(weights, held.numbers), self.revision, self._reader(held, look))

    def searched(
        self,
        weights: str,
        embed: Embed,
        each: Each,
        look: CloserLook | None,
        by_index: Collection[str],
    ) -> Gallery:
        """The same to be searched: vectors are read part by part, when the first crop of a part is looked for.

        `by_index`: the parts that are searched with an index, which are opened now, and made or grown where need be.
        Raises StorageError where one cannot be kept.
        """
        held = self._made(weights, embed, each, look)
        fetch = partial(self._vectors, weights)

        def indexed(part: str) -> Searched:
            def opening(rows: NDArray[np.int64]) -> Index:
                numbers, folder = held.numbers[rows], index_folder(self.place, weights, part)
                return opened(folder, held.keys[rows], lambda places: fetch(numbers[places]), each)

            return Indexed(held.shots, part, lambda rows: fetch(held.numbers[rows]), opening)

        def shelved(part: str) -> Searched:
            if part in ready:
                return ready[part]
            order = arranged(held.shots, part)
            return Shelf(held.shots, order, fetch(held.numbers[order.rows]))

        ready = {part: indexed(part) for part in sorted({s.part for s in held.shots}) if part in by_index}
        return Gallery(held.shots, revision=self.revision, details=self._reader(held, look), shelve=shelved)

    def parts(self) -> dict[str, int]:
        """How many crops of individuals there are of each part."""
        query = sql.select(crops.c.part, sql.func.count()).where(crops.c.individual_id.is_not(None))
        with self.database.reading() as connection:
            return {part: int(count) for part, count in connection.execute(query.group_by(crops.c.part))}

    def _made(self, weights: str, embed: Embed, each: Each, look: CloserLook | None) -> _Held:
        """All crops, after their vectors and details were made where they were missing."""
        catalogue = partial(each, "catalogue")
        self._make_missing(embeddings, weights, lambda pixels, _: embed(pixels).astype("<f4").tobytes(), catalogue)
        if look:
            self._make_details(look, each=each)
        told = crops.c.crop, individuals.c.name, crops.c.part, sql.func.coalesce(encounters.c.name, ""), crops.c.view
        query = (
            sql.select(*told, crops.c.id, crops.c.origin)
            .join_from(crops, individuals)
            .join(embeddings, embeddings.c.crop_id == crops.c.id)
            .outerjoin(encounters, encounters.c.id == crops.c.encounter_id)
            .where(embeddings.c.weights == weights)
            .order_by(crops.c.id)
        )
        same: dict[str, str] = {}  # each name once in memory
        shots, numbers, keys = [], [], []
        with self.database.reading() as connection:
            for crop, *names, number, origin in connection.execute(query):
                shots.append(Shot(crop, *(same.setdefault(name, name) for name in names)))
                numbers.append(number)
                keys.append(number << 32 | zlib.crc32(origin.encode()))
        return _Held(tuple(shots), np.array(numbers, np.int64), np.array(keys, np.int64))

    def _vectors(self, weights: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """(crops, dimension), of the crops with these numbers. Raises CatalogError."""
        query = sql.select(embeddings.c.crop_id, embeddings.c.vector).where(embeddings.c.weights == weights)
        found = np.zeros((0, 1), np.float32)
        with self.database.reading() as connection:
            for begin in range(0, len(numbers), AT_ONCE):
                some = numbers[begin : begin + AT_ONCE].tolist()
                asked = connection.execute(query.where(embeddings.c.crop_id.in_(some)))
                held = {row.crop_id: row.vector for row in asked}
                if len(held) < len(some):
                    raise self.database.changed_meanwhile()
                vectors = np.frombuffer(b"".join(held[n] for n in some), "<f4").reshape(len(some), -1)
                if not begin:
                    found = np.empty((len(numbers), vectors.shape[1]), np.float32)
                found[begin : begin + len(some)] = vectors
        return found

    def _reader(self, held: _Held, look: CloserLook | None) -> Callable[[int], Details] | None:
        return lru_cache(KEPT)(lambda row: self._details(int(held.numbers[row]), look.method)) if look else None

    def cosine(self, one: int, other: int, weights: str) -> float | None:
        """Of the vectors of two crops, by their numbers; None where one is missing under the weights of this digest."""
        query = sql.select(embeddings.c.vector).where(
            embeddings.c.crop_id.in_((one, other)), embeddings.c.weights == weights
        )
        with self.database.reading() as connection:
            found = [np.frombuffer(packed, "<f4") for packed in connection.execute(query).scalars()]
        return round(float(found[0] @ found[1]), 4) if len(found) == 2 else None

    def beside(self, number: int, owners: Sequence[int], part: str, weights: str, look: CloserLook) -> Gallery:
        """The crop with that number in the first row, then all others of a part of these individuals, with details.

        Vectors under the weights must be there; details that are missing are made when they are asked for, and kept.
        """
        told = crops.c.crop, individuals.c.name, crops.c.part, sql.literal(""), crops.c.view
        query = (
            sql.select(*told, embeddings.c.vector, crops.c.id)
            .join_from(crops, individuals)
            .join(embeddings, sql.and_(embeddings.c.crop_id == crops.c.id, embeddings.c.weights == weights))
            .where(sql.or_(crops.c.id == number, crops.c.individual_id.in_(owners)))
            .order_by(crops.c.id != number, crops.c.id)
        )
        with self.database.reading() as connection:
            # Asked for the part too, SQLite would read all of the part's crops.
            rows = [row for row in connection.execute(query) if row.part == part]
        if not rows or rows[0].id != number:
            raise self.database.changed_meanwhile()
        vectors = np.stack([np.frombuffer(row.vector, "<f4") for row in rows]).astype(np.float32)

        def detailed(row: int) -> Details:
            self._make_details(look, (rows[row].id,))
            return self._details(rows[row].id, look.method)

        return Gallery([Shot(*row[:5]) for row in rows], vectors, details=detailed)

    def told(self, method: str, tell: Tell, each: Each, part: str = "", views: Sequence[str] = ()) -> dict[int, bytes]:
        """What a method of that name tells of crops' pixels, in bytes, by the crops' numbers; told once and kept.

        Of all crops that individuals have, or of those of a part and with one of these views.
        """
        only = [*([crops.c.part == part] if part else []), *([crops.c.view.in_(views)] if views else [])]
        self._make_missing(details, method, lambda pixels, _: tell(pixels), partial(each, "pictures"), *only)
        query = sql.select(details.c.crop_id, details.c.packed).join(crops).where(details.c.method == method, *only)
        with self.database.reading() as connection:
            return {number: bytes(packed) for number, packed in connection.execute(query)}

    def _make_details(self, look: CloserLook, only: Sequence[int] | None = None, each: Each | None = None) -> None:
        make = lambda pixels, part: look(pixels, part).packed()  # noqa: E731
        those = [] if only is None else [crops.c.id.in_(only)]
        self._make_missing(details, look.method, make, partial(each, "catalogue") if each else iter, *those)

    def _details(self, crop_id: int, method: str) -> Details:
        query = sql.select(details.c.packed).where(details.c.crop_id == crop_id, details.c.method == method)
        with self.database.reading() as connection:
            packed = connection.execute(query).scalar()
        try:
            return Details.unpacked(bytes(packed or b""))
        except ValueError as error:
            where = self.database.name
            raise CatalogError(f"{where}: damaged, the details of its crop {crop_id}; restore a copy") from error

    def _make_missing(
        self,
        table: sql.Table,
        maker: str,
        make: Callable[[NDArray[np.uint8], str], bytes],
        each: Items,
        *only: Only,
    ) -> None:
        """Fill `table` (crop_id, what made it, bytes) with what `make` makes of every crop that lacks it and of which
        `only` holds."""
        crop_id, made_by, _ = table.columns
        with self.database.reading() as connection:
            there = sql.inspect(connection).has_table(table.name)
        if not there:
            with self.database.writing() as connection:
                table.create(connection, checkfirst=True)
        there_is = sql.exists().where(crop_id == crops.c.id, made_by == maker)
        wanted = [crops.c.individual_id.is_not(None), ~there_is]
        with self.database.reading() as connection:
            query = sql.select(crops.c.id).where(*wanted, *only).order_by(crops.c.id)
            missing = connection.execute(query).scalars().all()
        made, begun = dict[int, bytes](), time.monotonic()
        for number in each(missing) if missing else ():
            with self.database.reading() as connection:
                picture = sql.select(crops.c.jpeg, crops.c.part).where(crops.c.id == number)
                jpeg, part = connection.execute(picture).one()
            made[number] = make(self._decoded(jpeg, number), part)
            if time.monotonic() - begun > KEEP_S:
                self._keep(table, maker, made)
                made, begun = {}, time.monotonic()
        self._keep(table, maker, made)

    def _keep(self, table: sql.Table, maker: str, made: Mapping[int, bytes]) -> None:
        """Keep what was made of crops, by their numbers, at once: a transaction for each would take longer than some of
        it does."""
        if made:
            with self.database.writing() as connection:
                for number, one in made.items():
                    row = dict(zip(table.columns.keys(), (number, maker, one), strict=True))
                    insert_missing(connection, table, row)
