"""The same application over TCP, by uvicorn: a browser's first visit, before it knows of HTTP/3.

A request to upgrade is handed to the carrier's own protocol: through ASGI each datagram would pass two queues, in which
it could no longer be dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from avl_protocol.endpoint.accept.admission import ConnectionAdmission
from avl_protocol.endpoint.accept.hits import Hits
from avl_protocol.endpoint.accept.quota import Quota
from avl_protocol.rate.limits import Limits
from avl_relay.http.pageconnection import PageConnection

#: Seconds for which the date in answers stays.
DATED = 1.0


class TcpServer:
    """uvicorn on a socket of ours, inside a loop of ours, leaving signals alone."""

    def __init__(
        self,
        *,
        app: Any,
        address: tuple[str, int],
        certificate: Path | None,
        key: Path | None,
        upgraded: Callable[[], asyncio.Protocol],
        limits: Limits,
        most: int,
        bound: socket.socket | None = None,
    ) -> None:
        """`bound`: the socket, where it is bound already. `upgraded()` speaks on a transport whose client asked for a
        WebSocket, beginning with its request. `most`: connections that there are descriptors for."""
        places = replace(limits.pages, total=min(limits.pages.total, most))
        quota, admission = Quota(places, places, limits.stranger_grace), ConnectionAdmission(limits)
        self._quota = quota

        def page_connection(**given: Any) -> PageConnection:
            return PageConnection(quota=quota, admission=admission, limits=limits, **given)

        def upgrade(config: object, server_state: object, app_state: object) -> asyncio.Protocol:
            return upgraded()

        self._server = QuietServer(
            uvicorn.Config(
                app,
                http=page_connection,  # type: ignore[arg-type]
                log_config=None,
                access_log=False,
                ws=upgrade,  # type: ignore[arg-type]
                lifespan="off",
                server_header=False,
                ssl_certfile=certificate,
                ssl_keyfile=key,
                timeout_graceful_shutdown=1,
            ),
            bound or _bound(address),
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._server.address

    @property
    def hits(self) -> Hits:
        """Connections that came too fast, got no place, or had to give way."""
        return self._quota.hits

    def renew(self, certificate: Path, key: Path) -> None:
        """Present what these files hold, beginning with the next connection. Raises OSError."""
        assert self._server.config.ssl is not None
        self._server.config.ssl.load_cert_chain(certificate, key)

    async def start(self) -> None:
        """Accept connections."""
        await self._server.start()

    async def close(self) -> None:
        """Stop, giving running answers a second."""
        await self._server.close()


def _bound(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    return made


class QuietServer(uvicorn.Server):
    """The program owns the signals, not its web server, which wakes up once a second and not ten times: by then the
    date that answers are sent under is another."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(config)
        self._bound = bound
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._bound.getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Answer from now on."""
        self._task = asyncio.get_running_loop().create_task(self.serve(sockets=[self._bound]))
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop, giving running answers a second."""
        self.should_exit = True
        self._ending.set()
        if self._task is not None:
            await self._task
        self._bound.close()

    async def main_loop(self) -> None:
        """Wait for `close`."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATED)

    def install_signal_handlers(self) -> None:
        """Install none."""

    def capture_signals(self) -> Any:
        """Capture none."""
        return contextlib.nullcontext()
