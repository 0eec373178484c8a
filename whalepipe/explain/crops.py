"""Why this match: crops of a run, or a single one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from whalepipe.catalog.gallery import Gallery, Shot
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.errors import CatalogError, PhotoError, WeightsError, WhalepipeError
from whalepipe.explain.explainer import Explainer, Subject
from whalepipe.explain.table import Explained
from whalepipe.instruments import Instruments
from whalepipe.models.attribution import need_library
from whalepipe.photos import inside
from whalepipe.progress import Progress, silent
from whalepipe.stages.match import weighed
from whalepipe.stages.view import sure, view
from whalepipe.tables import NEW, UNKNOWN, Crop, Ledger, Match, Quality, Species, View, by_crop, fits, read_table

UNSURE = "unsure"


@dataclass(frozen=True)
class Request:
    """Where explanations go, and what they are made with."""

    out: Path
    config: Config = field(default_factory=Config)
    catalog: Place | None = None
    device: str = "auto"
    against: str = ""  # an individual to compare with, in the place of the likeliest
    crops: tuple[str, ...] = ()  # glob patterns of a run's crops; none: the unsure ones
    count: int = 10  # of those at most, the best graded first


@dataclass(frozen=True)
class Explanations:
    """What was explained, and the crops that could not be, each with its cause."""

    rows: Sequence[Explained]
    failed: Sequence[str] = ()


def explain_run(request: Request, progress: Progress = silent) -> Explanations:
    """Explain crops of the run in `request.out`. Raises WhalepipeError, ImportError without captum."""
    need_library()
    run = _Run(request, progress)
    rows: list[Explained] = []
    failed = []
    for crop in progress("explain", run.chosen()):
        try:
            rows.append(run.explain(crop))
        except (PhotoError, NobodyError) as error:
            failed.append(f"{crop.crop}: {error}")
    return Explanations(rows, failed)


def explain_crop(path: Path, part: str, request: Request, progress: Progress = silent) -> Explained:
    """Explain one ready crop of a part: whom it is likest, or, without a catalogue, its species.

    Raises WhalepipeError, ImportError without captum.
    """
    need_library()
    asked = _Asked(request, progress)
    try:
        return asked.answered(asked.subject(path, part))
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error


class NobodyError(WhalepipeError):
    """A crop has neither a candidate nor a species: there is no answer to explain."""


class _Asked:
    """What is asked, with models and catalogue."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self.request, self.each = request, progress
        self.catalog = Catalog.open(request.catalog) if request.catalog else None
        self.models = Instruments(request.config, request.device, self.catalog is not None)
        self.explainer = Explainer(self.models, self.catalog, request.out)

    def subject(self, path: Path, part: str) -> Subject:
        """A ready crop, its side told by its looks. Raises PhotoError."""
        subject = Subject(path.name, _read(path), part, UNKNOWN)
        row = Crop(path.name, "", "", 0, part, subject.pixels.shape[1], subject.pixels.shape[0])
        told = sure(view(row, lambda: subject.pixels, self.models.sides), self.request.config.view)
        return replace(subject, view=told.view)

    def answered(self, subject: Subject) -> Explained:
        """Explain by the catalogue where there is one, else by the species. Raises WhalepipeError."""
        if self.catalog:
            return self.explainer.match(subject, self.likeliest(subject))
        model = self.models.species_model
        told = model(self.models.embedder(subject.pixels), subject.part).candidates if model else ()
        if not told:
            raise NobodyError(f"nobody to compare this {subject.part} with; give a catalogue with --catalog")
        return self.explainer.species(subject, told[0][0])

    def likeliest(self, subject: Subject) -> Shot:
        """The crop that speaks for the likeliest individual, or for the one that is asked for. Raises CatalogError."""
        config, part = self.request.config.match, subject.part
        [nearest] = self.gallery.nearest(part, self.models.embedder(subject.pixels)[None], config.crops_each)
        wanted = [n for n in nearest if self.request.against in ("", n.shot.individual)]
        if not wanted:
            whom = f" of {self.request.against!r}" if nearest else ""
            where = self.catalog.database.name if self.catalog else "the catalogue"
            raise CatalogError(f"{where} holds no {part}{whom}; see `whalepipe catalog list`")
        look = self.models.closer_look
        details = partial(look, subject.pixels, part) if look else None
        return weighed(wanted, self.gallery, details, self.models.calibrations([part])[part], config)[0].shot

    @cached_property
    def gallery(self) -> Gallery:
        """The catalogue's vectors, those that are missing made now."""
        if self.catalog is None:
            return Gallery()
        digest = self.models.embedder_weights.digest
        return self.catalog.gallery(digest, lambda p: self.models.embedder(p), self.each, self.models.closer_look)


