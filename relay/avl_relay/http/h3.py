"""The same application over HTTP/3, and on the TCP port beside it: ASGI on the requests that our own endpoints hand
over."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote_to_bytes

from avl_protocol.endpoint.accept.sources import source
from avl_protocol.quic.http3 import HttpRequest
from avl_protocol.rate.limits import DEFAULT, Limits
from avl_relay.http.bounds import BODY, takes_bodies

#: Bytes of an answer that may wait in the connection.
BACKLOG = 64 * 1024


class _Exchange:
    """One request on its way through the application."""

    def __init__(self) -> None:
        self.body: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.received = 0
        #: Set when the connection has room for more of the answer, or will never have.
        self.room = asyncio.Event()


class _Source:
    """The turns of one source: so many answers at once, the others wait. `waiting`: those that have or want one."""

    def __init__(self, most: int) -> None:
        self.turns = asyncio.Semaphore(most)
        self.waiting = 0


class AsgiHandler:
    """The HttpHandler of our endpoint. An answer that nobody reads holds up those to its own source, for a time."""

    def __init__(self, app: Any, log: Any, limits: Limits = DEFAULT) -> None:
        self._app = app
        self._log = log
        self._limits = limits
        self._sources: dict[str, _Source] = {}
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
        """A piece of a request's body, which only the API takes (bounds.py), and only so much of it."""
        exchange = self._exchanges.get(request)
        if exchange is None:
            return
        exchange.received += len(data)
        if exchange.received > (BODY if takes_bodies(request.path) else 0):
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
        """Answer when it is this one's turn, within the time that an answer has."""
        key = source(request.peer_address[0])
        asking = self._sources.setdefault(key, _Source(self._limits.answers))
        asking.waiting += 1
        try:
            async with asking.turns, asyncio.timeout(self._limits.answer_seconds):
                if not request.over:
                    await self._run(request, exchange)
        except TimeoutError:
            request.abandon()
        finally:
            self._exchanges.pop(request, None)
            asking.waiting -= 1
            if not asking.waiting:
                self._sources.pop(key, None)

    async def _run(self, request: HttpRequest, exchange: _Exchange) -> None:
        path, _, query = request.path.encode("latin-1").partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": request.version,
            "method": request.method,
            "scheme": "https",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
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
                body = b"" if request.method == "HEAD" else message.get("body", b"")
                request.send_data(body, not message.get("more_body", False))

        await self._app(scope, exchange.body.get, send)
