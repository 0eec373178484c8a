"""The interface for programs: what the pages show as JSON, decisions, one photo's animals, and how the service is."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response, UploadFile
from pydantic import BaseModel, Field

from whalepipe import __version__
from whalepipe.catalog.decisions import Verdict
from whalepipe.report.pictures import Source
from whalepipe.review import content
from whalepipe.review.content import Changes, QueryPage, QueuePage, Told
from whalepipe.review.desk import Ask
from whalepipe.review.heat import Heat
from whalepipe.review.identify import Identified
from whalepipe.review.narrow import Narrow
from whalepipe.review.points import Shared
from whalepipe.review.queue import Wanted
from whalepipe.review.service import LONGEST, Service, Text, narrow, wanted

FOUND = 20  # individuals that a search lists
MOST = 1_000_000_000  # of a number of a decision or an item
Number = Annotated[int, Query(ge=0, le=MOST)]
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "this run has no such crop"}}
AGAIN = "too much at once, or the catalogue cannot be reached; Retry-After says when to ask again"
BUSY: dict[int | str, dict[str, Any]] = {503: {"description": AGAIN}}
NO_MAPS: dict[int | str, dict[str, Any]] = {503: {"description": "as many as can wait do, or it says what to install"}}
REFUSED: dict[int | str, dict[str, Any]] = {
    **BUSY,
    400: {"description": "what was sent cannot be read"},
    409: {"description": "somebody decided since, or on top of it: nothing was changed"},
    413: {"description": "more than is taken at once"},
    415: {"description": "not JSON"},
}


class Judged(BaseModel):
    """A verdict about crops that show one animal. `seen` has, for each, the last decision that you saw; 0 for none."""

    verdict: Verdict
    seen: dict[str, Annotated[int, Field(ge=0, le=MOST)]] = Field(min_length=1, max_length=100)
    individual: str = Field("", max_length=LONGEST)
    who: str = Field("", max_length=LONGEST)
    why: str = Field("", max_length=2000)


class Undone(BaseModel):
    """A decision to be taken back."""

    decision: int = Field(ge=1, le=MOST)
    who: str = Field("", max_length=LONGEST)
    why: str = Field("", max_length=2000)


@dataclass(frozen=True)
class Health:
    """The service answers."""

    status: str
    version: str


@dataclass(frozen=True)
class Ready:
    """Whether the service can take decisions, and how far the tables are."""

    ready: bool
    crops: int
    last: int
    written: int
    problem: str


def api(service: Service) -> APIRouter:
    """All of the interface."""
    router = APIRouter()
    _reading(router, service)
    _deciding(router, service)
    _watching(router, service)
    return router


def _reading(router: APIRouter, service: Service) -> None:
    @router.get("/api/queue", summary="What waits for a person, in the order in which it is asked")
    def queue(items: Annotated[Wanted, Depends(wanted)], offset: Number = 0) -> QueuePage:
        service.desk.refresh()
        return content.queue_page(service.desk, items, offset)

    @router.get("/api/crops/{crop}", responses=NOT_FOUND, summary="A crop beside its candidates")
    def crop(
        crop: str, items: Annotated[Wanted, Depends(wanted)], candidates: Annotated[Narrow, Depends(narrow)]
    ) -> QueryPage:
        return content.query_page(service.desk, service.known(crop), items, candidates)

    @router.get("/api/decisions", summary="The last decisions of the catalogue, the last one first")
    def decisions() -> list[Told]:
        service.desk.refresh()
        return content.decisions_page(service.desk)

    @router.get("/api/changes", summary="What was decided since, and whether the tables have it")
    def changes(since: Number = 0) -> Changes:
        service.desk.refresh()
        return content.changes(service.desk, since, service.started)

    @router.get("/api/individuals", summary="Individuals of the catalogue whose names have this in them")
    def individuals(q: Text = "") -> list[str]:
        return service.desk.individuals(q, FOUND)

    @router.get("/api/points", responses=NOT_FOUND, summary="Small marks that a crop shares with a candidate's")
    def points(crop: Text, other: Text, individual: Text = "") -> Shared:
        """`other`: a crop of the catalogue's `individual`, or of this run where none is named."""
        part = service.desk.index.frames[service.known(crop)].row.part
        beside = (other, individual) if individual else (service.known(other),)
        return service.points.shared((crop,), beside, part, service.pictures.pixels)

    @router.get("/api/heat", responses={**NOT_FOUND, **NO_MAPS}, summary="What makes a crop and a candidate's alike")
    def heat(crop: Text, other: Text, individual: Text = "") -> Heat:
        """As for points; made when it is first asked for, of one pair at a time."""
        first, second = service.known(crop), other if individual else service.known(other)
        return service.heats.between(*map(service.pictures.file, (Source(first), Source(second, individual))))


def _deciding(router: APIRouter, service: Service) -> None:
    @router.post("/api/decide", responses={**NOT_FOUND, **REFUSED}, summary="Decide who a crop shows")
    def decide(said: Judged) -> list[Told]:
        for crop in said.seen:
            service.known(crop)
        ask = Ask(said.verdict, said.seen, said.individual.strip())
        made = service.desk.decide(ask, service.by(said.who, said.why))
        return [content.told(service.desk, d) for d in made]

    @router.post("/api/undo", responses={**NOT_FOUND, **REFUSED}, summary="Take a decision back")
    def undo(said: Undone) -> Told:
        return content.told(service.desk, service.desk.undo(said.decision, service.by(said.who, said.why)))

    @router.post("/identify", responses=REFUSED, summary="Boxes, quality, species and candidates of one photo")
    def identify(photo: UploadFile) -> Identified:
        """A JPEG, PNG, TIFF or WebP. Nothing of it is kept."""
        return service.identifier(photo.file.read())


def _watching(router: APIRouter, service: Service) -> None:
    @router.get("/health", summary="Whether the service answers")
    def health() -> Health:
        return Health("ok", __version__)

    @router.get("/ready", responses={503: {"description": "not now"}}, summary="Whether decisions can be taken")
    def ready(response: Response) -> Ready:
        desk = service.desk
        problem = desk.problem()
        response.status_code = 503 if problem else 200
        return Ready(not problem, len(desk.index.frames), desk.last, desk.writer.written, problem)
