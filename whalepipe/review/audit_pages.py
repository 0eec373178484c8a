"""The pages of the audit for people: what looks wrong in the catalogue, and each suspicion with its decisions."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from whalepipe.catalog.decisions import ConflictError
from whalepipe.catalog.entries import Kind
from whalepipe.errors import CatalogError
from whalepipe.review import audit_content, content
from whalepipe.review.api import MOST, Number
from whalepipe.review.audit import Action, Ask, Remembered
from whalepipe.review.audit_api import Compared, suspected
from whalepipe.review.audit_content import LISTED, TITLES
from whalepipe.review.pages import Name, Secret, Why, own_form, rendered, who_asks
from whalepipe.review.service import LONGEST, Service, Text
from whalepipe.review.statuses import status_of

Crops = Annotated[list[Annotated[str, Field(max_length=LONGEST)]], Form(max_length=1000)]
DAY_S = 24 * 3600  # a crop's picture never changes


def audit_pages(service: Service) -> APIRouter:
    """All of them, and the pictures."""
    router = APIRouter()
    _shown(router, service)
    _sent(router, service)
    return router


def _shown(router: APIRouter, service: Service) -> None:
    @router.get("/audit")
    def suspicions(request: Request, kind: Kind | None = None, offset: Number = 0) -> Response:
        service.desk.refresh()
        page = audit_content.audit_page(service.auditing, kind, offset)
        links = {"more": _address(kind, offset + LISTED), "back": _address(kind, max(0, offset - LISTED))}
        values: dict[str, Any] = {"page": page, "kind": kind, "links": links, "query": _address(kind), "titles": TITLES}
        return rendered(request, service, "audit.html", mine=_mine(request, service), **values)

    @router.get("/audit/{key}")
    def suspicion(request: Request, key: str, kind: Kind | None = None, crop: Compared = []) -> Response:  # noqa: B006
        return _case(request, service, suspected(service, key), kind, crop)

    @router.get("/held/{size}")
    def picture(size: Literal["small", "whole"], origin: Text) -> Response:
        small = size == "small"
        data = service.held.small(origin) if small else service.held.whole(origin)
        if not data:
            raise HTTPException(404, "there is no such picture")
        headers = {"Cache-Control": f"private, max-age={DAY_S}"}
        return Response(data, 200, headers, "image/webp" if small else "image/jpeg")


def _sent(router: APIRouter, service: Service) -> None:
    @router.post("/audit/{key}")
    def decide(
        request: Request,
        key: str,
        form: Secret,
        action: Annotated[Action, Form()],
        seen: Annotated[int, Form(ge=0, le=MOST)],
        kind: Kind | None = None,
        crop: Crops = [],  # noqa: B006
        keep: Name = "",
        other: Name = "",
        called: Name = "",
        why: Why = "",
    ) -> Response:
        own_form(service, form)
        found = suspected(service, key)
        ask = Ask(action, seen, crop, (other if action is Action.move else keep).strip(), called.strip())
        after = audit_content.beside(service.auditing, key, kind)[1]
        try:
            service.auditing.decide(found.suspicion, ask, service.by(who_asks(request, service), why))
        except CatalogError as error:
            return _case(request, service, found, kind, (), error)
        service.desk.refresh_if_it_can()
        return RedirectResponse(f"/audit/{after}{_address(kind)}" if after else f"/audit{_address(kind)}", 303)

    @router.post("/audit-undo")
    def undo(request: Request, form: Secret, decision: Annotated[int, Form(ge=1, le=MOST)]) -> Response:
        own_form(service, form)
        made = service.desk.undo(decision, service.by(who_asks(request, service), ""))
        key = service.auditing.about(made.undoes)
        return RedirectResponse(f"/audit/{key}" if key else "/audit", 303)


def _case(
    request: Request,
    service: Service,
    suspicion: Remembered,
    kind: Kind | None,
    compared: Sequence[str],
    problem: CatalogError | None = None,
) -> Response:
    """The page of a suspicion; with what stood in the way of a decision, where something did."""
    service.desk.refresh()
    page = audit_content.case_page(service.desk, service.auditing, suspicion, kind, compared)
    conflict = content.told(service.desk, problem.decision) if isinstance(problem, ConflictError) else None
    values: dict[str, Any] = {
        "page": page,
        "kind": kind,
        "query": _address(kind),
        "conflict": conflict,
        "problem": str(problem) if problem and not conflict else "",
        "mine": _mine(request, service),
        "pair": [f.origin for f in page.shown],
    }
    status = status_of(problem) if problem else 200
    return rendered(request, service, "audit_case.html", status, **values)


def _mine(request: Request, service: Service) -> content.Told | None:
    return audit_content.mine(service.desk, who_asks(request, service))


def _address(kind: Kind | None, offset: int = 0) -> str:
    asked = [f"kind={kind.value}"] if kind else []
    asked += [f"offset={offset}"] if offset else []
    return "?" + "&".join(asked) if asked else ""
