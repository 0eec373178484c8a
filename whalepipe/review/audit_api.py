"""The audit for programs: suspicions as JSON, and decisions about them."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from whalepipe.catalog.entries import Kind
from whalepipe.review import audit_content, content
from whalepipe.review.api import MOST, NO_MAPS, REFUSED, Number
from whalepipe.review.audit import Action, Ask, Remembered
from whalepipe.review.audit_content import AuditPage, CasePage
from whalepipe.review.content import Told
from whalepipe.review.heat import Heat
from whalepipe.review.points import Shared
from whalepipe.review.service import LONGEST, Service, Text

NO_SUCH = "nothing of that key is suspected now; `/api/audit` lists what is"
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "nothing of that key is suspected now"}}
NO_CROP = "the catalogue holds no such crop"
UNHELD: dict[int | str, dict[str, Any]] = {404: {"description": NO_CROP}}
Compared = Annotated[list[Text], Query(max_length=2)]
Origin = Annotated[str, Field(max_length=LONGEST)]


class Settled(BaseModel):
    """A decision about a suspicion. `seen` is the one of `/api/audit/{key}`; `crops` are origins.

    `merge` needs `keep`, the id that stays; `split` crops and `called`, a new id; `move` crops and `keep`, the
    individual that they are of; `remove` crops; `correct` and `dismiss` nothing.
    """

    action: Action
    seen: int = Field(ge=0, le=MOST)
    crops: list[Origin] = Field([], max_length=1000)
    keep: str = Field("", max_length=LONGEST)
    called: str = Field("", max_length=LONGEST)
    who: str = Field("", max_length=LONGEST)
    why: str = Field("", max_length=2000)

    @property
    def ask(self) -> Ask:
        """As the audit takes it."""
        return Ask(self.action, self.seen, self.crops, self.keep.strip(), self.called.strip())


def audit_api(service: Service) -> APIRouter:
    """All of it."""
    router = APIRouter()

    @router.get("/api/audit", summary="What looks wrong in the catalogue, the worst first")
    def suspicions(kind: Kind | None = None, offset: Number = 0) -> AuditPage:
        """While `status.looking`, an audit goes on: ask again. What it found before is shown meanwhile."""
        return audit_content.audit_page(service.auditing, kind, offset)

    @router.get("/api/audit/{key}", responses=NOT_FOUND, summary="A suspicion with its evidence")
    def suspicion(key: str, kind: Kind | None = None, crop: Compared = []) -> CasePage:  # noqa: B006
        """`crop`: the origins of two crops to be compared; those of the suspicion where there is none."""
        return audit_content.case_page(service.desk, service.auditing, suspected(service, key), kind, crop)

    @router.post("/api/audit/{key}", responses={**NOT_FOUND, **REFUSED}, summary="Decide about a suspicion")
    def decide(key: str, said: Settled) -> Told:
        made = service.auditing.decide(suspected(service, key).suspicion, said.ask, service.by(said.who, said.why))
        service.desk.refresh_if_it_can()
        return content.told(service.desk, made)

    @router.get("/api/marks", responses=UNHELD, summary="Small marks that two crops of the catalogue share")
    def marks(one: Text, other: Text) -> Shared:
        """`one`, `other`: origins."""
        facts = {f.origin: f for f in service.desk.catalog.facts((one, other))}
        if not {one, other} <= facts.keys():
            raise HTTPException(404, NO_CROP)
        return service.points.shared((one,), (other,), facts[one].part, service.held.pixels)

    @router.get("/api/maps", responses={**UNHELD, **NO_MAPS}, summary="What makes two crops of the catalogue alike")
    def maps(one: Text, other: Text) -> Heat:
        """As for marks; made when they are first asked for, of one pair at a time, those of `/api/heat` among them."""
        pair = service.held.whole(one), service.held.whole(other)
        if not all(pair):
            raise HTTPException(404, NO_CROP)
        return service.heats.between(*pair)

    return router


def suspected(service: Service, key: str) -> Remembered:
    """The suspicion with this key, whether or not it stands. Raises HTTPException."""
    found = service.auditing.remembered(key)
    if found is None:
        raise HTTPException(404, NO_SUCH)
    return found
