"""The pages for people: the queue, a query, the decisions. Forms work without JavaScript; keys and zoom need it."""

import hmac
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, unquote

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from jinja2 import ChoiceLoader, Environment, PackageLoader
from pydantic import Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from whalepipe.catalog.decisions import ConflictError, Verdict
from whalepipe.errors import CatalogError
from whalepipe.photos import as_text
from whalepipe.report.page import templates as of_the_report
from whalepipe.report.pictures import Source
from whalepipe.review import content
from whalepipe.review.api import MOST, Number
from whalepipe.review.desk import Ask
from whalepipe.review.narrow import Narrow
from whalepipe.review.queue import SECTIONS, Wanted
from whalepipe.review.service import LONGEST, Service, Text, address, narrow, wanted
from whalepipe.review.statuses import status_of
from whalepipe.store import titled
from whalepipe.tables import VIEWS

WHO = "whalepipe-who"  # the cookie with one's name
YEAR_S = 365 * 24 * 3600
FILES = {
    "report.css": ("whalepipe.report", "templates/report.css", "text/css"),
    "review.css": ("whalepipe.review", "static/review.css", "text/css"),
    "audit.css": ("whalepipe.review", "static/audit.css", "text/css"),
    "audit.js": ("whalepipe.review", "static/audit.js", "text/javascript"),
    "glass.js": ("whalepipe.review", "static/glass.js", "text/javascript"),
    "icon.svg": ("whalepipe.review", "static/icon.svg", "image/svg+xml"),
    "review.js": ("whalepipe.review", "static/review.js", "text/javascript"),
}
Items = Annotated[Wanted, Depends(wanted)]
Candidates = Annotated[Narrow, Depends(narrow)]
Secret = Annotated[str, Form(max_length=LONGEST)]
Why = Annotated[str, Form(max_length=2000)]
Name = Annotated[str, Form(max_length=LONGEST)]


def pages(service: Service) -> APIRouter:
    """All pages, and what they are made of."""
    router = APIRouter()
    _shown(router, service)
    _sent(router, service)
    _made_of(router, service)
    return router


def _shown(router: APIRouter, service: Service) -> None:
    @router.get("/")
    def queue(request: Request, items: Items, offset: Number = 0) -> Response:
        service.desk.refresh()
        page = content.queue_page(service.desk, items, offset)
        links = {
            "more": address(items, offset=offset + content.LISTED),
            "back": address(items, offset=max(0, offset - content.LISTED)),
        }
        return rendered(request, service, "queue.html", page=page, items=items, links=links, query=address(items))

    @router.get("/crops/{crop}")
    def crop(request: Request, crop: str, items: Items, candidates: Candidates) -> Response:
        return _query(request, service, service.known(crop), items, candidates)

    @router.get("/decisions")
    def decisions(request: Request) -> Response:
        service.desk.refresh()
        return rendered(request, service, "decisions.html", decisions=content.decisions_page(service.desk))


def _sent(router: APIRouter, service: Service) -> None:
    @router.post("/decide")
    def decide(
        request: Request,
        items: Items,
        candidates: Candidates,
        form: Secret,
        verdict: Annotated[Verdict, Form()],
        crop: Annotated[list[str], Form(min_length=1, max_length=100)],
        seen: Annotated[list[int], Form(min_length=1, max_length=100)],
        together: Annotated[str, Form(max_length=9)] = "",
        individual: Name = "",
        other: Name = "",
        called: Name = "",
        why: Why = "",
    ) -> Response:
        own_form(service, form)
        frames = [service.known(name) for name in crop][: None if together else 1]
        named = {Verdict.same: other.strip() or individual, Verdict.different: individual, Verdict.new: called.strip()}
        ask = Ask(verdict, dict(zip(frames, seen, strict=False)), named.get(verdict, ""))
        after = _after(service, frames[0], items, verdict)  # before it leaves the queue
        try:
            service.desk.decide(ask, service.by(who_asks(request, service), why))
        except CatalogError as error:
            return _query(request, service, frames[0], items, candidates, error)
        return RedirectResponse(f"/crops/{quote(after)}{address(items)}" if after else f"/{address(items)}", 303)

    @router.post("/undo")
    def undo(
        request: Request,
        form: Secret,
        decision: Annotated[list[Annotated[int, Field(ge=1, le=MOST)]], Form(min_length=1, max_length=100)],
        back: Name = "",
    ) -> Response:
        own_form(service, form)
        by = service.by(who_asks(request, service), "")
        made = service.desk.undo_all(decision, by)
        crop = service.desk.index.by_origin.get(made[-1].subject, "")
        return RedirectResponse(f"/crops/{quote(crop)}" if crop and not back else "/decisions", 303)

    @router.post("/who")
    def who(form: Secret, name: Name) -> Response:
        own_form(service, form)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(WHO, quote(name.strip()), max_age=YEAR_S, httponly=True, samesite="strict")
        return answer


