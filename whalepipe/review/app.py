"""The application: pages, interface and guard, and what becomes of errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, Response

from whalepipe import __version__
from whalepipe.errors import WhalepipeError
from whalepipe.review.api import api
from whalepipe.review.audit_api import audit_api
from whalepipe.review.audit_pages import audit_pages
from whalepipe.review.guard import AGAIN_S, Guard
from whalepipe.review.pages import pages, shown_error
from whalepipe.review.service import Service
from whalepipe.review.statuses import status_of

ABOUT = (
    "The queue of a run, its crops beside their candidates, decisions, and `POST /identify` for one photo. "
    "Beyond the computer that it runs on, send the token as `Authorization: Bearer TOKEN`."
)


def create_app(service: Service) -> FastAPI:
    """The application of one server."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.desk.close()

    app = FastAPI(
        title="whalepipe review", version=__version__, description=ABOUT, docs_url=None, redoc_url=None, lifespan=life
    )
    app.include_router(api(service))
    app.include_router(audit_api(service))
    app.include_router(pages(service), include_in_schema=False)
    app.include_router(audit_pages(service), include_in_schema=False)
    app.add_middleware(Guard, rules=service.rules)
    _answer_errors(app, service)
    return app


def _answer_errors(app: FastAPI, service: Service) -> None:
    @app.exception_handler(WhalepipeError)
    def refused(request: Request, error: WhalepipeError) -> Response:
        return _said(request, service, status_of(error), str(error))

    @app.exception_handler(StarletteHTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return _said(request, service, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, error: RequestValidationError) -> Response:
        faults = [f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in error.errors()]
        return _said(request, service, 422, "; ".join(faults))


def _said(request: Request, service: Service, status: int, why: str) -> Response:
    """JSON for programs, a page for people; text that no UTF-8 can hold is replaced."""
    why = why.encode("utf-8", "replace").decode()
    if "text/html" in request.headers.get("accept", ""):
        answer = shown_error(request, service, status, why)
    else:
        answer = JSONResponse({"error": why}, status)
    if status == 503:
        answer.headers["Retry-After"] = AGAIN_S
    return answer
