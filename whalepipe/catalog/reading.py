"""What the catalogue says of what it holds."""

from collections.abc import Collection
from typing import Any

import numpy as np
import sqlalchemy as sql
from numpy.typing import NDArray

from whalepipe.catalog import encounters as meetings
from whalepipe.catalog import people
from whalepipe.catalog.audit import Held
from whalepipe.catalog.database import Database
from whalepipe.catalog.decisions import Decision, Standing
from whalepipe.catalog.entries import Encounter, Fact, Holding, Individual, Summary
from whalepipe.catalog.journal import decision, last_about, listed
from whalepipe.catalog.judging import standings
from whalepipe.catalog.schema import (
    changes,
    crops,
    decisions,
    dismissals,
    embeddings,
    encounters,
    individuals,
    photos,
    settings,
    verdicts,
)
from whalepipe.catalog.since import Seen, Since, since
from whalepipe.errors import CatalogError, PhotoError
from whalepipe.photos import decode

LIMIT = 1000  # decisions that are listed at once


class Reading:
    """The reading half of `store.Catalog`."""

    database: Database

    @property
    def revision(self) -> str:
        """Changes whenever the individuals' names or species or their crops do."""
        with self.database.reading() as connection:
            query = sql.select(settings.c.value).where(settings.c.name == "revision")
            return str(connection.execute(query).scalar() or "")

    def summaries(self) -> list[Summary]:
        """Every individual that has crops, a line for each of its parts, in the order of their names."""
        query = (
            sql.select(
                individuals.c.name,
                individuals.c.species,
                crops.c.part,
                sql.func.count(crops.c.id),
                sql.func.count(sql.distinct(crops.c.encounter_id)),
            )
            .join_from(individuals, crops)
            .group_by(individuals.c.name, individuals.c.species, crops.c.part)
            .order_by(individuals.c.name, crops.c.part)
        )
        with self.database.reading() as connection:
            return [Summary(*row) for row in connection.execute(query)]

    def individuals(self) -> list[Individual]:
        """Every individual, one without crops too, in the order of their names."""
        query = sql.select(*(c for c in individuals.columns if c.name != "id")).order_by(individuals.c.name)
        with self.database.reading() as connection:
            return [Individual(*row) for row in connection.execute(query)]

    def individual(self, name: str) -> Individual:
        """What is known of one. Raises CatalogError where the catalogue does not hold it."""
        query = sql.select(*(c for c in individuals.columns if c.name != "id")).where(individuals.c.name == name)
        with self.database.reading() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise CatalogError(f"{self.database.name} holds no individual {name!r}")
        return Individual(*found)

    def holdings(self, individual: str) -> list[Holding]:
        """The crops of one individual. Raises CatalogError where the catalogue does not hold it."""
        made_by = sql.func.coalesce(sql.func.aggregate_strings(embeddings.c.weights, ","), "")
        encounter, photo = (sql.func.coalesce(c, "") for c in (encounters.c.name, photos.c.name))
        told = crops.c.crop, crops.c.part, crops.c.view, encounter, photo
        query = (
            sql.select(*told, made_by, crops.c.origin)
            .join_from(crops, individuals)
            .outerjoin(encounters, encounters.c.id == crops.c.encounter_id)
            .outerjoin(photos, photos.c.id == crops.c.photo_id)
            .outerjoin(embeddings, embeddings.c.crop_id == crops.c.id)
            .where(individuals.c.name == individual)
            .group_by(crops.c.id, encounters.c.name, photos.c.name)
            .order_by(crops.c.part, encounter, crops.c.crop, crops.c.id)
        )
        with self.database.reading() as connection:
            people.known(connection, individual, self.database.name)
            return [Holding(*row) for row in connection.execute(query)]

    def encounters(self) -> list[Encounter]:
        """Every encounter, in the order of their names."""
        with self.database.reading() as connection:
            return meetings.listed(connection)

    def encounter(self, name: str) -> Encounter:
        """What is known of one. Raises CatalogError where the catalogue does not hold it."""
        with self.database.reading() as connection:
            meetings.known(connection, name, self.database.name)
            return meetings.listed(connection, name)[0]

    def places(self, names: Collection[str]) -> dict[str, tuple[str, str]]:
        """Place and time of encounters, by their names, as far as the catalogue knows them."""
        with self.database.reading() as connection:
            return meetings.told(connection, names)

    def picture(self, individual: str, crop: str) -> bytes:
        """The JPEG of a crop; empty where the catalogue does not hold it."""
        query = (
            sql.select(crops.c.jpeg)
            .join_from(crops, individuals)
            .where(individuals.c.name == individual, crops.c.crop == crop)
        )
        with self.database.reading() as connection:
            return bytes(connection.execute(query).scalar() or b"")

    def numbers(self) -> list[int]:
        """The number of every crop of an individual, in the order of `gallery`."""
        query = sql.select(crops.c.id).where(crops.c.individual_id.is_not(None)).order_by(crops.c.id)
        with self.database.reading() as connection:
            return [int(n) for n in connection.execute(query).scalars()]

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB of the crop with that number. Raises CatalogError."""
        with self.database.reading() as connection:
            jpeg = connection.execute(sql.select(crops.c.jpeg).where(crops.c.id == number)).scalar()
        return self._decoded(bytes(jpeg or b""), number)

    def _decoded(self, jpeg: bytes, number: int) -> NDArray[np.uint8]:
        try:
            return decode(jpeg)
        except PhotoError as error:
            raise CatalogError(f"{self.database.name}: damaged, its crop {number} {error}; restore a copy") from error

    def held(self) -> list[Held]:
        """Every crop of an individual and whose it is, in the order of `gallery`."""
        whose = individuals.c.id, individuals.c.name, individuals.c.species
        told = crops.c.crop, crops.c.part, crops.c.view, sql.func.coalesce(encounters.c.name, "")
        query = (
            sql.select(crops.c.id, crops.c.origin, *whose, *told)
            .join_from(crops, individuals)
            .outerjoin(encounters, encounters.c.id == crops.c.encounter_id)
            .order_by(crops.c.id)
        )
        with self.database.reading() as connection:
            return [Held(*row) for row in connection.execute(query)]

    def facts(self, origins: Collection[str] = (), owners: Collection[int] = ()) -> list[Fact]:
        """The crops with these origins, and all of the individuals with these numbers, the earliest first."""
        texts = (encounters.c.name, encounters.c.place, photos.c.name, photos.c.taken_at)
        encounter, place, photo, taken_at = (sql.func.coalesce(c, "") for c in texts)
        own: list[Any] = [crops.c.id, crops.c.origin, crops.c.crop, individuals.c.id, individuals.c.name]
        own += [crops.c.part, crops.c.view, encounter, place, photo, taken_at, photos.c.latitude, photos.c.longitude]
        query = (
            sql.select(*own)
            .join_from(crops, individuals)
            .outerjoin(encounters, encounters.c.id == crops.c.encounter_id)
            .outerjoin(photos, photos.c.id == crops.c.photo_id)
            # Both of one table, or SQLite would read all crops.
            .where(sql.or_(crops.c.origin.in_(origins), crops.c.individual_id.in_(owners)))
            .order_by(taken_at, encounter, crops.c.id)
        )
        with self.database.reading() as connection:
            return [Fact(*tuple(row)) for row in connection.execute(query)]

    def jpeg(self, origin: str) -> bytes:
        """The JPEG of the crop with this origin; empty where the catalogue does not hold it."""
        held = crops.c.origin == origin, crops.c.individual_id.is_not(None)
        with self.database.reading() as connection:
            return bytes(connection.execute(sql.select(crops.c.jpeg).where(*held)).scalar() or b"")

    def since(self, last: int, about: Seen | None = None) -> Since:
        """What was decided after the decision `last` and still holds; all of it, or `about` what somebody saw."""
        with self.database.reading() as connection:
            return since(connection, last, about)

    def dismissed(self) -> frozenset[str]:
        """The keys of the suspicions that people found to be right as they are."""
        with self.database.reading() as connection:
            return frozenset(connection.execute(sql.select(dismissals.c.suspicion)).scalars())

    # Decisions --------------------------------------------------------------------------------------------------

    def decisions(
        self, origin: str | None = None, individual: str | None = None, since: int = 0, limit: int = LIMIT
    ) -> list[Decision]:
        """The last `limit` decisions with numbers above `since`, oldest first; those about a crop or an individual."""
        with self.database.reading() as connection:
            wanted = [decisions.c.id > since]
            if origin is not None:
                mine = changes.c.row == origin, changes.c.kind.in_(("crops", "verdicts"))
                wanted.append(decisions.c.id.in_(sql.select(changes.c.decision_id).where(*mine)))
            if individual is not None:
                number = people.numbered(connection, individual)
                of_it = sql.or_(changes.c.was == number, changes.c.became == number)
                touched = decisions.c.id.in_(sql.select(changes.c.decision_id).where(of_it))
                wanted.append(sql.or_(decisions.c.subject == individual, touched))
            return listed(connection, wanted, limit)

    def decision(self, number: int) -> Decision:
        """The decision of that number. Raises CatalogError where there is none."""
        with self.database.reading() as connection:
            return decision(connection, number)

    def last_decision(self, origin: str) -> Decision | None:
        """The last decision about a crop: what `Catalog.judge` is told as `seen`."""
        with self.database.reading() as connection:
            return last_about(connection, origin)

    def standings(self, origins: Collection[str] | None = None) -> list[Standing]:
        """The verdicts that hold, of all crops or of these."""
        with self.database.reading() as connection:
            found = standings(connection)
        return found if origins is None else [s for s in found if s.origin in origins]

    def standing(self, origin: str) -> Standing | None:
        """The verdict that holds of one crop."""
        with self.database.reading() as connection:
            return next(iter(standings(connection, verdicts.c.origin == origin)), None)