def _made_of(router: APIRouter, service: Service) -> None:
    @router.get("/pictures/{kind}")
    def picture(kind: str, crop: Text, individual: Text = "") -> Response:
        source = Source(crop, individual) if individual else Source(service.known(crop))
        small = kind == "small"
        data = service.pictures.small(source) if small else service.pictures.whole(source)
        if data is None:
            raise HTTPException(404, "there is no such picture")
        return Response(data, 200, {"Cache-Control": "private, max-age=600"}, "image/webp" if small else "image/jpeg")

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in FILES:
            raise HTTPException(404, "there is no such file")
        package, path, kind = FILES[name]
        return Response(resources.files(package).joinpath(path).read_bytes(), media_type=kind)


def own_form(service: Service, secret: str) -> None:
    """Raise HTTPException for a form that is not of this start of the server."""
    if not hmac.compare_digest(secret.encode(), service.rules.form.encode()):
        raise HTTPException(403, "this form is of before the server was started again; reload the page and decide anew")


def who_asks(request: Request, service: Service) -> str:
    """The name of the person at this browser."""
    return unquote(request.cookies.get(WHO, ""))[:LONGEST] or service.who


def _after(service: Service, crop: str, items: Wanted, verdict: Verdict) -> str:
    """What is shown next: a denied candidate leaves the query open."""
    return crop if verdict is Verdict.different else service.desk.beside(crop, items)[1]


def _query(
    request: Request,
    service: Service,
    crop: str,
    items: Wanted,
    candidates: Narrow,
    problem: CatalogError | None = None,
) -> Response:
    """The page of a query; with what stood in the way of a decision, where something did."""
    service.desk.refresh()
    page = content.query_page(service.desk, crop, items, candidates)
    conflict = content.told(service.desk, problem.decision) if isinstance(problem, ConflictError) else None
    status = status_of(problem) if problem else 200
    without = {k.name: address(items, _without(candidates, k.name)) for k in page.kept}
    return rendered(
        request,
        service,
        "query.html",
        status,
        page=page,
        problem=str(problem) if problem and not conflict else "",
        conflict=conflict,
        without=without,
        narrowed=candidates,
        query=address(items, candidates),
        onward=address(items),
        asked={name: values[-1] for name, values in parse_qs(address(items)[1:], keep_blank_values=True).items()},
        mine=content.mine(service.desk, who_asks(request, service)),
    )


def _without(candidates: Narrow, name: str) -> Narrow:
    return Narrow(**{k.name: k.value for k in candidates.kept() if k.name != name})


def shown_error(request: Request, service: Service, status: int, why: str) -> Response:
    """A page that says what went wrong."""
    return rendered(request, service, "error.html", status, why=why)


def rendered(request: Request, service: Service, name: str, status: int = 200, **values: Any) -> Response:
    """A page made of a template and what all pages show."""
    shared = {
        "status": status,
        "title": as_text(titled(service.desk.job.raw_dir)),
        "counts": service.desk.counts,
        "sections": SECTIONS,
        "who": who_asks(request, service),
        "form": service.rules.form,
        "started": service.started,
        "last": service.desk.last,
        "path": request.url.path,
        "section": "",
        "problem_of_tables": service.desk.writer.problem,
    }
    return HTMLResponse(_templates().get_template(name).render(**shared, **values), status)


@cache
def _templates() -> Environment:
    """The report's, with those of the pages before them."""
    loaders: Sequence[PackageLoader] = [PackageLoader("whalepipe.review"), PackageLoader("whalepipe.report")]
    environment = of_the_report().overlay(loader=ChoiceLoader(loaders))
    environment.globals["views"] = VIEWS
    environment.filters["named"] = lambda name: quote(name, safe="")
    return environment
