"""The catalogue's gallery: what models make of its crops, made once and kept."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sql
from numpy.typing import NDArray

from whalepipe.catalog.database import insert_missing
from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.catalog.reading import Reading
from whalepipe.catalog.schema import crops, details, embeddings, encounters, individuals
from whalepipe.errors import CatalogError
from whalepipe.models.details import CloserLook, Details

Each = Callable[[str, Sequence[Any]], Iterable[Any]]
AT_ONCE = 1000  # vectors that the database sends
KEPT = 4096  # crops whose details stay in memory: 200 MB at most


class Vectors(Reading):
    """The part of `store.Catalog` that keeps embeddings and details."""

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
            self._make_details(look, each=each)
        told = crops.c.crop, individuals.c.name, crops.c.part, sql.func.coalesce(encounters.c.name, ""), crops.c.view
        query = (
            sql.select(crops.c.id, *told, embeddings.c.vector)
            .join_from(crops, individuals)
            .join(embeddings, embeddings.c.crop_id == crops.c.id)
            .outerjoin(encounters, encounters.c.id == crops.c.encounter_id)
            .where(embeddings.c.weights == weights)
            .order_by(crops.c.id)
        )
        numbers, shots, packed = list[int](), list[Shot](), bytearray()  # no vector is in memory twice
        with self.database.reading() as connection:
            for number, *shot, vector in connection.execution_options(yield_per=AT_ONCE).execute(query):
                numbers.append(number)
                shots.append(Shot(*shot))
                packed += vector
        if not numbers:
            return Gallery(revision=self.revision)
        vectors = np.frombuffer(packed, "<f4").reshape(len(numbers), -1).astype(np.float32, copy=False)
        reader = lru_cache(KEPT)(lambda row: self._details(numbers[row], look.method)) if look else None
        return Gallery(shots, vectors, self.revision, reader)

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
            .where(sql.or_(crops.c.id == number, individuals.c.id.in_(owners)), crops.c.part == part)
            .order_by(crops.c.id != number, crops.c.id)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows or rows[0].id != number:
            raise CatalogError(f"{self.database.name}: changed while it was being read; run again")
        vectors = np.stack([np.frombuffer(row.vector, "<f4") for row in rows]).astype(np.float32)

        def detailed(row: int) -> Details:
            self._make_details(look, (rows[row].id,))
            return self._details(rows[row].id, look.method)

        return Gallery([Shot(*row[:5]) for row in rows], vectors, details=detailed)

    def _make_details(self, look: CloserLook, only: Sequence[int] | None = None, each: Each | None = None) -> None:
        make = lambda pixels, part: look(pixels, part).packed()  # noqa: E731
        self._make_missing(details, look.method, make, each or (lambda _, items: items), only)

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
        each: Each,
        only: Sequence[int] | None = None,
    ) -> None:
        """Fill `table` (crop_id, what made it, bytes) with what `make` makes of every crop, or `only` of these, that
        lacks it."""
        crop_id, made_by, _ = table.columns
        with self.database.reading() as connection:
            there = sql.inspect(connection).has_table(table.name)
        if not there:
            with self.database.writing() as connection:
                table.create(connection, checkfirst=True)
        wanted = [crops.c.individual_id.is_not(None), crops.c.id.not_in(sql.select(crop_id).where(made_by == maker))]
        wanted += [] if only is None else [crops.c.id.in_(only)]
        with self.database.reading() as connection:
            missing = connection.execute(sql.select(crops.c.id).where(*wanted).order_by(crops.c.id)).scalars().all()
        for number in each("catalogue", missing) if missing else ():
            with self.database.reading() as connection:
                picture = sql.select(crops.c.jpeg, crops.c.part).where(crops.c.id == number)
                jpeg, part = connection.execute(picture).one()
            made = make(self._decoded(jpeg, number), part)
            with self.database.writing() as connection:
                row = dict(zip(table.columns.keys(), (number, maker, made), strict=True))
                insert_missing(connection, table, row)
