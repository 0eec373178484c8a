"""Explains one crop: maps of it and of its candidate, the marks that agree, a picture and a row."""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whalepipe.cache import recipe
from whalepipe.catalog.gallery import Shot
from whalepipe.catalog.store import Catalog
from whalepipe.errors import PhotoError, WeightsError
from whalepipe.explain.draw import Drawing, Side, draw
from whalepipe.explain.table import FOLDER, Explained, keep, read_explained
from whalepipe.files import aside
from whalepipe.instruments import Instruments
from whalepipe.models import attribution, keypoints
from whalepipe.models.animal import Animal, find_animal
from whalepipe.models.attribution import Question
from whalepipe.models.device import pick_device
from whalepipe.models.keypoints import Keypoints
from whalepipe.models.side import LEFT, RIGHT
from whalepipe.photos import decode
from whalepipe.tables import UNKNOWN

VERSION = 1
DECIMALS = 4

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Subject:
    """A crop to explain: its file's name and bytes, what it shows and from which side."""

    name: str
    data: bytes
    part: str
    view: str

    @cached_property
    def pixels(self) -> Pixels:
        """(height, width, 3) uint8 RGB. Raises PhotoError."""
        return decode(self.data)


class Explainer:
    """Explains crops into OUT/explained/ by the models of a configuration, each loaded when it is first needed."""

    def __init__(self, models: Instruments, catalog: Catalog | None, out: Path) -> None:
        self.models, self.catalog, self.out = models, catalog, out

    @cached_property
    def animal(self) -> Animal:
        """What tells the animal from the sea."""
        return find_animal(self.models.config.match.silhouette, self.models.device)

    def match(self, subject: Subject, shot: Shot) -> Explained:
        """Why a crop is like one of the catalogue's. Raises PhotoError, StorageError, CatalogError, WeightsError."""
        jpeg = self.catalog.picture(shot.individual, shot.crop) if self.catalog else b""
        if not jpeg:
            raise PhotoError(f"the catalogue has no crop {shot.crop} of {shot.individual}; give the one of the run")
        other = Subject(shot.crop, jpeg, shot.part, shot.view)
        cause = self._cause(subject, [shot.individual, shot.view, _digest(jpeg)])
        return self._kept(cause) or self._match(subject, other, shot, cause)

    def species(self, subject: Subject, name: str) -> Explained:
        """Why a crop is taken for a species. Raises as `match`."""
        model = self.models.species_model
        cause = self._cause(subject, [name, model and model.digest])
        return self._kept(cause) or self._species(subject, name, cause)

    def _cause(self, subject: Subject, asked: object) -> str:
        made_by = [attribution.METHOD, keypoints.METHOD, self.models.embedder_weights.digest, self.animal.digest]
        look = self.models.closer_look
        of = [subject.name, subject.part, subject.view, _digest(subject.data)]
        return recipe("explain", VERSION, *made_by, look and look.method, of, asked)

    def _kept(self, cause: str) -> Explained | None:
        return next((row for row in read_explained(self.out) if row.made_from == cause), None)

    def _match(self, subject: Subject, other: Subject, shot: Shot, cause: str) -> Explained:
        mine, its = self.models.embedder(subject.pixels), self.models.embedder(other.pixels)
        pairs = keypoints.pairs(self._keypoints(subject), self._keypoints(other))
        mirrored = {subject.view, other.view} == {LEFT, RIGHT}
        query = self._side(subject, attribution.likeness_to(its), subject.name, subject.view)
        note = f"{other.view}, mirrored" if mirrored else other.view
        candidate = replace(self._side(other, attribution.likeness_to(mine), shot.individual, note), mirrored=mirrored)
        return self._done(
            replace(
                self._row(subject, query, float(mine @ its), cause),
                individual=shot.individual,
                gallery_crop=shot.crop,
                gallery_view=shot.view,
                mirrored=mirrored,
                points=len(pairs),
            ),
            Drawing(query, candidate, pairs),
        )

    def _species(self, subject: Subject, name: str, cause: str) -> Explained:
        model = self.models.species_model
        head = model.head(subject.part) if model else None
        if head is None or name not in head.species:
            raise WeightsError(f"the weights of species.weights do not tell {name} by a {subject.part}; run again")
        question = attribution.label(head, name)
        query = self._side(subject, question, subject.name, subject.view)
        [score] = question.score(self.models.embedder(subject.pixels)[None])
        row = replace(self._row(subject, query, float(score), cause), species=name)
        return self._done(row, Drawing(query, species=name))

    def _side(self, subject: Subject, question: Question, name: str, note: str) -> Side:
        voters, device = self.models.embedder.voters, pick_device(self.models.device)
        maps = attribution.maps(voters, subject.pixels, question, device)
        title = name if note == UNKNOWN else f"{name} ({note})"
        return Side(subject.pixels, maps, title, self.animal(subject.pixels, subject.part))

    def _keypoints(self, subject: Subject) -> Keypoints:
        """As the matching itself has them."""
        look = self.models.closer_look
        return look(subject.pixels, subject.part).keypoints if look else keypoints.keypoints(subject.pixels)

    def _row(self, subject: Subject, side: Side, score: float, cause: str) -> Explained:
        row = Explained(
            subject.name,
            subject.part,
            subject.view,
            score=round(score, DECIMALS),
            weights=self.models.embedder_weights.digest,
            crop_digest=_digest(subject.data),
            made_from=cause,
        )
        if side.animal is None:
            return row
        found = attribution.bounded(side.maps.occlusion, side.animal)
        return replace(row, **{name: round(value, DECIMALS) for name, value in asdict(found).items()}) if found else row

    def _done(self, row: Explained, drawing: Drawing) -> Explained:
        """Picture first, then its row: a kill in between leaves a picture that is made again."""
        with aside(self.out / FOLDER / row.picture) as temporary:
            draw(drawing).save(temporary, "PNG")
        keep(self.out, row)
        return row


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
