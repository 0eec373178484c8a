"""What stands before every page: who may ask, from where, how much at once.

A page on this computer can be reached by any site that the browser shows. So the Host must be one that this server has
(else a foreign name could be pointed here: DNS rebinding), a request that changes something must come from the page
itself (Origin and Sec-Fetch-Site, which browsers send and scripts of other sites cannot forge; forms carry a secret of
this start besides, and JSON cannot be sent from elsewhere without a question that is never answered), and beyond this
computer whoever asks must know the token. Then any name will do: the token is a cookie of the name that it was given
to, which no other name has.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "whalepipe-token"
SAFE = ("GET", "HEAD")
OPEN = ("/health", "/ready")  # to be asked by whatever watches over the service
HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
AGAIN_S = "2"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with less, browsers would not tell where a form comes from
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Rules:
    """What a server lets in."""

    token: str = ""  # to be known by whoever asks; empty: this computer only
    largest: int = 64_000_000  # bytes of a request
    at_once: int = 32  # requests
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24))  # the secret in the forms of this start


class Guard:
    """Refuses, or lets through with headers that keep the page to itself."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope)
        if refusal is not None:
            return await refusal(scope, receive, _with_headers(send))
        if self._now >= self._rules.at_once and scope["path"] not in OPEN:
            busy = refused(503, "too many requests at once; ask again in a moment")
            busy.headers["Retry-After"] = AGAIN_S
            return await busy(scope, receive, _with_headers(send))
        self._now += 1
        try:
            await self._let_through(scope, receive, send)
        finally:
            self._now -= 1

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._rules.largest

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:  # whatever it said of its length
                raise HTTPException(413, self._limit)
            return message

        await self._app(scope, counted, _with_headers(send))

    @property
    def _limit(self) -> str:
        return f"more than {self._rules.largest / 1e6:g} MB are not taken at once"

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] in OPEN:
            return None
        return self._stranger(scope, headers) or self._forged(scope, headers) or self._huge(headers)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """Who came by a name that is not this server's, or does not know the token."""
        if not self._rules.token:
            known = _name(headers.get("host", "")) in HERE
            return None if known else refused(421, "this server is asked by another name than its own")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.pop("token", [""])[0]
        if given and scope["method"] in SAFE and self._right(given):
            return self._welcome(scope, query, given)
        if self._right(_bearer(headers)) or self._right(_cookie(headers)):
            return None
        refusal = refused(401, "the token is missing or wrong; open the address that the server printed at its start")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._rules.token.encode())

    def _welcome(self, scope: Scope, query: dict[str, list[str]], token: str) -> Response:
        """The same address without the token, which is a cookie from now on: addresses are shown and passed on."""
        path = "/" + scope["path"].lstrip("/")  # with two slashes it would be another server's
        answer = RedirectResponse(path + ("?" + urlencode(query, doseq=True) if query else ""), status_code=303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer

    def _forged(self, scope: Scope, headers: Headers) -> Response | None:
        """What another site would have a browser send here: decisions, and what takes work. A link may lead here."""
        own_page = headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        if scope["method"] in SAFE:
            led = own_page or headers.get("sec-fetch-mode") == "navigate"
            return None if led else refused(403, "another site's page asks for this; open it here")
        origin, own = headers.get("origin"), f"{scope['scheme']}://{headers.get('host', '')}"
        if not own_page or origin not in (None, own):
            return refused(403, "this comes from another site's page; decisions are taken on this one")
        return None

    def _huge(self, headers: Headers) -> Response | None:
        length = headers.get("content-length", "0")
        return None if length.isdecimal() and int(length) <= self._rules.largest else refused(413, self._limit)


def refused(status: int, why: str) -> Response:
    """An answer that says why not."""
    return JSONResponse({"error": why}, status)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent


def _name(host: str) -> str:
    """`localhost` of `localhost:8765`, `[::1]` of `[::1]:8765`."""
    return host.lower() if host.endswith("]") else host.rpartition(":")[0].lower() or host.lower()


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
