"""The server."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

import uvicorn

from whalepipe.errors import WhalepipeError
from whalepipe.job import Job
from whalepipe.review.app import create_app
from whalepipe.review.desk import open_desk
from whalepipe.review.guard import Rules
from whalepipe.review.service import Service

LOOPBACK_NAMES = ("localhost",)


@dataclass(frozen=True)
class Address:
    """Where a server listens. Port 0: any that is free."""

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""  # needed beyond this computer; made up where it is empty


def serve(job: Job, address: Address, who: str, tell: Callable[[str], None]) -> None:
    """Serve the page until interrupted; `tell` gets the address to open. Raises WhalepipeError."""
    token = address.token or ("" if is_loopback(address.host) else secrets.token_urlsafe(24))
    desk = open_desk(job)
    app = create_app(Service(desk, Rules(token), who) if who else Service(desk, Rules(token)))
    server = uvicorn.Server(uvicorn.Config(app, address.host, address.port, log_level="warning", server_header=False))
    try:
        sockets = [server.config.bind_socket()]
    except SystemExit as error:  # what uvicorn makes of a port in use
        desk.close()
        raise WhalepipeError(f"cannot listen on {address.host}:{address.port}; choose another --port") from error
    sockets[0].listen()  # who opens the address at once waits, and is not refused
    port = sockets[0].getsockname()[1]
    tell(f"http://{_shown(address.host)}:{port}/" + (f"?token={token}" if token else ""))
    server.run(sockets)


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