class _Run(_Asked):
    """The tables of a run."""

    def __init__(self, request: Request, progress: Progress) -> None:
        super().__init__(request, progress)
        out = request.out
        if not (out / "ledger.csv").is_file():
            raise WhalepipeError(f"{out}: no results of `whalepipe run` lie there; give its --out, or a crop's file")
        self.crops = read_table(out / "crops.csv", Crop)
        self.ledger = {r.crop: r for r in read_table(out / "ledger.csv", Ledger) if r.crop}
        self.views = {v.crop: v.view for v in read_table(out / "views.csv", View)}
        self.grades = {q.crop: q.grade for q in read_table(out / "quality.csv", Quality)}
        self.species = {s.crop: s.species for s in reversed(read_table(out / "species.csv", Species)) if _told(s)}
        self.matches = by_crop(m for m in read_table(out / "matches.csv", Match) if m.individual != NEW)
        self._check()

    def _check(self) -> None:
        """Whether weights and catalogue are those of the run. Raises WhalepipeError."""
        used = {m.weights for rows in self.matches.values() for m in rows}
        if used - {self.models.embedder_weights.digest}:
            raise WeightsError(
                f"{self.request.out} was made with another embedder than {self.models.embedder_weights.path}; "
                "give the same --set embed.weights, or run again"
            )
        if (used or self.request.against) and not self.catalog:
            raise WhalepipeError("the candidates' pictures lie in the catalogue; give it with --catalog")

    def chosen(self) -> list[Crop]:
        """The crops that were asked for, else the unsure ones. Raises WhalepipeError for a name that fits none."""
        for pattern in self.request.crops:
            if not any(fits([pattern], c.crop) for c in self.crops):
                raise WhalepipeError(f"--crop {pattern}: {self.request.out / 'crops.csv'} has no such crop")
        if self.request.crops:
            return [c for c in self.crops if fits(self.request.crops, c.crop)]
        unsure = [c for c in self.crops if c.crop in self.ledger and self.ledger[c.crop].state == UNSURE]
        return sorted(unsure, key=lambda c: -self.grades.get(c.crop, 0.0))[: self.request.count]

    def explain(self, crop: Crop) -> Explained:
        """Explain one crop of the run. Raises PhotoError, NobodyError, StorageError, CatalogError."""
        path = inside(self.request.out / "crops", crop.crop)
        subject = Subject(crop.crop, _read(path), crop.part, self.views.get(crop.crop, UNKNOWN))
        ranked = [m for m in self.matches.get(crop.crop, ()) if self.request.against in ("", m.individual)]
        if ranked:
            best = min(ranked, key=lambda m: m.rank)
            shot = Shot(best.gallery_crop, best.individual, crop.part, best.gallery_encounter, best.gallery_view)
            return self.explainer.match(subject, shot)
        if self.catalog or crop.crop not in self.species:
            return self.answered(subject)
        return self.explainer.species(subject, self.species[crop.crop])


def _told(row: Species) -> bool:
    return row.species not in ("", UNKNOWN)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"cannot be read ({error.strerror})") from error
