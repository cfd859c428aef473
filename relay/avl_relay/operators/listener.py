"""The private listener: /metrics, /health and /ready, over plain HTTP for who runs this relay.

It tells how many are connected, never who. Still it belongs on this machine alone, so nothing else is taken unless that
is said; and a page in a browser on this machine can't read it under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from avl_relay.http.app import host_allowed
from avl_relay.http.tcp import QuietServer
from avl_relay.operators.standing import Look, Standing
from avl_relay.settings.loopback import is_private

#: Connections at a time: monitoring needs one or two.
MOST = 32
#: What Prometheus reads (its text format).
TYPE = "text/plain; version=0.0.4; charset=utf-8"


def names_of(host: str) -> frozenset[str] | None:
    """The names by which a listener at this address may be asked for; None where others than this machine may ask."""
    return frozenset((host, "127.0.0.1", "::1", "localhost")) if is_private(host) else None


def build(look: Look, exposition: Callable[[Standing], bytes], names: frozenset[str] | None) -> Starlette:
    """The application. `names`: those by which it may be asked for; None: any."""

    def route(path: str, make: Callable[[], Awaitable[Response]]) -> Route:
        async def answer(request: Request) -> Response:
            if names is not None and not host_allowed(request.headers.get("host", ""), names):
                return PlainTextResponse("This is not known by that name.\n", 421)
            return await make()

        return Route(path, answer)

    async def metrics() -> Response:
        return Response(exposition(await look()), media_type=TYPE)

    async def health() -> Response:
        return PlainTextResponse("alive\n")

    async def ready() -> Response:
        accepting = (await look()).accepting
        return PlainTextResponse("ready\n") if accepting else PlainTextResponse("not ready\n", 503)

    return Starlette(routes=[route("/metrics", metrics), route("/health", health), route("/ready", ready)])


class Listener:
    """The listener of one relay."""

    def __init__(self, app: Starlette, address: tuple[str, int]) -> None:
        """Bind. Raises OSError."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        self._server = QuietServer(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                ws="none",
                lifespan="off",
                server_header=False,
                limit_concurrency=MOST,
                timeout_graceful_shutdown=1,
            ),
            bound,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._server.address

    async def start(self) -> None:
        """Answer from now on."""
        await self._server.start()

    async def close(self) -> None:
        """Stop, giving running answers a second."""
        await self._server.close()
