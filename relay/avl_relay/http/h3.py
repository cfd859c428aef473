"""The same application over HTTP/3: ASGI on the requests that our own endpoint hands over."""

from __future__ import annotations

import asyncio
from typing import Any

from avl_protocol.quic.http3 import HttpRequest

#: Bytes of an answer that may wait in the connection.
BACKLOG = 256 * 1024


class _Exchange:
    """One request on its way through the application."""

    def __init__(self) -> None:
        self.body: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        #: Set when the connection has room for more of the answer, or will never have.
        self.room = asyncio.Event()


class AsgiHandler:
    """The HttpHandler of our endpoint."""

    def __init__(self, app: Any, log: Any) -> None:
        self._app = app
        self._log = log
        self._exchanges: dict[HttpRequest, _Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
        """Begin to answer a request."""
        exchange = self._exchanges[request] = _Exchange()
        if end:
            exchange.body.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        task = asyncio.get_running_loop().create_task(self._answer(request, exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def body_received(self, request: HttpRequest, data: bytes, end: bool, now: float) -> None:
        """The end of a request; one with a body is refused."""
        exchange = self._exchanges.get(request)
        if exchange is None:
            return
        if data:
            request.abandon()
            exchange.body.put_nowait({"type": "http.disconnect"})
            exchange.room.set()
            return
        exchange.body.put_nowait({"type": "http.request", "body": data, "more_body": not end})

    def request_writable(self, request: HttpRequest, now: float) -> None:
        """What was sent has drained."""
        if (exchange := self._exchanges.get(request)) is not None:
            exchange.room.set()

    def request_reset(self, request: HttpRequest, now: float) -> None:
        """The client no longer wants the answer."""
        if (exchange := self._exchanges.get(request)) is not None:
            exchange.body.put_nowait({"type": "http.disconnect"})
            exchange.room.set()

    async def _answer(self, request: HttpRequest, exchange: _Exchange) -> None:
        path, _, query = request.path.encode("latin-1").partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "3",
            "method": request.method,
            "scheme": "https",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", request.authority.encode("latin-1")), *request.headers],
            "client": request.peer_address,
            "server": None,
        }

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                request.send_headers(message["status"], list(message.get("headers", ())))
            elif message["type"] == "http.response.body":
                while request.backlog > BACKLOG and not request.over:
                    exchange.room.clear()
                    request.tell_room(BACKLOG)
                    await exchange.room.wait()
                request.send_data(message.get("body", b""), not message.get("more_body", False))

        try:
            await self._app(scope, exchange.body.get, send)
        finally:
            self._exchanges.pop(request, None)
